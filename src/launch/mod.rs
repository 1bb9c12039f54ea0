//! Jobs: what is typed becomes the MPI flavour's own command line and environment, runs, and leaves nothing behind.
//!
//! [`command_line`] and [`with_abort`] are pure. [`run_local`] runs on this machine with no set-up; on a cluster
//! [`wrapper_script`] runs on the head node and [`sweep_script`] on every node. Every process of a job carries its
//! id in its environment as [`JOB_VARIABLE`]: that, and never its name alone, makes it one that may be killed.

mod launcher;
mod local;
mod rewrite;
mod wrapper;

pub use launcher::{Job, Launch, command_line};
pub use local::{local_environment, run_local};
pub use rewrite::with_abort;
pub use wrapper::{JOB_VARIABLE, Wrapped, new_job_id, sweep_script, wrapper_script};

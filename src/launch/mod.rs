//! Jobs: what is typed becomes the MPI flavour's own command line and environment, runs, and leaves nothing behind.
//!
//! [`command_line`] and [`with_abort`] are pure. [`run_local`] runs on this machine with no set-up; on a cluster a
//! [`Crew`] is chosen from how the nodes stand, [`wrapper_script`] runs on the head node, every rank tells how it ended
//! ([`Endings`]), and [`sweep_script`] runs on every node. Every process of a job carries its id in its environment as
//! [`JOB_VARIABLE`]: that, and never its name alone, makes it one that may be killed.

mod crew;
mod endings;
mod launcher;
mod local;
mod noise;
mod rewrite;
mod standing;
mod wrapper;

pub use crew::{Crew, CrewNode};
pub use endings::{Ending, Endings, telling};
pub use launcher::{Hosts, Job, Launch, command_line};
pub use local::{local_environment, run_local};
pub use noise::Noise;
pub use rewrite::with_abort;
pub use standing::Standing;
pub use wrapper::{JOB_VARIABLE, Wrapped, feed_script, new_job_id, sweep_script, wrapper_script};

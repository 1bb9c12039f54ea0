//! Python environments that are fetched once and work at any path: MPI, mpi4py and whatever else programs need,
//! without root and without internet on the nodes.
//!
//! [`bundle`] fetches wheels on the operator's machine, with pip as the engine, and keeps them as one archive in the
//! cache; [`install_script`] is what a node runs to turn that archive into an environment.
//! Not promised: packages that exist only as source. They would have to be built on every node.

mod cache;
mod environment;
mod pip;
mod target;
mod wheels;

pub use cache::cache_dir;
pub use environment::{STAMP, install_script};
pub use target::{Libc, Target};
pub use wheels::{Bundle, bundle, key, packages_of};

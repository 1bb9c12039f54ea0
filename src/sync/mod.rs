//! The share of kind `sync`: the working directory's files, mirrored to the shared folder of every node.
//!
//! Guarantees: a file that was changed on a node since it was put there is never overwritten, but named; nothing is ever
//! deleted there; only files that differ travel. What was put there is noted in the journal, so that `down` takes
//! exactly that away again.

mod local;
mod mirror;

pub use local::{LocalFile, files};
pub use mirror::{Mirrored, Share, mirror};

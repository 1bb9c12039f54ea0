//! The working directory's files, mirrored to the shared folder: of every node where the share is `sync`, of the head node where
//! the nodes share one.
//!
//! Guarantees: a file that was changed on a node since it was put there is never overwritten, but named; nothing is ever
//! deleted there; only files that differ travel; a file takes its name only when all of it is there, so that a job never
//! reads half of one. What is put there is noted in the journal first, so that `down` takes exactly that away again.
//! Not promised: that all files change at the same moment, for a job that runs while another one is mirrored.

mod ask;
mod compare;
mod local;
mod send;

pub use ask::ask;
pub use compare::Wanted;
pub use local::{LocalFile, files};
pub use send::{Archive, pack, send};

/// Where a node's share lies, and what the journal's entry of it is.
#[derive(Debug, Clone)]
pub struct Share<'a> {
    pub path: &'a str,
    /// The journal's folder of the cluster on this node.
    pub state: &'a str,
    /// The account that owns the share.
    pub user: &'a str,
    pub is_root: bool,
}

impl Share<'_> {
    /// The list beside the journal, of everything that was ever put into the share: `HASH PATH` a line.
    fn list(&self) -> String {
        format!("{}/synced/list", self.state)
    }
}

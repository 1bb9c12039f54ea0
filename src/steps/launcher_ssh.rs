//! The ssh that MPI's launcher uses where plain ssh would not do, and the shells for which it does not.
//!
//! Open MPI writes the command for the other nodes in the language of the head node's login shell, and knows bash, zsh,
//! ksh and csh. `ssh.sh` lets every node's `sh` read it.

use super::{Cluster, Member, write};
use crate::changes::{Change, Wave};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let path = path(cluster);
    let why =
        "ssh for MPI's launcher: any login shell will do, and what start-up files print is no output of a program";
    write::user_file(cluster, member, Wave::Mesh, (&path, "755"), include_str!("ssh.sh").to_owned(), why)
        .into_iter()
        .collect()
}

/// The same on every node.
pub fn path(cluster: &Cluster) -> String {
    format!("{}/ssh", cluster.layout.own)
}

/// True when plain ssh starts no program of the cluster on some node: its shell speaks another language, or reads no file
/// in which the path to the programs could stand.
pub fn is_needed(cluster: &Cluster) -> bool {
    cluster.members.iter().any(|member| !matches!(member.shell(), "bash" | "zsh"))
}

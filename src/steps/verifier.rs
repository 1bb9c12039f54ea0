//! What the proof needs on each node: the node's name in the cluster, and the program of the MPI job.

use super::{Cluster, Member, write};
use crate::changes::{Change, Wave};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let own = &cluster.layout.own;
    let file = |name: &str, content: String, why: &str| {
        write::user_file(cluster, member, Wave::Mesh, (&format!("{own}/{name}"), "644"), content, why)
    };
    let name = file("node", format!("{}\n", member.spec.name), "the node's name, by which the proof tells nodes apart");
    let program = file("verify.py", include_str!("verify.py").to_owned(), "the MPI job that proves the cluster");
    name.into_iter().chain(program).collect()
}

//! Each node makes its own key for the cluster; only the public half travels.

use super::{Cluster, Member, write};
use crate::{
    changes::{Change, Primitive, Wave},
    facts::files::File,
    spec::NodeName,
};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let path = &cluster.layout.key;
    let key = member.facts.file(&cluster.layout.asked(path));
    let other = key.and_then(|key| write::attributes(key, "600", &cluster.spec.user));
    if public(cluster, member).is_some() && other.is_none() && member.is_complete(&format!("keypair {path}")) {
        return vec![];
    }
    vec![Change {
        primitive: Primitive::KeyPair {
            path: path.clone(),
            owner: cluster.owner(),
            comment: comment(cluster, &member.spec.name),
        },
        wave: Wave::Ground,
        guard: None,
        before: key.map(|_| String::new()),
        why: other
            .unwrap_or_else(|| "the node logs in to the others with a key of its own, which never leaves it".into()),
    }]
}

/// The node's public key, where it has one already.
pub fn public(cluster: &Cluster, member: &Member) -> Option<String> {
    let taken = |key: &File| key.owner != cluster.spec.user;
    if member.facts.file(&cluster.layout.asked(&cluster.layout.key)).is_some_and(taken) {
        return None;
    }
    let text = member.facts.text(&cluster.layout.asked(&format!("{}.pub", cluster.layout.key)))?.trim();
    text.starts_with("ssh-").then(|| text.to_owned())
}

/// By which the key of a node is known in the files of the others.
pub fn comment(cluster: &Cluster, node: &NodeName) -> String {
    format!("mpiup:{}:{node}", cluster.spec.name)
}

//! Who may log in: each node's key, from that node's addresses only, with nothing but a shell.

use std::collections::BTreeSet;

use super::{
    Cluster, Member, key,
    write::{self, Block},
};
use crate::changes::{Change, Place, Wave, text::public_key_of};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let content: String = cluster
        .members
        .iter()
        .map(|peer| {
            let key = key::public(cluster, peer).unwrap_or_else(|| public_key_of(&peer.spec.name));
            format!("from=\"{}\",restrict,pty {key}\n", sources(peer, member))
        })
        .collect();
    let path = format!("{}/.ssh/authorized_keys", cluster.layout.home);
    let owner = cluster.owner(member);
    let at = Block { path: &path, owner: &owner, place: Place::Bottom, mode: "600" };
    let why = "the nodes log in to each other; every key only from its own node's addresses";
    write::block(cluster, member, Wave::Mesh, at, content, why).into_iter().collect()
}

/// The addresses from which `peer` comes to `member`: all that are its own, and the loopback when it is the node itself.
fn sources(peer: &Member, member: &Member) -> String {
    let mut sources: BTreeSet<String> = BTreeSet::new();
    sources.insert(peer.address.to_string());
    for interface in peer.facts.addresses.iter().filter(|interface| !interface.is_local()) {
        let shared = |other: &Member| other.facts.addresses.iter().any(|own| own.address == interface.address);
        if peer.spec.name == member.spec.name || !shared(member) {
            sources.insert(interface.address.to_string());
        }
    }
    let mut sources: Vec<String> = sources.into_iter().collect();
    if peer.spec.name == member.spec.name {
        sources.extend(["127.0.0.0/8".to_owned(), "::1".to_owned()]);
    }
    sources.join(",")
}

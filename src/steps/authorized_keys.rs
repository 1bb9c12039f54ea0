//! Who may log in: each node's key, from that node's addresses only, with nothing but a shell; and whoever may log in as
//! root already, so that the operator can work as the cluster's user.

use std::collections::BTreeSet;

use super::{
    Cluster, Member, key,
    write::{self, Block},
};
use crate::changes::{Change, Place, Wave, block, text::public_key_of};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let path = format!("{}/.ssh/authorized_keys", cluster.layout.home);
    let before = member.facts.text(&cluster.layout.asked(&path)).unwrap_or_default();
    let known = block::content(before, &cluster.layout.mark).unwrap_or_default();
    let nodes = cluster.names().into_iter().filter_map(|(name, _)| match cluster.member(name) {
        Some(peer) => {
            let key = key::public(cluster, peer).unwrap_or_else(|| public_key_of(name));
            Some(format!("from=\"{}\",restrict,pty {key}\n", sources(peer)))
        }
        // Switched off: its key stays.
        None => {
            let comment = format!(" {}", key::comment(cluster, name));
            known.lines().find(|line| line.ends_with(&comment)).map(|line| format!("{line}\n"))
        }
    });
    let content: String = operators(cluster, member).into_iter().chain(nodes).collect();
    let owner = cluster.owner();
    let at = Block { path: &path, owner: &owner, place: Place::Bottom, mode: "600" };
    let why = "the nodes log in to each other, every key only from its own node's addresses; who may log in as root may do so as this user";
    let change = write::block(cluster, member, Wave::Mesh, at, content, why);
    change.map(|change| write::read_at_login(cluster, member, change)).into_iter().collect()
}

/// The addresses from which a node comes: all that are its own and no other's, and the loopback when it is itself that
/// it logs in to.
fn sources(peer: &Member) -> String {
    let own = peer.facts.addresses.iter().filter(|interface| !interface.is_local() && !interface.is_bridge());
    let sources: BTreeSet<String> =
        own.map(|interface| interface.address.to_string()).chain([peer.address.to_string()]).collect();
    let sources: Vec<String> = sources.into_iter().chain(["127.0.0.0/8".into(), "::1".into()]).collect();
    sources.join(",")
}

/// Keys of whoever may log in to this node as root already: nobody gains a right by it. Keys with options are bound to a
/// purpose, and stay there.
fn operators(cluster: &Cluster, member: &Member) -> Vec<String> {
    if !member.facts.is_root || member.facts.login.name == cluster.spec.user {
        return vec![];
    }
    let kinds = ["ssh-", "ecdsa-", "sk-"];
    let plain = |line: &&String| kinds.iter().any(|kind| line.starts_with(kind)) && !line.contains(" mpiup:");
    member.facts.operator_keys.iter().filter(plain).map(|line| format!("{line}\n")).collect()
}

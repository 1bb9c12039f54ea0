//! The head node's part: the server runs, and exports the share to the addresses of the cluster's other nodes alone.

use std::net::IpAddr;

use super::{EXPORTS, UNIT, own_exports};
use crate::{
    changes::{Change, Primitive, Text, Wave},
    facts::exports,
    spec::{NodeName, ShareKind},
    steps::{Cluster, Member},
};

/// Root on another node is nobody here, and what was written is on the disk before it is said to be. Without subtree checks,
/// which break files that are renamed while they are open (exports(5)).
const OPTIONS: &str = "rw,sync,root_squash,no_subtree_check";

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    if cluster.spec.share.kind != ShareKind::Nfs || !cluster.spec.is_head(&member.spec.name) {
        return vec![];
    }
    let facts = &member.facts;
    let nfs = facts.nfs.clone().unwrap_or_default();
    let file = own_exports(&cluster.spec);
    let clients: Vec<_> = cluster.names().into_iter().filter(|(name, _)| !cluster.spec.is_head(name)).collect();
    let share = &cluster.layout.share;
    let others = || nfs.exports.iter().filter(|export| export.file != file && export.path == *share);
    let is_admitted = |(name, address): &(&NodeName, IpAddr)| exports::admit(others(), name.as_str(), *address);
    let mut changes = vec![];
    if nfs.enabled != "enabled" || nfs.active != "active" || !member.is_complete(&format!("service {UNIT}")) {
        changes.push(change(
            Primitive::Service { unit: UNIT },
            "serves the share to the other nodes, on TCP port 2049",
            None,
        ));
    }
    let before = facts.text(&file).map(str::to_owned);
    // What somebody exports to all of them already is adopted. A line without clients would be one for everybody.
    if before.is_none() && (clients.is_empty() || clients.iter().all(is_admitted)) {
        return changes;
    }
    let key = format!("dir {EXPORTS}");
    if facts.file(EXPORTS).is_none() || !member.is_complete(&key) {
        let folder = Primitive::Dir { path: EXPORTS.into(), mode: "755", owner: "root".into() };
        changes.push(change(folder, "exportfs reads its files beside /etc/exports", None));
    }
    // Whom another file names already exportfs would ignore here, with a complaint.
    let is_named =
        |(name, address): &&(&NodeName, IpAddr)| exports::naming(others(), name.as_str(), *address).is_some();
    let clients = clients.iter().filter(|client| !is_named(client));
    let addresses: String = clients.map(|(_, address)| format!(" {address}")).collect();
    let line = if addresses.is_empty() { String::new() } else { format!("{share} -{OPTIONS}{addresses}\n") };
    let content =
        format!("# Written by mpiup: the share of the cluster {}, for its nodes alone.\n{line}", cluster.spec.name);
    if before.as_deref() != Some(&content) || !member.is_complete(&format!("file {file}")) {
        let export =
            Primitive::File { path: file, mode: "644", owner: "root".into(), content: Text::new(content), check: None };
        changes.push(change(export, "the other nodes mount the share; root on them is nobody here", before));
    }
    changes
}

fn change(primitive: Primitive, why: &str, before: Option<String>) -> Change {
    Change { primitive, wave: Wave::Ground, guard: None, why: why.to_owned(), before }
}

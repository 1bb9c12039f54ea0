//! One machine under two names would be given two hostfile lines, two keys and the same files twice. Clones, which have the
//! same numbers and even the same host keys, are machines of their own: they have other addresses.

use std::collections::BTreeMap;

use crate::{
    error::Error,
    facts::Facts,
    spec::{NodeName, NodeSpec},
};

/// What no two machines have in common: the running kernel's number, the system's, its host keys and its addresses.
fn identity(facts: &Facts) -> (&str, &str, &[String], Vec<String>) {
    let addresses = facts.addresses.iter().filter(|at| !at.is_local() && !at.is_bridge());
    (&facts.boot_id, &facts.machine_id, &facts.host_keys, addresses.map(|at| at.address.to_string()).collect())
}

/// Whether both are the same machine.
pub fn are_one(one: &Facts, other: &Facts) -> bool {
    !one.host_keys.is_empty() && !one.boot_id.is_empty() && identity(one) == identity(other)
}

/// Nodes that are the same machine as one before them, each with that one.
pub fn find(seen: &[(NodeSpec, Facts)]) -> BTreeMap<NodeName, NodeName> {
    let mut known: BTreeMap<_, &NodeName> = BTreeMap::new();
    let mut twins = BTreeMap::new();
    for (node, facts) in seen.iter().filter(|(_, facts)| !facts.host_keys.is_empty() && !facts.boot_id.is_empty()) {
        let first = *known.entry(identity(facts)).or_insert(&node.name);
        if first != &node.name {
            twins.insert(node.name.clone(), first.clone());
        }
    }
    twins
}

pub fn error(node: &NodeName, first: &NodeName) -> Error {
    Error::failed(format!("it is the same machine as {first}, under another name or address"))
        .on(node)
        .hinted("Take one of the two out of [nodes]. For more processes on one machine, give it more `slots`.")
}

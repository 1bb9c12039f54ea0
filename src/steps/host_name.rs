//! The node's own name: changed only when the spec asks for it.

use super::{Cluster, Member};
use crate::changes::{Change, Primitive, Wave};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let name = member.spec.name.as_str();
    if !cluster.spec.set_host_names || (member.facts.host_name == name && member.is_complete("hostname")) {
        return vec![];
    }
    vec![Change {
        primitive: Primitive::HostName { name: name.into() },
        wave: Wave::Ground,
        guard: None,
        why: format!("`set_host_names` is on, and the node calls itself {}", member.facts.host_name),
        before: None,
    }]
}

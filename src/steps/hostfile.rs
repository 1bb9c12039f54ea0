//! The hostfile `hosts` in the share, in the flavour's own dialect, with slots.

use super::{Cluster, Member, write};
use crate::{
    changes::{Change, Wave},
    spec::{Flavour, ShareKind},
};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let is_head = member.spec.name == cluster.spec.head;
    if cluster.spec.share.kind != ShareKind::Sync && !is_head {
        return vec![];
    }
    let path = format!("{}/hosts", cluster.layout.share);
    let why = "the guide's `mpiexec -hostfile hosts`: every node with its slots";
    write::user_file(cluster, member, Wave::Mesh, (&path, "644"), content(cluster), why).into_iter().collect()
}

/// The head node first, as the one whose slots are filled first.
fn content(cluster: &Cluster) -> String {
    let head = cluster.members.iter().filter(|m| m.spec.name == cluster.spec.head);
    let others = cluster.members.iter().filter(|m| m.spec.name != cluster.spec.head);
    head.chain(others)
        .map(|member| {
            // Without /etc/hosts a name means nothing to the launcher.
            let host = if member.facts.is_root { member.spec.name.to_string() } else { member.address.to_string() };
            match cluster.spec.flavour {
                Flavour::Openmpi => format!("{host} slots={}\n", member.slots),
                Flavour::Mpich => format!("{host}:{}\n", member.slots),
            }
        })
        .collect()
}

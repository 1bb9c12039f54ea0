//! The hostfile `hosts` in the share, in the flavour's own dialect, with slots.

use super::{Cluster, Member, write};
use crate::{
    changes::{Change, Wave},
    spec::{
        Flavour, ShareKind,
        hostfile::{self, Dialect},
    },
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
    let dialect = match cluster.spec.flavour {
        Flavour::Openmpi => Dialect::OpenMpi,
        Flavour::Mpich => Dialect::Mpich,
    };
    hostfile::render(dialect, head.chain(others).map(|member| (member.host(), member.slots)))
}

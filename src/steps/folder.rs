//! The folders: the share, `~/.ssh`, and mpiup's own.

use super::{Cluster, Member, write};
use crate::{changes::Change, spec::ShareKind};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let layout = &cluster.layout;
    let mut changes = vec![];
    // One that does not answer is there.
    if cluster.spec.share.kind != ShareKind::Existing && member.facts.share.silent.is_none() {
        let why = "the shared folder: programs and their data, at the same path on every node";
        changes.extend(write::folder(cluster, member, &layout.share, "755", why));
    }
    let ssh = format!("{}/.ssh", layout.home);
    changes.extend(write::folder(cluster, member, &ssh, "700", "keys and ssh configuration of the cluster's user"));
    changes.extend(write::folder(cluster, member, &layout.own, "755", "what mpiup keeps for the cluster's user"));
    changes
}

//! The other nodes' part: a line in `/etc/fstab`, by which systemd mounts the share at its first access after a boot, in
//! whatever order the machines start; and the share mounted now.

use super::{FSTAB, left_behind};
use crate::{
    changes::{Change, Place, Primitive, Wave, block},
    spec::ShareKind,
    steps::{
        Cluster, Member,
        write::{self, Block},
    },
};

/// `hard`: a job waits for a head node that restarts, and loses nothing (`soft` blocked as long when it was measured, and then
/// gives up in the middle of a file). `nofail` and the automount: no boot waits for another machine. mount.nfs(8) tries for
/// 2 minutes; the 90 s that systemd allows by itself would end that early.
const OPTIONS: &str = "hard,vers=4.2,_netdev,nofail,x-systemd.automount,x-systemd.mount-timeout=3min";

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    if cluster.spec.share.kind != ShareKind::Nfs || cluster.spec.is_head(&member.spec.name) {
        return vec![];
    }
    let facts = &member.facts;
    let share = if facts.share.path.is_empty() { &cluster.layout.share } else { &facts.share.path };
    let own = format!("{}:{}", cluster.spec.head, cluster.layout.share);
    // A line that somebody has entered for the same is theirs; `check` has refused any other.
    let others = block::without(facts.text(FSTAB).unwrap_or_default(), &cluster.layout.mark);
    let theirs = entry(&others, share);
    let mut changes = vec![];
    if theirs.is_none() {
        let at = Block { path: FSTAB, owner: "root", place: Place::Bottom, mode: "644" };
        let line = format!("{own} {share} nfs4 {OPTIONS} 0 0\n");
        let why = "systemd mounts the share at its first access, also after a reboot, whichever node starts first; nothing waits for it at boot";
        changes.extend(write::block(cluster, member, Wave::Mesh, at, line, why));
    }
    let key = format!("mount {share}");
    let is_noted = facts.journal.iter().any(|entry| entry.key == key);
    let mounted = facts.share.mounted();
    let addresses: Vec<_> =
        cluster.head().into_iter().flat_map(|head| &head.facts.addresses).map(|own| own.address).collect();
    let old = mounted.and_then(|mount| left_behind(mount, &addresses));
    // `check` lets nodes through whose share is silent for a reason that the changes take away.
    let is_lost = mounted.is_some() && facts.share.silent.is_some();
    let is_mounted = mounted.is_some() && old.is_none() && !is_lost && member.is_complete(&key);
    if !is_mounted || !(is_noted || theirs.is_some()) {
        let head = &cluster.spec.head;
        let why = match old {
            Some(old) => format!("mounted anew: it still asks {head} at {old}, an address of before"),
            None if is_lost => format!("asked anew: {head} knew this node by an address of before"),
            None => "the same files on every node, by NFS 4.2".into(),
        };
        // What stands stays as it is; else the line says what is mounted, whoever wrote it.
        let stands = mounted.filter(|_| old.is_none()).map(|mount| mount.source.as_str());
        let source = stands.or(theirs).unwrap_or(&own).to_owned();
        changes.push(Change {
            primitive: Primitive::Mount { path: share.clone(), source, old },
            wave: Wave::Mesh,
            guard: None,
            why,
            before: None,
        });
    }
    changes
}

/// What fstab(5) mounts at this folder: its source.
pub(super) fn entry<'a>(fstab: &'a str, at: &str) -> Option<&'a str> {
    fstab.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let source = words.next().filter(|source| !source.starts_with('#'))?;
        let folder = words.next()?;
        (folder.trim_end_matches('/') == at).then_some(source)
    })
}

#[cfg(test)]
mod tests {
    use super::entry;

    #[test]
    fn reads_fstab() {
        let fstab = "# <file system> <mount point>\nUUID=1 / ext4 defaults 0 1\n#master:/x /home/mpi/MPI nfs\nmaster:/home/mpi/MPI\t/home/mpi/MPI/ nfs defaults 0 0\n";
        assert_eq!(entry(fstab, "/home/mpi/MPI"), Some("master:/home/mpi/MPI"));
        assert_eq!(entry(fstab, "/home/mpi"), None);
    }
}

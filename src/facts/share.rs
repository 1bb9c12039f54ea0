//! What is mounted at the shared folder, and whether it answers.

use std::net::IpAddr;

/// The shared folder as it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share {
    /// Its path without links above it; empty where nobody looked.
    pub path: String,
    /// The file system that holds it: its own, or that of a folder above.
    pub holder: Option<Mount>,
    /// What is mounted below it, each place once. Who exports the folder does not export these with it.
    pub below: Vec<Mount>,
    /// Why it does not answer. A server that is gone keeps everybody waiting who touches what it serves.
    pub silent: Option<String>,
    /// The first few names in it, where it is a plain folder that is to come over NFS: a mount would hide them.
    pub holds: Vec<String>,
}

/// A line of the kernel's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// `ext4`, `nfs4`, `autofs` …
    pub kind: String,
    pub at: String,
    /// `/dev/sda1`, `master:/home/mpi/MPI` …
    pub source: String,
    /// Where the kernel asks the server: it looks the name in the source up once, when it mounts.
    pub asks: Option<IpAddr>,
}

impl Share {
    /// What is mounted at the folder itself. An automount that waits for its first access is nothing yet.
    pub fn mounted(&self) -> Option<&Mount> {
        self.holder.as_ref().filter(|mount| mount.at == self.path && mount.kind != "autofs")
    }
}

/// File systems that come over the network, and so may be the same on several machines.
const OF_THE_NETWORK: [&str; 12] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "ceph",
    "lustre",
    "beegfs",
    "gpfs",
    "9p",
    "virtiofs",
    "fuse.glusterfs",
    "fuse.sshfs",
];

impl Mount {
    pub fn is_of_the_network(&self) -> bool {
        OF_THE_NETWORK.contains(&self.kind.as_str())
    }

    /// The server of one whose source names it: `master:/home/mpi/MPI`.
    pub fn server(&self) -> Option<&str> {
        Some(self.source.rsplit_once(":/")?.0.trim_matches(['[', ']']))
    }

    /// Another machine serves it by NFS.
    pub fn is_nfs(&self) -> bool {
        matches!(self.kind.as_str(), "nfs" | "nfs4")
    }
}

/// From the frames of `gather.sh`.
pub fn share(path: &str, mounts: &str, silent: &str, holds: &str) -> Share {
    let mount = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let (kind, at, source) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Mount { kind, at, source, asks: fields.next().and_then(|address| address.parse().ok()) })
    };
    let mut below: Vec<Mount> = Vec::new();
    for other in mounts.lines().skip(1).filter_map(mount) {
        // The later one lies above: what an automount has mounted, above the automount.
        match below.iter_mut().find(|known| known.at == other.at) {
            Some(known) => *known = other,
            None => below.push(other),
        }
    }
    Share {
        path: path.to_owned(),
        holder: mounts.lines().next().and_then(mount),
        below,
        silent: Some(silent.to_owned()).filter(|why| !why.is_empty()),
        holds: holds.lines().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_who_serves() {
        let of =
            |source: &str| Mount { kind: "nfs4".into(), at: "/home/mpi/MPI".into(), source: source.into(), asks: None };
        assert!(of("").is_of_the_network());
        assert_eq!(of("master:/home/mpi/MPI").server(), Some("master"));
        assert_eq!(of("[2001:db8::7]:/home").server(), Some("2001:db8::7"));
        assert_eq!(of("/dev/sda1").server(), None);
    }

    #[test]
    fn an_automount_that_waits_is_no_mount_yet() {
        let seen = |mounts: &str| share("/home/mpi/MPI", mounts, "", "").mounted().map(|mount| mount.source.clone());
        assert_eq!(seen("ext4\t/\t/dev/vda1\n"), None);
        assert_eq!(seen("autofs\t/home/mpi/MPI\tsystemd-1"), None);
        assert_eq!(
            seen("nfs4\t/home/mpi/MPI\tmaster:/home/mpi/MPI\next4\t/home/mpi/MPI/data\t/dev/vdb"),
            Some("master:/home/mpi/MPI".into())
        );
    }

    #[test]
    fn what_is_mounted_below() {
        let lines = "ext4\t/\t/dev/vda1\nautofs\t/home/mpi/MPI/a\tsystemd-1\next4\t/home/mpi/MPI/b\t/dev/vdb\nxfs\t/home/mpi/MPI/a\t/dev/vdc";
        let below = share("/home/mpi/MPI", lines, "", "").below;
        let shown: Vec<String> = below.iter().map(|mount| format!("{} {}", mount.at, mount.source)).collect();
        assert_eq!(shown, ["/home/mpi/MPI/a /dev/vdc", "/home/mpi/MPI/b /dev/vdb"]);
    }
}

//! A share over NFS: whatever is mounted, exported and written in fstab, it is refused, or the plan exports to the other node
//! alone and mounts over nothing of somebody else's.

use mpiup::{
    changes::{Primitive, script},
    facts::{exports, nfs, share},
    steps::plan,
};

use super::nodes::{NODES, file, with_facts};

const SHARE: &str = "/home/mpi/MPI";
const ABLE: &str = "systemd yes\ncontainer none\nserves yes\nmounts yes\nenabled enabled\nactive active\n";

/// What the client has mounted, what the head exports, the client's fstab, and why the share does not answer, with a byte 0
/// between.
pub fn check(data: &[u8]) {
    let Some(text) = super::text::of(data) else { return };
    let mut parts = text.split('\0');
    let mut part = || parts.next().unwrap_or_default();
    let (mounts, exported, fstab, silent) = (part(), part(), part(), part());
    let seen = share::share(SHARE, mounts, silent, "");
    let cluster = with_facts("[share]\nkind = \"nfs\"\n", |facts| {
        facts[0].nfs = Some(nfs::nfs(ABLE, exported));
        facts[1].nfs = Some(nfs::nfs(ABLE, ""));
        facts[1].share = seen.clone();
        facts[1].files.insert("/etc/fstab".into(), file(fstab));
    });
    let cluster = match cluster {
        Ok(cluster) => cluster,
        Err(error) => return assert!(!error.message().is_empty()),
    };
    let plan = plan(&cluster);
    for node in &plan.nodes {
        script::calls("/state", "", node.changes.iter().enumerate(), None).expect("a plan can be written down");
        for change in &node.changes {
            match &change.primitive {
                Primitive::File { path, content, .. } if path.starts_with("/etc/exports.d/") => {
                    let lines: String = content.to_string().lines().map(|line| format!("{path}\t{line}\n")).collect();
                    let clients: Vec<String> = exports::exports(&lines)
                        .into_iter()
                        .flat_map(|export| export.clients)
                        .map(|(name, _)| name)
                        .collect();
                    assert_eq!(clients, [NODES[1].1]);
                }
                Primitive::Mount { path, source, .. } => {
                    let of_share = source.trim_end_matches('/').ends_with(&format!(":{SHARE}"));
                    assert!(path == SHARE && of_share, "{path} {source}");
                    assert!(seen.mounted().is_none_or(is_of_head), "{seen:?}");
                }
                _ => {}
            }
        }
    }
}

/// Whether the head serves it: by its name, or because the kernel asks it.
fn is_of_head(mount: &share::Mount) -> bool {
    let (name, address) = NODES[0];
    let is_named = |server: &str| {
        let server = server.to_ascii_lowercase();
        server == address || server == name || server.starts_with(&format!("{name}."))
    };
    mount.asks.is_some_and(|asked| asked.to_string() == address) || mount.server().is_some_and(is_named)
}

//! Places of the system in which something has to be written: said before the first change, where it cannot be.

use super::hosts_file;
use crate::{
    error::{Error, Result},
    facts::Facts,
    spec::{NodeName, Spec},
};

/// KiB below which MPI cannot keep what it needs while a job runs.
const LEAST: u64 = 1024;

pub fn check(spec: &Spec, node: &NodeName, facts: &Facts) -> Result<()> {
    etc(spec, node, facts)?;
    tmp(node, facts)
}

/// The account and the names of the other nodes are entered in `/etc`, where they are missing.
fn etc(spec: &Spec, node: &NodeName, facts: &Facts) -> Result<()> {
    if !facts.is_root || facts.etc_is_writable {
        return Ok(());
    }
    let hosts = facts.text("/etc/hosts").unwrap_or_default();
    let is_named = |name: &NodeName| hosts_file::meaning(hosts, name.as_str(), "127.").is_some();
    let missing = if facts.user.is_none() {
        format!("the account {} is missing", spec.user)
    } else if let Some(unknown) = spec.nodes.iter().find(|other| !is_named(&other.name)) {
        format!("/etc/hosts does not name {}", unknown.name)
    } else {
        return Ok(());
    };
    Err(Error::failed(format!("/etc is read-only, and {missing}")).on(node).hinted(format!(
        "Make it writable on {node}: `mount -o remount,rw /`, or what its system has for that. Or enter that by hand: mpiup adopts what is there."
    )))
}

/// Every MPI keeps files there for as long as a job runs; where it cannot, it speaks of firewalls.
fn tmp(node: &NodeName, facts: &Facts) -> Result<()> {
    if let Some(free) = facts.tmp_free_kib.filter(|free| *free < LEAST) {
        return Err(Error::failed(format!(
            "/tmp is full: {free} KiB are free, and MPI keeps files there while a job runs"
        ))
        .on(node)
        .hinted(format!("Make room on {node}: `df -h /tmp` and `du -xsh /tmp/*` show what takes it.")));
    }
    let mode = facts.file("/tmp").and_then(|folder| u32::from_str_radix(&folder.mode, 8).ok());
    match mode {
        Some(mode) if mode & 0o002 == 0 => Err(Error::failed(format!(
            "not everybody can write into /tmp (mode {mode:o}), and MPI keeps files there while a job runs"
        ))
        .on(node)
        .hinted(format!("As root on {node}: `chmod 1777 /tmp`."))),
        _ => Ok(()),
    }
}

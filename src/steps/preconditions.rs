//! What must be true of the nodes before anything is planned. Each error names the node and the way out.

use super::{layout::Layout, mpi, packages};
use crate::{
    error::{Error, Result},
    facts::Facts,
    node::SUDO_PASSWORD,
    spec::{Flavour, NodeName, NodeSpec, ShareKind, Source, Spec},
};

/// Root is there where the spec needs it.
fn privilege(spec: &Spec, node: &NodeName, facts: &Facts) -> Result<()> {
    if facts.is_root {
        return Ok(());
    }
    let login = &facts.login.name;
    let (needs, without) = if login != &spec.user {
        (
            format!("the account {} is not {login}, the one that logs in", spec.user),
            format!("`user = \"{login}\"` in [cluster] and `source = \"wheels\"` in [mpi]"),
        )
    } else if spec.share.kind == ShareKind::Nfs {
        ("the share comes over NFS".to_owned(), "`kind = \"sync\"` in [share]".to_owned())
    } else if spec.source == Source::Distro && !packages::missing(spec, node, facts).is_empty() {
        ("packages of the distribution are to be installed".to_owned(), "`source = \"wheels\"` in [mpi]".to_owned())
    } else if spec.set_host_names && facts.host_name != node.as_str() {
        ("the host name is to be changed".to_owned(), "`set_host_names = false` in [cluster]".to_owned())
    } else {
        return Ok(());
    };
    Err(Error::failed(format!("root is needed, because {needs}, but {login} cannot become root without a password"))
        .on(node)
        .hinted(SUDO_PASSWORD)
        .hinted(format!(
            "Log in as root or give {login} sudo without a password on {node}, or do without root: {without}."
        )))
}

/// Packages that this version of mpiup can install.
fn distro(spec: &Spec, node: &NodeName, facts: &Facts) -> Result<()> {
    // Where the C library is another one, wheels do not fit either: that is said instead.
    let is_glibc = facts.python.as_ref().is_none_or(|python| python.glibc.is_some());
    if spec.source == Source::Distro && packages::of(spec, facts).is_none() && is_glibc {
        let what = match (packages::family(facts), spec.flavour) {
            (Some(family), Flavour::Mpich) => {
                format!("{} has no package of MPICH that mpiup knows", family.name)
            }
            _ => format!("packages of {} cannot be installed by this version of mpiup", facts.os.pretty),
        };
        return Err(Error::failed(what)
            .on(node)
            .hinted("Use `source = \"wheels\"` in [mpi], which needs no packages."));
    }
    Ok(())
}

/// KiB below which nothing can be written down.
const FULL: u64 = 1024;

/// Files and the journal can be written: a node with a full disk fails before anything is half-done.
fn room(node: &NodeName, facts: &Facts) -> Result<()> {
    let state = if facts.is_root { "/var/lib" } else { "~/.local" };
    for (free, place) in [(facts.disk_free_kib, "the home"), (facts.journal_free_kib, state)] {
        if let Some(free) = free.filter(|free| *free < FULL) {
            return Err(Error::failed(format!("its disk is full: {free} KiB are free for {place}"))
                .on(node)
                .hinted(format!("Make room on {node}: `df -h` shows which file system is meant.")));
        }
    }
    Ok(())
}

/// What must be true of a node whatever the others are like.
pub fn node(spec: &Spec, node: &NodeName, facts: &Facts) -> Result<()> {
    privilege(spec, node, facts)?;
    super::tools::check(spec, node, facts)?;
    distro(spec, node, facts)?;
    super::places::check(spec, node, facts)?;
    super::their_account::check(spec, node, facts)?;
    launcher(spec, node, facts)?;
    room(node, facts)
}

pub const SAME_MPI: &str = "Use the same MPI on every node, whatever its system: `source = \"wheels\"` in [mpi].";

/// A launcher is there where nothing is installed.
fn launcher(spec: &Spec, node: &NodeName, facts: &Facts) -> Result<()> {
    let installed = facts.mpi.iter().any(|launcher| launcher.flavour == spec.flavour);
    if spec.source != Source::Existing || installed {
        return Ok(());
    }
    let flavour = match spec.flavour {
        Flavour::Openmpi => "Open MPI",
        Flavour::Mpich => "MPICH",
    };
    Err(Error::failed(format!("`source` is \"existing\", but there is no mpiexec of {flavour} in the path"))
        .on(node)
        .hinted(format!("Install it there, so that `ssh {node} mpiexec --version` finds it."))
        .hinted(SAME_MPI))
}

/// Open MPI 4.1 and 5.0 do not talk to each other, and neither do 4.1.2 and 4.1.4.
pub fn same_mpi(spec: &Spec, seen: &[(NodeSpec, Facts)]) -> Result<()> {
    let mut releases = seen.iter().filter_map(|(node, facts)| Some((&node.name, mpi::release(spec, facts)?)));
    let Some((other, version)) = releases.next() else { return Ok(()) };
    match releases.find(|(_, release)| *release != version) {
        None => Ok(()),
        Some((node, release)) => Err(Error::failed(format!(
            "its MPI has version {release}, but the one of {other} version {version}: they cannot talk to each other"
        ))
        .on(node)
        .hinted(SAME_MPI)),
    }
}

/// The share is there where it is promised.
pub fn share(spec: &Spec, home: &str, node: &NodeName, facts: &Facts) -> Result<()> {
    let layout = Layout::new(spec, home);
    if spec.share.kind != ShareKind::Existing || facts.file(&layout.asked(&layout.share)).is_some() {
        return Ok(());
    }
    Err(Error::failed(format!("there is no folder {}, which `kind = \"existing\"` promises", layout.share))
        .on(node)
        .hinted("Mount it there, or use `kind = \"sync\"` in [share]."))
}

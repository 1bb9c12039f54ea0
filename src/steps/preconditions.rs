//! What must be true of the nodes before anything is planned. Each error names the node and the way out.

use super::{layout::Layout, mpi, packages};
use crate::{
    error::{Error, Result},
    facts::Facts,
    spec::{Flavour, NodeName, NodeSpec, ShareKind, Source, Spec},
};

/// Root is there where the spec needs it.
pub fn privilege(spec: &Spec, node: &NodeName, facts: &Facts) -> Result<()> {
    if facts.is_root {
        return Ok(());
    }
    let login = &facts.login.name;
    let (needs, without) = if login != &spec.user {
        (
            format!("the account {} is not {login}, the one that logs in", spec.user),
            format!("`user = \"{login}\"` in [cluster] and `source = \"wheels\"` in [mpi]"),
        )
    } else if spec.source == Source::Distro && !packages::missing(spec, facts).is_empty() {
        ("packages of the distribution are to be installed".to_owned(), "`source = \"wheels\"` in [mpi]".to_owned())
    } else if spec.set_host_names && facts.host_name != node.as_str() {
        ("the host name is to be changed".to_owned(), "`set_host_names = false` in [cluster]".to_owned())
    } else {
        return Ok(());
    };
    Err(Error::failed(format!("root is needed, because {needs}, but {login} cannot become root without a password"))
        .on(node)
        .hinted(format!(
            "Log in as root or give {login} sudo without a password on {node}, or do without root: {without}."
        )))
}

/// The programs that every node needs, and packages that this version of mpiup can install.
pub fn tools(spec: &Spec, node: &NodeName, facts: &Facts) -> Result<()> {
    for (tool, package) in
        [("ssh", "openssh-client"), ("ssh-keygen", "openssh-client"), ("tar", "tar"), ("awk", "mawk")]
    {
        if !facts.tools.contains(tool) {
            return Err(Error::failed(format!("the program {tool} is missing"))
                .on(node)
                .hinted(install(facts, package)));
        }
    }
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

/// What to type on the node for a package, which is given by the name that Debian has for it.
pub fn install(facts: &Facts, package: &str) -> String {
    match packages::family(facts) {
        Some(family) => format!("Install it there: `{} {}`.", family.install, family.package(package)),
        None => format!("Install it there from the packages of {}.", facts.os.short()),
    }
}

/// Open MPI 4.1 and 5.0 do not talk to each other, and a launcher must be there where nothing is installed.
pub fn same_mpi(spec: &Spec, seen: &[(NodeSpec, Facts)]) -> Result<()> {
    let wheels = "Use the same MPI on every node, whatever its system: `source = \"wheels\"` in [mpi].";
    let mut first: Option<(&NodeName, u32)> = None;
    for (node, facts) in seen {
        let installed = facts.mpi.iter().any(|launcher| launcher.flavour == spec.flavour);
        if spec.source == Source::Existing && !installed {
            let flavour = match spec.flavour {
                Flavour::Openmpi => "Open MPI",
                Flavour::Mpich => "MPICH",
            };
            return Err(Error::failed(format!(
                "`source` is \"existing\", but there is no mpiexec of {flavour} in the path"
            ))
            .on(&node.name)
            .hinted(format!("Install it there, so that `ssh {} mpiexec --version` finds it.", node.name))
            .hinted(wheels));
        }
        let Some(major) = mpi::major(spec, facts) else { continue };
        match first {
            Some((other, version)) if version != major => {
                return Err(Error::failed(format!(
                    "its MPI has version {major}, but the one of {other} version {version}: they cannot talk to each other"
                ))
                .on(&node.name)
                .hinted(wheels));
            }
            Some(_) => {}
            None => first = Some((&node.name, major)),
        }
    }
    Ok(())
}

/// The share is of a kind that can be, and there where it is promised.
pub fn share(spec: &Spec, home: &str, seen: &[(NodeSpec, Facts)]) -> Result<()> {
    let layout = Layout::new(spec, home);
    match spec.share.kind {
        ShareKind::Sync => Ok(()),
        ShareKind::Nfs => Err(Error::usage("mpiup does not set up NFS yet (`kind = \"nfs\"` in [share])")
            .hinted("Use `kind = \"sync\"`: mpiup mirrors the folder, and it needs neither root nor a server.")
            .hinted("Or `kind = \"existing\"`, when every node sees the same folder already.")),
        ShareKind::Existing => {
            match seen.iter().find(|(_, facts)| facts.file(&layout.asked(&layout.share)).is_none()) {
                None => Ok(()),
                Some((node, _)) => Err(Error::failed(format!(
                    "there is no folder {}, which `kind = \"existing\"` promises",
                    layout.share
                ))
                .on(&node.name)
                .hinted("Mount it there, or use `kind = \"sync\"` in [share].")),
            }
        }
    }
}

//! Which MPI a node has or will have.

use std::fmt;

use crate::{
    distributions::{self, Aside},
    facts::{Facts, os::Os},
    spec::{Flavour, Source, Spec},
};

/// As much of an MPI's version as must be the same on all nodes, and is known. Of two, the longer one may tell more.
#[derive(Debug, Clone)]
pub struct Release(String);

impl PartialEq for Release {
    fn eq(&self, other: &Self) -> bool {
        self.0.split('.').zip(other.0.split('.')).all(|(one, other)| one == other)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// That of the MPI that the spec asks for. The daemons of Open MPI 4 refuse each other unless they are of the very same version
/// (orte/mca/oob/tcp/oob_tcp_connection.c); those of Open MPI 5 have versions of their own, which are not seen.
pub fn release(spec: &Spec, facts: &Facts) -> Option<Release> {
    let version = version(spec, facts)?;
    let exact = spec.flavour == Flavour::Openmpi && version.starts_with("4.");
    Some(Release(if exact { version } else { version.split('.').next()?.to_owned() }))
}

/// Major version of the MPI that the spec asks for.
pub fn major(spec: &Spec, facts: &Facts) -> Option<u32> {
    version(spec, facts)?.split('.').next()?.parse().ok()
}

/// The version of the MPI that the spec asks for, as far as it is known before anything is installed.
fn version(spec: &Spec, facts: &Facts) -> Option<String> {
    match spec.source {
        Source::Wheels => Some("5".to_owned()),
        Source::Distro | Source::Existing => {
            let installed = facts.mpi.iter().find(|launcher| launcher.flavour == spec.flavour);
            let installed = installed.and_then(|launcher| plain(&launcher.version));
            installed.or_else(|| of_packages(spec, facts)).or_else(|| of_system(spec, facts))
        }
    }
}

/// `4.1.4` of `4.1.4-3+b1`: the rest is a distribution's own.
fn plain(version: &str) -> Option<String> {
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    let plain = version[..end].trim_end_matches('.');
    (!plain.is_empty()).then(|| plain.to_owned())
}

/// The one that the node's package manager would install, with the lists that it has.
fn of_packages(spec: &Spec, facts: &Facts) -> Option<String> {
    let (_, mpi) = super::packages::of(spec, facts)?;
    let launcher = mpi.packages.first()?;
    let version = &facts.coming.as_ref()?.iter().find(|install| install.name == *launcher)?.to;
    plain(version.split_once(':').map_or(version.as_str(), |(_epoch, version)| version))
}

/// The one that systems of this version have.
fn of_system(spec: &Spec, facts: &Facts) -> Option<String> {
    let Os { id, version, .. } = &facts.os;
    let major = || facts.os.family().map_or(4, |family| family.openmpi_major(id, version));
    (spec.flavour == Flavour::Openmpi).then(|| major().to_string())
}

/// Where the MPI that the spec asks for stands, when that is not where shells and the loader look.
pub fn aside(spec: &Spec, facts: &Facts) -> Option<&'static Aside> {
    let of_packages = || super::packages::of(spec, facts).and_then(|(_, mpi)| mpi.aside.as_ref());
    match spec.source {
        Source::Wheels => None,
        Source::Distro => of_packages(),
        Source::Existing => {
            let launcher = facts.mpi.iter().find(|launcher| launcher.flavour == spec.flavour)?;
            distributions::aside(&launcher.path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_its_makers_call_it() {
        assert_eq!(plain("4.1.4-3+b1").unwrap(), "4.1.4");
        assert_eq!(plain("4.1.4.").unwrap(), "4.1.4");
        assert_eq!(plain("5.0.7~rc1").unwrap(), "5.0.7");
        assert_eq!(plain("unknown"), None);
    }

    #[test]
    fn what_is_not_known_of_a_version_does_not_differ() {
        let release = |version: &str| Release(version.to_owned());
        assert_eq!(release("4"), release("4.1.4"));
        assert_ne!(release("4.1.2"), release("4.1.4"));
        assert_ne!(release("5"), release("4.1.4"));
    }
}

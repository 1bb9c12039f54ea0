//! Which MPI a node has or will have.

use crate::{
    distributions::{self, Aside},
    facts::{Facts, mpi::Launcher, os::Os},
    spec::{Flavour, Source, Spec},
};

/// Major version of the MPI that the spec asks for, as far as it is known before anything is installed.
pub fn major(spec: &Spec, facts: &Facts) -> Option<u32> {
    match spec.source {
        Source::Wheels => Some(5),
        Source::Distro | Source::Existing => {
            let installed = facts.mpi.iter().find(|launcher| launcher.flavour == spec.flavour);
            installed.and_then(Launcher::major).or_else(|| of_packages(spec, facts)).or_else(|| of_system(spec, facts))
        }
    }
}

/// The one that the node's package manager would install, with the lists that it has.
fn of_packages(spec: &Spec, facts: &Facts) -> Option<u32> {
    let (_, mpi) = super::packages::of(spec, facts)?;
    let launcher = mpi.packages.first()?;
    let version = &facts.coming.as_ref()?.iter().find(|install| install.name == *launcher)?.to;
    let version = version.split_once(':').map_or(version.as_str(), |(_epoch, version)| version);
    version.split('.').next()?.parse().ok()
}

/// The one that systems of this version have.
fn of_system(spec: &Spec, facts: &Facts) -> Option<u32> {
    let Os { id, version, .. } = &facts.os;
    (spec.flavour == Flavour::Openmpi).then(|| facts.os.family().map_or(4, |family| family.openmpi_major(id, version)))
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

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
            facts.mpi.iter().find(|launcher| launcher.flavour == spec.flavour).and_then(Launcher::major).or(match spec
                .flavour
            {
                Flavour::Openmpi => {
                    let Os { id, version, .. } = &facts.os;
                    Some(facts.os.family().map_or(4, |family| family.openmpi_major(id, version)))
                }
                Flavour::Mpich => None,
            })
        }
    }
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

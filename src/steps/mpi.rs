//! Which MPI a node has or will have.

use crate::{
    facts::{Facts, mpi::Launcher},
    spec::{Flavour, Source, Spec},
};

/// Major version of the MPI that the spec asks for, as far as it is known before anything is installed.
pub fn major(spec: &Spec, facts: &Facts) -> Option<u32> {
    match spec.source {
        Source::Wheels => Some(5),
        Source::Distro | Source::Existing => facts
            .mpi
            .iter()
            .find(|launcher| launcher.flavour == spec.flavour)
            .and_then(Launcher::major)
            .or(match (spec.flavour, facts.os.id.as_str(), facts.os.version.split('.').next()) {
                (Flavour::Openmpi, "debian", Some("13")) | (Flavour::Openmpi, "ubuntu", Some("25" | "26")) => Some(5),
                (Flavour::Openmpi, ..) => Some(4),
                (Flavour::Mpich, ..) => None,
            }),
    }
}

//! Arch Linux and its children. Packages hold headers too. MPICH was long in the user repository (AUR) alone, from which
//! mpiup installs nothing.
//!
//! Sources: `openmpi` in Arch's `extra` (installs into /usr); pacman(8).

use super::{Family, Mpi, Nfs};

pub const FAMILY: Family = Family {
    name: "pacman",
    program: "pacman",
    ids: &["arch"],
    install: "pacman -S",
    // Lists without the packages to them are a partial upgrade, which Arch does not support.
    refresh: "pacman -Syu",
    names: &[("openssh-client", "openssh"), ("mawk", "gawk"), ("python3", "python"), ("passwd", "shadow")],
    openmpi: Some(Mpi { packages: &["openmpi"], aside: None }),
    mpich: None,
    nfs: Some(Nfs { server: &["nfs-utils"], client: &["nfs-utils"] }),
    openmpi_5: &[("arch", 0), ("manjaro", 0), ("endeavouros", 0)],
    is_tested: false,
};

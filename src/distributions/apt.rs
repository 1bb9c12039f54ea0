//! Debian, Ubuntu and their children. Tried on real machines.

use super::{Family, Mpi, Nfs};

pub const FAMILY: Family = Family {
    name: "apt",
    program: "apt-get",
    ids: &["debian", "ubuntu"],
    install: "apt-get install",
    refresh: "apt-get update",
    names: &[],
    openmpi: Some(Mpi { packages: &["openmpi-bin", "libopenmpi-dev"], aside: None }),
    mpich: Some(Mpi { packages: &["mpich", "libmpich-dev"], aside: None }),
    nfs: Some(Nfs { server: &["nfs-kernel-server"], client: &["nfs-common"] }),
    openmpi_5: &[("debian", 13), ("ubuntu", 25)],
    is_tested: true,
};

//! Alpine Linux. It has packages of Open MPI (`openmpi`, `openmpi-dev`), but its C library is musl: the wheels that mpiup
//! brings, mpi4py among them, are made for glibc. So nothing is installed there, and the names serve hints alone.
//!
//! Source: Alpine's `aports`, `community/openmpi/APKBUILD`.

use super::Family;

pub const FAMILY: Family = Family {
    name: "apk",
    program: "apk",
    ids: &["alpine"],
    install: "apk add",
    refresh: "apk update",
    names: &[("mawk", "gawk"), ("passwd", "shadow")],
    openmpi: None,
    mpich: None,
    nfs: None,
    openmpi_5: &[],
    is_tested: false,
};

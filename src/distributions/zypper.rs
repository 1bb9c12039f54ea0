//! openSUSE and SUSE Linux Enterprise.
//!
//! Sources: `openmpi4.spec` and `mpich.spec` of openSUSE (`mpi_prefix` is `%{_libdir}/mpi/gcc/openmpi4`; the package
//! requires one that provides `openmpi-runtime-config` and only recommends its own, so that one is named here).

use super::{Aside, Family, Mpi, Nfs};

pub const FAMILY: Family = Family {
    name: "zypper",
    program: "zypper",
    ids: &["suse", "opensuse", "sles", "opensuse-leap", "opensuse-tumbleweed"],
    install: "zypper install",
    refresh: "zypper refresh",
    names: &[("openssh-client", "openssh-clients"), ("mawk", "gawk"), ("passwd", "shadow")],
    openmpi: Some(Mpi {
        packages: &["openmpi4", "openmpi4-config", "openmpi4-devel"],
        aside: Some(Aside {
            programs: "/usr/lib64/mpi/gcc/openmpi4/bin",
            libraries: "/usr/lib64/mpi/gcc/openmpi4/lib64",
        }),
    }),
    mpich: Some(Mpi {
        packages: &["mpich", "mpich-devel"],
        aside: Some(Aside { programs: "/usr/lib64/mpi/gcc/mpich/bin", libraries: "/usr/lib64/mpi/gcc/mpich/lib64" }),
    }),
    nfs: Some(Nfs { server: &["nfs-kernel-server"], client: &["nfs-client"] }),
    openmpi_5: &[],
    is_tested: false,
};

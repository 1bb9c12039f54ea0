//! Fedora, and Red Hat Enterprise Linux with those that are built from it: Rocky Linux, AlmaLinux, CentOS Stream, Oracle.
//!
//! Sources: Fedora's packaging guidelines, "MPI" (what has several implementations stands in `%{_libdir}/NAME/bin`,
//! outside of PATH, and an environment module puts it and `lib` there); `openmpi.spec` of Fedora 41 (Open MPI 5.0.5; 5
//! since Fedora 40, of which RHEL 10 was made); mpi4py's page "Installation" (`openmpi`, `mpich`).

use super::{Aside, Family, Mpi, Nfs};

pub const FAMILY: Family = Family {
    name: "dnf",
    program: "dnf",
    ids: &["fedora", "rhel", "centos", "rocky", "almalinux", "ol"],
    install: "dnf install",
    refresh: "dnf makecache",
    names: &[("openssh-client", "openssh-clients"), ("mawk", "gawk"), ("passwd", "shadow-utils")],
    openmpi: Some(Mpi {
        packages: &["openmpi", "openmpi-devel"],
        aside: Some(Aside { programs: "/usr/lib64/openmpi/bin", libraries: "/usr/lib64/openmpi/lib" }),
    }),
    mpich: Some(Mpi {
        packages: &["mpich", "mpich-devel"],
        aside: Some(Aside { programs: "/usr/lib64/mpich/bin", libraries: "/usr/lib64/mpich/lib" }),
    }),
    nfs: Some(Nfs { server: &["nfs-utils"], client: &["nfs-utils"] }),
    openmpi_5: &[("fedora", 40), ("rhel", 10), ("centos", 10), ("rocky", 10), ("almalinux", 10), ("ol", 10)],
    is_tested: false,
};

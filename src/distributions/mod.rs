//! What systems call the packages that mpiup needs, and where they put MPI: one family of systems a file.
//!
//! Data alone. The facts ask by it, the steps plan by it, and `changes/sh/packages_*.sh` installs and removes. Only
//! Debian's family has been tried on real machines; the others stand on their documentation, named in each file.

mod apk;
mod apt;
mod dnf;
mod pacman;
mod zypper;

use crate::spec::Flavour;

/// Systems that share a package manager.
#[derive(Debug)]
pub struct Family {
    /// The manager's name, in sentences, in the journal, and in the names of its shell functions.
    pub name: &'static str,
    /// The program without which nothing can be installed.
    pub program: &'static str,
    /// Words of `ID` and `ID_LIKE` in os-release(5) that mean this family.
    pub ids: &'static [&'static str],
    /// What a person types before the names of packages.
    pub install: &'static str,
    /// What a person types to bring the package lists up to date.
    pub refresh: &'static str,
    /// Debian's name of a package, and what it is called here where that is another one.
    names: &'static [(&'static str, &'static str)],
    openmpi: Option<Mpi>,
    mpich: Option<Mpi>,
    /// What it takes to give a folder to other machines, and to have it from one.
    pub nfs: Option<Nfs>,
    /// Systems by `ID`, and the first version of each that has Open MPI 5; those before have Open MPI 4.
    openmpi_5: &'static [(&'static str, u32)],
    /// mpiup has installed and removed packages on real machines of this family.
    pub is_tested: bool,
}

/// An MPI out of packages.
#[derive(Debug)]
pub struct Mpi {
    /// Launcher, libraries and headers.
    pub packages: &'static [&'static str],
    /// Where it stands, when that is not where shells and the loader look.
    pub aside: Option<Aside>,
}

/// Packages of the kernel's NFS.
#[derive(Debug)]
pub struct Nfs {
    pub server: &'static [&'static str],
    pub client: &'static [&'static str],
}

/// Folders of an MPI that stands aside, so that several can be installed at once.
#[derive(Debug, PartialEq, Eq)]
pub struct Aside {
    pub programs: &'static str,
    pub libraries: &'static str,
}

/// In this order a system is looked up.
pub const ALL: [&Family; 5] = [&apt::FAMILY, &dnf::FAMILY, &zypper::FAMILY, &pacman::FAMILY, &apk::FAMILY];

/// The family of a system, by `ID` and `ID_LIKE` of its os-release(5).
pub fn of(id: &str, like: &[String]) -> Option<&'static Family> {
    let is_named = |word: &&str| *word == id || like.iter().any(|other| other == word);
    ALL.into_iter().find(|family| family.ids.iter().any(&is_named))
}

/// The family with this manager.
pub fn named(manager: &str) -> Option<&'static Family> {
    ALL.into_iter().find(|family| family.name == manager)
}

/// The folders of an MPI aside in which a program stands.
pub fn aside(program: &str) -> Option<&'static Aside> {
    let all = ALL.into_iter().flat_map(|family| [&family.openmpi, &family.mpich]).flatten();
    all.filter_map(|mpi| mpi.aside.as_ref())
        .find(|aside| program.rsplit_once('/').map(|(folder, _)| folder) == Some(aside.programs))
}

/// Every launcher that stands aside, for looking whether it is there.
pub fn launchers_aside() -> Vec<String> {
    let all = ALL.into_iter().flat_map(|family| [&family.openmpi, &family.mpich]).flatten();
    all.filter_map(|mpi| mpi.aside.as_ref()).map(|aside| format!("{}/mpiexec", aside.programs)).collect()
}

impl Family {
    /// The MPI of this flavour, where the family has packages of it.
    pub fn mpi(&self, flavour: Flavour) -> Option<&Mpi> {
        match flavour {
            Flavour::Openmpi => self.openmpi.as_ref(),
            Flavour::Mpich => self.mpich.as_ref(),
        }
    }

    /// What a package of Debian's is called here.
    pub fn package<'a>(&self, debian: &'a str) -> &'a str {
        self.names.iter().find(|(name, _)| *name == debian).map_or(debian, |(_, name)| name)
    }

    /// Major version of Open MPI in this version of a system.
    pub fn openmpi_major(&self, id: &str, version: &str) -> u32 {
        let version = version.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        if self.openmpi_5.iter().any(|(name, first)| *name == id && version >= *first) { 5 } else { 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(id: &str, like: &str) -> Option<&'static str> {
        let like: Vec<String> = like.split_whitespace().map(str::to_owned).collect();
        of(id, &like).map(|family| family.name)
    }

    #[test]
    fn systems_are_found_by_their_own_name_or_their_parents() {
        assert_eq!(family("debian", ""), Some("apt"));
        assert_eq!(family("linuxmint", "ubuntu debian"), Some("apt"));
        assert_eq!(family("fedora", ""), Some("dnf"));
        assert_eq!(family("rocky", "rhel centos fedora"), Some("dnf"));
        assert_eq!(family("opensuse-leap", "suse opensuse"), Some("zypper"));
        assert_eq!(family("manjaro", "arch"), Some("pacman"));
        assert_eq!(family("alpine", ""), Some("apk"));
        assert_eq!(family("nixos", ""), None);
    }

    #[test]
    fn versions_of_open_mpi() {
        let major = |id: &str, version: &str| of(id, &[]).unwrap().openmpi_major(id, version);
        for (id, version, expected) in [
            ("debian", "12", 4),
            ("debian", "13", 5),
            ("ubuntu", "24.04", 4),
            ("ubuntu", "25.04", 5),
            ("fedora", "39", 4),
            ("fedora", "41", 5),
            ("rocky", "9.4", 4),
            ("rocky", "10.0", 5),
            ("arch", "", 5),
        ] {
            assert_eq!(major(id, version), expected, "{id} {version}");
        }
        assert_eq!(named("zypper").unwrap().openmpi_major("opensuse-leap", "15.6"), 4);
    }

    #[test]
    fn what_stands_aside_is_known_by_its_folder() {
        assert_eq!(aside("/usr/lib64/openmpi/bin/mpiexec").unwrap().libraries, "/usr/lib64/openmpi/lib");
        assert_eq!(aside("/usr/bin/mpiexec"), None);
    }
}

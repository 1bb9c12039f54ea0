//! The MPI launchers that a node has, from their `--version`.

use serde::Serialize;

use crate::spec::Flavour;

/// A launcher that was found on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Launcher {
    pub path: String,
    pub flavour: Flavour,
    /// As it says it: `4.1.4`.
    pub version: String,
}

impl Launcher {
    /// The number before the first dot.
    pub fn major(&self) -> Option<u32> {
        self.version.split('.').next()?.parse().ok()
    }
}

/// Lines of `PATH FIRST-LINES-OF---version`; those of unknown launchers are passed over.
pub fn launchers(text: &str) -> Vec<Launcher> {
    let parse = |line: &str| {
        let (path, said) = line.split_once(' ')?;
        let words: Vec<&str> = said.split_whitespace().collect();
        let after = |word: &str| words.iter().position(|w| *w == word).and_then(|at| words.get(at + 1)).copied();
        let (flavour, version) = if said.contains("HYDRA") {
            (Flavour::Mpich, after("Version:")?)
        } else if said.contains("Open MPI") || said.contains("OpenRTE") || said.contains("PRTE") {
            (Flavour::Openmpi, after("MPI)").or_else(|| after("PRTE)")).or_else(|| after("(OpenRTE)"))?)
        } else {
            return None;
        };
        Some(Launcher { path: path.into(), flavour, version: version.into() })
    };
    text.lines().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_flavours_apart() {
        let found = launchers(
            "/usr/bin/mpiexec.openmpi mpiexec (OpenRTE) 4.1.4  Report bugs to http://www.open-mpi.org/community/help/ \n\
             /home/mpi/.mpiup/env/bin/mpiexec mpiexec (Open MPI) 5.0.11  Report bugs to https://www.open-mpi.org/community/help/ \n\
             /usr/bin/mpiexec.mpich HYDRA build details:     Version:                                 4.0.2     Release Date: Thu Apr  7 12:34:45 CDT 2022 \n\
             /opt/x/mpiexec Intel(R) MPI Library for Linux* OS, Version 2021.10 Build 20230619 \n",
        );
        let shown: Vec<_> = found.iter().map(|l| (l.flavour, l.version.as_str(), l.major())).collect();
        assert_eq!(
            shown,
            [
                (Flavour::Openmpi, "4.1.4", Some(4)),
                (Flavour::Openmpi, "5.0.11", Some(5)),
                (Flavour::Mpich, "4.0.2", Some(4))
            ]
        );
    }
}

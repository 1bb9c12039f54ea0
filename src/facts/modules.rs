//! Packages that Python finds on a node without mpiup, by the folders in which pip and the distribution note them.

use serde::Serialize;

/// A package, for one Python or for every Python 3 of the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Module {
    pub name: String,
    pub version: String,
    /// `None`: the folder is every Python 3's.
    pub python: Option<(u32, u32)>,
}

/// Lines such as `/usr/local/lib/python3.11/dist-packages/mpi4py-4.0.1.dist-info`.
pub fn modules(text: &str) -> Vec<Module> {
    let parse = |line: &str| {
        let (folder, info) = line.rsplit_once('/')?;
        let (name, rest) = info.split_once('-')?;
        let version = rest.strip_suffix(".dist-info").or_else(|| rest.strip_suffix(".egg-info"))?;
        let python = folder.split('/').find_map(|part| {
            let (major, minor) = part.strip_prefix("python")?.split_once('.')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        });
        // `4.0.1-py3.11` is how setuptools calls it.
        let version = version.split('-').next()?.to_owned();
        Some(Module { name: name.to_owned(), version, python })
    };
    text.lines().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_names_that_pip_and_debian_give() {
        let found = modules(
            "/usr/lib/python3/dist-packages/mpi4py-3.1.4.egg-info\n\
             /usr/local/lib/python3.11/dist-packages/mpi4py-4.0.1.dist-info\n\
             /home/mpi/.local/lib/python3.9/site-packages/mpi4py-3.0.3-py3.9.egg-info\n/usr/lib/python3/dist-packages\n",
        );
        let shown: Vec<_> = found.iter().map(|m| (m.name.as_str(), m.version.as_str(), m.python)).collect();
        let wanted = [("mpi4py", "3.1.4", None), ("mpi4py", "4.0.1", Some((3, 11))), ("mpi4py", "3.0.3", Some((3, 9)))];
        assert_eq!(shown, wanted);
    }
}

//! What an environment is made for: a Python, a processor and a C library.

use std::fmt;

use crate::{
    error::{Error, Result},
    process::Command,
};

/// The machines on which an environment can run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Major and minor version of the nodes' python3.
    pub python: (u8, u8),
    /// As `uname -m` says it.
    pub arch: String,
    /// For several nodes, the oldest of theirs.
    pub libc: Libc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Libc {
    /// Major and minor version, as `ldd --version` says it.
    Glibc(u32, u32),
}

impl Target {
    /// What this machine's `python3` is.
    ///
    /// # Errors
    /// When there is no python3, or this system's C library is not glibc.
    pub async fn here() -> Result<Self> {
        let ask = "import os, platform, sys; print(*sys.version_info[:2], os.uname().machine, *platform.libc_ver())";
        let said = Command::new("python3")
            .args(["-I", "-S", "-c", ask])
            .run()
            .await
            .map_err(|error| error.hinted("Python 3 is needed on this machine: `sudo apt-get install python3`."))?;
        Self::parse(&said.stdout).ok_or_else(|| {
            Error::failed("no ready-made MPI packages exist for this machine's system")
                .because(format!("python3 describes it as `{}`, and only glibc systems are known", said.stdout.trim()))
                .hinted("Install Open MPI or MPICH and mpi4py from the system's own packages.")
        })
    }

    /// Reads `3 11 x86_64 glibc 2.36`.
    fn parse(text: &str) -> Option<Self> {
        let [major, minor, arch, "glibc", libc] = text.split_whitespace().collect::<Vec<_>>()[..] else { return None };
        let (libc_major, libc_minor) = libc.split_once('.')?;
        Some(Self {
            python: (major.parse().ok()?, minor.parse().ok()?),
            arch: arch.to_owned(),
            libc: Libc::Glibc(libc_major.parse().ok()?, libc_minor.split('.').next()?.parse().ok()?),
        })
    }

    /// `3.11`
    pub fn python_version(&self) -> String {
        format!("{}.{}", self.python.0, self.python.1)
    }

    /// The options that make pip choose wheels for this target rather than for the machine it runs on.
    ///
    /// A wheel names the oldest glibc it runs on, and pip compares such names literally, so every glibc up to the
    /// target's is listed, newest first (PEP 600; 2.5 is the oldest that was ever used; before 2.17 under other names).
    pub(super) fn pip_options(&self) -> Vec<String> {
        let Libc::Glibc(major, minor) = self.libc;
        let (python, abi) = (self.python_version(), format!("cp{}{}", self.python.0, self.python.1));
        let mut options =
            vec!["--implementation=cp".into(), format!("--python-version={python}"), format!("--abi={abi}")];
        let names = (5..=minor).rev().map(|minor| format!("manylinux_{major}_{minor}"));
        let old_names = ["manylinux2014", "manylinux2010", "manylinux1", "linux"].map(String::from);
        options.extend(names.chain(old_names).map(|name| format!("--platform={name}_{}", self.arch)));
        options
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Libc::Glibc(major, minor) = self.libc;
        write!(f, "Python {} on {} with glibc {major}.{minor}", self.python_version(), self.arch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_python_says() {
        let target = Target::parse("3 11 x86_64 glibc 2.36\n").unwrap();
        assert_eq!(target.to_string(), "Python 3.11 on x86_64 with glibc 2.36");
        assert_eq!(Target::parse("3 12 x86_64\n"), None, "musl: libc_ver says nothing");
    }

    #[test]
    fn lists_every_platform_that_the_target_can_run() {
        let target = Target { python: (3, 9), arch: "aarch64".into(), libc: Libc::Glibc(2, 7) };
        assert_eq!(
            target.pip_options().join(" "),
            "--implementation=cp --python-version=3.9 --abi=cp39 --platform=manylinux_2_7_aarch64 \
             --platform=manylinux_2_6_aarch64 --platform=manylinux_2_5_aarch64 --platform=manylinux2014_aarch64 \
             --platform=manylinux2010_aarch64 --platform=manylinux1_aarch64 --platform=linux_aarch64"
        );
    }
}

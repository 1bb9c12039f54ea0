//! pip, on the operator's machine: found, or fetched without root.
//!
//! Debian's python3 comes without pip and without the means to get it, but its archive has pip as a wheel, which
//! python3 runs as it is. The user's own pip configuration (index, proxy, certificates) applies.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Target, cache_dir};
use crate::{
    error::{Error, Result},
    process::Command,
};

/// A Python, and how to start pip with it.
#[derive(Debug)]
pub(super) struct Pip {
    pub python: &'static str,
    how: How,
}

#[derive(Debug, PartialEq, Eq)]
enum How {
    Module,
    Wheel(PathBuf),
    Missing,
}

/// Prints the version, then how pip can be had: `module`, the path of a wheel, or `-`.
const PROBE: &str = r#"
import glob, importlib.util, os, sys
wheels = sorted(glob.glob("/usr/share/python-wheels/pip-*.whl"))
found = importlib.util.find_spec("ensurepip")
if found and found.origin:
    wheels += sorted(glob.glob(os.path.join(os.path.dirname(found.origin), "_bundled", "pip-*.whl")))
module = importlib.util.find_spec("pip") and importlib.util.find_spec("pip.__main__")
print("%d.%d" % sys.version_info[:2], "module" if module else wheels[-1] if wheels else "-")
"#;

impl Pip {
    /// The Python that suits `target` best: one of its version compiles the modules for it.
    pub async fn find(target: &Target, report: &(dyn Fn(&str) + Sync)) -> Result<Self> {
        let mut found = Vec::new();
        for python in ["python3", "/usr/bin/python3"] {
            // One that cannot even be asked cannot be used: the next may.
            if let Ok(said) = Command::new(python).args(["-c", PROBE]).run().await
                && let Some((version, how)) = said.stdout.trim().split_once(' ')
            {
                let how = match how {
                    "module" => How::Module,
                    "-" => How::Missing,
                    wheel => How::Wheel(wheel.into()),
                };
                found.push((version == target.python_version(), Self { python, how }));
            }
        }
        // Same version first, then one that has pip; of equals, the first.
        found.sort_by_key(|(same, pip)| (!same, pip.how == How::Missing));
        let Some((_, mut pip)) = found.into_iter().next() else {
            return Err(Error::failed("cannot fetch Python packages: this machine has no python3 that works")
                .hinted("Install it, then try again: `sudo apt-get install python3`."));
        };
        if pip.how == How::Missing {
            pip.how = How::Wheel(fetch_wheel(report).await?);
        }
        Ok(pip)
    }

    /// Downloads the wheels of `requirements` and of all that they need into `folder`.
    pub async fn download(
        &self,
        target: &Target,
        requirements: &[String],
        folder: &Path,
        report: &(dyn Fn(&str) + Sync),
    ) -> Result<()> {
        let command = match &self.how {
            How::Wheel(wheel) => Command::new(self.python).arg(wheel.join("pip")),
            How::Module | How::Missing => Command::new(self.python).args(["-m", "pip"]),
        };
        let command = command
            .args([
                "download",
                "--only-binary=:all:",
                "--no-input",
                "--progress-bar=off",
                "--disable-pip-version-check",
            ])
            .args(target.pip_options())
            .arg("--dest")
            .arg(folder)
            .arg("--")
            .args(requirements)
            .env("LC_ALL", "C.UTF-8")
            // Nothing is installed, so a user's wish to install only into virtual environments is not in question.
            .env("PIP_REQUIRE_VIRTUALENV", "0");
        let tell = |line: &str| {
            if let Some(what) = line.trim_start().strip_prefix("Downloading ") {
                report(&format!("Fetching {}", short(what)));
            }
        };
        match command.run_with(&tell).await {
            Ok(_) => Ok(()),
            Err(error) => Err(explained(&error, target, requirements)),
        }
    }
}

/// `numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl (16.9 MB)` → `numpy 2.4.6 (16.9 MB)`
fn short(line: &str) -> String {
    let (file, size) = line.split_once(' ').unwrap_or((line, ""));
    let mut parts = file.rsplit('/').next().unwrap_or(file).split('-');
    let (name, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{name} {version} {size}").trim_end().to_owned()
}

/// pip's many words for "no network", and for "no such wheel".
fn explained(error: &Error, target: &Target, requirements: &[String]) -> Error {
    const UNREACHED: [&str; 6] = [
        "NewConnectionError",
        "NameResolutionError",
        "Temporary failure in name resolution",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ProxyError",
    ];
    let said = error.reasons().join("\n");
    let errors: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("ERROR: ")).collect();
    let what = requirements.join(", ");
    if UNREACHED.iter().any(|sign| said.contains(sign)) {
        return Error::failed(format!("cannot fetch the Python packages {what}: the package index cannot be reached"))
            .hinted("They are fetched once and then kept; this machine needs the internet, or a pip index, for that.")
            .hinted("Behind a proxy or with an index of your own: see `python3 -m pip config list`.");
    }
    let missing = errors.iter().find_map(|line| line.strip_prefix("No matching distribution found for "));
    if let Some(missing) = missing {
        // The index knows no such name, or has sources of it only, which are not compiled here.
        let is_none = errors[0].contains("(from versions: none)");
        return Error::failed(format!("there is no ready-made package (wheel) of {missing} for {target}"))
            .because(errors[0])
            .hinted(if is_none {
                "Is the name right? It stands under [python] requirements in mpiup.toml."
            } else {
                "Another version of it may have one: loosen it under [python] requirements in mpiup.toml."
            });
    }
    let reason = if errors.is_empty() { said.clone() } else { errors.join("\n") };
    Error::failed(format!("cannot fetch the Python packages {what}")).because(reason)
}

/// pip's wheel out of Debian's archive, kept in the cache: `apt-get download` needs no root, and neither does unpacking.
async fn fetch_wheel(report: &(dyn Fn(&str) + Sync)) -> Result<PathBuf> {
    let cache = cache_dir("pip")?;
    if let Some(wheel) = wheel_in(&cache) {
        return Ok(wheel);
    }
    report("Fetching pip from the distribution's archive (nothing is installed)");
    let work = tempfile::tempdir_in(&cache).map_err(|error| Error::failed("cannot fetch pip").because(error))?;
    let state = work.path().join("apt");
    let hinted = |error: Error| {
        Error::failed("this machine's python3 has no pip, and it could not be fetched")
            .because(error)
            .hinted("Install it, then try again: `sudo apt-get install python3-pip`.")
    };
    for part in ["lists/partial", "archives/partial"] {
        fs::create_dir_all(state.join(part)).map_err(|error| hinted(Error::failed(error.to_string())))?;
    }
    // Root's apt would hand the work to a user who may not write here.
    let apt = || Command::new("apt-get").args(["-q", "-oAPT::Sandbox::User=root"]).cwd(work.path());
    let download = ["download", "python3-pip-whl"];
    if apt().args(download).run().await.is_err() {
        // No lists, or old ones: fresh ones of our own, which need no root either.
        let lists = format!("-oDir::State::lists={}", state.join("lists").display());
        let own = [lists, format!("-oDir::Cache={}", state.display())];
        apt().args(&own).arg("update").run().await.map_err(hinted)?;
        apt().args(&own).args(download).run().await.map_err(hinted)?;
    }
    let files = fs::read_dir(work.path()).into_iter().flatten().flatten().map(|entry| entry.path());
    let package = files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "deb"));
    let package =
        package.ok_or_else(|| hinted(Error::failed("apt-get said it was downloaded, but it is not there")))?;
    let tree = work.path().join("tree");
    Command::new("dpkg-deb").arg("-x").args([&package, &tree]).run().await.map_err(hinted)?;
    let wheel = wheel_in(&tree.join("usr/share/python-wheels"))
        .ok_or_else(|| hinted(Error::failed("the package python3-pip-whl holds no pip")))?;
    let kept = cache.join(wheel.file_name().unwrap_or_default());
    fs::rename(&wheel, &kept).map_err(|error| hinted(Error::failed(error.to_string())))?;
    Ok(kept)
}

fn wheel_in(folder: &Path) -> Option<PathBuf> {
    let is_pip = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("pip-") && name.ends_with(".whl")
    };
    fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).find(is_pip)
}

#[cfg(test)]
mod tests {
    use super::{super::Libc, *};

    fn target() -> Target {
        Target { python: (3, 11), arch: "x86_64".into(), libc: Libc::Glibc(2, 36) }
    }

    #[test]
    fn shortens_what_pip_says_of_a_download() {
        assert_eq!(short("numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl (16.9 MB)"), "numpy 2.4.6 (16.9 MB)");
        assert_eq!(short("https://example.org/a/mpi4py-4.1.2-cp311-abi3-any.whl (1.3 MB)"), "mpi4py 4.1.2 (1.3 MB)");
    }

    #[test]
    fn a_package_without_a_wheel_is_named() {
        let said = "ERROR: Could not find a version that satisfies the requirement numpy==99 (from versions: 1.9, 2.0)\n\
                    ERROR: No matching distribution found for numpy==99";
        let error = explained(&Error::failed("x").because(said), &target(), &["numpy==99".into()]);
        assert_eq!(
            error.message(),
            "there is no ready-made package (wheel) of numpy==99 for Python 3.11 on x86_64 with glibc 2.36"
        );
    }

    #[test]
    fn a_name_that_the_index_does_not_know_is_doubted() {
        let hint = |versions: &str| {
            let said = format!(
                "ERROR: Could not find a version that satisfies the requirement nosuchpackage-zz9 (from versions: {versions})\n\
                 ERROR: No matching distribution found for nosuchpackage-zz9"
            );
            let error = explained(&Error::failed("x").because(said), &target(), &["nosuchpackage-zz9".into()]);
            error.hints()[0].clone()
        };
        assert!(hint("none").starts_with("Is the name right?"));
        assert!(hint("1.0, 1.1").starts_with("Another version of it"));
    }

    #[test]
    fn no_network_is_said_as_such() {
        let said = "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by \
             'NewConnectionError(': Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')'\n\
             ERROR: Could not find a version that satisfies the requirement numpy (from versions: none)\n\
             ERROR: No matching distribution found for numpy";
        let error = explained(&Error::failed("x").because(said), &target(), &["numpy".into()]);
        assert!(error.message().ends_with("the package index cannot be reached"), "{error}");
        assert_eq!(error.hints().len(), 2);
    }
}

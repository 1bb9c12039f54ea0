//! The base layer: what nodes need beyond this computer, kept in the cache so that only the first lab waits for apt.
//!
//! A layer holds copies of files that this computer has as well (the package database, the system's accounts), so it
//! belongs to exactly the computer's present state: any package installed or removed makes a new one, and the old one
//! goes. Labs that were given packages of their own have a layer of their own.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use super::{
    base_build::{self, Build},
    builder,
    host::{self, command},
    rootfs,
    watch::Watch,
};
use crate::error::{Context, Error, Result};

/// Where layers are kept.
pub(super) const CACHE: &str = "/var/cache/mpiup/lab";
/// Raised when layers of the same computer come out differently.
const VERSION: &str = "1";
/// A program that nodes need, where it may be, and the package that has it.
const PROGRAMS: [(&str, &[&str]); 3] = [
    ("openssh-server", &["/usr/sbin/sshd"]),
    ("python3", &["/usr/bin/python3"]),
    ("iproute2", &["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"]),
];
const SILENCE: Duration = Duration::from_secs(180);

/// The archive of the layer, built first if need be; None when nodes need nothing beyond this computer. `more` are packages
/// that they get beyond what they need.
///
/// # Errors
/// When it cannot be built, or `watch` says that nobody wants it any more.
pub(super) fn ensure(
    watch: &Watch,
    more: &[String],
    scratch: &Path,
    points: &[PathBuf],
    report: &mut dyn FnMut(&str),
) -> Result<Option<PathBuf>> {
    let packages: Vec<String> = missing_packages().map(str::to_owned).chain(more.iter().cloned()).collect();
    if packages.is_empty() && has_package_lists() {
        return Ok(None);
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        return if packages.is_empty() { Ok(None) } else { Err(no_apt(&packages)) };
    }
    let state = state(points);
    let archive = Path::new(CACHE).join(layer(&state, more));
    let _lock = lock(watch, Path::new(CACHE), report)?;
    if !archive.exists() {
        let build = Build { packages, archive: archive.clone(), scratch: scratch.to_owned(), points: points.to_vec() };
        run(watch, &build, report)?;
    }
    remove_others(&state);
    Ok(Some(archive))
}

/// Unpacks a layer into `directory`, on which a memory file system is mounted first.
pub(super) fn unpack(archive: &Path, directory: &Path) -> Result<()> {
    rootfs::mount_new("tmpfs", directory, nix::mount::MsFlags::empty(), "mode=755")?;
    let unpacked = host::run(
        command("tar")
            .args(["--xattrs", "--xattrs-include=*", "--numeric-owner", "-C"])
            .arg(directory)
            .arg("-xpf")
            .arg(archive),
    );
    unpacked
        .map(drop)
        .map_err(|error| error.hinted(format!("A new one is made after: {} lab down --purge-cache", super::mpiup())))
}

/// Removes all layers. True when there was something.
pub(super) fn purge() -> Result<bool> {
    match fs::remove_dir_all(CACHE) {
        Ok(()) => {
            // Other parts of mpiup may keep things beside it.
            let _ = fs::remove_dir("/var/cache/mpiup");
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::failed(format!("cannot remove {CACHE}")).because(error)),
    }
}

fn missing_packages() -> impl Iterator<Item = &'static str> {
    let missing = |places: &[&str]| !places.iter().any(|place| Path::new(place).exists());
    PROGRAMS.iter().filter(move |(_, places)| missing(places)).map(|(package, _)| *package)
}

/// Whether it is spelt as a package's name (Debian Policy, 5.6.7), which no option of apt-get's is.
pub(super) fn is_package(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() >= 2 && name.starts_with(plain) && name.chars().all(|c| plain(c) || "+-.".contains(c))
}

fn has_package_lists() -> bool {
    let entries = fs::read_dir("/var/lib/apt/lists").into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
}

fn no_apt(packages: &[String]) -> Error {
    Error::failed(format!(
        "the lab's machines need {}, and this computer has no apt-get to fetch it",
        packages.join(", ")
    ))
    .hinted("Install it on this computer with its own package manager; it does not have to run.")
}

/// The name of a layer's archive.
fn layer(state: &str, more: &[String]) -> String {
    match more {
        [] => format!("base-{state}.tar"),
        more => format!("more-{state}-{}.tar", short(Sha256::new().chain_update(more.join(" ")))),
    }
}

/// A digest of everything of this computer that a layer's content depends on.
fn state(points: &[PathBuf]) -> String {
    let mut digest = Sha256::new();
    let needed: Vec<&str> = missing_packages().collect();
    digest.update(format!("{VERSION} {needed:?} {points:?}"));
    let mut files: Vec<PathBuf> =
        ["/etc/os-release", "/var/lib/dpkg/status", "/etc/passwd", "/etc/group", "/etc/apt/sources.list"]
            .map(PathBuf::from)
            .to_vec();
    let mut sources: Vec<PathBuf> =
        fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    sources.sort();
    files.extend(sources);
    for file in files {
        let content = fs::read(&file).unwrap_or_default();
        digest.update(format!("\n{} {}\n", file.display(), content.len()));
        digest.update(content);
    }
    short(digest)
}

pub(super) fn short(digest: Sha256) -> String {
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// One builder at a time; whoever waits then finds the layer made.
pub(super) fn lock(watch: &Watch, folder: &Path, report: &mut dyn FnMut(&str)) -> Result<Flock<File>> {
    let failed = || format!("cannot use {}", folder.display());
    fs::DirBuilder::new().recursive(true).mode(0o755).create(folder).context(failed)?;
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("lock")).context(failed)?;
    let mut told = false;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((back, nix::errno::Errno::EAGAIN)) => file = back,
            Err((_, errno)) => return Err(Error::failed(failed()).because(errno.desc())),
        }
        if !told {
            report("Waiting for another lab that makes what both need");
            told = true;
        }
        watch.wait(&[], Duration::from_millis(200))?;
    }
}

fn run(watch: &Watch, build: &Build, report: &mut dyn FnMut(&str)) -> Result<()> {
    let what = if build.packages.is_empty() { "package lists".to_owned() } else { build.packages.join(", ") };
    report(&format!("Making the base layer, once: {what}"));
    let result = builder::run(watch, SILENCE, report, &|keeper| base_build::make(build, keeper));
    if result.is_err() {
        // Half an archive, when the builder was stopped while it wrote.
        let _ = fs::remove_file(base_build::partial(&build.archive));
    }
    result
}

/// Layers of an earlier state of this computer fit no more.
fn remove_others(state: &str) {
    for entry in fs::read_dir(CACHE).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let layer = name.strip_prefix("base-").or_else(|| name.strip_prefix("more-"));
        if layer.is_some_and(|layer| !layer.starts_with(state)) {
            // What cannot be removed now is tried again by the next lab.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_no_option() {
        for good in ["openmpi-bin", "g++", "libstdc++6", "python3.11", "0ad"] {
            assert!(is_package(good), "{good}");
        }
        for bad in ["", "-y", "--allow-unauthenticated", "a", "Nano", "nano vim", "../nano.deb", "nano=1"] {
            assert!(!is_package(bad), "{bad}");
        }
    }

    #[test]
    fn labs_with_packages_of_their_own_do_not_share_a_layer() {
        let more = ["openmpi-bin".to_owned(), "nano".to_owned()];
        assert_eq!(layer("4f2a", &[]), "base-4f2a.tar");
        assert!(layer("4f2a", &more).starts_with("more-4f2a-"));
        assert_ne!(layer("4f2a", &more), layer("4f2a", &more[..1]));
    }
}

//! Makes a base layer: apt installs into an overlay over this computer's files, with this computer's network, and what
//! the overlay then holds becomes an archive.
//!
//! Runs as process 1 of a process namespace, so that nothing a package starts outlives it; no service is started, and
//! the computer's own `/run` (with its systemd and D-Bus) is out of sight of the packages' scripts.

use std::{
    collections::VecDeque,
    fs::{self, Permissions},
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use nix::mount::{MntFlags, umount2};

use super::{
    apt_progress,
    host::{self, command},
    kernel_mounts::{self, bind},
    rootfs::{self, Tree, make_dir},
    wire::{self, Message},
};
use crate::error::{Context, Error, Result};

/// apt says far more than anybody reads, above all where lines are kept.
const BETWEEN_REPORTS: Duration = Duration::from_secs(1);

pub(super) struct Build {
    /// Without any, only the package lists are fetched.
    pub packages: Vec<String>,
    pub archive: PathBuf,
    pub scratch: PathBuf,
    pub points: Vec<PathBuf>,
}

/// Where the archive grows until it is whole.
pub(super) fn partial(archive: &Path) -> PathBuf {
    archive.with_extension("tar.partial")
}

/// Makes it; progress goes to `keeper`.
pub(super) fn make(build: &Build, keeper: &mut impl Write) -> Result<()> {
    rootfs::make_private()?;
    let points = build.points.clone();
    // A layer that is to lie below another overlay must not hold redirections.
    let tree = Tree { scratch: build.scratch.clone(), base: None, points, redirect: "off" };
    let root = tree.mount(&[])?;
    kernel_mounts::mount_all(&root)?;
    make_dir(root.join("tmp"), 0o1777)?;
    provide_resolver(&root)?;
    forbid_services(&root)?;
    install(&root, build, keeper)?;
    clean(&root)?;
    umount2(&root, MntFlags::MNT_DETACH).context(|| "cannot close the base layer")?;
    pack(&tree, &build.archive)
}

/// `/etc/resolv.conf` is often a link into `/run`, or mounted from elsewhere: apt is to see what this computer sees.
fn provide_resolver(root: &Path) -> Result<()> {
    let Ok(real) = fs::canonicalize("/etc/resolv.conf") else { return Ok(()) };
    let inside = root.join(real.strip_prefix("/").unwrap_or(&real));
    let (here, there) = (fs::read(&real).unwrap_or_default(), fs::read(&inside).unwrap_or_default());
    if here == there {
        return Ok(());
    }
    if real.starts_with("/run") {
        make_dir(inside.parent().unwrap_or(root), 0o755)?;
        return fs::write(&inside, here).context(|| format!("cannot write {}", inside.display()));
    }
    bind(&real, &inside, nix::mount::MsFlags::MS_RDONLY)
}

/// Debian's way to say that nothing is to be started (invoke-rc.d(8)). Nodes do not see this file.
fn forbid_services(root: &Path) -> Result<()> {
    let policy = root.join("usr/sbin/policy-rc.d");
    fs::write(&policy, "#!/bin/sh\nexit 101\n")
        .and_then(|()| fs::set_permissions(&policy, Permissions::from_mode(0o755)))
        .context(|| format!("cannot write {}", policy.display()))
}

fn install(root: &Path, build: &Build, keeper: &mut impl Write) -> Result<()> {
    // One dead repository among several must not stop the lab: what counts is whether the packages can be had.
    let updated = apt(root, &["update"], keeper);
    if build.packages.is_empty() {
        return updated;
    }
    let words: Vec<&str> = ["install", "--yes", "--no-install-recommends"]
        .into_iter()
        .chain(build.packages.iter().map(String::as_str))
        .collect();
    apt(root, &words, keeper).map_err(|error| match updated {
        Err(earlier) => error.because(earlier),
        Ok(()) => error,
    })?;
    apt(root, &["clean"], keeper)
}

fn apt(root: &Path, words: &[&str], keeper: &mut impl Write) -> Result<()> {
    let what = format!("`apt-get {}` for the base layer", words.join(" "));
    let failed = || format!("cannot run {what}");
    let (reader, writer) = std::io::pipe().context(failed)?;
    let mut apt = command("chroot");
    apt.arg(root).args(["apt-get", "-o", "APT::Status-Fd=1", "-o", "Dpkg::Use-Pty=0"]);
    apt.args(["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"]);
    apt.args(words).env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive").env("HOME", "/root");
    apt.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    apt.stdin(Stdio::null()).stdout(writer.try_clone().context(failed)?).stderr(writer);
    let mut child = apt.spawn().context(failed)?;
    // Our copies of the writing end go, so that the reading ends when apt does.
    drop(apt);
    let said = follow(BufReader::new(reader), keeper)?;
    let status = child.wait().context(failed)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::failed(format!("{what} ended with {status}"))
        .because(said)
        .hinted("Does the network reach the package archive? Try by hand: sudo apt-get update"))
}

/// Passes progress on, about once a second, and returns the last lines for the case of an error.
fn follow(lines: impl BufRead, keeper: &mut impl Write) -> Result<String> {
    let mut last = VecDeque::new();
    let mut told = None::<Instant>;
    for line in lines.lines().map_while(std::result::Result::ok) {
        match apt_progress::read(&line) {
            Some(text) if told.is_none_or(|when| when.elapsed() > BETWEEN_REPORTS) => {
                wire::send(keeper, &Message::Report { text })?;
                told = Some(Instant::now());
            }
            Some(_) => {}
            None => last.push_back(line),
        }
        if last.len() > 8 {
            last.pop_front();
        }
    }
    Ok(Vec::from(last).join("\n"))
}

/// Nodes make host keys of their own, and logs of this work are nobody's.
fn clean(root: &Path) -> Result<()> {
    let mut gone = vec![root.join("usr/sbin/policy-rc.d"), root.join("var/log/dpkg.log")];
    for entry in fs::read_dir(root.join("etc/ssh")).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("ssh_host_") {
            gone.push(entry.path());
        }
    }
    for path in gone.iter().filter(|path| path.symlink_metadata().is_ok()) {
        fs::remove_file(path).context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// Whiteouts are devices and opaque directories have an attribute: tar keeps both.
fn pack(tree: &Tree, archive: &Path) -> Result<()> {
    let partial = partial(archive);
    host::run(
        command("tar")
            .args(["--xattrs", "--xattrs-include=trusted.overlay.opaque", "--xattrs-include=security.*"])
            .args(["--numeric-owner", "--exclude=./*/tmp/*", "--exclude=./*/run/*", "-C"])
            .arg(tree.upper(0).parent().unwrap_or(&tree.scratch))
            .arg("-cf")
            .arg(&partial)
            .arg("."),
    )?;
    fs::rename(&partial, archive).context(|| format!("cannot write {}", archive.display()))
}

//! The root file system of a node: an overlay whose lower layers are this computer's own files and whose upper layer
//! is in memory, so that nothing written in the node reaches the computer, and all of it goes with the node.
//!
//! Everything here happens in the mount namespace of the caller, which must not share mounts with its parent.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::stat::{Mode, SFlag, mknod},
};

use super::host_mounts;
use crate::error::{Context, Error, Result};

/// Where the parts of a tree lie and what it is made of.
pub(super) struct Tree {
    /// A directory of this computer over which the tree's memory file system is mounted.
    pub scratch: PathBuf,
    /// The unpacked base layer: one directory for each of `points`, named by its place.
    pub base: Option<PathBuf>,
    /// Mount points of this computer that are seen, `/` first.
    pub points: Vec<PathBuf>,
    /// `on` lets directories be renamed, but a layer that is to be kept must do without.
    pub redirect: &'static str,
}

/// This computer's mount points that hold its system.
pub(super) fn system_mounts() -> Result<Vec<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mountinfo").context(|| "cannot read this computer's mounts")?;
    Ok(host_mounts::to_show(&table, is_system))
}

/// Top directories that hold the system; everything else of `/` belongs to this computer alone.
fn is_system(path: &Path) -> bool {
    let Some(top) = path.components().nth(1) else { return false };
    let top = top.as_os_str().to_string_lossy();
    let known =
        ["bin", "etc", "gnu", "nix", "opt", "sbin", "usr", "var"].contains(&top.as_ref()) || top.starts_with("lib");
    known && !PRIVATE.iter().any(|private| path.starts_with(private))
}

/// What of the system's directories is this computer's own: identity, logs, other machines' disks.
const PRIVATE: [&str; 19] = [
    "/etc/machine-id",
    "/etc/mpiup",
    "/etc/ssh/sshd_config.d",
    "/usr/sbin/policy-rc.d",
    "/var/cache/mpiup",
    "/var/crash",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/lib/libvirt",
    "/var/lib/lxc",
    "/var/lib/lxd",
    "/var/lib/machines",
    "/var/lib/mpiup",
    "/var/log",
    "/var/snap",
    "/var/spool/cron",
    "/var/tmp",
];

/// Everything that a node does not see: private parts of the system, its host keys, and foreign top directories.
pub(super) fn hidden() -> Result<Vec<PathBuf>> {
    let mut hidden: Vec<PathBuf> = PRIVATE.iter().map(PathBuf::from).collect();
    for entry in fs::read_dir("/").context(|| "cannot list /")?.flatten() {
        if !is_system(&entry.path()) {
            hidden.push(entry.path());
        }
    }
    for entry in fs::read_dir("/etc/ssh").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("ssh_host_") {
            hidden.push(entry.path());
        }
    }
    Ok(hidden)
}

/// Keeps mounts made from here on out of other namespaces.
pub(super) fn make_private() -> Result<()> {
    propagation(MsFlags::MS_PRIVATE)
}

/// The same, but a file system that somebody unmounts on this computer goes here too, so that the lab keeps no disk busy.
pub(super) fn make_slave() -> Result<()> {
    propagation(MsFlags::MS_SLAVE)
}

fn propagation(kind: MsFlags) -> Result<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | kind, None::<&str>)
        .context(|| "cannot separate the lab's mounts from this computer's")
}

/// Mounts a file system that needs no device.
pub(super) fn mount_new(kind: &str, target: &Path, flags: MsFlags, options: &str) -> Result<()> {
    mount(Some(kind), target, Some(kind), flags, Some(options))
        .context(|| format!("cannot mount {kind} at {}", target.display()))
}

impl Tree {
    /// Mounts the tree and returns the directory where it is seen. `hidden` is not in it.
    pub(super) fn mount(&self, hidden: &[PathBuf]) -> Result<PathBuf> {
        mount_new("tmpfs", &self.scratch, MsFlags::empty(), "mode=755")?;
        let root = self.scratch.join("root");
        fs::create_dir(&root).context(|| format!("cannot make {}", root.display()))?;
        for place in 0..self.points.len() {
            self.make_upper(place)?;
        }
        for path in hidden {
            self.hide(path)?;
        }
        for (place, point) in self.points.iter().enumerate() {
            self.mount_layers(place, &root.join(relative(point, Path::new("/"))))?;
        }
        Ok(root)
    }

    /// Where changes below the mount point of this place end up.
    pub(super) fn upper(&self, place: usize) -> PathBuf {
        self.scratch.join("upper").join(place.to_string())
    }

    fn work(&self, place: usize) -> PathBuf {
        self.scratch.join("work").join(place.to_string())
    }

    fn make_upper(&self, place: usize) -> Result<()> {
        for directory in [self.upper(place), self.work(place)] {
            fs::create_dir_all(&directory).context(|| format!("cannot make {}", directory.display()))?;
        }
        like(&self.upper(place), &self.points[place])
    }

    fn mount_layers(&self, place: usize, target: &Path) -> Result<()> {
        let base = self.base.as_ref().map(|base| base.join(place.to_string())).filter(|base| base.is_dir());
        let base = base.map_or(String::new(), |base| format!("{}:", base.display()));
        let options = format!(
            "lowerdir={base}{},upperdir={},workdir={},redirect_dir={},index=off,metacopy=off,xino=off",
            self.points[place].display(),
            self.upper(place).display(),
            self.work(place).display(),
            self.redirect
        );
        mount(Some("overlay"), target, Some("overlay"), MsFlags::empty(), Some(options.as_str()))
            .map_err(|errno| overlay_error(errno, &self.points[place]))
    }

    /// A character device 0:0 in an upper layer is a name that the layers below do not have
    /// (Documentation/filesystems/overlayfs.rst).
    fn hide(&self, path: &Path) -> Result<()> {
        let place = self.points.iter().rposition(|point| path.starts_with(point) && path != point).unwrap_or(0);
        let point = &self.points[place];
        let inside = relative(path, point);
        let below = [Some(point.clone()), self.base.as_ref().map(|base| base.join(place.to_string()))];
        let exists = below.iter().flatten().any(|layer| layer.join(inside).symlink_metadata().is_ok());
        if !exists {
            return Ok(());
        }
        self.make_parents(place, inside)?;
        mknod(&self.upper(place).join(inside), SFlag::S_IFCHR, Mode::empty(), 0)
            .context(|| format!("cannot hide {} from the nodes", path.display()))
    }

    /// The directories above `inside`, with the owner and mode that they have below: the upper one's count.
    fn make_parents(&self, place: usize, inside: &Path) -> Result<()> {
        let parents: Vec<&Path> = inside.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()).collect();
        for parent in parents.into_iter().rev() {
            let directory = self.upper(place).join(parent);
            if directory.symlink_metadata().is_ok() {
                continue;
            }
            fs::create_dir(&directory).context(|| format!("cannot make {}", directory.display()))?;
            like(&directory, &self.points[place].join(parent))?;
        }
        Ok(())
    }
}

/// Makes `root` the root of the caller and forgets the old one.
pub(super) fn enter(root: &Path) -> Result<()> {
    let failed = || "cannot make the node's files its root";
    nix::unistd::chdir(root).context(failed)?;
    // The old root ends up on top of the new one, at the same place, and is taken away: pivot_root(2).
    nix::unistd::pivot_root(".", ".").context(failed)?;
    umount2(".", MntFlags::MNT_DETACH).context(failed)?;
    nix::unistd::chdir("/").context(failed)
}

fn relative<'a>(path: &'a Path, point: &Path) -> &'a Path {
    path.strip_prefix(point).unwrap_or(path)
}

/// Gives `directory` the owner and mode of `model`, where there is one.
fn like(directory: &Path, model: &Path) -> Result<()> {
    let Ok(seen) = fs::metadata(model) else { return Ok(()) };
    let failed = || format!("cannot set owner and mode of {}", directory.display());
    std::os::unix::fs::chown(directory, Some(seen.uid()), Some(seen.gid())).context(failed)?;
    fs::set_permissions(directory, fs::Permissions::from_mode(seen.mode() & 0o7777)).context(failed)
}

fn overlay_error(errno: Errno, point: &Path) -> Error {
    let error = Error::failed(format!("cannot lay a node's own files over {} (overlay file system)", point.display()));
    match errno {
        Errno::ENODEV => error.because("the kernel has no overlay file system").hinted("Try: sudo modprobe overlay"),
        Errno::EPERM | Errno::EACCES => {
            error.because(errno.desc()).hinted("A container often forbids this: run the lab on the computer itself.")
        }
        Errno::EINVAL => error.because(format!("{}: {}", errno.desc(), why_invalid(point))),
        _ => error.because(errno.desc()),
    }
}

/// The kernel tells EINVAL apart only in its log; what is under the layers says which case it is.
fn why_invalid(point: &Path) -> String {
    let magic = nix::sys::statfs::statfs(point).map(|fs| fs.filesystem_type());
    if magic.is_ok_and(|magic| magic == nix::sys::statfs::OVERLAYFS_SUPER_MAGIC) {
        return format!("{} is itself an overlay, and the kernel stacks at most two", point.display());
    }
    format!("the file system of {} cannot lie below an overlay", point.display())
}

/// `directory` as it should be: made if missing, with this mode. Not through symbolic links in its last part.
pub(super) fn make_dir(directory: impl AsRef<OsStr>, mode: u32) -> Result<()> {
    let directory = Path::new(directory.as_ref());
    if directory.symlink_metadata().is_err() {
        fs::create_dir_all(directory).context(|| format!("cannot make {}", directory.display()))?;
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(mode))
        .context(|| format!("cannot set the mode of {}", directory.display()))
}

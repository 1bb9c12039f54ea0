//! What the kernel shows in a node: `/proc`, `/sys`, `/dev`, `/run`.
//!
//! A node's root is root of this computer's kernel, so what would change the computer by accident is read-only here:
//! `/proc/sys` apart from the node's own network, `/sys`, the system request key. That keeps accidents away, not malice:
//! a node is no security boundary.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use nix::{
    mount::{MsFlags, mount},
    sys::stat::{Mode, SFlag, makedev, mknod},
};

use super::rootfs::{make_dir, mount_new};
use crate::error::{Context, Result};

/// Mounts all of it below `root`. The caller is process 1 of its own process namespace.
pub(super) fn mount_all(root: &Path) -> Result<()> {
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    for directory in ["proc", "sys", "dev", "run"] {
        make_dir(root.join(directory), 0o755)?;
    }
    mount_new("proc", &root.join("proc"), plain | MsFlags::MS_NOEXEC, "")?;
    guard_proc(&root.join("proc"))?;
    mount_new("sysfs", &root.join("sys"), plain | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY, "")?;
    mount_new("tmpfs", &root.join("run"), plain, "mode=755")?;
    make_devices(&root.join("dev"))
}

fn guard_proc(proc: &Path) -> Result<()> {
    let settings = proc.join("sys");
    bind(&settings, &settings, MsFlags::MS_RDONLY)?;
    let network = settings.join("net");
    bind(&network, &network, MsFlags::empty())?;
    let request = proc.join("sysrq-trigger");
    if request.exists() {
        bind(Path::new("/proc/version"), &request, MsFlags::MS_RDONLY)?;
    }
    Ok(())
}

/// The same file or directory at another place, with other flags: the kernel sets those in a second step.
pub(super) fn bind(source: &Path, target: &Path, flags: MsFlags) -> Result<()> {
    let failed = || format!("cannot mount {} at {}", source.display(), target.display());
    let again = MsFlags::MS_REMOUNT | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>).context(failed)?;
    mount(None::<&str>, target, None::<&str>, MsFlags::MS_BIND | again | flags, None::<&str>).context(failed)
}

fn make_devices(dev: &Path) -> Result<()> {
    mount_new("tmpfs", dev, MsFlags::MS_NOSUID, "mode=755,size=65536k")?;
    // Numbers of Documentation/admin-guide/devices.txt.
    for (name, major, minor) in
        [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)]
    {
        let path = dev.join(name);
        let failed = || format!("cannot make {}", path.display());
        mknod(&path, SFlag::S_IFCHR, Mode::empty(), makedev(major, minor)).context(failed)?;
        fs::set_permissions(&path, Permissions::from_mode(0o666)).context(failed)?;
    }
    for (name, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, dev.join(name)).context(|| format!("cannot make /dev/{name}"))?;
    }
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    make_dir(dev.join("pts"), 0o755)?;
    // 5 is the group tty on every Debian (base-passwd).
    mount_new("devpts", &dev.join("pts"), plain, "newinstance,ptmxmode=0666,mode=620,gid=5")?;
    make_dir(dev.join("shm"), 0o1777)?;
    mount_new("tmpfs", &dev.join("shm"), plain | MsFlags::MS_NODEV, "mode=1777")?;
    make_dir(dev.join("mqueue"), 0o1777)?;
    mount_new("mqueue", &dev.join("mqueue"), plain | MsFlags::MS_NODEV, "")
}

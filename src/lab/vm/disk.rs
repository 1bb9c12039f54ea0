//! Where virtual machines have their disks on this computer, and how one gets a layer of its own.

use std::{
    fs::{self, DirBuilder},
    io::ErrorKind,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use crate::{
    error::{Context, Error, Result},
    lab::host::{self, command},
};

/// Below the cache that `lab down --purge-cache` removes. Only root reads it: saved machines are in it.
pub(super) const CACHE: &str = "/var/cache/mpiup/lab/vm";

/// The layers of a lab's machines, named only while they are being opened.
fn running(lab: &str) -> PathBuf {
    Path::new(CACHE).join("running").join(lab)
}

pub(super) fn make_folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).context(|| format!("cannot make {}", path.display()))
}

/// A folder for the layers of this lab, empty.
pub(super) fn folder(lab: &str) -> Result<PathBuf> {
    remove_leftovers(lab)?;
    let folder = running(lab);
    make_folder(&folder)?;
    Ok(folder)
}

/// What a lab that was killed while it started has left. A running one leaves no name here.
pub(in crate::lab) fn remove_leftovers(lab: &str) -> Result<()> {
    let folder = running(lab);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::failed(format!("cannot remove {}", folder.display())).because(error))
        }
        _ => {
            // Other labs may be starting.
            let _ = fs::remove_dir(Path::new(CACHE).join("running"));
            Ok(())
        }
    }
}

/// An empty layer over `base`, which nobody writes any more.
pub(super) fn layer(base: &Path, format: &str, layer: &Path) -> Result<()> {
    host::run(command("qemu-img").args(["create", "-q", "-f", "qcow2", "-F", format, "-b"]).arg(base).arg(layer))
        .map(drop)
}

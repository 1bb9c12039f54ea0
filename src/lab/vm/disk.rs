//! Where virtual machines have their disks on this computer, and how one gets a layer of its own.

use std::{
    fs::{self, DirBuilder, File},
    io::ErrorKind,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{
    error::{Context, Error, Result},
    lab::host::{self, command},
};

/// Below the cache that `lab down --purge-cache` removes. Only root reads it: saved machines are in it.
pub(super) const CACHE: &str = "/var/cache/mpiup/lab/vm";

pub(super) fn images() -> PathBuf {
    Path::new(CACHE).join("images")
}

/// Machines that have booted.
pub(super) fn saved() -> PathBuf {
    Path::new(CACHE).join("saved")
}

/// The layers of a lab's machines, named only while they are being opened.
fn running(lab: &str) -> PathBuf {
    Path::new(CACHE).join("running").join(lab)
}

pub(super) fn make_folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).context(|| format!("cannot make {}", path.display()))
}

/// Images and saved machines that no lab has used for this long go when a new image is made.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Notes that an image or saved machines are used now. Whoever calls this and [`remove_forgotten`] holds the lock of the images,
/// so that nothing goes between this note and the use.
pub(super) fn note_use(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|opened| opened.set_modified(SystemTime::now()))
        .context(|| format!("cannot note the use of {}", folder.display()))
}

/// Removes what was not used for long from a folder of images or of saved machines. Machines that run on them go on: they have
/// their files open.
pub(super) fn remove_forgotten(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let unused = entry.metadata().ok().filter(fs::Metadata::is_dir).and_then(|found| found.modified().ok());
        if unused.and_then(|used| used.elapsed().ok()).is_some_and(|time| time > FORGOTTEN) {
            // Under another name first: half of an image must not be taken for one. What stays is tried again with the next.
            let gone = entry.path().with_extension("partial");
            let _ = fs::rename(entry.path(), &gone).and_then(|()| fs::remove_dir_all(&gone));
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_forgotten_goes() {
        let cache = tempfile::tempdir().unwrap();
        let [old, used, new] = ["old", "used", "new"].map(|name| cache.path().join(name));
        for folder in [&old, &used, &new] {
            make_folder(folder).unwrap();
            fs::write(folder.join("disk.raw"), "").unwrap();
        }
        fs::write(cache.path().join("lock"), "").unwrap();
        for aged in [&old, &used, &cache.path().join("lock")] {
            File::open(aged).unwrap().set_modified(SystemTime::now() - FORGOTTEN * 2).unwrap();
        }
        note_use(&used).unwrap();
        remove_forgotten(cache.path());
        let mut left: Vec<_> = fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["lock", "new", "used"]);
    }
}

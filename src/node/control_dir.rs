//! A private directory for ssh's control sockets and for the sockets of its questions.
//!
//! It goes when it is dropped; one that a killed mpiup left behind goes the next time.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::{Pid, Uid};
use tempfile::TempDir;

use crate::error::{Context, Result};

const PREFIX: &str = "mpiup-ssh-";

/// A socket's path may have 107 bytes, and ssh adds 17 of its own while it makes one.
const LONGEST: usize = 70;

/// Makes the directory, open to nobody else.
///
/// # Errors
/// When neither the user's runtime directory nor /tmp can be written.
pub(super) fn make() -> Result<TempDir> {
    let mut last = None;
    // A killed mpiup may have had another environment, and made its own elsewhere.
    parents().iter().for_each(|parent| sweep(parent));
    for parent in parents() {
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let made = tempfile::Builder::new()
            .prefix(&prefix)
            .rand_bytes(8)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(&parent);
        match made {
            Ok(directory) => return Ok(directory),
            Err(error) => last = Some(error),
        }
    }
    let failure = last.map_or_else(|| "no directory is fit for it".to_owned(), |error| error.to_string());
    Err::<TempDir, _>(failure).context(|| "A directory for ssh's sockets could not be made")
}

fn parents() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    // ssh reads the path as a word of its configuration, where blanks, quotes and % mean something.
    let fit = |path: &PathBuf| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/_.-".contains(c);
        path.is_absolute() && path.to_str().is_some_and(|text| text.len() <= LONGEST && text.chars().all(plain))
    };
    runtime.into_iter().filter(fit).chain(["/tmp".into()]).collect()
}

/// Removes our own directories whose process has gone. What cannot be removed is left: it does no harm.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let ours = entry.metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == Uid::effective().as_raw());
        if ours && entry.file_name().to_str().and_then(owner).is_some_and(has_gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn owner(name: &str) -> Option<i32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

fn has_gone(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_private_and_goes() {
        let directory = make().unwrap();
        let path = directory.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        drop(directory);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_process_left_is_swept() {
        let parent = tempfile::tempdir().unwrap();
        // Linux gives no pid above 2^22.
        let (dead, live) = (format!("{PREFIX}99999999-a"), format!("{PREFIX}{}-a", std::process::id()));
        for name in [&dead, &live, &"other".to_owned()] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        sweep(parent.path());
        assert!(!parent.path().join(dead).exists());
        assert!(parent.path().join(live).exists() && parent.path().join("other").exists());
    }
}

//! Finds `mpiup.toml`: the file that `-C` names, or the nearest one in the working directory or above it, as cargo does.
//!
//! A file found in a folder *above* counts only when the operator or root owns it and not everybody may write it: a spec
//! may name an ssh configuration, which may run commands, and another user's `/tmp/mpiup.toml` must not reach whoever
//! works below it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// The file's name.
pub const FILE_NAME: &str = "mpiup.toml";

/// The spec for a command that runs in `start`, an absolute folder; `explicit` is what `-C` named: a file, or a folder
/// with an `mpiup.toml` in it.
///
/// # Errors
/// Of wrong use, when there is none, or none that may be trusted.
pub fn find(start: &Path, explicit: Option<&Path>) -> Result<PathBuf> {
    if let Some(named) = explicit {
        return named_file(&start.join(named), named);
    }
    for (height, folder) in start.ancestors().enumerate() {
        let candidate = folder.join(FILE_NAME);
        match fs::metadata(&candidate) {
            Ok(metadata) if metadata.is_file() => {
                if height > 0 && !is_trusted(metadata.uid()) {
                    return Err(belongs_to_another(&candidate, metadata.uid()));
                }
                if height > 0 && metadata.mode() & 0o002 != 0 {
                    return Err(anybodys(&candidate));
                }
                return Ok(candidate);
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) => return Err(Error::failed(format!("looking at {}", candidate.display())).because(error)),
        }
    }
    Err(Error::usage(format!("there is no {FILE_NAME} in {} or above it", start.display()))
        .hinted("Let mpiup look at your machines and write it: mpiup init 'ana@192.168.1.[10-12]'")
        .hinted("Or name one that is elsewhere: -C FILE")
        .hinted("With no machines at hand: mpiup demo"))
}

fn named_file(path: &Path, named: &Path) -> Result<PathBuf> {
    let path = if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() };
    match fs::metadata(&path) {
        Ok(_) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::usage(format!(
            "the spec {} does not exist",
            named.display()
        ))
        .hinted(
            "Write it with `mpiup init HOST ...`, or leave -C out to use the mpiup.toml of this folder or one above.",
        )),
        Err(error) => Err(Error::failed(format!("looking at {}", path.display())).because(error)),
    }
}

/// Root, the operator, and whoever became root with sudo.
fn is_trusted(owner: u32) -> bool {
    let me = nix::unistd::geteuid().as_raw();
    let before_sudo = || std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse::<u32>().ok());
    owner == 0 || owner == me || (me == 0 && before_sudo() == Some(owner))
}

fn belongs_to_another(path: &Path, owner: u32) -> Error {
    Error::usage(format!("{} belongs to another user (number {owner})", path.display()))
        .hinted(format!("If you trust it, name it: -C {}", crate::quote::sh(&path.display().to_string())))
        .hinted("Otherwise write your own here: mpiup init HOST ...")
}

fn anybodys(path: &Path) -> Error {
    let quoted = crate::quote::sh(&path.display().to_string());
    Error::usage(format!("every user may write {}", path.display()))
        .hinted(format!("If what it says is yours: chmod o-w {quoted}"))
        .hinted(format!("Or name it, if you trust it as it is: -C {quoted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_wins() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(root.path().join(FILE_NAME), "").unwrap();
        assert_eq!(find(&deep, None).unwrap(), root.path().join(FILE_NAME));
        // A folder of that name is not the file.
        fs::create_dir(deep.join(FILE_NAME)).unwrap();
        assert_eq!(find(&deep, None).unwrap(), root.path().join(FILE_NAME));
        fs::write(root.path().join("a").join(FILE_NAME), "").unwrap();
        assert_eq!(find(&deep, None).unwrap(), root.path().join("a").join(FILE_NAME));
    }

    #[test]
    fn a_named_file_or_folder_is_taken_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("other.toml"), "").unwrap();
        fs::write(root.path().join(FILE_NAME), "").unwrap();
        let named = |name: &str| find(root.path(), Some(Path::new(name)));
        assert_eq!(named("other.toml").unwrap(), root.path().join("other.toml"));
        assert_eq!(named(".").unwrap(), root.path().join(".").join(FILE_NAME));
        let error = named("none.toml").unwrap_err();
        assert_eq!((error.message(), error.exit_code()), ("the spec none.toml does not exist", 2));
    }

    #[test]
    fn without_one_the_next_command_is_named() {
        let root = tempfile::tempdir().unwrap();
        // The folders above a temporary one hold no spec on any sane machine; the message names the start.
        let error = find(root.path(), None).unwrap_err();
        assert_eq!(error.message(), format!("there is no mpiup.toml in {} or above it", root.path().display()));
        assert!(error.hints()[0].contains("mpiup init"), "{:?}", error.hints());
    }

    #[test]
    fn a_file_above_that_everybody_may_write_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("below");
        fs::create_dir(&below).unwrap();
        let file = root.path().join(FILE_NAME);
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
        let error = find(&below, None).unwrap_err();
        assert!(error.message().starts_with("every user may write ") && error.exit_code() == 2, "{error}");
        assert_eq!(find(root.path(), None).unwrap(), file);
        assert_eq!(find(&below, Some(Path::new("../mpiup.toml"))).unwrap(), below.join("../mpiup.toml"));
    }

    #[test]
    fn a_strangers_file_above_is_refused_and_in_the_working_directory_is_not() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("below");
        fs::create_dir(&below).unwrap();
        let file = root.path().join(FILE_NAME);
        fs::write(&file, "").unwrap();
        std::os::unix::fs::chown(&file, Some(54_321), None).unwrap();
        let error = find(&below, None).unwrap_err();
        assert!(error.message().ends_with("belongs to another user (number 54321)"), "{error}");
        assert_eq!(find(root.path(), None).unwrap(), file);
        assert_eq!(find(&below, Some(Path::new("../mpiup.toml"))).unwrap(), below.join("../mpiup.toml"));
    }
}

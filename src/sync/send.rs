//! Brings files to a node, as one archive.

use std::{collections::BTreeSet, io::Write as _, path::Path, time::Duration};

use super::Share;
use crate::{
    error::{Context as _, Error, Result},
    node::{Consent, Hands, Node, Patience},
    process, quote,
};

/// Files of any size, over a line that takes them; then the renaming of all of them, which is not told of.
const PATIENCE: Patience = Patience { in_all: Duration::from_secs(3600), silent: Duration::from_secs(240) };

/// Files on their way to nodes, packed once for all nodes that want the same.
#[derive(Debug)]
pub struct Archive {
    file: tempfile::NamedTempFile,
    /// Of the archive.
    pub bytes: u64,
}

/// Packs these files of `root`.
///
/// # Errors
/// When a file is gone or unreadable by now, or the disk is full.
pub async fn pack(root: &Path, files: &BTreeSet<String>) -> Result<Archive> {
    let temporary = || "a temporary file cannot be written";
    let mut names = tempfile::NamedTempFile::new().context(temporary)?;
    for path in files {
        names.write_all(path.as_bytes()).and_then(|()| names.write_all(b"\0")).context(temporary)?;
    }
    let file = tempfile::NamedTempFile::new().context(temporary)?;
    process::Command::new("tar")
        .args(["--create", "--dereference", "--owner=0", "--group=0", "--null", "--verbatim-files-from"])
        // A log that grows while it is read arrives as it was at some moment, which is all that can be had.
        .args(["--warning=no-file-changed", "--ignore-failed-read"])
        .args(["--directory".as_ref(), root.as_os_str()])
        .args(["--files-from".as_ref(), names.path().as_os_str()])
        .args(["--file".as_ref(), file.path().as_os_str()])
        .env("LC_ALL", "C")
        .output()
        .await
        .and_then(packed)?;
    let bytes = file.as_file().metadata().context(temporary)?.len();
    Ok(Archive { file, bytes })
}

/// GNU tar ends with 1 where a file changed while it was read, with 2 on errors (its manual, "return status").
fn packed(output: process::Output) -> Result<()> {
    if output.status.code().is_some_and(|code| code < 2) {
        return Ok(());
    }
    Err(Error::failed("the files of the working directory could not be packed").because(output.stderr))
}

/// Takes the archive to one node; `progress` hears how many bytes are on their way. `alone` ends a script that begins after
/// the node was lost to another operator.
///
/// # Errors
/// When it does not arrive whole: then no file there has changed but those that already have their new content.
pub async fn send(
    archive: &Archive,
    share: &Share<'_>,
    node: &Node,
    alone: &str,
    consent: &Consent,
    progress: &dyn Fn(u64),
) -> Result<()> {
    let hands = Hands::new(node, consent);
    let script = format!("# the mirroring of the files\n{alone}{}", script(share));
    let failed = || format!("files could not be written into {}", share.path);
    let sent = hands.push(&script, archive.file.path(), progress, PATIENCE).await;
    sent.map_err(|error| Error::failed(failed()).because(error.words()))
        .and_then(|output| output.success_or(failed()))
        .map_err(|error| {
            error.on(hands.name()).hinted("`mpiup status` shows how the node stands, `mpiup sync` sends them again.")
        })?;
    Ok(())
}

fn script(share: &Share<'_>) -> String {
    format!(
        "share={} state={} user={} place={}\n{}",
        quote::sh(share.path),
        quote::sh(share.state),
        quote::sh(share.user),
        quote::sh(include_str!("place.sh")),
        include_str!("receive.sh")
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::process::{Command, Output};

    struct Site {
        folder: tempfile::TempDir,
        user: String,
    }

    impl Site {
        fn new() -> Self {
            let user = Command::new("id").arg("-un").run_blocking().unwrap().stdout.trim().to_owned();
            let folder = tempfile::tempdir().unwrap();
            for name in ["here", "a share"] {
                fs::create_dir(folder.path().join(name)).unwrap();
            }
            Self { folder, user }
        }

        fn receive(&self, files: &[&str], cut: Option<usize>) -> Output {
            let files = files.iter().map(|file| (*file).to_owned()).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let archive = runtime.block_on(pack(&self.folder.path().join("here"), &files)).unwrap();
            let mut bytes = fs::read(archive.file.path()).unwrap();
            bytes.truncate(cut.unwrap_or(bytes.len()));
            let (share, state) = (self.folder.path().join("a share"), self.folder.path().join("state"));
            let (path, state) = (share.to_string_lossy(), state.to_string_lossy());
            let share = Share { path: &path, state: &state, user: &self.user, is_root: false };
            let command = Command::new("sh").args(["-c", &script(&share)]).stdin(bytes);
            runtime.block_on(command.output()).unwrap()
        }

        fn here(&self, name: &str, content: &str) {
            let path = self.folder.path().join("here").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }

        fn there(&self, name: &str) -> Option<String> {
            fs::read_to_string(self.folder.path().join("a share").join(name)).ok()
        }

        fn noted(&self) -> Vec<String> {
            let list = fs::read_to_string(self.folder.path().join("state/synced/list")).unwrap_or_default();
            list.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
        }

        fn leftovers(&self) -> usize {
            let names = fs::read_dir(self.folder.path().join("a share")).unwrap().flatten();
            names.filter(|entry| entry.file_name().to_string_lossy().starts_with(".mpiup-sync")).count()
        }
    }

    #[test]
    fn files_of_any_name_arrive_and_are_noted() {
        let site = Site::new();
        let mut names =
            vec!["-n", "it's \"q\"", "ñandú €", "sub dir/deeper/x", "back\\slash", "$HOME", " lead", "a/.hidden"];
        for name in &names {
            site.here(name, name);
        }
        let output = site.receive(&names, None);
        assert!(output.status.success(), "{}", output.stderr);
        for name in &names {
            assert_eq!(site.there(name).as_deref(), Some(*name), "{name}");
        }
        let mut noted = site.noted();
        noted.sort();
        names.sort_unstable();
        assert_eq!(noted, names);
        assert_eq!(site.leftovers(), 0);
    }

    #[test]
    fn a_part_of_an_archive_changes_nothing() {
        let site = Site::new();
        site.here("x.py", "old");
        assert!(site.receive(&["x.py"], None).status.success());
        site.here("x.py", &"new".repeat(10_000));
        let output = site.receive(&["x.py"], Some(9_000));
        assert!(!output.status.success());
        assert!(output.stderr.contains("Unexpected EOF"), "{}", output.stderr);
        assert_eq!((site.there("x.py").as_deref(), site.leftovers()), (Some("old"), 0));
    }

    #[test]
    fn a_folder_takes_the_place_of_a_file_but_no_file_that_of_a_folder() {
        let site = Site::new();
        site.here("a", "file");
        assert!(site.receive(&["a"], None).status.success());
        fs::remove_file(site.folder.path().join("here/a")).unwrap();
        site.here("a/x", "below");
        let output = site.receive(&["a/x"], None);
        assert!(output.status.success(), "{}", output.stderr);
        assert_eq!(site.there("a/x").as_deref(), Some("below"));

        fs::remove_dir_all(site.folder.path().join("here/a")).unwrap();
        site.here("a", "file again");
        let output = site.receive(&["a"], None);
        assert!(!output.status.success() && output.stderr.contains("overwrite"), "{}", output.stderr);
        assert_eq!(site.there("a/x").as_deref(), Some("below"));
    }
}

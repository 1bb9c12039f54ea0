//! Brings the files to one node: asks what differs, sends that as one archive, notes what was sent.

use std::{io::Write as _, path::Path, time::Duration};

use super::LocalFile;
use crate::{
    error::{Context as _, Error, Result},
    node::{Consent, Hands, Node},
    process, quote,
};

const DEADLINE: Duration = Duration::from_secs(600);

/// Where a node's share lies, and what the journal's entry of it is.
#[derive(Debug, Clone)]
pub struct Share<'a> {
    pub path: &'a str,
    /// The journal's folder of the cluster on this node.
    pub state: &'a str,
    /// The account that owns the share.
    pub user: &'a str,
    pub is_root: bool,
}

/// What became of the files on one node.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Mirrored {
    pub sent: usize,
    pub bytes: u64,
    /// Files that somebody changed on the node: left as they are.
    pub theirs: Vec<String>,
}

/// # Errors
/// When the node cannot be asked, or the files do not arrive.
pub async fn mirror(
    root: &Path,
    files: &[LocalFile],
    share: &Share<'_>,
    force: bool,
    node: &Node,
    consent: &Consent,
) -> Result<Mirrored> {
    let hands = Hands::new(node, consent);
    let asked = ask(files, share, &hands).await?;
    let wanted: Vec<&LocalFile> = files
        .iter()
        .zip(&asked)
        .filter(|(_, answer)| **answer == Answer::Want || (force && **answer == Answer::Theirs))
        .map(|(file, _)| file)
        .collect();
    let theirs = files.iter().zip(&asked).filter(|(_, answer)| !force && **answer == Answer::Theirs);
    let mut mirrored = Mirrored { theirs: theirs.map(|(file, _)| file.path.clone()).collect(), ..Mirrored::default() };
    if !wanted.is_empty() {
        mirrored.sent = wanted.len();
        mirrored.bytes = wanted.iter().map(|file| file.bytes).sum();
        send(root, &wanted, share, &hands).await?;
    }
    Ok(mirrored)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Have,
    Want,
    Theirs,
}

async fn ask(files: &[LocalFile], share: &Share<'_>, hands: &Hands<'_>) -> Result<Vec<Answer>> {
    let list: String = files.iter().map(|file| format!("{} {}\n", file.sha256, file.path)).collect();
    let script = format!(
        "share={} synced={}\nask() {{\n{}}}\nask <<'{end}'\n{list}{end}\n",
        quote::sh(share.path),
        quote::sh(&synced(share)),
        include_str!("mirror.sh"),
        end = end(files),
    );
    let output = hands.run(&script, DEADLINE, &mut |_| {}).await?;
    let output = output.success_or(format!("the shared folder {} cannot be read", share.path)).map_err(|error| {
        error.on(hands.name()).hinted("`mpiup status` shows whether the cluster is set up, `mpiup up` does it.")
    })?;
    let answers: Vec<Answer> = output
        .text()
        .lines()
        .filter_map(|line| match line.split(' ').next()? {
            "have" => Some(Answer::Have),
            "want" => Some(Answer::Want),
            "theirs" => Some(Answer::Theirs),
            _ => None,
        })
        .collect();
    if answers.len() != files.len() {
        return Err(Error::failed("the node did not say what it has of the files").on(hands.name()));
    }
    Ok(answers)
}

/// One archive into the share, unpacked as its owner; then the note of what was sent.
async fn send(root: &Path, files: &[&LocalFile], share: &Share<'_>, hands: &Hands<'_>) -> Result<()> {
    let mut names = tempfile::NamedTempFile::new().context(|| "a temporary file cannot be made")?;
    for file in files {
        names
            .write_all(file.path.as_bytes())
            .and_then(|()| names.write_all(b"\0"))
            .context(|| "a temporary file cannot be written")?;
    }
    let archive = tempfile::NamedTempFile::new().context(|| "a temporary file cannot be made")?;
    process::Command::new("tar")
        .args(["--create", "--dereference", "--owner=0", "--group=0", "--null", "--verbatim-files-from"])
        .args(["--directory".as_ref(), root.as_os_str()])
        .args(["--files-from".as_ref(), names.path().as_os_str()])
        .args(["--file".as_ref(), archive.path().as_os_str()])
        .run()
        .await?;
    let unpack = format!("umask 022; tar -xof - -C {}", quote::sh(share.path));
    let unpack = if share.is_root {
        format!("runuser -u {} -- sh -c {}", quote::sh(share.user), quote::sh(&unpack))
    } else {
        unpack
    };
    let output = hands.push(&unpack, archive.path(), &|_| {}, DEADLINE).await?;
    output
        .success_or(format!("files could not be written into {}", share.path))
        .map_err(|error| error.on(hands.name()))?;
    let list: String = files.iter().map(|file| format!("{} {}\n", file.sha256, file.path)).collect();
    let owned: Vec<LocalFile> = files.iter().map(|file| (*file).clone()).collect();
    let note = format!(
        "umask 077\nmkdir -p {state}/synced && cd {state}/synced && printf %s {} > path && printf %s {} > owner && cat >> list <<'{end}'\n{list}{end}\n",
        quote::sh(share.path),
        quote::sh(share.user),
        state = quote::sh(share.state),
        end = end(&owned)
    );
    let output = hands.run(&note, DEADLINE, &mut |_| {}).await?;
    output.success_or("what was sent could not be noted in the journal").map_err(|error| error.on(hands.name()))?;
    Ok(())
}

/// The list beside the journal, of everything that was put into the share.
fn synced(share: &Share<'_>) -> String {
    format!("{}/synced/list", share.state)
}

fn end(files: &[LocalFile]) -> String {
    let mut end = String::from("END");
    while files.iter().any(|file| file.path.contains(&end)) {
        end.push('_');
    }
    end
}

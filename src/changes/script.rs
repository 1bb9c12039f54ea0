//! Changes as a POSIX shell script: what `up` sends to a node and what `plan --sh` prints are the same text.

use std::fmt::Write as _;

use super::{Change, Place, Primitive, text::PublicKeys};
use crate::{error::Result, quote};

const PRELUDE: &str = concat!(
    include_str!("sh/prelude.sh"),
    include_str!("sh/put.sh"),
    include_str!("sh/guard.sh"),
    include_str!("sh/came_by.sh"),
    include_str!("sh/sshd.sh"),
    include_str!("sh/file.sh"),
    include_str!("sh/block.sh"),
    include_str!("sh/dir.sh"),
    include_str!("sh/keypair.sh"),
    include_str!("sh/user.sh"),
    include_str!("sh/manage.sh"),
    include_str!("sh/packages.sh"),
    include_str!("sh/packages_fetch.sh"),
    include_str!("sh/packages_apt.sh"),
    include_str!("sh/packages_apt_mend.sh"),
    include_str!("sh/packages_dnf.sh"),
    include_str!("sh/packages_zypper.sh"),
    include_str!("sh/packages_pacman.sh"),
    include_str!("sh/firewall.sh"),
    include_str!("sh/firewalls.sh"),
    include_str!("sh/tree.sh"),
    include_str!("sh/hostname.sh"),
    include_str!("sh/reread.sh"),
    include_str!("sh/service.sh"),
    include_str!("sh/nfs.sh"),
    include_str!("sh/mount.sh"),
);

/// What a dead man's switch needs of it: a process of its own does not have the functions of the shell that starts it.
const SWITCH: &str = concat!(
    "mpiup_functions() { cat <<'MPIUP'\n",
    include_str!("sh/prelude.sh"),
    include_str!("sh/put.sh"),
    include_str!("sh/guard.sh"),
    include_str!("sh/came_by.sh"),
    include_str!("sh/sshd.sh"),
    include_str!("sh/file.sh"),
    include_str!("sh/firewall.sh"),
    include_str!("sh/firewalls.sh"),
    "MPIUP\n}\n",
);

/// The functions that every script begins with.
pub fn prelude() -> &'static str {
    PRELUDE
}

/// The calls that make `changes` on one node, after [`prelude`]. `keys` fills the placeholders; without it they stay
/// as they are, for a person to read. `members` is noted beside the journal, where it is not empty.
///
/// # Errors
/// When a key that a text waits for is not among `keys`.
pub fn calls<'a>(
    state: &str,
    members: &str,
    changes: impl IntoIterator<Item = (usize, &'a Change)>,
    keys: Option<&PublicKeys>,
) -> Result<String> {
    let changes: Vec<(usize, &Change)> = changes.into_iter().collect();
    let mut script = String::new();
    if changes.iter().any(|(_, change)| change.guard.is_some()) {
        script.push_str(SWITCH);
    }
    let _ = writeln!(script, "begin {} || exit 1", quote::sh(state));
    if !members.is_empty() {
        let end = delimiter(members);
        let _ = write!(script, "note_members <<'{end}' || exit 1\n{members}{end}\n");
    }
    let places: std::collections::BTreeSet<String> = changes.iter().filter_map(|(_, change)| place(change)).collect();
    for (index, change) in changes {
        let guarded = change.guard.map(|guard| format!("guarded {} ", guard.word())).unwrap_or_default();
        let _ = write!(script, "change {index} {} {guarded}{}", quote::sh(&change.what()), call(&change.primitive));
        match change.content() {
            None => script.push('\n'),
            Some(text) => {
                let text = match keys {
                    Some(keys) => text.resolve(keys)?,
                    None => text.to_string(),
                };
                let end = delimiter(&text);
                let _ = write!(script, " <<'{end}'\n{text}{end}\n");
            }
        }
    }
    let _ = writeln!(script, "at_rest {}", quote::words(places));
    Ok(script)
}

/// A folder near the top of the tree, below which this change writes: `/etc`, `/home/mpi`.
fn place(change: &Change) -> Option<String> {
    let path = match &change.primitive {
        Primitive::Dir { path, .. }
        | Primitive::KeyPair { path, .. }
        | Primitive::File { path, .. }
        | Primitive::Block { path, .. }
        | Primitive::Tree { path, .. } => path,
        _ => return None,
    };
    let (folder, _) = path.rsplit_once('/')?;
    let near: Vec<&str> = folder.split('/').take(3).collect();
    Some(near.join("/")).filter(|near| near.starts_with('/') && near.len() > 1)
}

/// Takes everything back that the journal in `state` tells of. `mounted_on` names nodes that still have mounted what this one
/// exports.
pub fn undo(state: &str, purge: bool, mounted_on: &str) -> String {
    let purge = if purge { "yes" } else { "no" };
    let arguments = quote::words(["undo_all", state, purge, mounted_on]);
    format!("{PRELUDE}{SWITCH}{}{arguments}\n", include_str!("sh/undo.sh"))
}

fn call(primitive: &Primitive) -> String {
    match primitive {
        Primitive::User { name, id, shell, home } => {
            quote::words(["do_user", name.as_str(), &id.to_string(), shell.as_str(), home.as_str()])
        }
        Primitive::HostName { name } => quote::words(["do_hostname", name]),
        Primitive::Packages { manager, names, .. } => format!("do_packages {manager} {}", quote::words(names)),
        Primitive::Dir { path, mode, owner } => quote::words(["do_dir", path, mode, owner]),
        Primitive::KeyPair { path, owner, comment } => quote::words(["do_keypair", path, owner, comment]),
        Primitive::File { path, mode, owner, check, .. } => {
            quote::words(["do_file", path, mode, owner, check.as_deref().unwrap_or("-")])
        }
        Primitive::Block { path, mark, place, mode, owner, .. } => {
            let place = if *place == Place::Top { "top" } else { "bottom" };
            quote::words(["do_block", path, mark, place, mode, owner])
        }
        Primitive::Firewall { firewall, place, mark, addresses } => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let words = [firewall, place.as_str(), mark].into_iter().chain(addresses.iter().map(String::as_str));
            format!("do_firewall {}", quote::words(words))
        }
        Primitive::Tree { path, owner, .. } => quote::words(["do_tree", path, owner]),
        Primitive::Service { unit } => quote::words(["do_service", unit]),
        Primitive::Mount { path, source, old } => {
            let old = old.map(|old| old.to_string());
            quote::words(["do_mount", path, source].into_iter().chain(old.as_deref()))
        }
    }
}

/// A here-document's last line that no line of the text equals.
fn delimiter(text: &str) -> String {
    let mut end = String::from("END");
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_end_its_here_document() {
        assert_eq!(delimiter("a\nEND\nEND_\n"), "END__");
    }

    /// The shell takes the last one of two functions with the same name, without a word.
    #[test]
    fn no_function_of_the_scripts_is_there_twice() {
        let name =
            |line: &'static str| line.split_once("() {").map(|(name, _)| name).filter(|name| !name.contains(' '));
        for script in [PRELUDE, SWITCH] {
            let names: Vec<&str> = script.lines().filter_map(name).collect();
            let twice: Vec<&&str> =
                names.iter().filter(|one| names.iter().filter(|name| name == one).count() > 1).collect();
            assert!(names.len() > 20 && twice.is_empty(), "{twice:?}");
        }
    }
}

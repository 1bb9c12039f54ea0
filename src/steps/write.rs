//! What steps share: a file or block that becomes a change only when it differs.

use super::{Cluster, Member};
use crate::{
    changes::{Change, Guard, Place, Primitive, Text, Wave, block},
    facts::files::File,
};

/// A file of mpiup's own, owned by the cluster's user.
pub fn user_file(
    cluster: &Cluster,
    member: &Member,
    wave: Wave,
    (path, mode): (&str, &'static str),
    content: String,
    why: &str,
) -> Option<Change> {
    let file = member.facts.file(&cluster.layout.asked(path));
    let before = file.and_then(|file| file.content.clone());
    let stands = before.as_deref() == Some(content.as_str());
    let other = file.and_then(|file| attributes(file, mode, &cluster.spec.user)).filter(|_| stands);
    if stands && other.is_none() && member.is_complete(&format!("file {path}")) {
        return None;
    }
    let why = other.unwrap_or_else(|| why.to_owned());
    let primitive = Primitive::File {
        path: path.to_owned(),
        mode,
        owner: cluster.owner(),
        content: Text::new(content),
        check: None,
    };
    Some(Change { primitive, wave, guard: None, why, before })
}

/// What somebody made of mode and owner of something of mpiup's own, in words.
pub fn attributes(file: &File, mode: &str, owner: &str) -> Option<String> {
    // A folder in one with the set-group-id bit inherits that.
    let permissions = &file.mode[file.mode.len().saturating_sub(3)..];
    let is =
        |what: &str, now: &str, right: &str| (now != right).then(|| format!("its {what} is {now} and not {right}"));
    let found: Vec<String> =
        [is("owner", &file.owner, owner), is("mode", permissions, mode)].into_iter().flatten().collect();
    (!found.is_empty()).then(|| found.join(", "))
}

/// A block in a file of `owner`; `asked` is the name under which the file stands in the facts.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    pub path: &'a str,
    pub owner: &'a str,
    pub place: Place,
    pub mode: &'static str,
}

/// The change that brings the block into the file, unless it is there as it should be.
pub fn block(
    cluster: &Cluster,
    member: &Member,
    wave: Wave,
    at: Block<'_>,
    content: String,
    why: &str,
) -> Option<Change> {
    let asked = cluster.layout.asked(at.path);
    let mut before = member.facts.text(&asked).map(str::to_owned);
    if member.facts.user.is_none()
        && let Some(name) = asked.strip_prefix("~/")
    {
        // The account is still to be made: its home then begins with what stands here.
        before = member.facts.text(&format!("/etc/skel/{name}")).map(str::to_owned);
    }
    let mark = &cluster.layout.mark;
    let text = before.as_deref().unwrap_or_default();
    let stands = block::with(text, mark, at.place, &content) == text && before.is_some();
    if stands && member.is_complete(&format!("block {}", at.path)) {
        return None;
    }
    let primitive = Primitive::Block {
        path: at.path.to_owned(),
        mark: mark.clone(),
        place: at.place,
        mode: at.mode,
        owner: at.owner.to_owned(),
        content: Text::new(content),
    };
    Some(Change { primitive, wave, guard: None, why: why.to_owned(), before })
}

/// A change of what every log-in of the cluster's user reads: under guard where mpiup itself logs in as that user.
pub fn read_at_login(cluster: &Cluster, member: &Member, change: Change) -> Change {
    let is_ours = member.facts.operator == cluster.owner();
    Change { guard: is_ours.then_some(Guard::Login), ..change }
}

/// A folder of the cluster's user that is not there yet, or not as mpiup made it.
pub fn folder(cluster: &Cluster, member: &Member, path: &str, mode: &'static str, why: &str) -> Option<Change> {
    let key = format!("dir {path}");
    let there = member.facts.file(&cluster.layout.asked(path));
    // One that was there before mpiup is as its person wants it.
    let is_own = member.facts.journal.iter().any(|entry| entry.key == key);
    let other = there.filter(|_| is_own).and_then(|folder| attributes(folder, mode, &cluster.spec.user));
    if there.is_some() && other.is_none() && member.is_complete(&key) {
        return None;
    }
    let before = there.is_some().then(String::new);
    let primitive = Primitive::Dir { path: path.to_owned(), mode, owner: cluster.owner() };
    Some(Change { primitive, wave: Wave::Ground, guard: None, why: other.unwrap_or_else(|| why.to_owned()), before })
}

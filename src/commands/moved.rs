//! Nodes that have another address now: found, proved by their pinned host keys, and written into mpiup.toml.

use std::path::PathBuf;

use super::{global::Global, session::Session};
use crate::{
    error::{Context as _, Error, Result},
    node::{Node, Opener},
    provision::{self, Fleet, Moved, Reach, gather},
    spec::{self, Address, NodeName, NodeSpec, Spec, edit},
    ui::Ui,
};

/// Looks for the lost nodes of the session. One that shows its pinned host key at another address is in the session from
/// then on, at that address, unless that is still another node's.
pub async fn find(session: &mut Session, opener: &Opener, reach: Reach) {
    let mut found = Vec::new();
    for moved in provision::seen_elsewhere(&session.spec, &session.seen, &session.fleet, reach).await {
        match opener.open_moved(&moved.node, &moved.to, &moved.from).await {
            Ok(connected) => found.push((moved, connected)),
            Err(error) => tell(session, &moved, &format!(", but: {error}.")),
        }
    }
    while let Some((at, other)) = taken(&session.spec, &found) {
        let (moved, _) = found.remove(at);
        tell(session, &moved, &format!(", the address of {other} in mpiup.toml. If that is right, change it there."));
    }
    for (moved, connected) in found {
        arrives(session, moved, connected).await;
    }
    if reach == Reach::Neighbours {
        hint(session);
    }
    let place = |name: &NodeName| session.spec.nodes.iter().position(|node| node.name == *name);
    session.fleet.nodes.sort_by_key(|(node, _)| place(&node.name));
    session.seen.sort_by_key(|(node, _)| place(&node.name));
}

fn tell(session: &mut Session, moved: &Moved, why: &str) {
    let Some(lost) = session.fleet.lost.iter_mut().find(|lost| lost.node == moved.node) else { return };
    let said = std::mem::replace(&mut lost.error, Error::failed(""));
    lost.error = said.hinted(format!("A machine with its host key was seen at {}{why}", moved.to));
}

/// A node that was found where the spec has another one, which was not found elsewhere.
fn taken(spec: &Spec, found: &[(Moved, Node)]) -> Option<(usize, NodeName)> {
    let stays = |node: &&NodeSpec| found.iter().all(|(moved, _)| moved.node != node.name);
    let holder = |to: &Address| spec.nodes.iter().filter(stays).find(|node| node.address.endpoint() == to.endpoint());
    found.iter().enumerate().find_map(|(at, (moved, _))| Some((at, holder(&moved.to)?.name.clone())))
}

async fn arrives(session: &mut Session, moved: Moved, connected: Node) {
    let Some(node) = session.spec.nodes.iter_mut().find(|node| node.name == moved.node) else { return };
    node.address = moved.to.clone();
    let node = node.clone();
    let mut alone = Fleet { nodes: vec![(node, connected)], ..Fleet::default() };
    let seen = gather(&session.spec, &mut alone, &|_| ()).await;
    session.fleet.lost.retain(|lost| lost.node != moved.node);
    session.fleet.nodes.extend(alone.nodes);
    session.fleet.lost.extend(alone.lost);
    session.seen.extend(seen);
    session.moved.push(moved);
}

/// Tells of the wider search, where a node was part of the cluster before and stands in the spec by a bare address.
pub fn hint(session: &mut Session) {
    let noted =
        |name: &NodeName| session.seen.iter().any(|(_, facts)| facts.members.iter().any(|noted| noted.name == *name));
    for lost in &mut session.fleet.lost {
        let is_bare = matches!(&lost.address, Address::Ssh { host, .. } if host.parse::<std::net::IpAddr>().is_ok());
        if is_bare && noted(&lost.node) {
            let error = std::mem::replace(&mut lost.error, Error::failed(""));
            lost.error = error.hinted(
                "Or has its address changed? `mpiup up --find` looks for its host key at the addresses around.",
            );
        }
    }
}

/// Says which nodes have moved.
pub fn say(session: &Session, ui: &Ui) {
    for Moved { node, from, to } in &session.moved {
        ui.warn(&format!("{node} answers at {to} now, not at {from}: it showed the host key that is pinned for it"));
    }
}

/// Writes the new addresses into mpiup.toml and pins the host keys for them, after a yes.
///
/// # Errors
/// When the answer is no, or a file cannot be written.
pub async fn write(session: &Session, yes: bool, opener: &Opener, global: &Global, ui: &Ui) -> Result<()> {
    if session.moved.is_empty() {
        return Ok(());
    }
    let path = path(global)?;
    let reading = || format!("{} cannot be read", path.display());
    let text = std::fs::read_to_string(&path).context(reading)?;
    let new: Vec<_> = session.moved.iter().map(|moved| (&moved.node, &moved.to)).collect();
    let text = edit::set_addresses(&text, &new)?;
    say(session, ui);
    let said: Vec<String> = session.moved.iter().map(|moved| format!("{} for {}", moved.to, moved.node)).collect();
    let question = format!("Write {} into {}, and the host keys into known_hosts?", said.join(", "), path.display());
    if !yes && !ui.confirm(&question, true)? {
        return Err(Error::failed("nothing was changed, as you said"));
    }
    let moves: Vec<_> = session.moved.iter().map(|moved| (&moved.from, &moved.to)).collect();
    opener.pin_moved(&moves).await?;
    for node in session.moved.iter().filter_map(|moved| session.fleet.node(&moved.node)) {
        node.forget_former_address();
    }
    spec::save(&path, &text)?;
    ui.done(&format!("Wrote {} into {}.", said.join(", "), path.display()));
    Ok(())
}

fn path(global: &Global) -> Result<PathBuf> {
    let here = std::env::current_dir().context(|| "the working directory cannot be read")?;
    spec::find::find(&here, global.spec.as_deref())
}

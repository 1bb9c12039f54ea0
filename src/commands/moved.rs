//! Nodes that have another address now: found, proved by their pinned host keys, and written into mpiup.toml.

use std::path::PathBuf;

use super::{global::Global, session::Session};
use crate::{
    error::{Context as _, Error, Result},
    node::Opener,
    provision::{self, Fleet, Moved, Reach, gather},
    spec::{self, Address, edit},
    ui::Ui,
};

/// Looks for the lost nodes of the session. One that shows its pinned host key at another address is in the session from
/// then on, at that address.
pub async fn find(session: &mut Session, opener: &Opener, reach: Reach) {
    for moved in provision::seen_elsewhere(&session.spec, &session.seen, &session.fleet, reach).await {
        let Moved { node: name, from, to } = &moved;
        let connected = match opener.open_moved(name, to, from).await {
            Ok(connected) => connected,
            Err(error) => {
                let lost = session.fleet.lost.iter_mut().find(|lost| lost.node == *name);
                if let Some(lost) = lost {
                    let said = std::mem::replace(&mut lost.error, Error::failed(""));
                    lost.error = said.hinted(format!("A machine with its host key was seen at {to}, but: {error}."));
                }
                continue;
            }
        };
        let Some(place) = session.spec.nodes.iter().position(|node| node.name == *name) else { continue };
        session.spec.nodes[place].address = to.clone();
        let node = (session.spec.nodes[place].clone(), connected);
        let mut alone = Fleet { nodes: vec![node], ..Fleet::default() };
        let seen = gather(&session.spec, &mut alone, &|_| ()).await;
        session.fleet.lost.retain(|lost| lost.node != *name);
        session.fleet.nodes.extend(alone.nodes);
        session.fleet.lost.extend(alone.lost);
        session.seen.extend(seen);
        session.moved.push(moved);
    }
    if reach == Reach::Neighbours {
        hint(session);
    }
    let place = |name: &spec::NodeName| session.spec.nodes.iter().position(|node| node.name == *name);
    session.fleet.nodes.sort_by_key(|(node, _)| place(&node.name));
    session.seen.sort_by_key(|(node, _)| place(&node.name));
}

/// Tells of the wider search, where a node was part of the cluster before and stands in the spec by a bare address.
fn hint(session: &mut Session) {
    let noted = |name: &spec::NodeName| {
        session.seen.iter().any(|(_, facts)| facts.members.iter().any(|noted| noted.name == *name))
    };
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
    let addresses: Vec<String> = session.moved.iter().map(|moved| moved.to.to_string()).collect();
    if !yes && !ui.confirm(&format!("Write {} into {}?", addresses.join(", "), path.display()), true)? {
        return Err(Error::failed("nothing was changed, as you said"));
    }
    let moves: Vec<_> = session.moved.iter().map(|moved| (&moved.from, &moved.to)).collect();
    opener.pin_moved(&moves).await?;
    for node in session.moved.iter().filter_map(|moved| session.fleet.node(&moved.node)) {
        node.forget_former_address();
    }
    spec::save(&path, &text)?;
    ui.done(&format!("Wrote {} into {}.", addresses.join(", "), path.display()));
    Ok(())
}

fn path(global: &Global) -> Result<PathBuf> {
    let here = std::env::current_dir().context(|| "the working directory cannot be read")?;
    spec::find::find(&here, global.spec.as_deref())
}

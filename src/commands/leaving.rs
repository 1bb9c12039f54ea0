//! What `plan`, `up` and `down` say and do of nodes that left mpiup.toml.

use super::session::{self, Session, entries};
use crate::{
    error::{Error, Result},
    facts::Facts,
    node::Consent,
    provision::{self, Event, Leavers, Undone},
    spec::{NodeName, NodeSpec, ShareKind, Spec, nodeset},
    ui::{Outcome, Ui, paint, style},
};

/// What will be taken back, before anything else changes; nothing where nobody left.
pub fn lines(session: &Session) -> Vec<String> {
    let leavers = &session.leavers;
    let mut lines = Vec::new();
    for (node, facts) in &leavers.seen {
        let heading = format!("{} ({}), which is no longer in mpiup.toml: taken back first", node.name, node.address);
        lines.push(paint(style::HEADING, &heading));
        lines.extend(entries(facts).map(|what| format!("  {} {what}", paint(style::BAD, "-"))));
        lines.push(String::new());
    }
    lines
}

/// What has to be known beside: who cannot be taken back, and what it means that the head node or all others left.
pub fn remarks(session: &Session, ui: &Ui) {
    let Leavers { fleet, head, .. } = &session.leavers;
    for lost in &fleet.lost {
        ui.error(&unreachable(&session.spec, lost));
    }
    if let Some(head) = head {
        ui.warn(&format!(
            "{head} was the head node until now, and {} becomes it: what stands in the shared folder of {head} stays there, and is not copied",
            session.spec.head
        ));
    }
    if session.spec.nodes.len() == 1 && !session.leavers.is_empty() {
        ui.warn(&format!(
            "only {} stays in the cluster; to take everything back, put the others into mpiup.toml again and type `mpiup down`",
            session.spec.head
        ));
    }
}

/// # Errors
/// When who left exports the folder that the others have mounted.
pub fn check(session: &Session) -> Result<()> {
    let leavers = &session.leavers;
    let is_there = |head: &&NodeName| leavers.fleet.node(head).is_some();
    match leavers.head.as_ref().filter(is_there) {
        Some(head) if session.spec.share.kind == ShareKind::Nfs => Err(Error::usage(format!(
            "{head} is no longer in mpiup.toml, and the other nodes have the shared folder from it: it cannot be taken back while they use it"
        ))
        .hinted(format!(
            "Put it into mpiup.toml again, with `head = \"{head}\"`, and take the whole cluster back: `mpiup down`. Then `mpiup up` with the new mpiup.toml, and copy what you need out of the folder, which stays on {head}."
        ))),
        _ => Ok(()),
    }
}

fn unreachable(spec: &Spec, lost: &provision::Lost) -> Error {
    let error = Error::failed("it is no longer in mpiup.toml, and cannot be reached to be taken back").on(&lost.node);
    let error = error.because(lost.error.message());
    let error = lost.error.reasons().iter().fold(error, Error::because);
    error.hinted(format!("The other nodes forget it all the same. Later, `{}` takes it back.", command(spec, lost)))
}

/// What takes a node back that the spec does not name.
fn command(spec: &Spec, lost: &provision::Lost) -> String {
    crate::quote::words(["mpiup", "down", "--cluster", &spec.name, &lost.address.to_string()])
}

/// Takes back who can be reached. The names of those with which it did not come to an end; who of them was reached stays noted.
///
/// # Errors
/// When one of them still has the shared folder mounted: what the others forget of it is what it needs to write there.
pub async fn take_back(session: &mut Session, ui: &Ui) -> Result<Vec<NodeName>> {
    let mut leavers = std::mem::replace(&mut session.leavers, Leavers::none());
    let mut missed: Vec<NodeName> = leavers.fleet.lost.iter().map(|lost| lost.node.clone()).collect();
    let undone = if leavers.seen.is_empty() { Undone::default() } else { undo(&session.spec, &mut leavers, ui).await };
    for (node, error) in &undone.failed {
        ui.error(error);
        missed.push(node.clone());
    }
    for (node, remark) in &undone.remarks {
        ui.warn(&format!("{node}: {remark}"));
    }
    // It is found again by whoever types `mpiup up`, and `mpiup down` is for all the others.
    let why = |why: &str| why.replace("`mpiup down` goes on", "`mpiup up` goes on");
    let is_of_mount =
        |kept: &&provision::Kept| kept.what.starts_with("mount of ") && undone.mounted.contains(&kept.node);
    for kept in undone.kept.iter().filter(|kept| !is_of_mount(kept)) {
        ui.warn(&format!("{}: {}", kept.node, why(&kept.why)));
    }
    for node in undone.unfinished() {
        if !missed.contains(node) {
            missed.push(node.clone());
        }
    }
    let stays = |(node, _): &&(NodeSpec, Facts)| missed.contains(&node.name);
    session.staying.extend(leavers.seen.iter().filter(stays).map(|(node, _)| node.clone()));
    if undone.undone > 0 {
        let nodes = nodeset::fold_in_order(leavers.seen.iter().map(|(node, _)| node.name.as_str()));
        let count =
            if undone.undone == 1 { "1 change was".to_owned() } else { format!("{} changes were", undone.undone) };
        ui.done(&format!("{nodes} left {}: {count} taken back.", session.spec.name));
    }
    leavers.fleet.close().await;
    let Some(node) = undone.mounted.first() else { return Ok(missed) };
    let users = undone.kept.iter().filter(is_of_mount).find(|kept| kept.node == *node);
    let stopped = Error::failed(format!(
        "it is no longer in mpiup.toml, but still has the shared folder mounted, so {} goes on exporting it: nothing changes on the other nodes",
        session.spec.head
    ))
    .on(nodeset::fold_in_order(undone.mounted.iter().map(NodeName::as_str)));
    Err(match users {
        Some(kept) => stopped.because(why(&kept.why)),
        None => stopped.hinted("`mpiup up` goes on once what is said of it above is mended."),
    })
}

async fn undo(spec: &Spec, leavers: &mut Leavers, ui: &Ui) -> Undone {
    let known = leavers.fleet.lost.len();
    let locks = match session::keep(&mut leavers.fleet, spec, "up", ui).await {
        Ok(locks) => locks,
        Err(error) => {
            let failed = leavers.seen.first().map(|(node, _)| (node.name.clone(), error));
            let mounted = provision::mounted(&leavers.seen, &[]);
            return Undone { failed: failed.into_iter().collect(), mounted, ..Undone::default() };
        }
    };
    let names: Vec<String> = leavers.seen.iter().map(|(node, _)| node.name.to_string()).collect();
    let consent = Consent::after_showing_the_plan();
    let progress = ui.progress(&names, "Taking back what left");
    let sink = |event: Event| match event {
        Event::Begin { node, what } => progress.node(node.as_str(), &what),
        Event::Say { node, text } => progress.meter(node.as_str(), &text),
        _ => {}
    };
    let mut undone = provision::undo(spec, &leavers.seen, &leavers.fleet, &locks, false, &consent, &sink).await;
    locks.release().await;
    // Somebody else is at work there.
    let in_use = leavers.fleet.lost.drain(known..);
    undone.failed.extend(in_use.map(|lost| (lost.node, lost.error)));
    for name in &names {
        let failed = undone.failed.iter().any(|(node, _)| node.as_str() == name);
        progress.finish(name, if failed { Outcome::Failed(String::new()) } else { Outcome::Done });
    }
    undone
}

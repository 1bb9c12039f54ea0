//! Takes a cluster back from its nodes' journals alone: no spec and no plan is needed.

use std::cell::{Cell, RefCell};

use serde::Serialize;

use super::{
    Event, Fleet, Locks, Silences, Sink,
    confirm::{self, Asked},
    leavers,
    report::{self, Line},
};
use crate::{
    changes::script,
    error::{Error, Result},
    facts::{Facts, journal::Entry},
    node::{Consent, Hands, Node},
    spec::{NodeName, NodeSpec, Spec, nodeset},
    steps,
};

/// What became of a `down`.
#[derive(Debug, Default)]
pub struct Undone {
    /// Changes that were taken back.
    pub undone: usize,
    /// What was taken back, but not to the letter: node and remark.
    pub remarks: Vec<(NodeName, String)>,
    pub kept: Vec<Kept>,
    pub failed: Vec<(NodeName, Error)>,
    /// Who still has mounted what another node exports, as far as anybody knows.
    pub mounted: Vec<NodeName>,
}

/// What was left on a node, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    pub node: NodeName,
    pub what: String,
    pub why: String,
    /// It is mpiup's to take, which goes on once what `why` tells of has ended or is mended. Else it is somebody's own.
    pub unfinished: bool,
}

impl Undone {
    /// Nodes with which this did not come to its end. What is kept because it is somebody's own is none of it.
    pub fn unfinished(&self) -> impl Iterator<Item = &NodeName> {
        self.kept.iter().filter(|kept| kept.unfinished).map(|kept| &kept.node).chain(&self.mounted)
    }
}

/// Takes back everything that the journals of `seen` tell of, the last change first. A node that exports a folder comes after
/// those that may have mounted it, and goes on exporting while one of them does: also one with which this did not come to its
/// end, or that was seen and then lost. Who was not seen at all is not waited for.
pub async fn undo(
    spec: &Spec,
    seen: &[(NodeSpec, Facts)],
    fleet: &Fleet,
    locks: &Locks,
    purge: bool,
    consent: &Consent,
    sink: Sink<'_>,
) -> Undone {
    let unmounted = RefCell::new(Vec::new());
    let noting = |event: Event| {
        if let Event::Done { node, what } = &event {
            unmounted.borrow_mut().push((node.clone(), what.clone()));
        }
        sink(event);
    };
    let how = &How { alone: locks.alone(), silences: fleet.silences, purge, consent, sink: &noting };
    let is_shared = seen.iter().any(|(_, facts)| mounts(facts).next().is_some());
    let is_server = |(node, facts): &(NodeSpec, Facts)| exports(facts) || (is_shared && is_head(node, facts));
    let (servers, clients): (Vec<_>, Vec<_>) = seen.iter().partition(|one| is_server(one));
    let mut all = side_by_side(spec, &clients, fleet, how, "").await;
    all.mounted = mounted(clients.iter().copied(), &unmounted.borrow());
    let mounted = nodeset::fold_in_order(all.mounted.iter().map(NodeName::as_str));
    let servers = side_by_side(spec, &servers, fleet, how, &mounted).await;
    all.undone += servers.undone;
    all.remarks.extend(servers.remarks);
    all.kept.extend(servers.kept);
    all.failed.extend(servers.failed);
    let place = |name: &NodeName| spec.nodes.iter().position(|node| node.name == *name);
    all.remarks.sort_by_key(|(node, _)| place(node));
    all.kept.sort_by_key(|kept| place(&kept.node));
    all.failed.sort_by_key(|(node, _)| place(node));
    all
}

/// Which of these have mounted what another node exports, but for mounts that are known to be gone: node, and mount in words.
pub fn mounted<'a>(
    seen: impl IntoIterator<Item = &'a (NodeSpec, Facts)>,
    unmounted: &[(NodeName, String)],
) -> Vec<NodeName> {
    let is_gone =
        |node: &NodeSpec, entry: &Entry| unmounted.iter().any(|(name, what)| *name == node.name && *what == entry.what);
    let is_mounted = |(node, facts): &&(NodeSpec, Facts)| mounts(facts).any(|entry| !is_gone(node, entry));
    seen.into_iter().filter(is_mounted).map(|(node, _)| node.name.clone()).collect()
}

/// What this node has from another one.
fn mounts(facts: &Facts) -> impl Iterator<Item = &Entry> {
    facts.journal.iter().filter(|entry| entry.key.starts_with("mount "))
}

/// Whether it was the head, which lets the others in also where somebody else's export was adopted.
fn is_head(node: &NodeSpec, facts: &Facts) -> bool {
    facts.members.iter().any(|noted| noted.is_head && noted.name == node.name)
}

/// Whether this node gives a folder to the others.
fn exports(facts: &Facts) -> bool {
    facts.journal.iter().any(|entry| entry.key.starts_with("file /etc/exports.d/"))
}

async fn side_by_side(
    spec: &Spec,
    seen: &[&(NodeSpec, Facts)],
    fleet: &Fleet,
    how: &How<'_>,
    mounted_on: &str,
) -> Undone {
    let is_lost = |node: &NodeSpec| fleet.lost.iter().any(|lost| lost.node == node.name);
    let work = seen.iter().filter(|(node, _)| !is_lost(node)).map(|seen| async move {
        let (node, facts) = seen;
        // `mpiup down MACHINE`: those that it names are asked, and no others.
        let is_whole = !exports(facts) || leavers::left(spec, std::slice::from_ref(*seen)).is_empty();
        let unasked = if is_whole { "" } else { "mpiup_unasked=yes\n" };
        let outcome = match fleet.node(&node.name) {
            Some(connected) => one(spec, facts, connected, how, (unasked, mounted_on)).await,
            None => Err(Error::failed("the connection is gone")),
        };
        (node.name.clone(), outcome)
    });
    let mut all = Undone::default();
    for (node, outcome) in futures_util::future::join_all(work).await {
        match outcome {
            Ok(one) => {
                all.undone += one.undone;
                all.remarks.extend(one.remarks);
                all.kept.extend(one.kept);
            }
            Err(error) => all.failed.push((node.clone(), error.on(&node))),
        }
    }
    all
}

/// What is the same for all nodes.
struct How<'a> {
    /// Ends a script that begins after the node was lost to another operator.
    alone: String,
    silences: Silences,
    purge: bool,
    consent: &'a Consent,
    sink: Sink<'a>,
}

async fn one(
    spec: &Spec,
    facts: &Facts,
    node: &Node,
    how: &How<'_>,
    (unasked, mounted_on): (&str, &str),
) -> Result<Undone> {
    let sink = how.sink;
    if facts.journal.is_empty() {
        return Ok(Undone::default());
    }
    let name = node.name();
    let state = steps::cluster::state_of(spec, facts);
    let what =
        |number: &str| entry(&facts.journal, number).map_or_else(|| number.to_owned(), |entry| entry.what.clone());
    let undone = RefCell::new(Undone::default());
    let said = RefCell::new(String::new());
    let unfinished = Cell::new(false);
    let failed_at = RefCell::new(None);
    let under_way = RefCell::new(String::new());
    let asked = Asked::default();
    let mut on_line = |text: &str| {
        let Some((number, line)) = report::line(text) else { return };
        let (node, what) = (name.clone(), what(number));
        match line {
            Line::Begin => {
                unfinished.set(false);
                under_way.borrow_mut().clone_from(&what);
                sink(Event::Begin { node, what });
            }
            Line::Held(text) => {
                unfinished.set(true);
                *said.borrow_mut() = text;
            }
            Line::Say(text) => {
                said.borrow_mut().clone_from(&text);
                sink(Event::Say { node, text });
            }
            Line::Waits(what) => sink(Event::Begin { node, what }),
            Line::Done | Line::Left => {
                let mut undone = undone.borrow_mut();
                undone.undone += 1;
                if line == Line::Left {
                    undone.remarks.push((node.clone(), said.borrow().clone()));
                }
                sink(Event::Done { node, what });
            }
            Line::Kept => {
                let kept = Kept { node, what, why: said.borrow().clone(), unfinished: unfinished.get() };
                sink(Event::Kept { node: name.clone(), what: kept.what.clone(), why: kept.why.clone() });
                undone.borrow_mut().kept.push(kept);
            }
            Line::Failed => *failed_at.borrow_mut() = Some(what),
            Line::Confirm => asked.ask(),
            Line::Value(_) => {}
        }
    };
    let long = how.purge || facts.journal.iter().any(|entry| entry.what.starts_with("packages "));
    let hands = Hands::new(node, how.consent);
    let script = format!("{}{}{unasked}{}", report::TITLE, how.alone, script::undo(&state, how.purge, mounted_on));
    let output =
        confirm::beside(node, &state, &asked, hands.run(&script, how.silences.patience(long), &mut on_line)).await;
    let output = output.map_err(|error| report::cut_off(&error, &under_way.borrow()))?;
    if output.success() {
        return Ok(undone.into_inner());
    }
    let what = failed_at.into_inner().unwrap_or_else(|| "the journal".into());
    let why = output.last_words();
    sink(Event::Failed { node: name.clone(), what: what.clone(), why: why.clone() });
    Err(Error::failed(format!("could not be taken back: {what}"))
        .because(why)
        .hinted("The rest stays in the node's journal: `mpiup down` goes on from there."))
}

fn entry<'a>(journal: &'a [Entry], number: &str) -> Option<&'a Entry> {
    journal.iter().find(|entry| entry.number == number)
}

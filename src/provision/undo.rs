//! Takes a cluster back from its nodes' journals alone: no spec and no plan is needed.

use std::cell::RefCell;

use super::{
    Event, Fleet, Locks, Silences, Sink,
    confirm::{self, Asked},
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
    /// What was left, and why: node, object, reason.
    pub kept: Vec<(NodeName, String, String)>,
    pub failed: Vec<(NodeName, Error)>,
}

/// Takes back everything that the journals of `seen` tell of, the last change first. A node that exports a folder comes after
/// those that may have mounted it, and goes on exporting while one of them does. Who cannot be reached is not waited for.
pub async fn undo(
    spec: &Spec,
    seen: &[(NodeSpec, Facts)],
    fleet: &Fleet,
    locks: &Locks,
    purge: bool,
    consent: &Consent,
    sink: Sink<'_>,
) -> Undone {
    let how = &How { alone: locks.alone(), silences: fleet.silences, purge, consent, sink };
    let (servers, others): (Vec<_>, Vec<_>) = seen.iter().partition(|(_, facts)| exports(facts));
    let mut all = side_by_side(spec, &others, fleet, how, "").await;
    let mounted = all.kept.iter().filter(|(_, what, _)| what.starts_with("mount of ")).map(|(node, ..)| node.as_str());
    let mounted = nodeset::fold_in_order(mounted);
    let servers = side_by_side(spec, &servers, fleet, how, &mounted).await;
    all.undone += servers.undone;
    all.remarks.extend(servers.remarks);
    all.kept.extend(servers.kept);
    all.failed.extend(servers.failed);
    let place = |name: &NodeName| spec.nodes.iter().position(|node| node.name == *name);
    all.remarks.sort_by_key(|(node, _)| place(node));
    all.kept.sort_by_key(|(node, ..)| place(node));
    all.failed.sort_by_key(|(node, _)| place(node));
    all
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
    let work = seen.iter().map(|(node, facts)| async move {
        let outcome = match fleet.node(&node.name) {
            Some(connected) => one(spec, facts, connected, how, mounted_on).await,
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

async fn one(spec: &Spec, facts: &Facts, node: &Node, how: &How<'_>, mounted_on: &str) -> Result<Undone> {
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
    let failed_at = RefCell::new(None);
    let under_way = RefCell::new(String::new());
    let asked = Asked::default();
    let mut on_line = |text: &str| {
        let Some((number, line)) = report::line(text) else { return };
        let (node, what) = (name.clone(), what(number));
        match line {
            Line::Begin => {
                under_way.borrow_mut().clone_from(&what);
                sink(Event::Begin { node, what });
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
                let why = said.borrow().clone();
                undone.borrow_mut().kept.push((node.clone(), what.clone(), why.clone()));
                sink(Event::Kept { node, what, why });
            }
            Line::Failed => *failed_at.borrow_mut() = Some(what),
            Line::Confirm => asked.ask(),
            Line::Value(_) => {}
        }
    };
    let long = how.purge || facts.journal.iter().any(|entry| entry.what.starts_with("packages "));
    let hands = Hands::new(node, how.consent);
    let script = format!("{}{}{}", report::TITLE, how.alone, script::undo(&state, how.purge, mounted_on));
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

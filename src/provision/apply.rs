//! Makes a plan come true: waves with barriers, nodes side by side, one script per node and wave.
//!
//! Guarantees: only what the plan holds is done; a node's journal knows of a change before it is made; a node that fails
//! stops where it failed and the others go on. Not guaranteed: that all nodes come through; who does not is named.

use std::{cell::RefCell, path::Path};

use futures_util::future::join_all;

use super::{
    Event, Fleet, Locks, Mirror, Silences, Sink, as_user,
    confirm::{self, Asked},
    fetch::Bundles,
    report::{self, Line},
    room::too_small,
    way,
};
use crate::{
    changes::{Change, Primitive, Wave, script, text::PublicKeys},
    error::{Error, Result},
    node::{Consent, Hands, Node, Output, Patience},
    python,
    spec::NodeName,
    steps::{Cluster, Member, NodePlan, Plan},
};

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Applied {
    /// Changes that were made, on all nodes together.
    pub made: usize,
    /// Nodes that did not come through, and why.
    pub failed: Vec<(NodeName, Error)>,
}

/// What is brought to nodes from this machine.
#[derive(Debug, Clone, Copy)]
pub struct Supplies<'a> {
    pub bundles: &'a Bundles,
    /// Through which nodes fetch packages of their distribution, where they do not by themselves.
    pub mirror: Option<&'a Mirror>,
}

/// Does what the plan says, and nothing else.
pub async fn apply(
    cluster: &Cluster,
    plan: &Plan,
    supplies: Supplies<'_>,
    fleet: &Fleet,
    locks: &Locks,
    consent: &Consent,
    sink: Sink<'_>,
) -> Applied {
    let alone = locks.alone();
    let mut applied = Applied { made: 0, failed: too_small(cluster, plan, supplies.bundles) };
    let mut keys = PublicKeys::new();
    for wave in [Wave::Ground, Wave::Mesh] {
        // What is spread over the mesh was planned with the keys of all nodes: without one of them it is planned anew.
        if wave == Wave::Mesh && !applied.failed.is_empty() {
            break;
        }
        if !plan.has(wave) {
            continue;
        }
        let alive = |name: &NodeName| applied.failed.iter().all(|(failed, _)| failed != name);
        let work =
            plan.nodes.iter().zip(&cluster.members).filter(|(node, _)| alive(&node.node)).map(|(node, member)| {
                let (keys, alone) = (&keys, &alone);
                async move {
                    let silences = fleet.silences;
                    let run = NodeRun { cluster, member, plan: node, supplies, alone, silences, consent, sink };
                    let outcome = match fleet.node(&node.node) {
                        Some(connected) => run.wave(connected, wave, keys).await,
                        None => Err(Error::failed("the connection is gone")),
                    };
                    (node.node.clone(), outcome)
                }
            });
        for (node, outcome) in join_all(work).await {
            match outcome {
                Ok(done) => {
                    applied.made += done.made;
                    keys.extend(done.public_key.map(|key| (node.to_string(), key)));
                }
                Err(error) => applied.failed.push((node, error)),
            }
        }
    }
    applied
}

struct NodeRun<'a> {
    cluster: &'a Cluster,
    member: &'a Member,
    plan: &'a NodePlan,
    supplies: Supplies<'a>,
    /// Ends a script that begins after the node was lost to another operator.
    alone: &'a str,
    silences: Silences,
    consent: &'a Consent,
    sink: Sink<'a>,
}

#[derive(Default)]
struct Done {
    made: usize,
    public_key: Option<String>,
}

impl NodeRun<'_> {
    async fn wave(&self, node: &Node, wave: Wave, keys: &PublicKeys) -> Result<Done> {
        let changes: Vec<(usize, &Change)> =
            self.plan.changes.iter().enumerate().filter(|(_, change)| change.wave == wave).collect();
        if changes.is_empty() {
            return Ok(Done::default());
        }
        let note = self.plan.note(wave, self.cluster, self.member);
        let packages = changes.iter().any(|(_, change)| matches!(change.primitive, Primitive::Packages { .. }));
        let way = match self.supplies.mirror.filter(|_| packages) {
            Some(mirror) => way::open(mirror, node, self.member).await?,
            None => String::new(),
        };
        let calls = script::calls(&self.member.state, &note, changes.iter().copied(), Some(keys))?;
        let script = format!("{way}{}{calls}", script::prelude());
        let mut done = self.run(node, &script, self.silences.patience(packages)).await?;
        for (_, change) in &changes {
            if let Primitive::Tree { path, owner, key } = &change.primitive {
                self.bring(node, change, path, owner, key).await?;
                done.made += 1;
            }
        }
        Ok(done)
    }

    /// Runs a script of changes and turns its report into events.
    async fn run(&self, node: &Node, script: &str, patience: Patience) -> Result<Done> {
        let done = RefCell::new(Done::default());
        let failed_at = RefCell::new(None);
        let under_way = RefCell::new(String::new());
        let hands = Hands::new(node, self.consent);
        let asked = Asked::default();
        let mut on_line = |text: &str| {
            let Some((index, line)) = report::line(text) else { return };
            let Some(change) = index.parse().ok().and_then(|index: usize| self.plan.changes.get(index)) else {
                return;
            };
            match line {
                Line::Begin => {
                    *under_way.borrow_mut() = change.what();
                    self.tell(|node| Event::Begin { node, what: change.what() });
                }
                Line::Say(text) => self.tell(|node| Event::Say { node, text }),
                Line::Waits(what) => self.tell(|node| Event::Begin { node, what }),
                Line::Value(value) => done.borrow_mut().public_key = Some(value),
                Line::Done => {
                    if !matches!(change.primitive, Primitive::Tree { .. }) {
                        done.borrow_mut().made += 1;
                        self.tell(|node| Event::Done { node, what: change.what() });
                    }
                }
                Line::Failed => *failed_at.borrow_mut() = Some(change.what()),
                Line::Confirm => asked.ask(),
                Line::Held(_) | Line::Kept | Line::Left => {}
            }
        };
        let script = format!("{}{}{script}", report::TITLE, self.alone);
        let work = hands.run(&script, patience, &mut on_line);
        let output = confirm::beside(node, &self.member.state, &asked, work).await;
        let output = output.map_err(|error| report::cut_off(&error, &under_way.borrow()).on(&self.plan.node))?;
        if output.success() {
            return Ok(done.into_inner());
        }
        let what = failed_at.into_inner().unwrap_or_else(|| "the journal".into());
        Err(self.failure(&what, &output.last_words()))
    }

    /// The environment comes over a stream of its own, into the folder that the journal knows of already.
    async fn bring(&self, node: &Node, change: &Change, path: &str, owner: &str, key: &str) -> Result<()> {
        let Some(bundle) = self.supplies.bundles.get(key) else {
            return Err(self.failure(&change.what(), "its packages were not fetched"));
        };
        let install =
            as_user(self.member.facts.is_root, owner, &self.cluster.layout.home, &python::install_script(path, key));
        let hands = Hands::new(node, self.consent);
        let progress = |sent: u64| {
            self.tell(|node| Event::Sent { node, bytes: sent, of: bundle.bytes });
        };
        let tar: &Path = &bundle.tar;
        let install = format!("{}{}{install}", report::TITLE, self.alone);
        let pushed = hands.push(&install, tar, &progress, self.silences.patience(false)).await;
        self.come_through(change, pushed)?;
        let finish = format!(
            "{}{}{}begin {} && find_entry {} && finish_entry",
            report::TITLE,
            self.alone,
            script::prelude(),
            crate::quote::sh(&self.member.state),
            crate::quote::sh(&change.key())
        );
        let finished = hands.run(&finish, self.silences.patience(false), &mut |_| {}).await;
        self.come_through(change, finished)?;
        self.tell(|node| Event::Done { node, what: change.what() });
        Ok(())
    }

    /// That a command for this change ended well.
    fn come_through(&self, change: &Change, outcome: Result<Output>) -> Result<()> {
        match outcome {
            Ok(output) if output.success() => Ok(()),
            Ok(output) => Err(self.failure(&change.what(), &output.last_words())),
            Err(error) => Err(self.failure(&change.what(), &error.words())),
        }
    }

    fn tell(&self, event: impl FnOnce(NodeName) -> Event) {
        (self.sink)(event(self.plan.node.clone()));
    }

    fn failure(&self, what: &str, why: &str) -> Error {
        self.tell(|node| Event::Failed { node, what: what.to_owned(), why: why.to_owned() });
        Error::failed(format!("could not be made: {what}")).on(&self.plan.node).because(why).hinted(
            "What was done before it stays in the journal: `mpiup up` goes on from there, `mpiup down` takes it back.",
        )
    }
}

//! The engine of `up`: looks, agrees, plans, asks, changes and proves, and begins anew without a node that fails on the way.

use crate::{
    commands::{
        leaving,
        plan_text::{self, Detail},
        session::Session,
        unconfirmed,
    },
    error::{Error, Result},
    node::Consent,
    provision::{self, Applied, Bundles, Event, Locks, Mirror, Proof, Supplies},
    spec::{NodeName, ShareKind},
    steps::{self, Cluster, Plan},
    ui::{Outcome, Progress, Ui, humane},
};

/// What `up` has come to on its way.
pub struct Work {
    /// Every plan is agreed to.
    yes: bool,
    /// The one that was agreed to.
    agreed: Option<Plan>,
    /// The nodes are ours from the first change to the proof. An `up` without changes needs none of this.
    locks: Option<Locks>,
    bundles: Bundles,
    /// The way for packages through this machine, where that is asked for.
    pub mirror: Option<Mirror>,
    /// Changes on all nodes together.
    pub made: usize,
    /// Nodes that left the spec, and on which something of the cluster stands still.
    pub not_taken_back: Vec<String>,
}

impl Work {
    pub fn new(yes: bool) -> Self {
        Self {
            yes,
            agreed: None,
            locks: None,
            bundles: Bundles::new(),
            mirror: None,
            made: 0,
            not_taken_back: Vec::new(),
        }
    }

    /// Lets others have the nodes.
    pub async fn give_back(&mut self) {
        if let Some(locks) = self.locks.take() {
            locks.release().await;
        }
    }
}

/// Makes changes until an MPI job has crossed every node that is left: each round without those that cannot take part.
///
/// # Errors
/// When the head node cannot be used, the user says no, or nobody is found to blame for a job that fails.
pub async fn until_proved(session: &mut Session, work: &mut Work, ui: &Ui) -> Result<(Cluster, Proof)> {
    loop {
        let cluster = settle(session, work, ui).await?;
        if !sees_the_same(session, &cluster, ui).await? {
            continue;
        }
        match prove(session, &cluster, ui).await {
            Ok(proof) => {
                name_slow(session, &cluster, &proof, ui).await;
                return Ok((cluster, proof));
            }
            Err(error) => without_culprits(session, &cluster, error, ui).await?,
        }
    }
}

/// Makes changes until no usable node needs any. A node that fails on the way is left out, and the others are brought to
/// agree without it.
async fn settle(session: &mut Session, work: &mut Work, ui: &Ui) -> Result<Cluster> {
    let (mut all_made, mut is_first) = (false, true);
    loop {
        session.muster(ui).await;
        let cluster = session.cluster()?;
        let plan = steps::plan(&cluster);
        if plan.is_empty() && session.leavers.is_empty() {
            return Ok(cluster);
        }
        if all_made {
            return Err(undone_by_others(&plan));
        }
        let Some(locks) = &work.locks else {
            if work.agreed.is_none() {
                unconfirmed::before_up(&cluster, &plan, ui);
            }
            if !work.yes && work.agreed.as_ref() != Some(&plan) {
                ask(session, &cluster, &plan, ui)?;
            } else if work.agreed.is_none() {
                leaving::remarks(session, ui);
            }
            if !fetch(session, &cluster, &plan, &mut work.bundles, ui).await? {
                // It was agreed to, and goes on without them.
                work.yes = true;
                continue;
            }
            work.agreed = Some(plan);
            work.locks = Some(keep(session, ui).await?);
            continue;
        };
        // Nobody waits for a person while the nodes are kept.
        if !work.yes && work.agreed.as_ref() != Some(&plan) {
            ui.warn("the nodes are not as they were when the plan was shown; this is the plan now");
            work.give_back().await;
            continue;
        }
        // What follows from this plan, where a node fails, is asked for no more.
        work.yes = true;
        if !session.leavers.is_empty() {
            let missed = leaving::take_back(session, ui).await?;
            work.not_taken_back.extend(missed.iter().map(ToString::to_string));
            continue;
        }
        if !fetch(session, &cluster, &plan, &mut work.bundles, ui).await? {
            continue;
        }
        let supplies = Supplies { bundles: &work.bundles, mirror: work.mirror.as_ref() };
        let applied = apply(session, &cluster, &plan, supplies, locks, ui).await?;
        work.made += applied.made;
        // What stood unconfirmed has gone back with the first script, and is made with the next plan.
        let stood = |member: &steps::Member| member.facts.unconfirmed.as_ref().is_some_and(|change| !change.is_back);
        let went_back = std::mem::take(&mut is_first) && cluster.members.iter().any(stood);
        all_made = applied.failed.is_empty() && !went_back;
        let all_failed = applied.failed.len() == plan.nodes.len();
        for (node, error) in applied.failed {
            session.fleet.lose(&node, error);
        }
        if all_failed || session.fleet.node(&session.spec.head).is_none() {
            session.name_lost(ui);
            return Err(Error::failed("the cluster could not be set up"));
        }
        session.look_again().await;
    }
}

/// Keeps the nodes from other operators, and looks at them again: what was seen before may have been in the middle of
/// somebody else's work.
async fn keep(session: &mut Session, ui: &Ui) -> Result<Locks> {
    let locks = session.keep("up", ui).await?;
    session.look_again().await;
    Ok(locks)
}

/// Every change was made, and still some node is not as it should be.
fn undone_by_others(plan: &Plan) -> Error {
    let first = plan.nodes.iter().find_map(|node| Some((&node.node, node.changes.first()?)));
    let (node, what) = first.map(|(node, change)| (node.to_string(), change.what())).unwrap_or_default();
    Error::failed(format!("was made, and is not there any more: {what}"))
        .on(node)
        .hinted("Some other program on the node writes it too (cloud-init, a configuration management, a mount): `mpiup plan` shows the difference.")
}

fn ask(session: &Session, cluster: &Cluster, plan: &Plan, ui: &Ui) -> Result<()> {
    leaving::remarks(session, ui);
    for line in leaving::lines(session) {
        ui.say(&line);
    }
    if !plan.is_empty() {
        plan_text::lines(cluster, plan, Detail::Lines).iter().for_each(|line| ui.say(line));
    }
    ui.say("`mpiup plan` shows every line that would change.");
    if ui.confirm("Make these changes?", false)? {
        return Ok(());
    }
    Err(Error::failed("nothing was changed, as you said"))
}

/// Whether all nodes can have what the plan brings. Those that cannot are lost.
async fn fetch(session: &mut Session, cluster: &Cluster, plan: &Plan, bundles: &mut Bundles, ui: &Ui) -> Result<bool> {
    let report = |text: &str| ui.say(&format!("  {text}"));
    let without = provision::fetch(cluster, plan, bundles, &report).await?;
    if without.is_empty() {
        return Ok(true);
    }
    for (node, error) in without {
        session.fleet.lose(&node, error);
    }
    session.look_again().await;
    Ok(false)
}

async fn apply(
    session: &Session,
    cluster: &Cluster,
    plan: &Plan,
    supplies: Supplies<'_>,
    locks: &Locks,
    ui: &Ui,
) -> Result<Applied> {
    let names: Vec<String> = plan.nodes.iter().map(|node| node.node.to_string()).collect();
    let progress = ui.progress(&names, "Setting up");
    let consent = Consent::after_showing_the_plan();
    let sink = |event: Event| show(&progress, event);
    let applied = provision::apply(cluster, plan, supplies, &session.fleet, locks, &consent, &sink).await;
    for node in &plan.nodes {
        let failed = applied.failed.iter().any(|(name, _)| *name == node.node);
        let outcome = match (failed, node.changes.is_empty()) {
            // The error itself follows, whole.
            (true, _) => Outcome::Failed(String::new()),
            (false, true) => Outcome::Same,
            (false, false) => Outcome::Done,
        };
        progress.finish(node.node.as_str(), outcome);
    }
    Ok(applied)
}

/// Whether every node sees the same files in a share that comes over the network. Those that do not are lost.
///
/// # Errors
/// When no node but the head sees them.
async fn sees_the_same(session: &mut Session, cluster: &Cluster, ui: &Ui) -> Result<bool> {
    if cluster.spec.share.kind != ShareKind::Nfs || cluster.members.len() < 2 {
        return Ok(true);
    }
    let names: Vec<String> = cluster.members.iter().map(|member| member.spec.name.to_string()).collect();
    let mut differing = {
        let progress = ui.progress(&names, "Looking whether every node sees the same files");
        let differing = provision::differing(cluster, &session.fleet).await?;
        for name in &names {
            let failed = differing.iter().any(|(node, _)| node.as_str() == name);
            progress.finish(name, if failed { Outcome::Failed(String::new()) } else { Outcome::Done });
        }
        differing
    };
    if differing.is_empty() {
        return Ok(true);
    }
    if differing.len() + 1 >= cluster.members.len() {
        return Err(differing.remove(0).1);
    }
    for (node, error) in differing {
        session.fleet.lose(&node, error);
    }
    session.look_again().await;
    Ok(false)
}

async fn prove(session: &Session, cluster: &Cluster, ui: &Ui) -> Result<Proof> {
    let head = session.fleet.head(&session.spec)?;
    let names: Vec<String> = cluster.members.iter().map(|member| member.spec.name.to_string()).collect();
    let progress = ui.progress(&names, "Proving it with an MPI job on every node");
    for name in &names {
        progress.meter(name, "waits for its rank");
    }
    let proof = provision::verify(cluster, head).await;
    let outcome = if proof.is_ok() { Outcome::Done } else { Outcome::Failed(String::new()) };
    names.iter().for_each(|name| progress.finish(name, outcome.clone()));
    proof
}

/// A job that took long came through, but so long will every other one take, too.
async fn name_slow(session: &Session, cluster: &Cluster, proof: &Proof, ui: &Ui) {
    let Some(head) = session.fleet.node(&session.spec.head).filter(|_| proof.took > provision::SLOW_START) else {
        return;
    };
    for error in provision::slow(cluster, head).await {
        ui.warn(&format!("{error}; every job waits for it"));
        error.hints().iter().for_each(|hint| ui.say(hint));
    }
}

/// The job over all nodes failed: finds the nodes with which the head node alone cannot run one either, and leaves them
/// out, so that the others can be used.
async fn without_culprits(session: &mut Session, cluster: &Cluster, error: Error, ui: &Ui) -> Result<()> {
    let known = session.fleet.lost.len();
    session.fleet.roll_call().await;
    if session.fleet.lost.len() > known {
        session.look_again().await;
        return Ok(());
    }
    let head = session.fleet.head(&session.spec)?;
    let names: Vec<String> = cluster.members.iter().map(|member| member.spec.name.to_string()).collect();
    let (walled, culprits) = {
        let progress = ui.progress(&names, "It failed: looking for the node that is to blame");
        let walled = provision::walled(cluster, &session.fleet).await;
        let culprits = if walled.is_empty() { provision::culprits(cluster, head).await } else { vec![] };
        names.iter().for_each(|name| progress.finish(name, Outcome::Done));
        (walled, culprits)
    };
    // Without the head node, or with it alone, there is no cluster.
    if walled.len() + 1 >= cluster.members.len() || walled.iter().any(|(node, _)| *node == session.spec.head) {
        return Err(with_reasons(error, walled));
    }
    let culprits: Vec<(NodeName, Error)> = walled.into_iter().chain(culprits).collect();
    if culprits.is_empty() || culprits.len() + 1 >= cluster.members.len() {
        return Err(error);
    }
    for (node, error) in culprits {
        session.fleet.lose(&node, error);
    }
    session.look_again().await;
    Ok(())
}

/// The proof's error, which does not know what keeps the nodes apart, with what was found out.
fn with_reasons(error: Error, found: Vec<(NodeName, Error)>) -> Error {
    if found.is_empty() {
        return error;
    }
    let (whole, hints) = found.iter().fold((error, Vec::new()), |(error, hints), (_, reason)| {
        (error.because(reason), [hints, reason.hints().to_vec()].concat())
    });
    hints.into_iter().fold(whole, |error, hint| error.hinted(hint))
}

fn show(progress: &Progress, event: Event) {
    match event {
        Event::Begin { node, what } => progress.node(node.as_str(), &what),
        Event::Say { node, text } => progress.meter(node.as_str(), &text),
        Event::Sent { node, bytes, of } => {
            progress.meter(
                node.as_str(),
                &format!("Python environment: {} of {}", humane::bytes(bytes), humane::bytes(of)),
            );
        }
        Event::Done { .. } | Event::Failed { .. } | Event::Kept { .. } => {}
    }
}

//! `mpiup up`

use std::time::Instant;

use serde::Serialize;

use super::{
    by_node::ByNode,
    global::Global,
    leaving, moved,
    plan_text::{self, Detail},
    session::{self, Session},
    unconfirmed, whole,
};
use crate::{
    error::{Error, Result},
    node::Consent,
    provision::{self, Applied, Bundles, Event, Locks, Mirror, Proof, Reach, Supplies},
    spec::{NodeName, ShareKind, Spec},
    steps::{self, Cluster, Plan},
    ui::{Outcome, Ui, humane},
};

/// Make the machines one cluster, then prove it with a real MPI job on every node
///
/// Shows the plan and asks first. A second `up` changes nothing and says so.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    /// Look for a node that does not answer at the addresses around, by its pinned host key.
    #[arg(long)]
    find: bool,
    /// Fetch packages of the distribution over this machine's network, for nodes that do not reach their mirrors: apt's own
    /// requests come through the ssh connection, and apt checks what it gets as ever.
    #[arg(long)]
    via_operator: bool,
}

/// What `up` came to.
#[derive(Debug, Serialize)]
pub struct Report {
    pub cluster: String,
    /// Changes that were made on all nodes together.
    pub changes: usize,
    /// Nodes that take part in jobs now.
    pub ready: Vec<String>,
    /// Nodes that do not, and why.
    pub left_out: ByNode<String>,
    /// Nodes that left mpiup.toml, and on which something of the cluster stands still.
    pub not_taken_back: Vec<String>,
    pub proof: Proof,
}

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let spec = session::load(global)?;
    let reach = if args.find { Reach::Around } else { Reach::Neighbours };
    let start = Instant::now();
    let (mut session, opener) = whole::open(spec, reach, global, ui).await?;
    moved::write(&session, args.yes, &opener, global, ui).await?;
    session.via_operator = args.via_operator;
    let report = with_session(session, args.yes, start, ui).await?;
    if ui.is_json() {
        ui.json(&report)?;
    }
    verdict(&report)
}

/// # Errors
/// When some node was left out, or not taken back, though the cluster can be used.
pub fn verdict(report: &Report) -> Result<()> {
    match (report.left_out.is_empty(), report.not_taken_back.is_empty()) {
        (true, true) => Ok(()),
        (false, _) => Err(left_out(report)),
        (true, false) => Err(Error::failed(format!(
            "the cluster is as mpiup.toml says, but {} was not taken back",
            crate::spec::nodeset::fold(&report.not_taken_back)
        ))),
    }
}

/// The whole verb, for `demo` too.
///
/// # Errors
/// When the head node cannot be used, the user says no, or the proof fails.
pub async fn bring_up(spec: Spec, yes: bool, global: &Global, ui: &Ui) -> Result<Report> {
    let start = Instant::now();
    let session = Session::open(spec, global, ui).await?;
    with_session(session, yes, start, ui).await
}

/// The verb on nodes that were looked at; it began at `start`.
///
/// # Errors
/// As [`bring_up`].
pub async fn with_session(mut session: Session, yes: bool, start: Instant, ui: &Ui) -> Result<Report> {
    leaving::check(&session)?;
    let mut work = Work::new(yes);
    if session.via_operator {
        work.mirror = Some(Mirror::open().await?);
    }
    let (cluster, proof) = loop {
        let cluster = settle(&mut session, &mut work, ui).await?;
        if !sees_the_same(&mut session, &cluster, ui).await? {
            continue;
        }
        match prove(&session, &cluster, ui).await {
            Ok(proof) => {
                name_slow(&session, &cluster, &proof, ui).await;
                break (cluster, proof);
            }
            Err(error) => without_culprits(&mut session, &cluster, error, ui).await?,
        }
    };
    work.give_back().await;
    work.not_taken_back.sort();
    let report = Report {
        cluster: cluster.spec.name.clone(),
        changes: work.made,
        ready: cluster.members.iter().map(|member| member.spec.name.to_string()).collect(),
        left_out: ByNode::of(
            &session.spec,
            session.fleet.lost.iter().map(|lost| (lost.node.to_string(), lost.error.to_string())),
        ),
        not_taken_back: work.not_taken_back,
        proof,
    };
    say_ready(&cluster, &report, start, ui);
    session.fleet.close().await;
    Ok(report)
}

/// What `up` has come to on its way.
struct Work {
    /// Every plan is agreed to.
    yes: bool,
    /// The one that was agreed to.
    agreed: Option<Plan>,
    /// The nodes are ours from the first change to the proof. An `up` without changes needs none of this.
    locks: Option<Locks>,
    bundles: Bundles,
    /// The way for packages through this machine, where that is asked for.
    mirror: Option<Mirror>,
    made: usize,
    not_taken_back: Vec<String>,
}

impl Work {
    fn new(yes: bool) -> Self {
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

    async fn give_back(&mut self) {
        if let Some(locks) = self.locks.take() {
            locks.release().await;
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

fn show(progress: &crate::ui::Progress, event: Event) {
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

fn say_ready(cluster: &Cluster, report: &Report, start: Instant, ui: &Ui) {
    let changes = match report.changes {
        0 => "nothing was changed".to_owned(),
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    };
    let nodes = crate::spec::nodeset::fold_in_order(&report.ready);
    let without = report.left_out.names(|_| true);
    let without = match without.is_empty() {
        true => String::new(),
        false => format!(" without {}", crate::spec::nodeset::fold_in_order(&without)),
    };
    ui.done(&format!("{} is ready{without}: {changes} in {}.", report.cluster, humane::duration(start.elapsed())));
    let from = if report.ready.len() == 1 { nodes } else { format!("each of {nodes}") };
    ui.say(&format!("  In {}, a rank answered from {from}:", humane::duration(report.proof.took)));
    ui.say(&format!("  {}", report.proof.library));
    let slots: u32 = cluster.members.iter().map(|member| member.slots).sum();
    ui.say(&format!("  Now: mpiup run -n {slots} python YOUR_PROGRAM.py"));
    ui.say(&format!(
        "  Or, as {} on {}: cd {} && mpiexec -hostfile hosts python YOUR_PROGRAM.py",
        cluster.spec.user,
        cluster.spec.head,
        crate::quote::sh(&cluster.spec.share.path)
    ));
}

/// Why `up` is not all well, though the cluster can be used.
pub fn left_out(report: &Report) -> Error {
    let names = report.left_out.names(|_| true);
    Error::failed(format!(
        "{} of {} nodes can be used; left out: {}",
        report.ready.len(),
        report.ready.len() + names.len(),
        crate::spec::nodeset::fold_in_order(&names)
    ))
    .hinted("`mpiup up` brings a node in once what is said of it above is mended.")
}

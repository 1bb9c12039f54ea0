//! `mpiup up`

use std::time::Instant;

use serde::Serialize;

use super::{
    by_node::ByNode,
    global::Global,
    leaving, moved,
    session::{self, Session},
    whole,
};
use crate::{
    error::{Error, Result},
    provision::{Mirror, Proof, Reach},
    spec::{ShareKind, Spec},
    steps::Cluster,
    ui::{Ui, humane},
};
use settle::Work;

mod settle;

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
    let (cluster, proof) = settle::until_proved(&mut session, &mut work, ui).await?;
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
    let first = if cluster.spec.share.kind == ShareKind::Nfs { "mpiup sync && " } else { "" };
    ui.say(&format!("  Now: {first}mpiup run -n {slots} python YOUR_PROGRAM.py"));
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

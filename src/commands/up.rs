//! `mpiup up`

use std::{collections::BTreeMap, time::Instant};

use serde::Serialize;

use super::{
    cli::Global,
    plan_text::{self, Detail},
    session::{self, Session},
};
use crate::{
    error::{Error, Result},
    node::Consent,
    provision::{self, Event, Proof},
    spec::Spec,
    steps,
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
    pub left_out: BTreeMap<String, String>,
    pub proof: Proof,
}

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let spec = session::load(global)?;
    let report = bring_up(spec, args.yes, global, ui).await?;
    if ui.is_json() {
        ui.json(&report)?;
    }
    if report.left_out.is_empty() { Ok(()) } else { Err(left_out(&report)) }
}

/// The whole verb, for `demo` too.
///
/// # Errors
/// When the head node cannot be used, the user says no, or the proof fails.
pub async fn bring_up(spec: Spec, yes: bool, global: &Global, ui: &Ui) -> Result<Report> {
    let start = Instant::now();
    let mut session = Session::open(spec, global, ui).await?;
    session.name_lost(ui);
    let mut made = 0;
    let mut asked = yes;
    // A node that fails on the way is left out, and the others are brought to agree without it.
    let cluster = loop {
        let cluster = session.cluster()?;
        let plan = steps::plan(&cluster);
        if plan.is_empty() {
            break cluster;
        }
        if !asked {
            for line in plan_text::lines(&cluster, &plan, Detail::Lines) {
                ui.say(&line);
            }
            ui.say("`mpiup plan` shows every line that would change.");
            if !ui.confirm("Make these changes?", false)? {
                return Err(Error::failed("nothing was changed, as you said"));
            }
            asked = true;
        }
        let names: Vec<String> = plan.nodes.iter().map(|node| node.node.to_string()).collect();
        let bundles = {
            let progress = ui.progress(&[], "Python packages");
            let bundles = provision::fetch(&cluster, &plan, &|text| progress.say(text)).await;
            drop(progress);
            bundles?
        };
        let consent = Consent::after_showing_the_plan();
        let progress = ui.progress(&names, "Setting up");
        let sink = |event: Event| show(&progress, event);
        let applied = provision::apply(&cluster, &plan, &bundles, &session.fleet, &consent, &sink).await;
        made += applied.made;
        for node in &plan.nodes {
            let failed = applied.failed.iter().find(|(name, _)| *name == node.node);
            let outcome = match failed {
                Some((_, error)) => Outcome::Failed(error.reasons().join(": ")),
                None if node.changes.is_empty() => Outcome::Same,
                None => Outcome::Done,
            };
            progress.finish(node.node.as_str(), outcome);
        }
        drop(progress);
        let all_failed = applied.failed.len() == plan.nodes.len();
        for (node, error) in applied.failed {
            ui.error(&error);
            if all_failed || node == session.spec.head {
                return Err(Error::failed("the cluster could not be set up"));
            }
            session.fleet.lose(&node, error);
        }
        session.look_again().await;
    };
    let proof = prove(&session, &cluster, ui).await?;
    let report = Report {
        cluster: cluster.spec.name.clone(),
        changes: made,
        ready: cluster.members.iter().map(|member| member.spec.name.to_string()).collect(),
        left_out: session.fleet.lost.iter().map(|lost| (lost.node.to_string(), lost.error.to_string())).collect(),
        proof,
    };
    say_ready(&cluster, &report, start, ui);
    session.fleet.close().await;
    Ok(report)
}

async fn prove(session: &Session, cluster: &steps::Cluster, ui: &Ui) -> Result<Proof> {
    let head = session.fleet.head(&session.spec)?;
    let names: Vec<String> = cluster.members.iter().map(|member| member.spec.name.to_string()).collect();
    let progress = ui.progress(&names, "Proving it with an MPI job on every node");
    for name in &names {
        progress.meter(name, "waits for its rank");
    }
    let proof = provision::verify(cluster, head).await;
    if proof.is_ok() {
        names.iter().for_each(|name| progress.finish(name, Outcome::Done));
    }
    proof
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

fn say_ready(cluster: &steps::Cluster, report: &Report, start: Instant, ui: &Ui) {
    let changes = match report.changes {
        0 => "nothing was changed".to_owned(),
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    };
    let nodes = crate::spec::nodeset::fold_in_order(&report.ready);
    ui.done(&format!("{} is ready: {changes} in {}.", report.cluster, humane::duration(start.elapsed())));
    ui.say(&format!(
        "  A rank answered from each of {nodes}, with {}, in {}.",
        report.proof.library,
        humane::duration(report.proof.took)
    ));
    let slots: u32 = cluster.members.iter().map(|member| member.slots).sum();
    ui.say(&format!("  Now: mpiup run -n {slots} python YOUR_PROGRAM.py"));
    ui.say(&format!(
        "  Or, as {} on {}: cd {} && mpiexec -hostfile hosts python YOUR_PROGRAM.py",
        cluster.spec.user, cluster.spec.head, cluster.spec.share.path
    ));
}

fn left_out(report: &Report) -> Error {
    let names: Vec<String> = report.left_out.keys().cloned().collect();
    Error::failed(format!(
        "{} of {} nodes can be used; left out: {}",
        report.ready.len(),
        report.ready.len() + names.len(),
        crate::spec::nodeset::fold(&names)
    ))
    .hinted("`mpiup up` brings a node in once it can be reached.")
}

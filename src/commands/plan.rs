//! `mpiup plan`

use serde::Serialize;

use super::{
    global::Global,
    plan_text::{self, Detail},
    session::{self, Session},
    unconfirmed,
};
use crate::{
    changes::{Change, Wave, script},
    error::{Error, Kind, Result},
    steps::{self, Plan},
    ui::{Ui, diff},
};

/// Show what `up` would change on which node, and why; changes nothing
///
/// Exit code 3 when something would change, 0 when nothing would.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the shell script of each node instead, to read, sign, or run by hand.
    #[arg(long, conflicts_with = "json")]
    sh: bool,
}

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let spec = session::load(global)?;
    with_session(Session::open(spec, global, ui).await?, args.sh, ui).await
}

/// The verb on nodes that were looked at.
///
/// # Errors
/// Of the kind [`Kind::Differences`], without a word, when something would change.
pub async fn with_session(mut session: Session, sh: bool, ui: &Ui) -> Result<()> {
    session.muster(ui).await;
    let cluster = session.cluster()?;
    let plan = steps::plan(&cluster);
    unconfirmed::before_up(&cluster, &plan, ui);
    if ui.is_json() {
        ui.json(&document(&plan))?;
    } else if sh {
        ui.out(&shell(&cluster, &plan)?);
    } else if !plan.is_empty() {
        for line in plan_text::lines(&cluster, &plan, Detail::Diffs) {
            ui.out(&line);
        }
    }
    let lost = session.fleet.lost.len();
    session.fleet.close().await;
    match (lost, plan.is_empty()) {
        (0, true) => {
            ui.done(&format!("Nothing to change: {} is as the spec says.", cluster.spec.name));
            Ok(())
        }
        (0, false) => {
            ui.say("Nothing was changed. To make it so: `mpiup up`.");
            Err(Error::new(Kind::Differences, ""))
        }
        _ => Err(Error::failed(format!(
            "{lost} of {} nodes cannot be used, so this plan is without them",
            cluster.spec.nodes.len()
        ))),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    changes: usize,
    nodes: Vec<Node<'a>>,
}

#[derive(Serialize)]
struct Node<'a> {
    node: &'a str,
    changes: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    key: String,
    what: String,
    diff: Option<String>,
    #[serde(flatten)]
    change: &'a Change,
}

/// In the order in which `up` does them, which is the order of the journal.
fn document(plan: &Plan) -> Document<'_> {
    fn entry(change: &Change) -> Entry<'_> {
        let painted = change.texts().map(|(before, after)| diff::unified(&before, &after).join("\n"));
        let diff = painted.map(|text| anstream::adapter::strip_str(&text).to_string());
        Entry { key: change.key(), what: change.what(), diff, change }
    }
    let nodes = plan.nodes.iter().map(|node| {
        let in_order = [Wave::Ground, Wave::Mesh]
            .into_iter()
            .flat_map(|wave| node.changes.iter().filter(move |change| change.wave == wave));
        Node { node: node.node.as_str(), changes: in_order.map(entry).collect() }
    });
    Document { changes: plan.count(), nodes: nodes.collect() }
}

/// One script per node and wave: the very text that `up` sends.
fn shell(cluster: &steps::Cluster, plan: &Plan) -> Result<String> {
    let mut text = format!("#!/bin/sh\n{}", script::prelude());
    for (node, member) in plan.nodes.iter().zip(&cluster.members) {
        for (number, wave) in [Wave::Ground, Wave::Mesh].into_iter().enumerate() {
            let changes = node.changes.iter().enumerate().filter(|(_, change)| change.wave == wave);
            let calls = script::calls(&member.state, changes, None)?;
            text.push_str(&format!("\n# ---- {}, wave {} ----\n{calls}", node.node, number + 1));
        }
    }
    Ok(text)
}

//! `mpiup plan`

use serde::Serialize;

use super::{
    global::Global,
    leaving, moved,
    plan_text::{self, Detail},
    session::{self, Session, entries},
    unconfirmed, whole,
};
use crate::{
    changes::{Change, Wave, script},
    error::{Error, Kind, Result},
    provision::Reach,
    steps::{self, Plan},
    ui::{Ui, diff},
};

/// Show what `up` would change on which node, and why; changes nothing
///
/// Exit code 3 when something would change, 0 when nothing would.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the shell of each node instead, to read and to sign; by hand, a node runs its own part of it: its first lines say
    /// how.
    #[arg(long, conflicts_with = "json")]
    sh: bool,
}

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let spec = session::load(global)?;
    let (session, _) = whole::open(spec, Reach::Neighbours, global, ui).await?;
    moved::say(&session, ui);
    with_session(session, args.sh, ui).await
}

/// The verb on nodes that were looked at.
///
/// # Errors
/// Of the kind [`Kind::Differences`], without a word, when something would change.
pub async fn with_session(mut session: Session, sh: bool, ui: &Ui) -> Result<()> {
    leaving::check(&session)?;
    session.muster(ui).await;
    let cluster = session.cluster()?;
    let plan = steps::plan(&cluster);
    unconfirmed::before_up(&cluster, &plan, ui);
    leaving::remarks(&session, ui);
    if ui.is_json() {
        ui.json(&document(&session, &cluster, &plan))?;
    } else if sh {
        ui.out(&shell(&session, &cluster, &plan)?);
    } else {
        leaving::lines(&session).iter().for_each(|line| ui.out(line));
    }
    if !ui.is_json() && !sh && !plan.is_empty() {
        for line in plan_text::lines(&cluster, &plan, Detail::Diffs) {
            ui.out(&line);
        }
    }
    let lost = session.fleet.lost.len();
    let is_empty = plan.is_empty() && session.leavers.is_empty();
    session.fleet.close().await;
    session.leavers.fleet.close().await;
    match (lost, is_empty) {
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
    /// Nodes that are no longer in the spec, with what is taken back on them, the last change first.
    leaving: Vec<Leaving<'a>>,
    /// What somebody has set up, and mpiup keeps as it is.
    kept: Vec<Kept>,
    changes: usize,
    nodes: Vec<Node<'a>>,
}

#[derive(Serialize)]
struct Leaving<'a> {
    node: &'a str,
    taken_back: Vec<&'a str>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Kept {
    what: String,
    nodes: Vec<String>,
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
fn document<'a>(session: &'a Session, cluster: &steps::Cluster, plan: &'a Plan) -> Document<'a> {
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
    let reached = session.leavers.seen.iter().map(|(node, facts)| Leaving {
        node: node.name.as_str(),
        taken_back: entries(facts).collect(),
        error: None,
    });
    let missed = session.leavers.fleet.lost.iter().map(|lost| Leaving {
        node: lost.node.as_str(),
        taken_back: Vec::new(),
        error: Some(lost.error.to_string()),
    });
    let kept = steps::adopted(cluster)
        .into_iter()
        .map(|adopted| Kept { what: adopted.what, nodes: adopted.nodes.iter().map(ToString::to_string).collect() });
    Document {
        leaving: reached.chain(missed).collect(),
        kept: kept.collect(),
        changes: plan.count(),
        nodes: nodes.collect(),
    }
}

/// What somebody who runs a part by hand has to know, and a stop for whoever runs the whole.
const BY_HAND: &str = "\
#!/bin/sh
# What `mpiup up` does, node by node: to be read, to be signed, not to be run as it stands. By hand, on a node and as the
# user whom mpiup becomes there (root, or who logs in):
# * run what stands above the first line that begins with `# ----`, and behind it that node's own part. `wave 1` comes on all
#   nodes before `wave 2` on any. The part of a node that left stands alone.
# * put the text of each node's `.ssh/mpiup_CLUSTER.pub`, which wave 1 made in the home of the cluster's user, in the place of
#   its `⟨public key of NODE⟩`.
# * The Python environment is not in here: `up` sends it over standard input, into the folder that `do_tree` notes.
# * What is `guarded` goes back after 30 s unless somebody confirms it: see `Under guard` in docs/journal.md.
";
const STOP: &str = "
# ---- nowhere: where all of this is run at once, it ends here ----
echo 'Nothing was done: a node runs its own part only, as the first lines say.' >&2
exit 1
";

/// One script per node and wave: the very text that `up` sends, once the keys are in it.
fn shell(session: &Session, cluster: &steps::Cluster, plan: &Plan) -> Result<String> {
    let mut text = format!("{BY_HAND}\n{}{STOP}", script::prelude());
    for (node, facts) in &session.leavers.seen {
        let state = steps::cluster::state_of(&cluster.spec, facts);
        text.push_str(&format!("\n# ---- {}, which left ----\n{}", node.name, script::undo(&state, false, "")));
    }
    for (node, member) in plan.nodes.iter().zip(&cluster.members) {
        for (number, wave) in [Wave::Ground, Wave::Mesh].into_iter().enumerate() {
            let changes = node.changes.iter().enumerate().filter(|(_, change)| change.wave == wave);
            let calls = script::calls(&member.state, &node.note(wave, cluster, member), changes, None)?;
            text.push_str(&format!("\n# ---- {}, wave {} ----\n{calls}", node.node, number + 1));
        }
    }
    Ok(text)
}

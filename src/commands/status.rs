//! `mpiup status`

use serde::Serialize;

use super::{
    global::Global,
    moved,
    session::{self, Session},
    unconfirmed,
};
use crate::{
    error::{Error, Kind, Result},
    facts::Facts,
    provision,
    spec::{NodeSpec, ShareKind},
    steps,
    ui::{Table, Ui, humane},
};

/// How the cluster stands: each node, and whether it is as the spec says
///
/// Exit code 3 when a node differs from the spec, 1 when one cannot be used.
#[derive(Debug, clap::Args)]
pub struct Args {}

#[derive(Serialize)]
struct Row {
    node: String,
    head: bool,
    state: String,
    pending: usize,
    address: Option<String>,
    slots: Option<u32>,
    os: Option<String>,
    cores: Option<u32>,
    memory_mib: Option<u64>,
    python: Option<String>,
    /// Where the share comes over NFS: how this node has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<String>,
    error: Option<String>,
}

pub async fn run(_args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let spec = session::load(global)?;
    let mut session = Session::open(spec, global, ui).await?;
    moved::hint(&mut session);
    with_session(session, ui).await
}

/// The verb on nodes that were looked at.
///
/// # Errors
/// When a node cannot be reached or used; of the kind [`Kind::Differences`], without a word, when one differs.
pub async fn with_session(mut session: Session, ui: &Ui) -> Result<()> {
    let own_clock = session.leave_out().await;
    let cluster = session.cluster();
    let rows = rows(&session, cluster.as_ref().ok());
    if ui.is_json() {
        ui.json(&rows)?;
    } else {
        for line in table(&rows).lines(ui.width()) {
            ui.out(&line);
        }
    }
    session.name_lost(ui);
    if let Some(text) = own_clock {
        ui.warn(&text);
    }
    if let Ok(cluster) = &cluster {
        unconfirmed::before_up(cluster, &steps::plan(cluster), ui);
    }
    for left in provision::left(&session.spec, &session.seen) {
        ui.warn(&format!(
            "{} is no longer in mpiup.toml: `mpiup plan` shows what `mpiup up` takes back on it",
            left.name
        ));
    }
    let lost = session.fleet.lost.len();
    let name = session.spec.name.clone();
    session.fleet.close().await;
    let cluster = cluster?;
    let pending: usize = rows.iter().map(|row| row.pending).sum();
    let untouched = cluster.members.iter().all(|member| member.facts.journal.is_empty());
    if lost > 0 {
        return Err(Error::failed(format!("{lost} of {} nodes cannot be used", rows.len())));
    }
    if pending == 0 {
        ui.done(&format!("{name}: every node is as the spec says. `mpiup up` proves it with a job."));
        return Ok(());
    }
    ui.say(&if untouched {
        format!("{name} is not set up yet. `mpiup plan` shows what would change, `mpiup up` does it.")
    } else {
        let places = if pending == 1 { "1 place".to_owned() } else { format!("{pending} places") };
        format!("{name} differs from the spec in {places}: `mpiup plan` shows what, `mpiup up` mends it.")
    });
    Err(Error::new(Kind::Differences, ""))
}

fn rows(session: &Session, cluster: Option<&steps::Cluster>) -> Vec<Row> {
    let plan = cluster.map(steps::plan);
    let row = |node: &NodeSpec| {
        let facts: Option<&Facts> =
            session.seen.iter().chain(&session.aside).find(|(seen, _)| seen.name == node.name).map(|(_, facts)| facts);
        let lost = session.fleet.lost.iter().find(|lost| lost.node == node.name);
        let member = cluster.and_then(|cluster| cluster.member(&node.name));
        let planned = plan.iter().flat_map(|plan| &plan.nodes).find(|planned| planned.node == node.name);
        let pending = planned.map_or(0, |planned| planned.changes.len());
        let state = match (facts, planned, pending) {
            (None, ..) => "unreachable",
            (Some(_), ..) if lost.is_some() => "left out",
            (_, None, _) => "seen",
            (_, _, 0) => "set up",
            (Some(facts), ..) if facts.journal.is_empty() => "not set up",
            _ => "differs",
        };
        Row {
            node: node.name.to_string(),
            head: node.name == session.spec.head,
            state: state.to_owned(),
            pending,
            address: member.map(|member| member.address.to_string()),
            slots: member.map(|member| member.slots),
            os: facts.map(|facts| facts.os.short()),
            cores: facts.map(|facts| facts.cores),
            memory_mib: facts.map(|facts| facts.memory_mib),
            python: facts
                .and_then(|facts| facts.python.as_ref())
                .map(|python| format!("{}.{}", python.version.0, python.version.1)),
            share: (session.spec.share.kind == ShareKind::Nfs).then(|| share(session, node, facts).to_owned()),
            error: lost.map(|lost| lost.error.to_string()),
        }
    };
    session.spec.nodes.iter().map(row).collect()
}

/// How a node has the share that comes over NFS, in a word.
fn share(session: &Session, node: &NodeSpec, facts: Option<&Facts>) -> &'static str {
    let Some(facts) = facts else { return "–" };
    let is_active = facts.nfs.as_ref().is_some_and(|nfs| nfs.active == "active");
    match (session.spec.is_head(&node.name), facts.share.mounted()) {
        (true, _) => {
            if is_active {
                "served"
            } else {
                "not served"
            }
        }
        _ if facts.share.silent.is_some() => "no answer",
        (false, Some(mount)) if mount.is_nfs() => "mounted",
        _ => "not mounted",
    }
}

fn table(rows: &[Row]) -> Table {
    // There is room for one of the two.
    let has_share = rows.iter().any(|row| row.share.is_some());
    let fifth = if has_share { "SHARE" } else { "PYTHON" };
    let mut table = Table::new(&["NODE", "STATE", "ADDRESS", "SLOTS", "MEMORY", fifth, "SYSTEM"]).right(3).right(4);
    for row in rows {
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".into());
        let system = row.os.clone();
        table.row([
            if row.head { format!("{} (head)", row.node) } else { row.node.clone() },
            if row.pending > 0 && row.state == "differs" {
                format!("differs ({})", row.pending)
            } else {
                row.state.clone()
            },
            or_dash(row.address.clone()),
            or_dash(row.slots.map(|slots| slots.to_string())),
            or_dash(row.memory_mib.map(|mib| humane::memory(mib * 1024 * 1024))),
            or_dash(if has_share { row.share.clone() } else { row.python.clone() }),
            or_dash(system),
        ]);
    }
    table
}

//! A plan as a person reads it: changes that are alike are shown once, with the nodes that they are for.

use crate::{
    changes::{Change, Guard, Primitive, Wave},
    distributions,
    spec::nodeset,
    steps::{self, Cluster, Plan},
    ui::{diff, paint, style, wrap},
};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// One line per change.
    Lines,
    /// And why, and the difference that it makes.
    Diffs,
}

struct Row<'a> {
    change: &'a Change,
    nodes: Vec<String>,
    diff: Vec<String>,
}

/// Reasons are wrapped here; what may be copied (a command, a line of a file) is never broken.
const COLUMNS: usize = 80;

/// The lines of a plan that is not empty.
pub fn lines(cluster: &Cluster, plan: &Plan, detail: Detail) -> Vec<String> {
    let everyone = cluster.spec.nodes.len();
    let mut lines = if detail == Detail::Diffs { kept(cluster) } else { Vec::new() };
    let mut heading = String::new();
    for row in rows(plan, detail) {
        let nodes = folded(&row.nodes, everyone);
        if nodes != heading {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.push(paint(style::HEADING, &nodes));
            heading = nodes;
        }
        let new = row.change.before.is_none();
        let sign = if new { paint(style::GOOD, "+") } else { paint(style::WARN, "~") };
        lines.push(format!("  {sign} {}", row.change.what()));
        if detail == Detail::Diffs {
            let why = std::iter::once(row.change.why.clone())
                .chain(attributes(&row.change.primitive))
                .chain(guard(row.change));
            let why = why.flat_map(|text| wrap("      ", &text, COLUMNS));
            lines.extend(why.map(|line| paint(style::DIM, &line)));
            lines.extend(row.diff.iter().map(|line| format!("      {line}")));
        }
    }
    lines.push(String::new());
    lines.push(summary(cluster, plan));
    lines
}

fn folded(nodes: &[String], everyone: usize) -> String {
    if nodes.len() == everyone && everyone > 1 {
        format!("all {everyone} nodes")
    } else {
        nodeset::fold_in_order(nodes)
    }
}

/// What somebody has set up already.
pub fn kept(cluster: &Cluster) -> Vec<String> {
    let mut lines = Vec::new();
    for adopted in steps::adopted(cluster) {
        if lines.is_empty() {
            lines.push(paint(style::HEADING, "Set up by somebody already, and kept as it is"));
        }
        let nodes: Vec<String> = adopted.nodes.iter().map(ToString::to_string).collect();
        let whole = format!("{}: {}", folded(&nodes, cluster.spec.nodes.len()), adopted.what);
        lines.extend(wrap("  = ", &whole, COLUMNS));
    }
    lines
}

fn summary(cluster: &Cluster, plan: &Plan) -> String {
    let (changes, nodes) = (plan.count(), plan.nodes.iter().filter(|node| !node.changes.is_empty()).count());
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!(
        "{changes} change{} on {nodes} node{} would make the cluster {}.",
        plural(changes),
        plural(nodes),
        cluster.spec.name
    )
}

/// What a diff does not show.
fn attributes(primitive: &Primitive) -> Vec<String> {
    match primitive {
        Primitive::Dir { mode, owner, .. } | Primitive::File { mode, owner, .. } => {
            vec![format!("owner {owner}, mode {mode}")]
        }
        Primitive::Packages { brings: None, manager, .. } => {
            let refresh = distributions::named(manager).map_or(*manager, |family| family.refresh);
            vec![format!("what else {manager} brings along is known once its lists are read (`{refresh}` on the node)")]
        }
        Primitive::Packages { brings: Some(brings), .. } => {
            let mut lines = vec![format!("brings along {} packages: {}", brings.new.len(), brings.new.join(" "))];
            lines.extend(
                brings
                    .newer
                    .iter()
                    .map(|text| format!("makes newer, which `down` may not be able to take back: {text}")),
            );
            lines
        }
        _ => vec![],
    }
}

fn guard(change: &Change) -> Option<String> {
    let text = match change.guard? {
        Guard::Sshd => {
            "sshd's configuration is tried out before sshd reads it; goes back by itself within 30 s unless a new log-in gets through"
        }
        Guard::Login => "goes back by itself within 30 s unless a new log-in gets through",
        Guard::Firewall => {
            "goes back by itself unless a new log-in gets through; nothing else of the firewall is touched"
        }
    };
    Some(text.to_owned())
}

/// Changes that say the same, in the order of the waves and of the first node that has them. Where no difference is
/// shown, none is made by it.
fn rows(plan: &Plan, detail: Detail) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for wave in [Wave::Ground, Wave::Mesh] {
        for node in &plan.nodes {
            for change in node.changes.iter().filter(|change| change.wave == wave) {
                let texts = change.texts().filter(|_| detail == Detail::Diffs);
                let diff = texts.map(|(before, after)| diff::unified(&before, &after)).unwrap_or_default();
                let is_same = |row: &Row<'_>| {
                    row.change.what() == change.what()
                        && (detail == Detail::Lines || row.change.why == change.why)
                        && row.change.before.is_none() == change.before.is_none()
                        && row.diff == diff
                };
                match rows.iter_mut().find(|row| is_same(row)) {
                    Some(row) => row.nodes.push(node.node.to_string()),
                    None => rows.push(Row { change, nodes: vec![node.node.to_string()], diff }),
                }
            }
        }
    }
    rows
}

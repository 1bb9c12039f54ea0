//! A plan as a compact table, compared with the one that is kept in `tests/snapshots`.

use std::fmt::Write as _;

use mpiup::{
    changes::{Change, Primitive, Wave},
    spec::{Spec, nodeset},
    steps::plan,
    ui::diff,
};

use crate::nodes::{Report, after, agree};

/// Which changes' differences the table shows; every change has a line in any case.
#[derive(Clone, Copy)]
pub enum Show {
    Everything,
    /// The changes whose keys contain one of these; the others are only counted.
    Only(&'static [&'static str]),
}

/// Compares the case's plan with its snapshot, makes it true in the reports, and looks again.
pub fn golden(name: &str, spec: &Spec, reports: &[Report], show: Show) {
    let table = table(spec, reports, show);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(name, table);
    });
    let cluster = agree(spec, reports).unwrap();
    let second = crate::golden::table(spec, &after(&cluster, &plan(&cluster), reports), Show::Everything);
    assert_eq!(second, "", "a second `up` has nothing to do");
}

/// Empty when there is nothing to do.
pub fn table(spec: &Spec, reports: &[Report], show: Show) -> String {
    let cluster = agree(spec, reports).unwrap_or_else(|error| panic!("{error}"));
    let plan = plan(&cluster);
    let mut rows: Vec<(Vec<String>, &Change, Vec<String>)> = Vec::new();
    for wave in [Wave::Ground, Wave::Mesh] {
        for node in &plan.nodes {
            for change in node.changes.iter().filter(|change| change.wave == wave) {
                let lines = lines(change);
                match rows.iter_mut().find(|(_, known, shown)| {
                    known.key() == change.key() && about(known) == about(change) && *shown == lines
                }) {
                    Some((nodes, ..)) => nodes.push(node.node.to_string()),
                    None => rows.push((vec![node.node.to_string()], change, lines)),
                }
            }
        }
    }
    let mut text = String::new();
    let mut others = 0;
    for (nodes, change, lines) in rows {
        let key = change.key();
        if let Show::Only(parts) = show
            && !parts.iter().any(|part| key.contains(part))
        {
            others += nodes.len();
            continue;
        }
        let wave = format!("{:?}", change.wave).to_lowercase();
        writeln!(text, "{} | {wave} | {key} | {}", nodeset::fold_in_order(&nodes), about(change)).unwrap();
        lines.iter().for_each(|line| writeln!(text, "    {line}").unwrap());
    }
    if others > 0 {
        writeln!(text, "and {others} other changes").unwrap();
    }
    text
}

/// What the key does not say.
fn about(change: &Change) -> String {
    let guard = change.guard.map(|guard| format!(", guarded: {}", guard.word())).unwrap_or_default();
    attributes(change) + &guard
}

fn attributes(change: &Change) -> String {
    match &change.primitive {
        Primitive::Dir { mode, owner, .. } => format!("{owner} {mode}"),
        Primitive::File { mode, owner, check, .. } => {
            let check = check.as_ref().map(|check| format!(" if {check}")).unwrap_or_default();
            format!("{owner} {mode}{check}")
        }
        Primitive::Block { mode, owner, place, .. } => {
            let place = format!("{place:?}").to_lowercase();
            format!("{owner} {place}{}", if change.before.is_none() { format!(", new {mode}") } else { String::new() })
        }
        Primitive::KeyPair { owner, comment, .. } => format!("{owner}, {comment}"),
        Primitive::Tree { owner, .. } => format!("{owner}, {}", change.why),
        Primitive::User { shell, .. } => format!("{}, {shell}", change.what()),
        Primitive::HostName { .. }
        | Primitive::Service { .. }
        | Primitive::Mount { .. }
        | Primitive::Firewall { .. } => change.what(),
        Primitive::Packages { brings: None, manager, .. } => format!("brings along what {manager} does not know yet"),
        Primitive::Packages { brings: Some(brings), .. } => {
            let some: Vec<&str> = brings.new.iter().take(3).map(String::as_str).collect();
            format!("brings along {} ({} …), newer {:?}", brings.new.len(), some.join(" "), brings.newer)
        }
    }
}

/// The difference, with the middle of keys left out.
fn lines(change: &Change) -> Vec<String> {
    let Some((before, after)) = change.texts() else { return vec![] };
    if let Primitive::File { path, .. } = &change.primitive
        && path.ends_with(".py")
    {
        return vec![format!("{} lines", after.lines().count())];
    }
    let plain = diff::unified(&before, &after).into_iter().map(|line| anstream::adapter::strip_str(&line).to_string());
    plain.map(|line| shortened(&line)).collect()
}

fn shortened(line: &str) -> String {
    let short = |word: &str| match word.strip_prefix("AAAA") {
        Some(key) if key.len() > 20 => format!("…{}", &key[key.len() - 6..]),
        _ => word.to_owned(),
    };
    line.split(' ').map(short).collect::<Vec<_>>().join(" ")
}

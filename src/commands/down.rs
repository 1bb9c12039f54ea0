//! `mpiup down`

use serde::Serialize;

use super::{
    global::Global,
    moved,
    session::{self, Session, alike},
    unconfirmed, whole,
};
use crate::{
    error::{Error, Result},
    node::Consent,
    provision::{self, Event, Locks, Reach},
    spec::{Spec, nodeset},
    ui::{Outcome, Ui},
};

mod by_nodes;

pub use by_nodes::choose;

/// Take everything back: files, accounts, packages, as they were before `up`
///
/// What you wrote yourself into the shared folder and the home stays, unless --purge. With machines named, no mpiup.toml is
/// needed: their own journals say what there is to take back.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mpiup down\n  mpiup down ana@192.168.1.10 'pc[01-12]'   no mpiup.toml left\n  mpiup down --cluster aula local"
)]
pub struct Args {
    /// Without mpiup.toml: anything ssh takes, sets such as pc[01-12], `local`.
    #[arg(value_name = "MACHINE")]
    machines: Vec<String>,
    /// Which cluster, where the machines know of several.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The machines are those of a running lab; all of them, or those that are named.
    #[arg(long, value_name = "NAME")]
    lab: Option<String>,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    /// Remove the shared folder and the home of an account that mpiup made, whatever is in them.
    #[arg(long)]
    purge: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    cluster: String,
    undone: usize,
    remarks: Vec<String>,
    kept: Vec<provision::Kept>,
    failed: Vec<String>,
}

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    if !args.machines.is_empty() || args.lab.is_some() {
        return by_nodes::run(args, global, ui).await;
    }
    if args.cluster.is_some() {
        return Err(Error::usage("`--cluster` goes with machines: `mpiup down --cluster NAME MACHINE …`"));
    }
    let load = session::load(global);
    let spec = load.map_err(|error| {
        error.hinted(
            "Without that file, the machines' own journals say what there is to take back: `mpiup down MACHINE …`.",
        )
    })?;
    take_down(spec, args.yes, args.purge, global, ui).await
}

/// The whole verb, for `demo` too.
///
/// # Errors
/// When some node could not be reached or taken back.
pub async fn take_down(spec: Spec, yes: bool, purge: bool, global: &Global, ui: &Ui) -> Result<()> {
    let (mut session, _) = whole::open(spec, Reach::Neighbours, global, ui).await?;
    moved::say(&session, ui);
    session.admit_leavers();
    with_session(session, yes, purge, ui).await
}

/// The verb on nodes that were looked at.
///
/// # Errors
/// As [`take_down`].
pub async fn with_session(mut session: Session, yes: bool, purge: bool, ui: &Ui) -> Result<()> {
    session.name_lost(ui);
    unconfirmed::before_down(&session, ui);
    let locks = agree(&mut session, yes, ui).await?;
    let names: Vec<String> = session.seen.iter().map(|(node, _)| node.name.to_string()).collect();
    let consent = Consent::after_showing_the_plan();
    let undone = if let Some(locks) = &locks {
        let progress = ui.progress(&names, "Taking it back");
        let sink = |event: Event| match event {
            Event::Begin { node, what } => progress.node(node.as_str(), &what),
            Event::Say { node, text } => progress.meter(node.as_str(), &text),
            _ => {}
        };
        // Who was lost in the meantime may have the share mounted.
        let seen = [session.seen.as_slice(), &session.aside].concat();
        let undone = provision::undo(&session.spec, &seen, &session.fleet, locks, purge, &consent, &sink).await;
        for name in &names {
            let failed = undone.failed.iter().find(|(node, _)| node.as_str() == name);
            progress
                .finish(name, failed.map_or(Outcome::Done, |(_, error)| Outcome::Failed(error.reasons().join(": "))));
        }
        undone
    } else {
        provision::Undone::default()
    };
    if let Some(locks) = locks {
        locks.release().await;
    }
    say(&session, &undone, ui);
    if ui.is_json() {
        ui.json(&report(&session, &undone))?;
    }
    let missed: Vec<String> = session
        .fleet
        .lost
        .iter()
        .map(|lost| lost.node.to_string())
        .chain(undone.failed.iter().map(|(node, _)| node.to_string()))
        .collect();
    let all_reached = session.fleet.lost.is_empty();
    session.fleet.close().await;
    if missed.is_empty() {
        return Ok(());
    }
    Err(Error::failed(format!("not everything was taken back: {} could not be finished", nodeset::fold(&missed)))
        .hinted(format!(
            "`mpiup down` goes on from there once {}.",
            if all_reached { "what is said of it above is mended" } else { "they can be reached" }
        )))
}

/// Shows what there is to take back, hears a yes, and keeps the nodes from other operators; none where there is nothing. What
/// is taken back is what was shown: if that changed until the nodes were ours, it is shown again.
async fn agree(session: &mut Session, yes: bool, ui: &Ui) -> Result<Option<Locks>> {
    loop {
        let shown = lines(session);
        if shown.is_empty() {
            return Ok(None);
        }
        if !yes {
            shown.iter().for_each(|line| ui.say(line));
            if !ui.confirm("Take all of this back?", false)? {
                return Err(Error::failed("nothing was changed, as you said"));
            }
        }
        let locks = session.keep("down", ui).await?;
        session.look_again().await;
        if yes || lines(session) == shown {
            return Ok(Some(locks));
        }
        ui.warn("the nodes are not as they were when this was shown; this is what there is now");
        // Nobody waits for a person while the nodes are kept.
        locks.release().await;
    }
}

fn lines(session: &Session) -> Vec<String> {
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for (node, facts) in &session.seen {
        for entry in facts.journal.iter().rev() {
            match rows.iter_mut().find(|(what, _)| *what == entry.what) {
                Some((_, nodes)) => nodes.push(node.name.to_string()),
                None => rows.push((entry.what.clone(), vec![node.name.to_string()])),
            }
        }
    }
    let mut lines = Vec::new();
    let mut heading = String::new();
    for (what, nodes) in rows {
        let everyone = session.spec.nodes.len();
        let nodes = if nodes.len() == everyone && everyone > 1 {
            format!("all {everyone} nodes")
        } else {
            nodeset::fold_in_order(&nodes)
        };
        if nodes != heading {
            lines.push(nodes.clone());
            heading = nodes;
        }
        lines.push(format!("  - {what}"));
    }
    lines
}

fn say(session: &Session, undone: &provision::Undone, ui: &Ui) {
    for (_, error) in &undone.failed {
        ui.error(error);
    }
    for (why, nodes) in alike(undone.remarks.iter().map(|(node, remark)| (remark.as_str(), node))) {
        ui.warn(&format!("{}: {why}", nodeset::fold_in_order(&nodes)));
    }
    for (why, nodes) in alike(undone.kept.iter().map(|kept| (kept.why.as_str(), &kept.node))) {
        ui.warn(&format!("{}: {why}", nodeset::fold_in_order(&nodes)));
    }
    let name = &session.spec.name;
    let (taken, were) = match undone.undone {
        1 => ("one change".to_owned(), "was"),
        count => (format!("{count} changes"), "were"),
    };
    let stay = |change: &str| match undone.kept.len() {
        1 => format!("one{change} stays, for the reason above"),
        count if change.is_empty() => format!("{count} stay, for the reasons above"),
        count => format!("{count}{change}s stay, for the reasons above"),
    };
    let missed = !undone.failed.is_empty() || !session.fleet.lost.is_empty();
    match (undone.undone, undone.kept.len()) {
        // What could not be taken back was said, and the last word is not that all is well.
        (0, 0) if missed => {}
        (0, 0) => ui.done(&format!("There is nothing of {name} to take back.")),
        (0, _) => ui.done(&format!("Nothing more of {name} can be taken back: {}.", stay(" change"))),
        (_, 0) if missed => ui.done(&format!("{taken} of {name} {were} taken back on the other nodes.")),
        (_, 0) => ui.done(&format!("{name} is gone: {taken} {were} taken back.")),
        (..) => ui.done(&format!("{taken} of {name} {were} taken back; {}.", stay(""))),
    }
}

fn report(session: &Session, undone: &provision::Undone) -> Report {
    Report {
        cluster: session.spec.name.clone(),
        undone: undone.undone,
        remarks: undone.remarks.iter().map(|(node, remark)| format!("{node}: {remark}")).collect(),
        kept: undone.kept.clone(),
        failed: undone.failed.iter().map(|(_, error)| error.to_string()).collect(),
    }
}

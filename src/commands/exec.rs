//! `mpiup exec`

use std::time::Duration;

use serde::Serialize;

use super::{
    by_node::ByNode,
    global::Global,
    session::{self, opener},
};
use crate::{
    error::{Error, Result},
    node::{Node, SUDO_PASSWORD},
    provision::Fleet,
    spec::{Spec, nodeset},
    ui::{Outcome, Progress, Ui, fold},
};

/// Run a command on all nodes, side by side, and show equal answers once
///
/// One word goes to the nodes' sh as a line, for pipes and variables of theirs; several words go as they are. It runs as the
/// user that logs in, in `/`, and reads nothing. Exit code 1 when it fails on some node.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mpiup exec uname -r\n  mpiup exec --nodes 'client[1-3]' 'df -h / | tail -n 1'\n  mpiup exec ls -l '/srv/my data'"
)]
pub struct Args {
    /// On these nodes only: names and sets, such as client[1-3],master.
    #[arg(long, value_name = "NODES")]
    nodes: Option<String>,
    /// As root (with sudo, or root's own login), not as the user that logs in.
    #[arg(long)]
    root: bool,
    /// Give up on a node after so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// The command.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

#[derive(Serialize)]
struct Answer {
    status: Option<i32>,
    stdout: String,
    stderr: String,
    error: Option<String>,
}

impl Answer {
    /// Of a node that gave none.
    fn none(error: &Error) -> Self {
        Self { status: None, stdout: String::new(), stderr: String::new(), error: Some(error.to_string()) }
    }
}

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let mut spec = session::load(global)?;
    if let Some(nodes) = &args.nodes {
        only(&mut spec, nodes)?;
    }
    let opener = opener(spec.ssh_config.clone(), global, ui, args.root)?;
    let progress = progress(&spec, ui);
    let fleet = Fleet::open(&spec, &opener, &|node| progress.meter(node.as_str(), "logged in")).await;
    ask(&spec, fleet, args, progress, ui).await
}

fn progress(spec: &Spec, ui: &Ui) -> Progress {
    let names: Vec<String> = spec.nodes.iter().map(|node| node.name.to_string()).collect();
    ui.progress(&names, "Running it on the nodes")
}

/// The verb on nodes that are connected.
///
/// # Errors
/// When the command failed on a node.
pub async fn with_fleet(spec: &Spec, fleet: Fleet, args: &Args, ui: &Ui) -> Result<()> {
    ask(spec, fleet, args, progress(spec, ui), ui).await
}

async fn ask(spec: &Spec, fleet: Fleet, args: &Args, progress: Progress, ui: &Ui) -> Result<()> {
    let command = match args.command.as_slice() {
        [line] => line.clone(),
        words => crate::quote::words(words),
    };
    let deadline = Duration::from_secs(args.timeout);
    for lost in &fleet.lost {
        // `name_lost` says why.
        progress.finish(lost.node.as_str(), Outcome::Failed(String::new()));
    }
    let asked = fleet.nodes.iter().map(|(_, node)| async {
        let answer = answer(node, &command, args.root, deadline).await;
        let outcome = if answer.is_ok() { Outcome::Done } else { Outcome::Failed(String::new()) };
        progress.finish(node.name().as_str(), outcome);
        answer
    });
    let answers = futures_util::future::join_all(asked).await;
    drop(progress);
    let mut all: Vec<(String, Answer)> = Vec::new();
    for ((node, _), answer) in fleet.nodes.iter().zip(answers) {
        let answer = answer.unwrap_or_else(|error| {
            ui.error(&error);
            Answer::none(&error)
        });
        all.push((node.name.to_string(), answer));
    }
    session::name_lost(&fleet, 0, ui);
    all.extend(fleet.lost.iter().map(|lost| (lost.node.to_string(), Answer::none(&lost.error))));
    fleet.close().await;
    let all = ByNode::of(spec, all);
    if ui.is_json() {
        ui.json(&all)?;
    } else {
        let answered = all.iter().filter(|(_, answer)| answer.error.is_none());
        let shown: Vec<(String, String)> = answered.map(|(node, answer)| (node.to_owned(), text(answer))).collect();
        for line in fold::lines(&shown, &|names| nodeset::fold_in_order(names)) {
            ui.out(&line);
        }
    }
    verdict(&all)
}

fn verdict(all: &ByNode<Answer>) -> Result<()> {
    let failed = all.names(|answer| answer.error.is_none() && answer.status != Some(0));
    let silent = all.names(|answer| answer.error.is_some());
    let failed = (!failed.is_empty()).then(|| format!("the command failed on {}", nodeset::fold_in_order(failed)));
    let silent = (!silent.is_empty()).then(|| format!("there is no answer from {}", nodeset::fold_in_order(silent)));
    let said: Vec<String> = failed.into_iter().chain(silent).collect();
    if said.is_empty() { Ok(()) } else { Err(Error::failed(said.join(", and "))) }
}

/// Keeps the nodes that were named.
fn only(spec: &mut Spec, nodes: &str) -> Result<()> {
    let wanted = nodeset::expand(nodes)
        .map_err(|error| Error::usage(format!("`--nodes {nodes}` is not a set of nodes")).because(error))?;
    for name in &wanted {
        if spec.nodes.iter().all(|node| node.name.as_str() != name) {
            let known: Vec<String> = spec.nodes.iter().map(|node| node.name.to_string()).collect();
            return Err(Error::usage(format!("there is no node {name} in the spec"))
                .hinted(format!("Its nodes are {}.", nodeset::fold_in_order(&known))));
        }
    }
    spec.nodes.retain(|node| wanted.iter().any(|name| node.name.as_str() == name));
    Ok(())
}

async fn answer(node: &Node, command: &str, root: bool, deadline: Duration) -> Result<Answer> {
    if root && !node.is_root() {
        let why = node.why_not_root().unwrap_or_default();
        return Err(Error::failed("there is no root for mpiup").on(node.name()).because(why).hinted(SUDO_PASSWORD));
    }
    let output = node.probe().read(command, deadline).await.map_err(|error| error.on(node.name()))?;
    Ok(Answer { status: Some(output.status), stdout: output.text(), stderr: output.stderr_text(), error: None })
}

/// What a person sees of an answer: both streams, and the status where it is not 0.
fn text(answer: &Answer) -> String {
    let mut text = answer.stdout.clone();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&answer.stderr);
    match answer.status {
        Some(0) if text.trim().is_empty() => "ok".into(),
        Some(0) | None => text,
        Some(status) => format!("{}\nexit code {status}", text.trim_end()).trim_start().to_owned(),
    }
}

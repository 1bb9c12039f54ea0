//! `mpiup run`

use std::time::Duration;

use super::{
    global::Global,
    session::{self, Session},
    sync,
};
use crate::{
    error::{Context as _, Error, Kind, Result},
    launch::{self, Crew, Hosts, Job, Wrapped},
    node::Node,
    provision::{Fleet, as_user, gather},
    spec::{Flavour, ShareKind, Spec},
    steps,
    ui::Ui,
};

mod live;
pub mod muster;
mod signals;
mod vigil;

/// Run a program on the cluster; without an mpiup.toml, on this machine at once
///
/// Where the share is `sync`, the working directory goes to the nodes first; else the program is what lies in the folder that
/// they share (`mpiup sync` copies it there). Output comes as it is written; what is piped
/// into mpiup goes to rank 0, at a terminal programs read nothing. The exit code is the program's own: that of the first
/// rank that fails, which ends the job. Ctrl-C leaves no process behind on any node.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mpiup run -n 6 python ejemplo.py\n  mpiup run python heat2d.py --size 500      one rank per slot\n  mpiup run -n 4 ./a.out < input.txt         rank 0 reads it\n  mpiup run --local -n 4 python ejemplo.py   on this machine alone"
)]
pub struct Args {
    /// Ranks; without it, one for each slot of the cluster.
    #[arg(short, value_name = "RANKS")]
    n: Option<u32>,
    /// On this machine alone, though there is an mpiup.toml.
    #[arg(long)]
    local: bool,
    /// Deal ranks out to the nodes in turn, instead of filling one node after the other.
    #[arg(long)]
    by_node: bool,
    /// Do not mirror the working directory first.
    #[arg(long)]
    no_sync: bool,
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<String>,
}

const LOOK: Duration = Duration::from_secs(20);

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    if args.n == Some(0) {
        return Err(Error::usage("a job needs at least one rank").hinted("For one on each slot, leave `-n` out."));
    }
    let here = std::env::current_dir().context(|| "the working directory cannot be read")?;
    if args.local || crate::spec::find::find(&here, global.spec.as_deref()).is_err() && global.spec.is_none() {
        let code = launch::run_local(args.n, &args.program, &|text| ui.say(text)).await?;
        return ended(code);
    }
    let spec = session::load(global)?;
    let fleet = muster::connect(&spec, global, ui).await?;
    let code = on_cluster(&spec, fleet, args, ui).await?;
    ended(code)
}

fn ended(code: u8) -> Result<()> {
    if code == 0 { Ok(()) } else { Err(Error::new(Kind::Program(code), "")) }
}

/// The job of a demonstration: the program on the cluster with so many ranks.
///
/// # Errors
/// As the verb.
pub async fn demonstrate(session: Session, ranks: u32, program: Vec<String>, ui: &Ui) -> Result<()> {
    let args = Args { n: Some(ranks), local: false, by_node: false, no_sync: false, program };
    ended(on_cluster(&session.spec, session.fleet, &args, ui).await?)
}

async fn on_cluster(spec: &Spec, mut fleet: Fleet, args: &Args, ui: &Ui) -> Result<u8> {
    let mut crew = muster::muster(spec, &mut fleet, ui).await?;
    if spec.share.kind == ShareKind::Sync && !args.no_sync {
        let here = std::env::current_dir().context(|| "the working directory cannot be read")?;
        let mustered = crew.members.len();
        sync::everywhere(&here, false, spec, &mut fleet, &mut crew, ui).await?;
        if crew.members.len() < mustered {
            muster::count(spec, &crew, ui);
        }
    }
    let hosts = hosts(spec, &mut fleet, &crew).await?;
    let head = fleet.head(spec)?;
    let id = launch::new_job_id();
    let job = job(spec, &crew, hosts, args, &id);
    let line = launch::command_line(&job);
    let others: Vec<String> =
        crew.members.iter().filter(|node| node.name != spec.head).map(|node| node.name.to_string()).collect();
    let bin = format!("{}/bin", crew.layout.env);
    let input = live::has_input();
    let script = launch::wrapper_script(&Wrapped {
        job: &id,
        launch: &line,
        directory: &crew.layout.share,
        path_first: Some(&bin),
        others: &others,
        names_daemons: hangs_daemons(spec, &crew),
        spools: is_openmpi_5(spec, &crew),
        input,
    });
    let as_user = |script: &str| as_user(head.is_root(), &spec.user, &crew.layout.home, script);
    let feed = input.then(|| as_user(&launch::feed_script(&id)));
    let live = live::Live { id: id.clone(), ranks: job.ranks, command: as_user(&script), feed };
    let crew_nodes = fleet.nodes.iter().filter(|(node, _)| node.name != spec.head && crew.member(&node.name).is_some());
    let others = crew_nodes.map(|(node, connected)| (node.name.clone(), connected)).collect();
    let vigil = vigil::Vigil::new(spec, head, others, &crew.layout.home);
    let outcome = live::run(&vigil, live, ui).await;
    let ended_well = outcome.as_ref().is_ok_and(|ended| ended.code == 0 && !ended.hung);
    if !ended_well || hangs_daemons(spec, &crew) {
        let daemons = outcome.as_ref().ok().and_then(|ended| ended.endings.daemons());
        sweep(&fleet, spec, &crew, &launch::sweep_script(&id, daemons)).await;
    }
    let ended = outcome?;
    let not_there = if ended.code == 0 { None } else { only_here(spec, head, &crew.layout.share, args).await };
    tell(&ended, &args.program, spec, &crew.layout.share, not_there, ui);
    fleet.close().await;
    Ok(ended.code)
}

/// Open MPI 5's daemons can deadlock on their way out and then stay for ever (seen with 5.0.11), whatever became of the job.
fn hangs_daemons(spec: &Spec, crew: &Crew) -> bool {
    is_openmpi_5(spec, crew) && crew.members.len() > 1
}

fn is_openmpi_5(spec: &Spec, crew: &Crew) -> bool {
    spec.flavour == Flavour::Openmpi && crew.mpiexec.1 >= 5
}

/// A file that the command names, as a hint: it is in the folder in which mpiup was called, and not in the one that the nodes
/// share, where the job looked for it.
async fn only_here(spec: &Spec, head: &Node, share: &str, args: &Args) -> Option<String> {
    let is_here = |word: &&String| !word.starts_with(['/', '-']) && std::path::Path::new(word).is_file();
    let file = args.program.iter().find(is_here).filter(|_| spec.share.kind != ShareKind::Sync)?;
    let script = format!("[ -e {} ] || echo missing", crate::quote::sh(&format!("{share}/{file}")));
    let looked = head.probe().read(&script, LOOK).await.ok()?;
    (looked.text().trim() == "missing").then(|| {
        format!("{file} is in the folder you are in, and not in {share}, which the nodes share: `mpiup sync` copies the folder there.")
    })
}

/// Which rank took the job along, and where.
fn tell(ended: &live::Ended, program: &[String], spec: &Spec, share: &str, not_there: Option<String>, ui: &Ui) {
    if ended.cancelled {
        return;
    }
    if let Some(node) = &ended.dead {
        let error = Error::failed("died in the middle of the job, which was ended on the other nodes").on(node);
        ui.error(&error.hinted("Look at the machine, or leave it switched off: the next `mpiup run` does without it."));
        return;
    }
    let program = program.first().map(String::as_str).unwrap_or_default();
    match ended.endings.first_failed() {
        Some(failed) => {
            let error = Error::failed(failed.sentence(program)).on(&failed.node);
            let whereabouts = || (failed.status == 127).then(|| whereabouts(program, spec.share.kind, share));
            ui.error(&match not_there.or_else(whereabouts) {
                Some(hint) => error.hinted(hint),
                None => error,
            });
        }
        // MPI_Abort ends ranks before they can tell.
        None if (129..=192).contains(&ended.code) => {
            ui.error(&Error::failed(format!("mpiexec was ended by signal {}", ended.code - 128)).on(&spec.head));
        }
        None if ended.code != 0 => ui.error(&Error::failed(format!("the job ended with exit code {}", ended.code))),
        None => {}
    }
}

/// Where a program is looked for that was not found.
fn whereabouts(program: &str, kind: ShareKind, share: &str) -> String {
    match (program.contains('/'), kind) {
        (false, _) => {
            let here = crate::quote::sh(program);
            format!("A name without `/` is looked for in PATH on each node; for one in {share}, type `./{here}`.")
        }
        (true, _) if program.starts_with('/') => "It has to be at that path on every node.".to_owned(),
        (true, ShareKind::Sync) => {
            format!(
                "It is looked for from {share} on each node, where `mpiup run` and `mpiup sync` copy the folder you are in."
            )
        }
        (true, _) => format!(
            "It is looked for from {share}, which the nodes share; `mpiup sync` copies the folder you are in there."
        ),
    }
}

/// The share's hostfile, unless it names nodes that are not to be used.
async fn hosts(spec: &Spec, fleet: &mut Fleet, crew: &Crew) -> Result<Hosts> {
    if crew.is_whole(spec) {
        return Ok(Hosts::File(format!("{}/hosts", crew.layout.share)));
    }
    // Without root there is no /etc/hosts with the nodes' names, and the launcher wants addresses.
    let seen = if crew.members.iter().all(|node| node.is_root) { vec![] } else { gather(spec, fleet, &|_| ()).await };
    let seen = steps::sift(spec, seen).usable;
    let agreed = if seen.is_empty() { None } else { Some(steps::Cluster::agree(spec, seen, None)?) };
    let host = |node: &launch::CrewNode| {
        let member = agreed.as_ref().and_then(|cluster| cluster.member(&node.name)).filter(|_| !node.is_root);
        let host = member.map_or_else(|| node.name.to_string(), |member| member.address.to_string());
        (host, node.slots)
    };
    // The head node comes first, as in the file: rank 0 is there.
    let (head, others): (Vec<_>, Vec<_>) = crew.members.iter().partition(|node| node.name == spec.head);
    Ok(Hosts::List(head.into_iter().chain(others).map(host).collect()))
}

fn job(spec: &Spec, crew: &Crew, hosts: Hosts, args: &Args, id: &str) -> Job {
    let slots: Vec<u32> = crew.members.iter().map(|node| node.slots).collect();
    let (mpiexec, major) = crew.mpiexec.clone();
    Job {
        flavour: spec.flavour,
        major,
        mpiexec,
        ranks: args.n.unwrap_or_else(|| slots.iter().sum()),
        slots,
        hosts,
        by_node: args.by_node,
        shared_cores: crew.shares_cores(),
        as_root: false,
        working_directory: Some(crew.layout.share.clone()),
        env: vec![(launch::JOB_VARIABLE.into(), id.into()), ("PYTHONUNBUFFERED".into(), "1".into())],
        argv: launch::telling(&launch::with_abort(&args.program)),
    }
}

/// A job that failed may have left processes where its launcher had no hold of them any more.
async fn sweep(fleet: &Fleet, spec: &Spec, crew: &Crew, script: &str) {
    let sweeps = fleet.nodes.iter().filter(|(node, _)| crew.member(&node.name).is_some()).map(|(_, node)| {
        let command = as_user(node.is_root(), &spec.user, &crew.layout.home, script);
        async move {
            // A node that died in the middle of the job cannot be swept, and needs not to be.
            let _ = tokio::time::timeout(Duration::from_secs(10), async {
                node.spawn(&command, false).await?.output().await
            })
            .await;
        }
    });
    futures_util::future::join_all(sweeps).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_not_found_is_looked_for_where_the_hint_says() {
        let hint = |program, kind| whereabouts(program, kind, "/home/mpi/MPI");
        assert!(hint("a.out", ShareKind::Sync).ends_with("for one in /home/mpi/MPI, type `./a.out`."));
        assert!(hint("./a.out", ShareKind::Sync).contains("`mpiup sync` copy the folder you are in"));
        assert!(hint("bin/a.out", ShareKind::Nfs).contains("/home/mpi/MPI, which the nodes share; `mpiup sync`"));
        assert_eq!(hint("/opt/a.out", ShareKind::Existing), "It has to be at that path on every node.");
    }
}

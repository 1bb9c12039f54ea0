//! `mpiup run`

use super::{
    global::Global,
    session::{self, Session},
    sync,
};
use crate::{
    error::{Context as _, Error, Kind, Result},
    launch::{self, Job, Wrapped},
    provision::as_user,
    spec::{NodeName, ShareKind, Source},
    steps::{self, Cluster},
    ui::Ui,
};

mod live;

/// Run a program on the cluster; without an mpiup.toml, on this machine at once
///
/// Where the share is `sync`, the working directory goes to the nodes first. Output comes as it is written, the exit code
/// is the program's own, and Ctrl-C leaves no process behind on any node.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mpiup run -n 6 python ejemplo.py\n  mpiup run python heat2d.py --size 500      one rank per slot\n  mpiup run --local -n 4 python ejemplo.py   on this machine alone"
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
    let code = on_cluster(Session::open(spec, global, ui).await?, args, ui).await?;
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
    ended(on_cluster(session, &args, ui).await?)
}

async fn on_cluster(session: Session, args: &Args, ui: &Ui) -> Result<u8> {
    session.name_lost(ui);
    let cluster = usable(&session, ui)?;
    if cluster.spec.share.kind == ShareKind::Sync && !args.no_sync {
        let here = std::env::current_dir().context(|| "the working directory cannot be read")?;
        sync::everywhere(&here, false, &session, &cluster, ui).await?;
    }
    let id = launch::new_job_id();
    let job = job(&cluster, args, &id)?;
    let line = launch::command_line(&job);
    let others: Vec<String> = cluster
        .members
        .iter()
        .filter(|member| member.spec.name != cluster.spec.head)
        .map(|member| member.spec.name.to_string())
        .collect();
    let bin = format!("{}/bin", cluster.layout.env);
    let script = launch::wrapper_script(&Wrapped {
        job: &id,
        launch: &line,
        directory: &cluster.layout.share,
        path_first: Some(&bin),
        others: &others,
    });
    let head = session.fleet.head(&session.spec)?;
    let is_root = cluster.head().is_some_and(|head| head.facts.is_root);
    let command = as_user(is_root, &cluster.spec.user, &cluster.layout.home, &script);
    let code = live::run(head, &command, ui).await?;
    if code != 0 {
        sweep(&session, &cluster, &id).await;
    }
    session.fleet.close().await;
    Ok(code)
}

/// The nodes that a job can use now: those that are connected and set up. Who is left out is named.
fn usable(session: &Session, ui: &Ui) -> Result<Cluster> {
    let cluster = session.cluster()?;
    let plan = steps::plan(&cluster);
    let ready = |name: &NodeName| plan.nodes.iter().any(|node| &node.node == name && is_set_up(node));
    let (in_use, left): (Vec<_>, Vec<_>) = session.seen.iter().cloned().partition(|(node, _)| ready(&node.name));
    if in_use.iter().all(|(node, _)| node.name != cluster.spec.head) {
        return Err(Error::failed("the cluster is not set up")
            .hinted("`mpiup plan` shows what is missing, `mpiup up` does it."));
    }
    for (node, _) in &left {
        ui.warn(&format!("{}: not set up, so the job does without it; `mpiup up` brings it in", node.name));
    }
    if left.is_empty() { Ok(cluster) } else { Cluster::agree(&cluster.spec, in_use, session.surveyed.as_deref()) }
}

/// What a rank needs is there: an environment and a key.
fn is_set_up(node: &steps::NodePlan) -> bool {
    use crate::changes::Primitive::{KeyPair, Packages, Tree, User};
    !node
        .changes
        .iter()
        .any(|change| matches!(change.primitive, Tree { .. } | KeyPair { .. } | User { .. } | Packages { .. }))
}

fn job(cluster: &Cluster, args: &Args, id: &str) -> Result<Job> {
    let head = cluster.head().ok_or_else(|| Error::failed("the head node is not usable"))?;
    let major = steps::mpi::major(&cluster.spec, &head.facts).unwrap_or(4);
    let slots: Vec<u32> = cluster.members.iter().map(|member| member.slots).collect();
    let mpiexec = match cluster.spec.source {
        Source::Wheels => format!("{}/bin/mpiexec", cluster.layout.env),
        _ => head
            .facts
            .mpi
            .iter()
            .find(|launcher| {
                launcher.flavour == cluster.spec.flavour && !launcher.path.starts_with(&cluster.layout.env)
            })
            .map(|launcher| launcher.path.clone())
            .ok_or_else(|| {
                Error::failed("no mpiexec of the cluster's MPI was found")
                    .on(&cluster.spec.head)
                    .hinted("`mpiup up` installs it.")
            })?,
    };
    Ok(Job {
        flavour: cluster.spec.flavour,
        major,
        mpiexec,
        ranks: args.n.unwrap_or_else(|| slots.iter().sum()),
        slots,
        hostfile: Some(format!("{}/hosts", cluster.layout.share)),
        by_node: args.by_node,
        shared_cores: cluster.shares_cores,
        as_root: false,
        working_directory: Some(cluster.layout.share.clone()),
        env: vec![(launch::JOB_VARIABLE.into(), id.into()), ("PYTHONUNBUFFERED".into(), "1".into())],
        argv: launch::with_abort(&args.program),
    })
}

/// A job that failed may have left processes where its launcher had no hold of them any more.
async fn sweep(session: &Session, cluster: &Cluster, id: &str) {
    let script = launch::sweep_script(id);
    let sweeps = session.fleet.nodes.iter().map(|(_, node)| {
        let command = as_user(node.is_root(), &cluster.spec.user, &cluster.layout.home, &script);
        async move {
            // A node that died in the middle of the job cannot be swept, and needs not to be.
            let _ = tokio::time::timeout(std::time::Duration::from_secs(10), async {
                node.spawn(&command, false).await?.output().await
            })
            .await;
        }
    });
    futures_util::future::join_all(sweeps).await;
}

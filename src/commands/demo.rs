//! `mpiup demo`

use std::{path::PathBuf, time::Instant};

use super::{cli::Global, down, init, run, session::Session, up};
use crate::{
    error::{Context as _, Error, Result},
    lab::{self, Lab},
    launch,
    ui::{Ui, humane},
};

/// The example of the guide, which the demonstration runs.
const EXAMPLE: &str = include_str!("../../examples/ejemplo.py");

/// See it all on this computer: machines, cluster, a real MPI job, and everything taken back
///
/// Makes virtual machines out of Linux namespaces, which needs root; nothing of the computer itself changes. Where that
/// is not allowed, the example runs over the cores of this computer instead.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Machines, the head node included.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    nodes: u32,
    /// Leave the cluster running, to look around in it.
    #[arg(long)]
    keep: bool,
}

pub async fn run(args: &Args, global: &Global, ui: &Ui) -> Result<()> {
    let start = Instant::now();
    if let Err(why) = lab::support() {
        return without_machines(&why, ui).await;
    }
    let name = format!("demo-{}", std::process::id());
    // Whatever happens from here on, the machines go: also when the user presses Ctrl-C.
    let guard = Guard { name: name.clone(), keep: args.keep };
    let outcome = tokio::select! {
        outcome = on_machines(args, &name, global, ui) => outcome,
        _ = tokio::signal::ctrl_c() => Err(Error::failed("cancelled; the machines were taken away")),
    };
    let left = guard.end();
    outcome?;
    left?;
    if !args.keep {
        ui.done(&format!("Everything is gone again, {} after the start.", humane::duration(start.elapsed())));
        ui.say("  With machines of your own: mpiup init HEAD NODE NODE …, mpiup up, mpiup run");
        ui.say("  On this computer alone:    mpiup run -n 4 python YOUR_PROGRAM.py");
    }
    Ok(())
}

async fn on_machines(args: &Args, name: &str, global: &Global, ui: &Ui) -> Result<()> {
    let folder = work_folder(name, args.keep)?;
    ui.title(&format!("1  {} machines out of nothing: mpiup lab up {}", args.nodes, args.nodes));
    let lab = Lab::up(name, args.nodes as usize, &mut |text| ui.say(&format!("  {text}")))?;
    let machines: Vec<String> =
        lab.machines().iter().map(|machine| format!("{} {}", machine.name, machine.address)).collect();
    ui.done(&format!("Up, bare and reachable by ssh: {}", machines.join(", ")));

    ui.title("2  A look at them, and a spec: mpiup init --lab");
    let path = folder.path.join("mpiup.toml");
    init::for_lab(&lab, &path, global, ui).await?;
    let spec = crate::spec::file::load(&path)?;

    ui.title("3  One cluster, proved by a real MPI job: mpiup up");
    up::bring_up(spec.clone(), true, global, ui).await?;

    let ranks = args.nodes * 2;
    ui.title(&format!("4  A program on it: mpiup run -n {ranks} python ejemplo.py"));
    let session = Session::open(spec.clone(), global, ui).await?;
    std::env::set_current_dir(&folder.path).context(|| format!("cannot go to {}", folder.path.display()))?;
    run::demonstrate(session, ranks, vec!["python".into(), "ejemplo.py".into()], ui).await?;
    if args.keep {
        ui.done(&format!("The cluster stays, until: sudo mpiup lab down --name {name}"));
        ui.say(&format!("  Look around: sudo mpiup lab ssh --name {name} mpi@master  (or any other node)"));
        ui.say(&format!("  Its spec:    {}", path.display()));
        return Ok(());
    }

    ui.title("5  Everything back as it was: mpiup down, mpiup lab down");
    down::take_down(spec, true, false, global, ui).await
}

/// The same example over the ranks of this machine.
async fn without_machines(why: &Error, ui: &Ui) -> Result<()> {
    ui.warn("This computer does not let mpiup make virtual machines, so the example runs over its own cores.");
    ui.say(&format!("  {why}"));
    for hint in why.hints() {
        ui.say(&format!("  {hint}"));
    }
    let folder = work_folder(&format!("demo-{}", std::process::id()), false)?;
    std::env::set_current_dir(&folder.path).context(|| format!("cannot go to {}", folder.path.display()))?;
    ui.title("mpiup run -n 4 python ejemplo.py");
    let argv = ["python".to_owned(), "ejemplo.py".to_owned()];
    match launch::run_local(Some(4), &argv, &|text| ui.say(text)).await? {
        0 => {
            ui.done("Four ranks on this computer answered.");
            Ok(())
        }
        code => Err(Error::failed(format!("the example ended with exit code {code}"))),
    }
}

/// A folder with the example, as a user would have one.
struct Folder {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

fn work_folder(name: &str, keep: bool) -> Result<Folder> {
    let temporary = tempfile::Builder::new().prefix(&format!("mpiup-{name}-")).tempdir();
    let temporary = temporary.context(|| "a temporary folder cannot be made")?;
    std::fs::write(temporary.path().join("ejemplo.py"), EXAMPLE).context(|| "the example cannot be written")?;
    Ok(if keep {
        Folder { path: temporary.keep(), _temporary: None }
    } else {
        Folder { path: temporary.path().to_owned(), _temporary: Some(temporary) }
    })
}

/// Takes the machines away, also when the demonstration ends in an error.
struct Guard {
    name: String,
    keep: bool,
}

impl Guard {
    fn end(mut self) -> Result<()> {
        if self.keep {
            return Ok(());
        }
        self.keep = true;
        Lab::down(&self.name).map(drop)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.keep {
            // On the way out of another error: that one is the one to tell.
            let _ = Lab::down(&self.name);
        }
    }
}

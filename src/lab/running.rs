//! What a lab is to consist of, and what it consists of while it runs, held by its keeper.

use nix::mount::{MntFlags, umount2};

use super::{
    child::Child,
    state::{self, State},
    vm::{self, Debian},
};

/// What a lab is to consist of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    pub count: usize,
    /// Packages that its machines have from the start.
    pub packages: &'a [String],
    /// Machines that boot, in place of those that share this computer's kernel.
    pub vms: bool,
    /// Releases of the machines that boot, the first machine's first; those beyond have the last one, and where there is
    /// none all have the usual one.
    pub debian: &'a [Debian],
}

/// A lab that lives as long as this value: dropped, nothing of it is left.
pub(super) struct Running {
    pub state: State,
    pub relay: Option<Child>,
    /// In the order of `state.machines`.
    pub inits: Vec<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // All at once first: waiting for one at a time takes as long as there are nodes.
        self.inits.iter().for_each(Child::kill);
        self.inits.clear();
        self.relay = None;
        // Of machines that were starting.
        let _ = vm::remove_leftovers(&self.state.name);
        // The base layer is mounted in our own namespace, where there is one: its place cannot go before it does.
        let _ = umount2(&state::directory(&self.state.name).join("base"), MntFlags::MNT_DETACH);
        // The directory is in memory; a later `lab down` or `lab up` removes what could not be removed now.
        let _ = state::remove(&self.state.name);
    }
}

impl Running {
    /// The name of the child that was reaped.
    pub fn forget(&mut self, pid: i32) -> String {
        for (init, machine) in self.inits.iter_mut().zip(&self.state.machines) {
            if init.pid() == pid {
                init.was_reaped();
                return machine.name.clone();
            }
        }
        if let Some(relay) = self.relay.as_mut().filter(|relay| relay.pid() == pid) {
            relay.was_reaped();
            return "the relay for packages".to_owned();
        }
        format!("process {pid}")
    }
}

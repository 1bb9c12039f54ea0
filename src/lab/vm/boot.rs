//! A running machine while it comes up: its process, and the wait for its agent.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{
    accelerator::Accelerator,
    agent::{self, Agent},
    monitor::Monitor,
    qemu::{self, Hardware, Sockets},
};
use crate::{
    error::{Error, Result},
    lab::{child::Child, start::Cables, state::Process, watch::Watch},
};

/// A machine alone takes half a minute without KVM; several, on a computer that has other work, take their time.
const BOOT: Duration = Duration::from_secs(900);
/// QEMU itself is up in a fraction of a second.
const SOCKET: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Booting {
    pub name: String,
    pub child: Child,
    pub sockets: Sockets,
    pub monitor: Monitor,
}

/// Starts the machine, and plugs its cable in.
pub(super) fn start(
    watch: &Watch,
    hardware: &Hardware<'_>,
    accelerator: Accelerator,
    cables: &mut Cables,
) -> Result<Booting> {
    let child = qemu::start(hardware, accelerator)?;
    let sockets = Sockets::of(hardware.folder, hardware.name);
    let until = Instant::now() + SOCKET;
    let alive = || is_alive(&child, hardware.folder, hardware.name);
    let monitor = loop {
        match Monitor::connect(&sockets.monitor) {
            Ok(monitor) => break monitor,
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => pause(watch)?,
        }
        alive()?;
    };
    cables.plug_in_tap(&qemu::tap(hardware.place))?;
    Ok(Booting { name: hardware.name.to_owned(), child, sockets, monitor })
}

impl Booting {
    /// Waits until commands can be run in it.
    pub(super) fn agent(&self, watch: &Watch, folder: &Path) -> Result<Agent> {
        agent::wait(&self.sockets.agent, Instant::now() + BOOT, &mut || {
            is_alive(&self.child, folder, &self.name)?;
            pause(watch)
        })
    }
}

fn is_alive(child: &Child, folder: &Path, name: &str) -> Result<()> {
    match Process::of(child.pid()) {
        Some(_) => Ok(()),
        None => Err(Error::failed("QEMU ended at once").because(qemu::last_words(folder, name))),
    }
}

/// A moment, unless nobody wants the lab any more.
pub(super) fn pause(watch: &Watch) -> Result<()> {
    watch.wait(&[], PAUSE).map(drop)
}

//! A process of this machine and all that belongs to its group.

use std::process::ExitStatus;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// A child process that leads its own process group; dropping it signals the group.
#[derive(Debug)]
pub(super) struct Process {
    child: tokio::process::Child,
    on_drop: Option<Signal>,
}

impl Process {
    pub(super) fn new(child: tokio::process::Child, on_drop: Option<Signal>) -> Self {
        Self { child, on_drop }
    }

    pub(super) async fn wait(mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// The status if it has ended.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Signals the whole group; nothing happens if it has ended.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            // It may have ended this very moment: that is what was wanted.
            let _ = killpg(Pid::from_raw(id), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(signal) = self.on_drop {
            self.signal(signal);
        }
    }
}

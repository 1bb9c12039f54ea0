//! The signals at which a job is to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Context as _, Result};

/// From its making on, none of them ends this process.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// # Errors
    /// When the kernel does not allow it.
    pub fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context(|| "signals cannot be listened to");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// The number of the next one.
    pub async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
            _ = self.hang_up.recv() => 1,
        }
    }
}

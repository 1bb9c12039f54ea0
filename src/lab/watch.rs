//! What the keeper waits for while a lab comes up: its children's messages, and two reasons to give up at once: the
//! `mpiup lab up` that started it is gone (Ctrl-C, a closed terminal, a crash), or it was told to end.

use std::{
    io::{Read, Stdin},
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};

use crate::error::{Context, Error, Result};

pub(super) struct Watch {
    signals: SignalFd,
    operator: Stdin,
}

impl Watch {
    /// From here on SIGTERM, SIGINT and SIGCHLD arrive here and nowhere else.
    pub(super) fn new() -> Result<Self> {
        let failed = || "cannot watch for signals";
        let set = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGCHLD]);
        set.thread_block().context(failed)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self { signals: SignalFd::with_flags(&set, flags).context(failed)?, operator: std::io::stdin() })
    }

    /// Waits until one of `others` has something to read, or `most` is over; the answer has one place for each.
    ///
    /// # Errors
    /// When the lab is not wanted any more.
    pub(super) fn wait(&self, others: &[BorrowedFd<'_>], most: Duration) -> Result<Vec<bool>> {
        let end = Instant::now() + most;
        loop {
            let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            fds.push(PollFd::new(self.operator.as_fd(), PollFlags::POLLIN));
            fds.extend(others.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)));
            let left = PollTimeout::try_from(end.saturating_duration_since(Instant::now())).unwrap_or(PollTimeout::MAX);
            let count = match poll(&mut fds, left) {
                Err(nix::errno::Errno::EINTR) => continue,
                other => other.context(|| "cannot wait for the lab's processes")?,
            };
            let ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
            if ready[0] && self.told_to_end() {
                return Err(Error::failed("the lab was told to end while it came up"));
            }
            if ready[1] {
                return Err(Error::failed("the command that started the lab is gone"));
            }
            if count == 0 || ready[2..].contains(&true) {
                return Ok(ready[2..].to_vec());
            }
        }
    }

    /// Waits for the one byte with which `mpiup lab up` takes the lab over.
    pub(super) fn confirmed(&self) -> bool {
        self.operator.lock().read(&mut [0]).is_ok_and(|count| count == 1)
    }

    /// Waits for a signal; true when it says to end, false when a child ended.
    pub(super) fn next_signal_ends(&self) -> bool {
        let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        // An interrupted wait just looks again.
        let _ = poll(&mut fds, PollTimeout::NONE);
        self.told_to_end()
    }

    fn told_to_end(&self) -> bool {
        let mut end = false;
        while let Ok(Some(signal)) = self.signals.read_signal() {
            end |= signal.ssi_signo != Signal::SIGCHLD as u32;
        }
        end
    }
}

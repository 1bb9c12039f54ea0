//! How long a script is waited for: in all, and without a sign of it.

use std::{cell::Cell, fmt, time::Duration};

use tokio::time::{Instant, sleep_until};

/// A script at work shows it by what it prints, or by taking what it is sent; one that stands still is given up long before
/// the slowest would be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    pub in_all: Duration,
    /// The longest time without a sign.
    pub silent: Duration,
}

/// Where nothing is to be heard before the end.
impl From<Duration> for Patience {
    fn from(in_all: Duration) -> Self {
        Self { in_all, silent: in_all }
    }
}

/// Which patience has ended. Its words stand behind what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    InAll(Duration),
    Silent(Duration),
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InAll(time) => write!(f, "did not end within {} s", seconds(*time)),
            Self::Silent(time) => write!(f, "gave no sign of life for {} s", seconds(*time)),
        }
    }
}

/// Patience with one script.
pub(super) struct Watch {
    patience: Patience,
    begun: Instant,
    sign: Cell<Instant>,
}

impl Watch {
    pub(super) fn new(patience: Patience) -> Self {
        let now = Instant::now();
        Self { patience, begun: now, sign: Cell::new(now) }
    }

    /// The script is at work.
    pub(super) fn sign(&self) {
        self.sign.set(Instant::now());
    }

    /// Returns when it was waited for long enough.
    pub(super) async fn ends(&self) -> Late {
        let Patience { in_all, silent } = self.patience;
        loop {
            let (end, quiet) = (self.begun + in_all, self.sign.get() + silent);
            sleep_until(end.min(quiet)).await;
            let now = Instant::now();
            if now >= end {
                return Late::InAll(in_all);
            }
            if now >= self.sign.get() + silent {
                return Late::Silent(silent);
            }
        }
    }
}

/// As an error says it.
pub(super) fn seconds(deadline: Duration) -> String {
    let seconds = deadline.as_secs_f64();
    if seconds.fract() == 0.0 { format!("{seconds:.0}") } else { format!("{seconds:.1}") }
}

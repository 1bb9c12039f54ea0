//! How to knock at sshd's door: a few at a time, and after a drop later and fewer.
//!
//! sshd drops unauthenticated connections at random from the 11th on (MaxStartups 10:30:100 in sshd_config(5)).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Log-ins at one host at a time: below the 10 at which a default sshd begins to drop.
const PER_HOST: usize = 8;

/// How long one connection is tried again in all. A drop of sshd's passes within seconds.
const PATIENCE: Duration = Duration::from_secs(60);

const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The doors of all hosts, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Doors {
    doors: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl Doors {
    /// Waits for a place before `host`'s door; it is free again when the permit is dropped.
    pub(super) async fn enter(&self, host: &str) -> Option<OwnedSemaphorePermit> {
        self.door(host).acquire_owned().await.ok()
    }

    /// After a drop: one place fewer, as long as another is free to be taken away.
    pub(super) fn narrow(&self, host: &str) {
        if let Ok(permit) = self.door(host).try_acquire_owned() {
            permit.forget();
        }
    }

    fn door(&self, host: &str) -> Arc<Semaphore> {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        doors.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(PER_HOST))).clone()
    }
}

/// The pauses between attempts: each about twice the last, at random within it, so that nodes do not knock in step.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
    spent: Duration,
}

impl Backoff {
    /// The pause before the next attempt; `None` when it has been tried for long enough.
    pub(super) fn next(&mut self) -> Option<Duration> {
        let full = LONGEST_PAUSE.min(Duration::from_millis(250) * 2u32.saturating_pow(self.attempts));
        // Between half of it and all of it.
        let random = RandomState::new().hash_one(self.attempts) % 1000;
        let pause = full / 2 + full / 2 * u32::try_from(random).unwrap_or(0) / 1000;
        self.attempts += 1;
        self.spent += pause;
        (self.spent <= PATIENCE).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut backoff = Backoff::default();
        let pauses: Vec<Duration> = std::iter::from_fn(|| backoff.next()).collect();
        assert!((15..40).contains(&pauses.len()), "{pauses:?}");
        assert!(pauses[0] <= Duration::from_millis(250) && pauses[0] >= Duration::from_millis(125));
        assert!(pauses.iter().all(|pause| *pause <= LONGEST_PAUSE));
        assert!(pauses.iter().sum::<Duration>() <= PATIENCE);
    }

    #[tokio::test]
    async fn a_door_narrows_but_never_closes() {
        let doors = Doors::default();
        for _ in 0..20 {
            // A drop is noticed by one who stands in the door.
            let held = doors.enter("a").await;
            doors.narrow("a");
            drop(held);
        }
        assert!(doors.enter("a").await.is_some());
        assert_eq!(doors.door("a").available_permits(), 1);
        assert_eq!(doors.door("b").available_permits(), PER_HOST);
    }
}

//! What ssh asked during one log-in, and what became of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedMutexGuard};

use super::passwords::Passwords;
use super::prompt::HostKeyPrompt;
use crate::secret::Secret;
use crate::spec::NodeName;

/// Why a log-in was ended instead of answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// This account wants a password, and there is none without `--ask-pass`.
    Unasked(String),
    /// This account refused every password that was tried.
    Refused(String, usize),
    /// Nobody typed a password for this account.
    Untold(String),
    /// It is to be changed first.
    Expired,
}

/// What was asked so far.
#[derive(Default)]
pub(super) struct Asked {
    waiting: AtomicUsize,
    refused_key: Mutex<Option<HostKeyPrompt>>,
    passwords: Tried,
    passphrases: Tried,
    turn: Mutex<Option<OwnedMutexGuard<()>>>,
    given_up: Mutex<Option<GivenUp>>,
    gave_up: Notify,
}

/// What was given so far, by what it was given for: that it is asked again means that the last one was wrong.
#[derive(Default)]
pub(super) struct Tried(Mutex<HashMap<String, Vec<Secret>>>);

impl Tried {
    pub(super) fn so_far(&self, of: &str) -> Vec<Secret> {
        lock(&self.0).get(of).cloned().unwrap_or_default()
    }

    pub(super) fn with(&self, of: &str, secret: &Secret) {
        lock(&self.0).entry(of.to_owned()).or_default().push(secret.clone());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A log-in whose end is not known yet.
pub(super) struct Unfinished<'a>(Option<&'a Asked>);

impl Unfinished<'_> {
    pub(super) fn finished(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(asked) = self.0 {
            lock(&asked.passwords.0).clear();
            asked.pass_on();
        }
    }
}

impl Asked {
    /// As long as the result lives, somebody is being asked.
    pub(super) fn waits(&self) -> impl Drop + use<'_> {
        struct Waits<'a>(&'a AtomicUsize);
        impl Drop for Waits<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(&self.waiting)
    }

    /// Whether somebody is being asked right now: that time is not ssh's.
    pub(super) fn is_asking(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    pub(super) fn refuse(&self, key: HostKeyPrompt) {
        *lock(&self.refused_key) = Some(key);
    }

    /// The host key that was shown and not accepted.
    pub(super) fn refused_key(&self) -> Option<HostKeyPrompt> {
        lock(&self.refused_key).clone()
    }

    pub(super) fn passwords(&self) -> &Tried {
        &self.passwords
    }

    pub(super) fn passphrases(&self) -> &Tried {
        &self.passphrases
    }

    /// An account whose password was tried and refused, and how often.
    pub(super) fn refused_password(&self) -> Option<(String, usize)> {
        lock(&self.passwords.0).iter().map(|(of, tried)| (of.clone(), tried.len())).next()
    }

    pub(super) fn has_turn(&self) -> bool {
        lock(&self.turn).is_some()
    }

    pub(super) fn take_turn(&self, turn: Option<OwnedMutexGuard<()>>) {
        *lock(&self.turn) = turn;
    }

    /// The next log-in may try its password.
    pub(super) fn pass_on(&self) {
        *lock(&self.turn) = None;
    }

    /// For a log-in that may be given up in the middle, by a deadline: dropped before [`Unfinished::finished`], what was
    /// given in it counts as neither right nor wrong.
    pub(super) fn unfinished(&self) -> Unfinished<'_> {
        Unfinished(Some(self))
    }

    /// ssh is through: what it asks from now on is asked anew.
    pub(super) fn begin_anew(&self) {
        lock(&self.passphrases.0).clear();
    }

    /// Every account but `asks_again` let us in: what it was given last is right.
    pub(super) fn accepted(&self, node: &NodeName, passwords: &Passwords, asks_again: Option<&str>) {
        lock(&self.passwords.0).retain(|of, tried| {
            if Some(of.as_str()) == asks_again {
                return true;
            }
            if let Some(secret) = tried.last() {
                passwords.accepted(node, of, secret);
                self.pass_on();
            }
            false
        });
    }

    pub(super) fn give_up(&self, why: GivenUp) {
        *lock(&self.given_up) = Some(why);
        self.gave_up.notify_one();
    }

    pub(super) fn given_up(&self) -> Option<GivenUp> {
        lock(&self.given_up).clone()
    }

    /// Returns once a log-in is given up.
    pub(super) async fn giving_up(&self) -> GivenUp {
        loop {
            self.gave_up.notified().await;
            if let Some(why) = lock(&self.given_up).take() {
                return why;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_in_a_log_in_that_ran_into_its_deadline_was_not_refused() {
        let asked = Asked::default();
        let given = || asked.passwords().with("ana@pc", &Secret::new(b"right".to_vec()));
        let unfinished = asked.unfinished();
        given();
        drop(unfinished);
        assert!(asked.passwords().so_far("ana@pc").is_empty());

        let unfinished = asked.unfinished();
        given();
        unfinished.finished();
        assert_eq!(asked.passwords().so_far("ana@pc").len(), 1, "asked again, it was wrong");
    }
}

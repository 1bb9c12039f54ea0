//! The passwords of one command: typed once for all nodes, and once more for a node that has another one.
//!
//! Guaranteed: a node is tried at most [`TRIES`] times, the last time with what was typed for it; until a password was
//! accepted somewhere it is tried at one node at a time, so that a slip of the finger costs one failed log-in and not one
//! on each node.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::secret::Secret;
use crate::spec::NodeName;

/// As ssh and sudo have it, and few enough for what locks an account after failures.
pub(super) const TRIES: usize = 3;

/// Whose password it is: `mpi@client1`, a key's file. Of two nodes behind one address each may have its own.
type Subject = (NodeName, String);

/// Answers of one kind, shared by all connections of a command.
#[derive(Clone, Default)]
pub(super) struct Passwords {
    known: Arc<Mutex<Known>>,
    first: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Known {
    /// Good for any node: what was accepted last stands first, then what was typed, in this order.
    for_all: Vec<Secret>,
    own: HashMap<Subject, Secret>,
    /// Nobody knows them.
    declined: HashSet<String>,
    proven: bool,
}

impl Passwords {
    pub(super) fn for_all(secret: Option<Secret>) -> Self {
        let known = Known { for_all: secret.into_iter().collect(), ..Known::default() };
        Self { known: Arc::new(Mutex::new(known)), first: Arc::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to try next without asking anybody. The last try is left to what a person types for this very node.
    pub(super) fn next(&self, node: &NodeName, of: &str, refused: &[Secret]) -> Option<Secret> {
        if refused.len() + 1 >= TRIES {
            return None;
        }
        let known = self.known();
        let its_own = known.own.get(&(node.clone(), of.to_owned()));
        let elsewhere = known.own.iter().filter(|((_, other), _)| other == of).map(|(_, secret)| secret);
        its_own.into_iter().chain(elsewhere).chain(&known.for_all).find(|secret| !refused.contains(secret)).cloned()
    }

    /// What a person typed for this node. With `for_all`, and as long as none was accepted, it may be the right one for
    /// the others too.
    pub(super) fn typed(&self, node: &NodeName, of: &str, secret: &Secret, for_all: bool) {
        let mut known = self.known();
        known.own.insert((node.clone(), of.to_owned()), secret.clone());
        if for_all && !known.proven && !known.for_all.contains(secret) {
            known.for_all.push(secret.clone());
        }
    }

    pub(super) fn accepted(&self, node: &NodeName, of: &str, secret: &Secret) {
        let mut known = self.known();
        known.proven = true;
        known.own.insert((node.clone(), of.to_owned()), secret.clone());
        if let Some(at) = known.for_all.iter().position(|other| other == secret) {
            let latest = known.for_all.remove(at);
            known.for_all.insert(0, latest);
        }
    }

    pub(super) fn decline(&self, of: &str) {
        self.known().declined.insert(of.to_owned());
    }

    pub(super) fn is_declined(&self, of: &str) -> bool {
        self.known().declined.contains(of)
    }

    /// Waits for the turn to try a password; nothing once one was accepted, and all may try at the same time.
    pub(super) async fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        if self.known().proven {
            return None;
        }
        let turn = self.first.clone().lock_owned().await;
        (!self.known().proven).then_some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    fn node(name: &str) -> NodeName {
        name.parse().unwrap()
    }

    #[test]
    fn a_slip_is_corrected_for_all_and_a_password_of_its_own_is_not_forgotten() {
        let passwords = Passwords::for_all(Some(secret("typo")));
        let next = |name: &str, refused: &[Secret]| passwords.next(&node(name), &format!("mpi@{name}"), refused);
        assert_eq!(next("client1", &[]), Some(secret("typo")));
        assert_eq!(next("client1", &[secret("typo")]), None);
        passwords.typed(&node("client1"), "mpi@client1", &secret("right"), true);
        passwords.accepted(&node("client1"), "mpi@client1", &secret("right"));
        assert_eq!(next("client2", &[]), Some(secret("right")));
        assert_eq!(next("client2", &[secret("right")]), Some(secret("typo")));
        // Two are known to be wrong: the third is asked for.
        assert_eq!(next("client2", &[secret("right"), secret("typo")]), None);
        passwords.typed(&node("client2"), "mpi@client2", &secret("its own"), true);
        passwords.accepted(&node("client2"), "mpi@client2", &secret("its own"));
        assert_eq!(next("client2", &[]), Some(secret("its own")));
        assert_eq!(next("client1", &[]), Some(secret("right")));
    }

    #[test]
    fn a_jump_host_is_asked_for_once_for_all_behind_it() {
        let passwords = Passwords::for_all(Some(secret("nodes")));
        passwords.typed(&node("client1"), "mpi@jump", &secret("jump"), true);
        passwords.accepted(&node("client1"), "mpi@jump", &secret("jump"));
        assert_eq!(passwords.next(&node("client2"), "mpi@jump", &[]), Some(secret("jump")));
        assert_eq!(passwords.next(&node("client1"), "mpi@client1", &[secret("jump")]), Some(secret("nodes")));
    }

    #[tokio::test]
    async fn until_one_is_accepted_they_are_tried_one_by_one() {
        let passwords = Passwords::for_all(Some(secret("x")));
        let turn = passwords.turn().await;
        assert!(turn.is_some());
        let waits = tokio::time::timeout(std::time::Duration::from_millis(20), passwords.turn()).await;
        assert!(waits.is_err());
        passwords.accepted(&node("client1"), "mpi@client1", &secret("x"));
        drop(turn);
        assert!(passwords.turn().await.is_none() && passwords.turn().await.is_none());
    }
}

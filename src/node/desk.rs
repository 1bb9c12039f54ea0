//! Who answers for all connections of one command: the person, one question at a time, and what they typed before.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::asked::{Asked, GivenUp};
use super::passwords::{Passwords, TRIES};
use super::prompt::Prompter;
use crate::secret::Secret;
use crate::spec::NodeName;

#[derive(Clone)]
pub(super) struct Desk {
    prompter: Arc<dyn Prompter>,
    accept_new: bool,
    /// One question at a time is put to the person.
    line: Arc<tokio::sync::Mutex<()>>,
    /// None: no log-in by password was asked for.
    log_in: Option<Passwords>,
    /// None: sudo is to go without.
    sudo: Option<Passwords>,
    passphrases: Passwords,
}

impl Desk {
    pub(super) fn new(prompter: Arc<dyn Prompter>, accept_new: bool) -> Self {
        let (line, passphrases) = (Arc::default(), Passwords::default());
        Self { prompter, accept_new, line, log_in: None, sudo: None, passphrases }
    }

    pub(super) fn with_log_in(self, password: Option<Secret>) -> Self {
        Self { log_in: password.map(|password| Passwords::for_all(Some(password))), ..self }
    }

    pub(super) fn with_sudo(self, password: Option<Secret>) -> Self {
        Self { sudo: password.map(|password| Passwords::for_all(Some(password))), ..self }
    }

    pub(super) fn accepts_new(&self) -> bool {
        self.accept_new
    }

    /// Whether nodes may ask for a log-in password.
    pub(super) fn logs_in_by_password(&self) -> bool {
        self.log_in.is_some()
    }

    /// Whether anybody can be asked for anything.
    pub(super) fn can_ask(&self) -> bool {
        self.prompter.can_ask()
    }

    /// The passwords for sudo, where they were asked for.
    pub(super) fn sudo(&self) -> Option<&Passwords> {
        self.sudo.as_ref()
    }

    /// The log-in succeeded.
    pub(super) fn logged_in(&self, node: &NodeName, asked: &Asked) {
        if let Some(passwords) = &self.log_in {
            asked.accepted(node, passwords, None);
        }
        asked.begin_anew();
    }

    /// The log-in password of `of` (`user@host`).
    pub(super) async fn password(&self, node: &NodeName, of: &str, asked: &Asked) -> Result<Secret, GivenUp> {
        let Some(passwords) = &self.log_in else { return Err(GivenUp::Unasked(of.to_owned())) };
        asked.accepted(node, passwords, Some(of));
        if !asked.has_turn() {
            asked.take_turn(passwords.turn().await);
        }
        let tried = asked.passwords().so_far(of);
        let secret = self.next(passwords, node, of, &tried, "does not accept that password. Another one for").await?;
        asked.passwords().with(of, &secret);
        Ok(secret)
    }

    /// sudo's password on a node, after `refused`.
    pub(super) async fn sudo_password(
        &self,
        passwords: &Passwords,
        node: &NodeName,
        of: &str,
        refused: &[Secret],
    ) -> Result<Secret, GivenUp> {
        self.next(passwords, node, of, refused, "sudo does not accept that password. Another one for").await
    }

    async fn next(
        &self,
        passwords: &Passwords,
        node: &NodeName,
        of: &str,
        refused: &[Secret],
        why: &str,
    ) -> Result<Secret, GivenUp> {
        if refused.len() >= TRIES {
            return Err(GivenUp::Refused(of.to_owned(), refused.len()));
        }
        if let Some(secret) = passwords.next(node, of, refused) {
            return Ok(secret);
        }
        if !self.can_ask() {
            return Err(GivenUp::Refused(of.to_owned(), refused.len()));
        }
        let typed = self.ask_secret(format!("{node}: {why} {of}:")).await;
        let secret = typed.filter(|typed| !typed.is_empty()).ok_or_else(|| GivenUp::Untold(of.to_owned()))?;
        if refused.contains(&secret) {
            // It is known to be wrong: sent again, it would only bring the account nearer to being locked.
            return Err(GivenUp::Refused(of.to_owned(), refused.len()));
        }
        passwords.typed(node, of, &secret, true);
        Ok(secret)
    }

    /// The passphrase that `question` asks for: typed once for all connections that use the key.
    pub(super) async fn passphrase(&self, node: &NodeName, question: &str, asked: &Asked) -> Option<Secret> {
        let tried = asked.passphrases().so_far(question);
        if tried.len() >= TRIES || !self.can_ask() {
            return None;
        }
        let known = || self.passphrases.next(node, question, &tried);
        let declined = || self.passphrases.is_declined(question);
        let secret = match known() {
            Some(known) => known,
            None => {
                let line = self.line.lock().await;
                // It may have been typed for another node in the meantime.
                match known() {
                    Some(known) => known,
                    None if declined() => return None,
                    None => {
                        let again = if tried.is_empty() { "" } else { "That is not it. " };
                        let typed = self.put(format!("{again}{question}:")).await;
                        drop(line);
                        let Some(typed) = typed.filter(|typed| !typed.is_empty()) else {
                            self.passphrases.decline(question);
                            return None;
                        };
                        self.passphrases.typed(node, question, &typed, false);
                        typed
                    }
                }
            }
        };
        asked.passphrases().with(question, &secret);
        Some(secret)
    }

    /// Puts a question for a secret in line.
    pub(super) async fn ask_secret(&self, question: String) -> Option<Secret> {
        self.ask(move |prompter| prompter.secret(&question)).await.flatten()
    }

    async fn put(&self, question: String) -> Option<Secret> {
        self.at_once(move |prompter| prompter.secret(&question)).await.flatten()
    }

    /// Puts a question in line and waits for the answer without stopping the other nodes.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Prompter) -> T + Send + 'static,
    ) -> Option<T> {
        let _turn = self.line.lock().await;
        self.at_once(question).await
    }

    /// The thread is not waited for at the end of the program: a person who types Ctrl-C at a question leaves at once.
    async fn at_once<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Prompter) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        let prompter = self.prompter.clone();
        std::thread::spawn(move || sender.send(question(&*prompter)).ok());
        answer.await.ok()
    }
}

//! The node's one shell: opened when it is needed, closed by trouble, and every failure told as what it is.

use std::time::Duration;

use super::channel::{Channel, Fault};
use super::patience::{Patience, seconds};
use super::running::Running;
use super::spawn::{self, OnDrop};
use super::sudo::{NoShell, Passage, Rights};
use super::{Link, Node, Output, beside, framing, handshake, ssh_errors};
use crate::error::{Error, Result};
use crate::spec::NodeName;

/// How long a shell may take from its start to its greeting: start-up files of login shells have taken 6 s.
pub(super) const GREETING: Duration = Duration::from_secs(30);

/// The node's one shell.
pub(super) enum Shell {
    Open(Box<Channel>),
    /// Nothing goes through it any more, and why.
    Poisoned(Poison),
    /// A request was dropped half-way, or there was none yet: the next one opens a new shell.
    Closed,
}

/// What every request after a failed one is told.
#[derive(Debug, Clone, Default)]
pub(super) struct Poison {
    message: String,
    reasons: Vec<String>,
    hint: Option<String>,
}

impl Poison {
    fn error(&self, node: &NodeName) -> Error {
        let error = Error::failed(&self.message).on(node);
        let error = self.reasons.iter().fold(error, Error::because);
        self.hint.iter().fold(error, Error::hinted)
    }
}

impl Node {
    pub(super) async fn open_shell(&self, rights: &Rights) -> Result<Channel, NoShell> {
        let word = framing::random_word();
        let running = self.start(&handshake::script(&word), rights, OnDrop::LetEnd).await?;
        Channel::greet(running, &word, GREETING).await.map_err(|fault| NoShell::Failed(self.no_greeting(&fault)))
    }

    /// Starts `script` in a session of its own.
    pub(super) async fn start(&self, script: &str, rights: &Rights, on_drop: OnDrop) -> Result<Running, NoShell> {
        let passage = Passage::new(rights);
        let running = match &self.link {
            Link::Local => {
                let script = passage.script(script);
                spawn::local(&[passage.command(), vec!["sh", "-c", &script]].concat(), on_drop)?
            }
            Link::Ssh(link) if passage.wants_terminal() => return beside::start(link, script, &passage).await,
            Link::Ssh(link) => link.start(script, &passage).await?,
            Link::Fake(_) => return Err(NoShell::Failed(Error::failed("A fake node has no shell"))),
        };
        Ok(passage.enter(running, false).await?)
    }

    /// Runs `script` in the shell.
    pub(super) async fn request(
        &self,
        script: &str,
        patience: impl Into<Patience>,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<Output> {
        self.tell(script);
        if let Link::Fake(fake) = &self.link {
            let output = fake.answer(script);
            output.text().lines().for_each(on_line);
            return Ok(output);
        }
        let mut shell = self.channel.lock().await;
        // If this future is dropped half-way, the shell is in the middle of an answer and stays closed.
        let mut channel = match std::mem::replace(&mut *shell, Shell::Closed) {
            Shell::Open(channel) => channel,
            Shell::Closed => {
                Box::new(self.open_shell(&self.identity.rights).await.map_err(|why| self.no_shell(why).on(&self.name))?)
            }
            Shell::Poisoned(poison) => {
                let error = poison.error(&self.name);
                *shell = Shell::Poisoned(poison);
                return Err(error);
            }
        };
        let fault = match channel.request(script, patience.into(), on_line).await {
            Ok(output) => {
                *shell = Shell::Open(channel);
                return Ok(output);
            }
            Err(fault) => fault,
        };
        self.hang_up(&channel).await;
        let poison = self.explain(&brief(script), fault).await;
        let error = poison.error(&self.name);
        *shell = Shell::Poisoned(poison);
        Err(error)
    }

    /// Sends SIGHUP to everything that the shell started. Nothing more can be done if that does not get through.
    async fn hang_up(&self, channel: &Channel) {
        let Some(group) = channel.hello().group else { return };
        let kill = async { self.spawn(&format!("kill -s HUP -- -{group}"), false).await?.output().await };
        let _ = tokio::time::timeout(Duration::from_secs(1), kill).await;
    }

    async fn explain(&self, script: &str, fault: Fault) -> Poison {
        let said = match fault {
            Fault::Late(late) => return Poison { message: format!("{script} {late}"), ..Poison::default() },
            Fault::Ended(said) => said,
        };
        match &self.link {
            Link::Ssh(link) if link.has_ended().await => Poison {
                message: format!("The connection to {} ended during {script}", link.display()),
                reasons: vec![link.said(), said],
                hint: Some(format!("Check the machine with `{}`, then run this command again.", link.command())),
            },
            _ => Poison {
                message: format!("The shell ended during {script}"),
                reasons: vec![said],
                hint: Some("Run this command again; it goes on where it stopped.".to_owned()),
            },
        }
    }

    pub(super) fn no_shell(&self, why: NoShell) -> Error {
        match why {
            NoShell::Failed(error) => error,
            NoShell::Refused(refusal) => refusal.error(&self.identity.login_user),
        }
    }

    fn no_greeting(&self, fault: &Fault) -> Error {
        let (place, command) = match &self.link {
            Link::Ssh(link) => (link.display(), link.command()),
            _ => (self.name.to_string(), "sh".to_owned()),
        };
        let error = match fault {
            Fault::Late(_) => {
                Error::failed(format!("The shell on {place} was not ready within {} s", seconds(GREETING)))
            }
            Fault::Ended(said) => {
                let diagnosis = ssh_errors::classify(said);
                if matches!(diagnosis.cause, ssh_errors::Cause::NoLogin | ssh_errors::Cause::PasswordExpired) {
                    let journey = ssh_errors::Journey { command: &command, target: &place, refused_key: None };
                    return ssh_errors::explain(diagnosis, said, &journey);
                }
                Error::failed(format!("The shell on {place} ended as soon as it began")).because(said)
            }
        };
        error.hinted(format!(
            "Run `{command} echo hello`: the file that its shell reads before every command exits, waits, reads or starts another program. For bash that is ~/.bashrc, for zsh ~/.zshenv, for fish ~/.config/fish/config.fish, for tcsh ~/.tcshrc or ~/.cshrc; let it do so in terminals only (in bash: `[ -t 0 ] || return` above it)."
        ))
    }
}

/// What an error calls a script: its title, where it begins with a comment, else its first line.
pub(super) fn brief(script: &str) -> String {
    const LONGEST: usize = 60;
    let mut lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    if let Some(title) = first.strip_prefix("# ") {
        return title.to_owned();
    }
    if first.chars().count() <= LONGEST && lines.next().is_none() {
        return format!("`{first}`");
    }
    format!("`{} …`", first.chars().take(LONGEST).collect::<String>())
}

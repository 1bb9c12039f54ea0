//! A connected node and the two capabilities over it: [`Probe`] reads, [`Hands`] alters.
//!
//! Guaranteed: one log-in per node for the whole command, and one long-lived shell in which a request costs a fraction of
//! a millisecond; a deadline on every wait; no ssh process and no control directory left behind, however the command ends.
//! Host keys are never accepted unseen unless the user says so. Not guaranteed: that what a script was doing when its
//! deadline passed has stopped; it was sent SIGHUP.

mod asked;
mod askpass;
mod backoff;
mod beside;
mod channel;
mod control_dir;
mod desk;
mod fake;
#[doc(hidden)]
pub mod framing;
mod group;
mod hands;
mod handshake;
mod login_shell;
mod opener;
mod output;
mod passwords;
mod patience;
mod pins;
mod probe;
mod prompt;
mod running;
mod shell;
mod spawn;
mod ssh_errors;
mod ssh_link;
mod ssh_options;
mod sudo;

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;

pub use askpass::askpass_main;
pub use fake::FakeRecord;
pub use hands::{Consent, Hands};
pub use opener::{Opener, Options};
pub use output::Output;
pub use patience::Patience;
pub use probe::Probe;
pub use prompt::{HostKeyPrompt, NeverAsk, Prompter};
pub use running::Running;
pub use sudo::SUDO_PASSWORD;

use crate::error::{Error, Result};
use crate::spec::NodeName;
use channel::Channel;
use desk::Desk;
use fake::Fake;
pub(crate) use framing::random_word;
use opener::Door;
use passwords::Passwords;
use patience::seconds;
use shell::{GREETING, Shell, brief};
use spawn::OnDrop;
use ssh_link::SshLink;
use sudo::{NoShell, Passage, Refusal, Rights, Sudo};

/// Is told what runs, for `-v`.
pub type Trace = Rc<dyn Fn(&str)>;

/// A connected node. Dropping it ends the connection.
pub struct Node {
    name: NodeName,
    identity: Identity,
    /// Before the link, so that the shell ends before the connection does.
    channel: Mutex<Shell>,
    link: Link,
    door: Door,
    trace: Option<Trace>,
}

/// How commands reach the node.
enum Link {
    Local,
    Ssh(Rc<SshLink>),
    Fake(Fake),
}

#[derive(Debug, Clone)]
struct Identity {
    login_user: String,
    login_uid: u32,
    rights: Rights,
    why_not_root: Option<String>,
}

impl Node {
    /// A node for tests: `handler` answers every script.
    pub fn fake(name: NodeName, handler: impl Fn(&str) -> Output + 'static) -> (Self, FakeRecord) {
        let fake = Fake::new(handler);
        let record = fake.record();
        let identity =
            Identity { login_user: "root".to_owned(), login_uid: 0, rights: Rights::Own, why_not_root: None };
        let channel = Mutex::new(Shell::Closed);
        let node = Self { name, identity, channel, link: Link::Fake(fake), door: Door::nowhere(), trace: None };
        (node, record)
    }

    /// Opens the shell and finds out who we are; with a desk, as root through sudo where that works.
    async fn greet(
        name: NodeName,
        link: Link,
        door: Door,
        r#become: Option<Desk>,
        trace: Option<Trace>,
    ) -> Result<Self> {
        let nobody =
            Identity { login_user: String::new(), login_uid: u32::MAX, rights: Rights::Own, why_not_root: None };
        let mut node = Self { name, identity: nobody, channel: Mutex::new(Shell::Closed), link, door, trace };
        let channel = node.open_shell(&Rights::Own).await.map_err(|why| node.no_shell(why))?;
        let hello = channel.hello();
        (node.identity.login_user, node.identity.login_uid) = (hello.user.clone(), hello.uid);
        *node.channel.get_mut() = Shell::Open(Box::new(channel));
        match r#become {
            Some(desk) if !node.is_root() => match desk.sudo() {
                Some(passwords) => node.become_root_with(&desk, passwords).await?,
                None => node.become_root().await?,
            },
            _ => {}
        }
        Ok(node)
    }

    async fn become_root(&mut self) -> Result<()> {
        // Exactly what is needed later: sudoers may allow some commands and not others.
        let trial = self.request("sudo -n -- sh -c :", GREETING, &mut |_| {}).await?;
        let terminal = sudo::wants_terminal(&trial.stderr_text()) && !self.is_local();
        if !trial.success() && !terminal {
            let why = match trial.status {
                127 => "sudo is not installed".to_owned(),
                _ => trial.last_words(),
            };
            self.identity.why_not_root = Some(why);
            return Ok(());
        }
        let rights = Rights::Sudo(Sudo { password: None, terminal });
        match self.open_shell(&rights).await {
            Ok(channel) => self.is_root_now(rights, channel),
            Err(NoShell::Refused(Refusal::Said(why))) => self.identity.why_not_root = Some(why),
            Err(why) => return Err(self.no_shell(why)),
        }
        Ok(())
    }

    fn is_root_now(&mut self, rights: Rights, channel: Channel) {
        self.identity.rights = rights;
        *self.channel.get_mut() = Shell::Open(Box::new(channel));
    }

    /// Root was asked for, with a password: a node without it is an error.
    async fn become_root_with(&mut self, desk: &Desk, passwords: &Passwords) -> Result<()> {
        let user = self.identity.login_user.clone();
        let (mut refused, mut terminal) = (Vec::new(), false);
        let _turn = passwords.turn().await;
        loop {
            let secret = match desk.sudo_password(passwords, &self.name, &user, &refused).await {
                Ok(secret) => secret,
                Err(_) => return Err(Refusal::WrongPassword.error(&user)),
            };
            let rights = Rights::Sudo(Sudo { password: Some(secret.clone()), terminal });
            match self.open_shell(&rights).await {
                Ok(channel) => {
                    passwords.accepted(&self.name, &user, &secret);
                    self.is_root_now(rights, channel);
                    return Ok(());
                }
                Err(NoShell::Refused(Refusal::WrongPassword)) => refused.push(secret),
                Err(NoShell::Refused(refusal)) if refusal.wants_terminal() && !terminal && !self.is_local() => {
                    terminal = true;
                }
                Err(why) => return Err(self.no_shell(why)),
            }
        }
    }

    /// The node's name in the spec.
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// Whether it is the operator's machine itself.
    pub fn is_local(&self) -> bool {
        matches!(self.link, Link::Local)
    }

    /// Whether commands run as root.
    pub fn is_root(&self) -> bool {
        self.identity.rights != Rights::Own || self.identity.login_uid == 0
    }

    /// The user whom ssh logged in; commands run as this user or as root.
    pub fn login_user(&self) -> &str {
        &self.identity.login_user
    }

    pub fn login_uid(&self) -> u32 {
        self.identity.login_uid
    }

    /// What sudo said when it was asked for and did not work.
    pub fn why_not_root(&self) -> Option<&str> {
        self.identity.why_not_root.as_deref()
    }

    /// Whether the connection has ended: a node that fell silent is noticed after 30 s.
    pub fn is_gone(&self) -> bool {
        match &self.link {
            Link::Ssh(link) => link.is_gone(),
            Link::Local | Link::Fake(_) => false,
        }
    }

    /// The capability to look.
    pub fn probe(&self) -> Probe<'_> {
        Probe { node: self }
    }

    /// Starts `command` (of `sh`) in a session of its own, with the rights of the channel, in the log-in directory (on this
    /// machine: in mpiup's own).
    /// With `tty` it has a terminal on the node and is hung up there when it is dropped here.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn spawn(&self, command: &str, tty: bool) -> Result<Running> {
        self.tell(command);
        let rights = &self.identity.rights;
        let whole = &self.with_roots_path(command);
        let started = match &self.link {
            Link::Fake(fake) => fake.start(command),
            Link::Ssh(link) if tty => self.on_terminal(link, whole, rights).await,
            _ => self.start(whole, rights, OnDrop::HangUp).await.map_err(|why| self.no_shell(why)),
        };
        started.map_err(|error| error.on(&self.name))
    }

    /// Root finds root's programs in a session of its own too.
    fn with_roots_path(&self, command: &str) -> String {
        if self.is_root() { format!("{}; {command}", handshake::ROOTS_PATH) } else { command.to_owned() }
    }

    async fn on_terminal(&self, link: &SshLink, command: &str, rights: &Rights) -> Result<Running> {
        let passage = Passage::new(rights);
        let running = link.start_with_terminal(command, &passage)?;
        passage.enter(running, true).await.map_err(|refusal| refusal.error(&self.identity.login_user))
    }

    /// Runs `command` over a connection made for it alone: whether the node lets new log-ins in. Same user, same rights.
    ///
    /// # Errors
    /// When ssh does not get through, or no answer came within `deadline`.
    pub async fn fresh(&self, command: &str, deadline: Duration) -> Result<Output> {
        let output = async {
            match &self.link {
                Link::Ssh(link) => {
                    self.tell(command);
                    let rights = &self.identity.rights;
                    if !Passage::new(rights).wants_terminal() {
                        let whole = self.with_roots_path(command);
                        return self.door.knock(|| link.fresh(&whole, rights)).await;
                    }
                    self.door.knock(|| link.fresh(":", &Rights::Own)).await?;
                    self.spawn(command, false).await?.output().await
                }
                _ => self.spawn(command, false).await?.output().await,
            }
        };
        let late = || {
            Error::failed(format!(
                "{} over a new connection did not end within {} s",
                brief(command),
                seconds(deadline)
            ))
        };
        let output = tokio::time::timeout(deadline, output).await.unwrap_or_else(|_| Err(late()));
        output.map_err(|error| error.on(&self.name))
    }

    /// Its host key is pinned for the address that it has now: new log-ins look for it there.
    pub fn forget_former_address(&self) {
        if let Link::Ssh(link) = &self.link {
            link.forget_former_address();
        }
    }

    /// A port of the node's loopback that leads to `port` of this machine's, while the connection lasts.
    ///
    /// # Errors
    /// When sshd forwards no ports, or ssh does not answer.
    pub async fn lead_back(&self, port: u16) -> Result<u16> {
        let led = async {
            match &self.link {
                Link::Ssh(link) => link.lead_back(port).await,
                Link::Local | Link::Fake(_) => Ok(port),
            }
        };
        let late = || Error::failed("ssh did not say within 30 s whether a port leads back here");
        let led = tokio::time::timeout(Duration::from_secs(30), led).await.unwrap_or_else(|_| Err(late()));
        led.map_err(|error| error.on(&self.name))
    }

    /// Ends the connection in order. Dropping the node does the same.
    pub async fn close(self) {
        // The shell ends at the end of its input, before the connection goes.
        *self.channel.lock().await = Shell::Closed;
    }

    fn tell(&self, script: &str) {
        if let Some(trace) = &self.trace {
            trace(&format!("{}: {}", self.name, told(script)));
        }
    }
}

/// What a line of a script begins with that no trace shows: it holds a word that is for the node alone.
pub const UNTOLD: &str = "mpiup_relay=";

fn told(script: &str) -> String {
    script.lines().filter(|line| !line.starts_with(UNTOLD)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;

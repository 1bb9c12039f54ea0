//! A connected node and the two capabilities over it: [`Probe`] reads, [`Hands`] alters.
//!
//! Guaranteed: one log-in per node for the whole command, and one long-lived shell in which a request costs a fraction of
//! a millisecond; a deadline on every wait; no ssh process and no control directory left behind, however the command ends.
//! Host keys are never accepted unseen unless the user says so. Not guaranteed: that what a script was doing when its
//! deadline passed has stopped; it was sent SIGHUP.

mod askpass;
mod backoff;
mod channel;
mod control_dir;
mod fake;
mod framing;
mod hands;
mod handshake;
mod login_shell;
mod opener;
mod output;
mod probe;
mod prompt;
mod running;
mod spawn;
mod ssh_errors;
mod ssh_link;

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;

pub use askpass::askpass_main;
pub use fake::FakeRecord;
pub use hands::{Consent, Hands};
pub use opener::{Opener, Options};
pub use output::Output;
pub use probe::Probe;
pub use prompt::{HostKeyPrompt, NeverAsk, Prompter};
pub use running::Running;

use crate::error::{Error, Result};
use crate::spec::NodeName;
use channel::{Channel, Fault};
use fake::Fake;
use opener::Door;
use spawn::OnDrop;
use ssh_link::SshLink;

/// Is told what runs, for `-v`.
pub type Trace = Rc<dyn Fn(&str)>;

/// How long a shell may take from its start to its greeting: start-up files of login shells have taken 6 s.
const GREETING: Duration = Duration::from_secs(30);

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
    /// Commands go through `sudo -n`.
    elevated: bool,
    why_not_root: Option<String>,
}

/// The node's one shell.
enum Shell {
    Open(Box<Channel>),
    /// Nothing goes through it any more, and why.
    Poisoned(Poison),
    /// A request was dropped half-way, or there was none yet: the next one opens a new shell.
    Closed,
}

/// What every request after a failed one is told.
#[derive(Debug, Clone, Default)]
struct Poison {
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
    /// A node for tests: `handler` answers every script.
    pub fn fake(name: NodeName, handler: impl Fn(&str) -> Output + 'static) -> (Self, FakeRecord) {
        let fake = Fake::new(handler);
        let record = fake.record();
        let identity = Identity { login_user: "root".to_owned(), login_uid: 0, elevated: false, why_not_root: None };
        let channel = Mutex::new(Shell::Closed);
        let node = Self { name, identity, channel, link: Link::Fake(fake), door: Door::nowhere(), trace: None };
        (node, record)
    }

    /// Opens the shell and finds out who we are; with `become`, as root through sudo where that works.
    async fn greet(name: NodeName, link: Link, door: Door, r#become: bool, trace: Option<Trace>) -> Result<Self> {
        let nobody = Identity { login_user: String::new(), login_uid: u32::MAX, elevated: false, why_not_root: None };
        let mut node = Self { name, identity: nobody, channel: Mutex::new(Shell::Closed), link, door, trace };
        let channel = node.open_shell().await?;
        let hello = channel.hello();
        (node.identity.login_user, node.identity.login_uid) = (hello.user.clone(), hello.uid);
        *node.channel.get_mut() = Shell::Open(Box::new(channel));
        if r#become && !node.is_root() {
            node.become_root().await?;
        }
        Ok(node)
    }

    async fn become_root(&mut self) -> Result<()> {
        // Exactly what is needed later: sudoers may allow some commands and not others.
        let trial = self.request("sudo -n -- sh -c :", GREETING, &mut |_| {}).await?;
        if !trial.success() {
            let why = match trial.status {
                127 => "sudo is not installed".to_owned(),
                _ => trial.last_words(),
            };
            self.identity.why_not_root = Some(why);
            return Ok(());
        }
        self.identity.elevated = true;
        let channel = self.open_shell().await?;
        *self.channel.get_mut() = Shell::Open(Box::new(channel));
        Ok(())
    }

    async fn open_shell(&self) -> Result<Channel> {
        let word = framing::random_word();
        let script = handshake::script(&word);
        let running = match &self.link {
            Link::Local => spawn::local(&login_shell::argv(&script, self.identity.elevated), OnDrop::LetEnd)?,
            Link::Ssh(link) => link.start(&script, self.identity.elevated).await?,
            Link::Fake(_) => return Err(Error::failed("A fake node has no shell")),
        };
        Channel::greet(running, &word, GREETING).await.map_err(|fault| self.no_greeting(&fault))
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
        self.identity.elevated || self.identity.login_uid == 0
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

    /// The capability to look.
    pub fn probe(&self) -> Probe<'_> {
        Probe { node: self }
    }

    /// Starts `command` (of `sh`) in a session of its own, in the log-in directory, with the rights of the channel.
    /// With `tty` it has a terminal on the node and is hung up there when it is dropped here.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn spawn(&self, command: &str, tty: bool) -> Result<Running> {
        self.tell(command);
        let elevated = self.identity.elevated;
        let started = match &self.link {
            Link::Local => spawn::local(&login_shell::argv(command, elevated), OnDrop::HangUp),
            Link::Ssh(link) if tty => link.start_with_terminal(command, elevated),
            Link::Ssh(link) => link.start(command, elevated).await,
            Link::Fake(fake) => fake.start(command),
        };
        started.map_err(|error| error.on(&self.name))
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
                    self.door.knock(|| link.fresh(command, self.identity.elevated)).await
                }
                _ => self.spawn(command, false).await?.output().await,
            }
        };
        let late = || {
            Error::failed(format!(
                "`{}` over a new connection did not end within {} s",
                brief(command),
                seconds(deadline)
            ))
        };
        let output = tokio::time::timeout(deadline, output).await.unwrap_or_else(|_| Err(late()));
        output.map_err(|error| error.on(&self.name))
    }

    /// Ends the connection in order. Dropping the node does the same.
    pub async fn close(self) {
        // The shell ends at the end of its input, before the connection goes.
        *self.channel.lock().await = Shell::Closed;
    }

    async fn request(&self, script: &str, deadline: Duration, on_line: &mut dyn FnMut(&str)) -> Result<Output> {
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
            Shell::Closed => Box::new(self.open_shell().await.map_err(|error| error.on(&self.name))?),
            Shell::Poisoned(poison) => {
                let error = poison.error(&self.name);
                *shell = Shell::Poisoned(poison);
                return Err(error);
            }
        };
        let fault = match channel.request(script, deadline, on_line).await {
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

    fn tell(&self, script: &str) {
        if let Some(trace) = &self.trace {
            trace(&format!("{}: {script}", self.name));
        }
    }

    async fn explain(&self, script: &str, fault: Fault) -> Poison {
        let said = match fault {
            Fault::Deadline(deadline) => {
                let message = format!("`{script}` did not end within {} s", seconds(deadline));
                return Poison { message, ..Poison::default() };
            }
            Fault::Ended(said) => said,
        };
        match &self.link {
            Link::Ssh(link) if link.has_ended().await => Poison {
                message: format!("The connection to {} ended during `{script}`", link.display()),
                reasons: vec![link.said(), said],
                hint: Some(format!("Check the machine with `{}`, then run this command again.", link.command())),
            },
            _ => Poison {
                message: format!("The shell ended during `{script}`"),
                reasons: vec![said],
                hint: Some("Run this command again; it goes on where it stopped.".to_owned()),
            },
        }
    }

    fn no_greeting(&self, fault: &Fault) -> Error {
        let (place, command) = match &self.link {
            Link::Ssh(link) => (link.display(), link.command()),
            _ => (self.name.to_string(), "sh".to_owned()),
        };
        let error = match fault {
            Fault::Deadline(deadline) => {
                Error::failed(format!("The shell on {place} was not ready within {} s", seconds(*deadline)))
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
            "Run `{command} echo hello`: a start-up file there (.bashrc, .profile, .zshenv) may exit or wait for input."
        ))
    }
}

fn seconds(deadline: Duration) -> String {
    let seconds = deadline.as_secs_f64();
    if seconds.fract() == 0.0 { format!("{seconds:.0}") } else { format!("{seconds:.1}") }
}

/// The first line of a script, so that an error can name it.
fn brief(script: &str) -> String {
    const LONGEST: usize = 60;
    let mut lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    if first.chars().count() <= LONGEST && lines.next().is_none() {
        return first.to_owned();
    }
    format!("{} …", first.chars().take(LONGEST).collect::<String>())
}

#[cfg(test)]
mod tests;

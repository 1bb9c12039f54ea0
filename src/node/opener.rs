//! Opens nodes: logs in, greets the shell, and becomes root there where that is asked for and possible.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::backoff::{Backoff, Doors};
use super::desk::Desk;
use super::pins;
use super::prompt::{NeverAsk, Prompter};
use super::ssh_link::{Failure, SshLink};
use super::ssh_options::{Destination, Setting};
use super::{Link, Node, Trace, control_dir};
use crate::error::{Context, Error, Result};
use crate::secret::Secret;
use crate::spec::{Address, NodeName};

/// How nodes are to be opened.
pub struct Options {
    /// Pin unknown host keys without asking; a changed one is refused all the same.
    pub accept_new: bool,
    /// For the TCP connection; the log-in behind it has 30 s more.
    pub connect_timeout: Duration,
    /// A file for `ssh -F`, in place of the user's own configuration.
    pub ssh_config: Option<PathBuf>,
    /// How many nodes are opened at the same time.
    pub concurrency: usize,
    /// Become root through sudo where the log-in user is another.
    pub r#become: bool,
    /// Log in with this password where no key is accepted; without one, passwords are not asked for.
    pub password: Option<Secret>,
    /// Give sudo this password where it wants one; without one, sudo is used where it wants none.
    pub sudo_password: Option<Secret>,
    /// Answers what ssh asks.
    pub prompter: Arc<dyn Prompter>,
    /// The program that hands ssh's questions on: mpiup itself, whose `main` calls [`super::askpass_main`] first.
    pub askpass: Option<PathBuf>,
    /// Is told each command line of ssh and each remote command before it runs (`-v`).
    pub trace: Option<Trace>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            accept_new: false,
            connect_timeout: Duration::from_secs(10),
            ssh_config: None,
            concurrency: 16,
            r#become: false,
            password: None,
            sudo_password: None,
            prompter: Arc::new(NeverAsk),
            askpass: None,
            trace: None,
        }
    }
}

/// Opens nodes with the same options; what nodes have in common (the line of questions, the doors) lives here.
pub struct Opener {
    setting: Rc<Setting>,
    doors: Doors,
    concurrency: usize,
    r#become: bool,
    attempts: Cell<u64>,
}

impl Opener {
    /// # Errors
    /// When no private directory can be made for ssh's sockets.
    pub fn new(options: Options) -> Result<Self> {
        let askpass = match options.askpass {
            Some(program) => program,
            None => std::env::current_exe().context(|| "The path of this program could not be found out")?,
        };
        let setting = Setting {
            config: options.ssh_config,
            accept_new: options.accept_new,
            connect_timeout: options.connect_timeout,
            askpass,
            desk: Desk::new(options.prompter, options.accept_new)
                .with_log_in(options.password)
                .with_sudo(options.sudo_password),
            directory: control_dir::make()?,
            trace: options.trace,
        };
        Ok(Self {
            setting: Rc::new(setting),
            doors: Doors::default(),
            concurrency: options.concurrency.max(1),
            r#become: options.r#become,
            attempts: Cell::new(0),
        })
    }

    /// Opens one node.
    ///
    /// # Errors
    /// Each with the node's name, what ssh said, and what to do about it.
    pub async fn open(&self, name: &NodeName, address: &Address) -> Result<Node> {
        self.open_known_as(name, address, None).await
    }

    /// Opens a node at an address where it was not before: its host key must be the one that is pinned for `before`.
    ///
    /// # Errors
    /// As [`Opener::open`]; and when another key answers there, or none is pinned.
    pub async fn open_moved(&self, name: &NodeName, address: &Address, before: &Address) -> Result<Node> {
        self.open_known_as(name, address, pins::name(before)).await
    }

    /// Pins the host key of each machine that moved, given by its address of before and that of now, where ssh looks for it.
    /// One that has the address of another of them loses that one's pin.
    ///
    /// # Errors
    /// When none is pinned, or the file cannot be written.
    pub async fn pin_moved(&self, moves: &[(&Address, &Address)]) -> Result<()> {
        pins::carry(self.setting.config.as_deref(), moves).await
    }

    async fn open_known_as(&self, name: &NodeName, address: &Address, known_as: Option<String>) -> Result<Node> {
        let link = match address {
            Address::Local => Link::Local,
            Address::Ssh { user, host, port } => {
                let destination = Destination {
                    user: user.clone(),
                    host: host.clone(),
                    port: *port,
                    known_as: RefCell::new(known_as),
                };
                Link::Ssh(Rc::new(self.log_in(name, destination).await.map_err(|error| error.on(name))?))
            }
        };
        let door = Door { doors: self.doors.clone(), host: host_of(address) };
        let desk = self.r#become.then(|| self.setting.desk.clone());
        Node::greet(name.clone(), link, door, desk, self.setting.trace.clone()).await.map_err(|error| error.on(name))
    }

    /// Opens all, a bounded number at a time, so that one that does not answer keeps a place and not the line behind it; the
    /// answers stand in the order of `nodes`. `on_open` hears of each node that is
    /// open, when it is.
    pub async fn open_all(
        &self,
        nodes: &[(NodeName, Address)],
        on_open: &dyn Fn(&NodeName),
    ) -> Vec<(NodeName, Result<Node>)> {
        let open = |(place, (name, address)): (usize, &(NodeName, Address))| {
            let (name, address) = (name.clone(), address.clone());
            async move {
                let node = self.open(&name, &address).await;
                if node.is_ok() {
                    on_open(&name);
                }
                (place, (name, node))
            }
        };
        let opening = stream::iter(nodes.iter().enumerate().map(open)).buffer_unordered(self.concurrency);
        let mut opened: Vec<(usize, (NodeName, Result<Node>))> = opening.collect().await;
        opened.sort_by_key(|(place, _)| *place);
        opened.into_iter().map(|(_, node)| node).collect()
    }

    async fn log_in(&self, name: &NodeName, destination: Destination) -> Result<SshLink> {
        let door = Door { doors: self.doors.clone(), host: destination.host.clone() };
        door.knock(|| {
            self.attempts.set(self.attempts.get() + 1);
            SshLink::connect(self.setting.clone(), name.clone(), destination.clone(), self.attempts.get())
        })
        .await
    }
}

fn host_of(address: &Address) -> String {
    match address {
        Address::Local => String::new(),
        Address::Ssh { host, .. } => host.clone(),
    }
}

/// One host's door: who knocks in vain because too many do, knocks again later.
pub(super) struct Door {
    doors: Doors,
    host: String,
}

impl Door {
    pub(super) fn nowhere() -> Self {
        Self { doors: Doors::default(), host: String::new() }
    }

    pub(super) async fn knock<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let mut backoff = Backoff::default();
        loop {
            let place = self.doors.enter(&self.host).await;
            let failure = match attempt().await {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            if !failure.diagnosis.is_some_and(|diagnosis| diagnosis.cause.passes()) {
                return Err(failure.error);
            }
            self.doors.narrow(&self.host);
            drop(place);
            match backoff.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failure.error),
            }
        }
    }
}

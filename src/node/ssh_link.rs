//! One authenticated connection to a node: an ssh master process of our own, and sessions over it.
//!
//! The user's configuration, agent and ProxyJump count. Nothing of the connection outlives the link: dropping it ends
//! the master. A node that died is noticed after 30 s at the latest, whatever is waited for.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openssh::{Session, Stdio};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::asked::GivenUp;
use super::askpass::Askpass;
use super::group::Process;
use super::running::{Exit, Running};
use super::spawn::{self, Pipes};
use super::ssh_errors::{self, Cause, Diagnosis, Journey};
use super::ssh_options::{Destination, Setting, own, trace};
use super::sudo::{Passage, Refusal, Rights};
use super::{Output, login_shell};
use crate::error::{Error, Result};
use crate::spec::NodeName;

/// The master and what belongs to it. Fields are dropped in this order: first the process, then its sockets.
pub(super) struct SshLink {
    master: Mutex<Process>,
    session: Arc<Session>,
    control: PathBuf,
    said: Arc<Mutex<Vec<u8>>>,
    askpass: Askpass,
    node: NodeName,
    destination: Destination,
    setting: std::rc::Rc<Setting>,
}

/// How long key exchange and log-in may take in all; time in which a person is asked does not count.
const LOG_IN: Duration = Duration::from_secs(30);

/// Why a link could not be made: ssh's words, for the decision whether to try again.
pub(super) struct Failure {
    pub diagnosis: Option<Diagnosis>,
    pub error: Error,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { diagnosis: None, error }
    }
}

impl SshLink {
    /// One attempt to log in. `number` tells the sockets of this attempt from all others.
    pub(super) async fn connect(
        setting: std::rc::Rc<Setting>,
        node: NodeName,
        destination: Destination,
        number: u64,
    ) -> Result<Self, Failure> {
        let control = setting.directory.path().join(format!("c{number}"));
        let socket = setting.directory.path().join(format!("a{number}"));
        let askpass = Askpass::listen(socket, node.clone(), setting.desk.clone())?;
        let mut arguments = destination.options(&setting);
        arguments.extend(own(&["ControlMaster=yes", "ControlPersist=no", "LogLevel=INFO"]));
        arguments.extend(["-o".to_owned(), format!("ControlPath={}", control.display())]);
        arguments.extend(["-N", "-T"].map(str::to_owned));
        arguments.extend(destination.arguments());
        trace(&setting, &arguments);
        let (mut master, stderr) = spawn::ssh_master(&arguments, &askpass.environment(&setting.askpass))?;
        let said = Arc::<Mutex<Vec<u8>>>::default();
        let collecting = tokio::spawn(collect(stderr, said.clone()));
        let outcome = ready(&mut master, &control, &askpass, setting.connect_timeout + LOG_IN).await;
        let session = Arc::new(Session::resume_mux(control.clone().into_boxed_path(), None));
        let master = Mutex::new(master);
        let link = Self { master, session, control, said, askpass, node, destination, setting };
        match outcome {
            Outcome::Ready => {
                link.setting.desk.logged_in(&link.node, link.askpass.asked());
                Ok(link)
            }
            Outcome::GivenUp(why) => Err(link.no_password(&why).into()),
            Outcome::Ended => {
                // What it said last may still be in the pipe, which a proxy of its own may hold open for longer.
                let _ = tokio::time::timeout(Duration::from_millis(500), collecting).await;
                Err(link.failure(&link.all_said()))
            }
            Outcome::TooSlow => {
                let error = Error::failed(format!("the log-in on {} did not end in time", link.destination.display()))
                    .because(link.said())
                    .hinted(format!("`{} -v` shows where it stops.", link.command()));
                Err(error.into())
            }
        }
    }

    /// Starts `script` in a session of its own.
    ///
    /// # Errors
    /// When the connection has ended, or sshd allows no more sessions (MaxSessions).
    pub(super) async fn start(&self, script: &str, passage: &Passage<'_>) -> Result<Running> {
        let pipes = Pipes::new()?;
        let [stdin, stdout, stderr] = pipes.theirs;
        let mut command = self.session.clone().arc_raw_command(login_shell::command(script, passage));
        command.stdin(Stdio::from(stdin)).stdout(Stdio::from(stdout)).stderr(Stdio::from(stderr));
        let child = match command.spawn().await {
            Ok(child) => child,
            Err(source) => return Err(self.no_session(source).await),
        };
        Ok(Running { stdin: Some(pipes.stdin), stdout: pipes.stdout, stderr: pipes.stderr, exit: Exit::Mux(child) })
    }

    /// The same with a terminal on the node, which hangs up there when the command is dropped here.
    /// Standard error comes with standard output.
    ///
    /// # Errors
    /// When ssh cannot be started.
    pub(super) fn start_with_terminal(&self, script: &str, passage: &Passage<'_>) -> Result<Running> {
        let mut arguments = self.destination.options(&self.setting);
        arguments.extend(own(&["ControlMaster=no", "LogLevel=ERROR"]));
        arguments.extend(["-o".to_owned(), format!("ControlPath={}", self.control.display())]);
        arguments.push("-tt".to_owned());
        self.run_ssh(arguments, script, passage)
    }

    /// Has sshd listen on a port of the node's loopback, which it chooses, for what is to reach `port` of this machine's; until the
    /// connection ends.
    ///
    /// # Errors
    /// When sshd forwards no ports.
    pub(super) async fn lead_back(&self, port: u16) -> Result<u16> {
        // Of a configuration it would ask for all forwards; and the master knows where it goes.
        let mut arguments = vec!["-F".to_owned(), "none".to_owned()];
        arguments.extend(own(&["LogLevel=ERROR"]));
        arguments.extend(["-o".to_owned(), format!("ControlPath={}", self.control.display())]);
        arguments
            .extend(["-O", "forward", "-R", &format!("127.0.0.1:0:127.0.0.1:{port}"), "--", "node"].map(str::to_owned));
        trace(&self.setting, &arguments);
        let output = spawn::ssh(&arguments, &[])?.output().await?;
        output.text().trim().parse().map_err(|_| {
            Error::failed(format!("sshd on {} opens no port that leads back here", self.destination.display()))
                .because(output.last_words())
                .hinted("Its AllowTcpForwarding may be off (`sshd -T | grep -i allowtcpforwarding`, as root): it must be `yes` or `remote`.")
        })
    }

    /// Runs `script` over a connection that is made for it alone.
    ///
    /// # Errors
    /// When ssh does not get through, as [`ssh_errors`] tells it.
    pub(super) async fn fresh(&self, script: &str, rights: &Rights) -> Result<Output, Failure> {
        let mut arguments = self.destination.options(&self.setting);
        arguments.extend(own(&["ControlMaster=no", "ControlPath=none", "LogLevel=ERROR"]));
        arguments.push("-T".to_owned());
        let passage = Passage::new(rights);
        let running = self.run_ssh(arguments, script, &passage)?;
        let whole = async {
            match passage.enter(running, false).await {
                Ok(running) => running.output().await,
                // What ssh could not do looks like what sudo says last.
                Err(Refusal::Said(said)) => Ok(Output::failed(255, said)),
                Err(refusal) => Err(refusal.error("the log-in user")),
            }
        };
        let asked = self.askpass.asked();
        let unfinished = asked.unfinished();
        let ended = tokio::select! {
            output = whole => Ok(output),
            why = asked.giving_up() => Err(self.no_password(&why)),
        };
        unfinished.finished();
        let output = ended??;
        self.setting.desk.logged_in(&self.node, asked);
        // ssh's own failures end with 255, which a command may do too.
        let stderr = output.stderr_text();
        if output.status == 255 && ssh_errors::classify(&stderr).cause != ssh_errors::Cause::Unknown {
            return Err(self.failure(&stderr));
        }
        Ok(output)
    }

    pub(super) fn forget_former_address(&self) {
        self.destination.known_as.take();
    }

    fn run_ssh(&self, mut arguments: Vec<String>, script: &str, passage: &Passage<'_>) -> Result<Running> {
        arguments.extend(self.destination.arguments());
        arguments.push(login_shell::command(script, passage));
        trace(&self.setting, &arguments);
        spawn::ssh(&arguments, &self.askpass.environment(&self.setting.askpass))
    }

    /// Whether the connection has gone, as far as the master has noticed.
    pub(super) fn is_gone(&self) -> bool {
        self.master.lock().unwrap_or_else(PoisonError::into_inner).ended().is_some()
    }

    /// Whether the connection has gone: the master needs a moment to notice.
    pub(super) async fn has_ended(&self) -> bool {
        for _ in 0..20 {
            if self.is_gone() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        false
    }

    async fn no_session(&self, source: openssh::Error) -> Error {
        if self.has_ended().await {
            return Error::failed(format!("The connection to {} has ended", self.destination.display()))
                .because(self.said())
                .hinted(format!("Check the machine with `{}`, then run this command again.", self.command()));
        }
        Error::failed(format!("sshd on {} opens no further session", self.destination.display()))
            .because(source)
            .because(self.said())
            .hinted("Its MaxSessions may be too low (`sshd -T | grep -i maxsessions`, as root): mpiup needs 4.")
    }

    pub(super) fn display(&self) -> String {
        self.destination.display()
    }

    pub(super) fn command(&self) -> String {
        self.destination.command(self.setting.config.as_deref())
    }

    /// What the master said last, without its greetings.
    pub(super) fn said(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        ssh_errors::last_words(&String::from_utf8_lossy(&said))
    }

    fn all_said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Why the log-in was ended at a question.
    fn no_password(&self, why: &GivenUp) -> Error {
        let (target, command) = (self.destination.display(), self.command());
        let error = match why {
            GivenUp::Unasked(of) => Error::failed(format!("{of} wants a password"))
                .hinted("Add `--ask-pass` (`-k`) to this command: mpiup asks for it once, for all nodes."),
            GivenUp::Refused(of, tries) => {
                let times = if *tries == 1 { "once".to_owned() } else { format!("{tries} times") };
                Error::failed(format!("the password of {of} was not accepted"))
                    .because(format!("it was tried {times}, and is not tried again: many failures lock accounts"))
                    .hinted(format!("Check user and password with `{command}`, then run this command again."))
            }
            GivenUp::Untold(of) => Error::failed(format!("no password was given for {of}"))
                .hinted(format!("Run this command again, or install a key on {target}.")),
            GivenUp::Expired => ssh_errors::explain(
                Diagnosis { cause: Cause::PasswordExpired, on_the_way: false },
                &self.all_said(),
                &Journey { command: &command, target: &target, refused_key: None },
            ),
        };
        error.on(&self.node)
    }

    fn failure(&self, stderr: &str) -> Failure {
        let diagnosis = ssh_errors::classify(stderr);
        let asked = self.askpass.asked();
        if let (Cause::Denied | Cause::TooManyFailures, Some((of, tries))) = (diagnosis.cause, asked.refused_password())
        {
            return self.no_password(&GivenUp::Refused(of, tries)).into();
        }
        let refused = asked.refused_key().map(|prompt| format!("{} {}", prompt.key_type, prompt.fingerprint));
        let display = self.destination.display();
        let target = if display == self.node.as_str() { ssh_errors::ITSELF } else { &display };
        let journey = Journey { command: &self.command(), target, refused_key: refused.as_deref() };
        Failure { diagnosis: Some(diagnosis), error: ssh_errors::explain(diagnosis, stderr, &journey).on(&self.node) }
    }
}

enum Outcome {
    Ready,
    Ended,
    GivenUp(GivenUp),
    TooSlow,
}

/// Waits until the master listens: ssh makes its control socket once it has logged in, and says so in no other way.
async fn ready(master: &mut Process, control: &Path, askpass: &Askpass, deadline: Duration) -> Outcome {
    let mut spent = Duration::ZERO;
    let mut pause = Duration::from_millis(4);
    while spent < deadline {
        if master.ended().is_some() {
            return Outcome::Ended;
        }
        if control.exists() {
            return Outcome::Ready;
        }
        if let Some(why) = askpass.asked().given_up() {
            return Outcome::GivenUp(why);
        }
        let before = Instant::now();
        tokio::time::sleep(pause).await;
        if !askpass.asked().is_asking() {
            spent += before.elapsed();
        }
        pause = (pause * 5 / 4).min(Duration::from_millis(25));
    }
    Outcome::TooSlow
}

/// Keeps the last of what the master says, and its pipe empty.
async fn collect(mut stderr: pipe::Receiver, said: Arc<Mutex<Vec<u8>>>) {
    const KEPT: usize = 16 * 1024;
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut bytes).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&bytes[..count]);
        let excess = said.len().saturating_sub(KEPT);
        said.drain(..excess);
    }
}

//! How ssh's questions reach mpiup: ssh starts mpiup once more as its askpass program, which hands the question over a
//! Unix socket in a private directory to the mpiup that started ssh, and prints the answer that comes back.
//!
//! An answer travels through that socket and a pipe only: never through an argument list, a file or the environment.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::oneshot;

use super::prompt::{self, HostKeyPrompt, Prompter, Question};
use crate::error::{Context, Result};
use crate::spec::NodeName;

/// Set in ssh's environment: where the askpass program finds the mpiup that asked.
pub const SOCKET_VARIABLE: &str = "MPIUP_ASKPASS_SOCKET";

/// To be called first in `main`: if ssh started this process as its askpass program, does that work and gives the exit
/// code (0 with the answer on standard output, 1 without an answer).
pub fn askpass_main() -> Option<ExitCode> {
    let socket = PathBuf::from(std::env::var_os(SOCKET_VARIABLE)?);
    // ssh gives its askpass program the question and nothing else. A ProxyCommand of ssh's inherits the variable too, and
    // may be mpiup (`lab connect`): that one has more arguments.
    let mut arguments = std::env::args_os().skip(1);
    let (Some(question), None) = (arguments.next(), arguments.next()) else { return None };
    let question = question.to_string_lossy().into_owned();
    let kind = std::env::var("SSH_ASKPASS_PROMPT").unwrap_or_default();
    Some(match relay(&socket, &kind, &question) {
        Ok(true) => ExitCode::SUCCESS,
        // Without mpiup at the other end there is nobody to ask.
        Ok(false) | Err(_) => ExitCode::FAILURE,
    })
}

fn relay(socket: &Path, kind: &str, question: &str) -> std::io::Result<bool> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(format!("{kind}\n{question}").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let Some(answer) = answer.strip_prefix(b"+") else { return Ok(false) };
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(answer)?;
    stdout.write_all(b"\n")?;
    stdout.flush()?;
    Ok(true)
}

/// Who answers, shared by all connections of one command.
#[derive(Clone)]
pub(super) struct Desk {
    prompter: Arc<dyn Prompter>,
    accept_new: bool,
    /// One question at a time is put to the person.
    line: Arc<tokio::sync::Mutex<()>>,
}

impl Desk {
    pub(super) fn new(prompter: Arc<dyn Prompter>, accept_new: bool) -> Self {
        Self { prompter, accept_new, line: Arc::default() }
    }

    pub(super) fn has_secrets(&self) -> bool {
        self.prompter.has_secrets()
    }
}

/// The socket of one connection. Dropping it stops answering.
pub(super) struct Askpass {
    socket: PathBuf,
    asked: Arc<Asked>,
    listener: tokio::task::JoinHandle<()>,
}

/// What was asked so far.
#[derive(Default)]
pub(super) struct Asked {
    waiting: AtomicUsize,
    refused: Mutex<Option<HostKeyPrompt>>,
}

impl Askpass {
    /// Listens on `socket` for questions about `node`.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub(super) fn listen(socket: PathBuf, node: NodeName, desk: Desk) -> Result<Self> {
        let listener = UnixListener::bind(&socket).context(|| "A socket for ssh's questions could not be made")?;
        let asked = Arc::<Asked>::default();
        let shared = asked.clone();
        let listener = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (node, desk, asked) = (node.clone(), desk.clone(), shared.clone());
                tokio::spawn(async move {
                    asked.waiting.fetch_add(1, Ordering::Relaxed);
                    // An askpass that went away needs no answer.
                    let _ = serve(stream, &node, &desk, &asked).await;
                    asked.waiting.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Ok(Self { socket, asked, listener })
    }

    /// What ssh needs to find its way here. DISPLAY is what OpenSSH before 8.4 wants to see before it asks this way.
    pub(super) fn environment(&self, program: &Path) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("SSH_ASKPASS", program.to_owned()),
            ("SSH_ASKPASS_REQUIRE", "force".into()),
            ("DISPLAY", std::env::var_os("DISPLAY").unwrap_or_else(|| "none:0".into()).into()),
            (SOCKET_VARIABLE, self.socket.clone()),
        ]
    }

    /// Whether somebody is being asked right now: that time is not ssh's.
    pub(super) fn is_asking(&self) -> bool {
        self.asked.waiting.load(Ordering::Relaxed) > 0
    }

    /// The host key that was shown and not accepted.
    pub(super) fn refused(&self) -> Option<HostKeyPrompt> {
        self.asked.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Askpass {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn serve(mut stream: tokio::net::UnixStream, node: &NodeName, desk: &Desk, asked: &Asked) -> std::io::Result<()> {
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let (kind, text) = text.split_once('\n').unwrap_or_default();
    let answer = match prompt::parse(node, kind, text) {
        Question::HostKey(_) if desk.accept_new => Some("yes".to_owned()),
        Question::HostKey(question) => {
            let asked_about = question.clone();
            if ask(desk, move |prompter| prompter.confirm_host_key(&asked_about)).await == Some(true) {
                Some("yes".to_owned())
            } else {
                *asked.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(question);
                Some("no".to_owned())
            }
        }
        Question::Secret(question) => {
            let node = node.clone();
            ask(desk, move |prompter| prompter.password(&node, &question)).await.flatten()
        }
        Question::Notice(text) => {
            let node = node.clone();
            ask(desk, move |prompter| prompter.notice(&node, &text)).await;
            // ssh ends the askpass program when the notice has served.
            stream.read_u8().await.ok();
            None
        }
        Question::Other(_) => None,
    };
    let reply = answer.map_or_else(|| "-".to_owned(), |answer| format!("+{answer}"));
    stream.write_all(reply.as_bytes()).await
}

/// Puts a question in line and waits for the answer without stopping the other nodes. The thread is not waited for at
/// the end of the program: a person who types Ctrl-C at a question leaves at once.
async fn ask<T: Send + 'static>(desk: &Desk, question: impl FnOnce(&dyn Prompter) -> T + Send + 'static) -> Option<T> {
    let _turn = desk.line.lock().await;
    let (sender, answer) = oneshot::channel();
    let prompter = desk.prompter.clone();
    std::thread::spawn(move || sender.send(question(&*prompter)).ok());
    answer.await.ok()
}

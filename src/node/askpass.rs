//! How ssh's questions reach mpiup: ssh starts mpiup once more as its askpass program, which hands the question over a
//! Unix socket in a private directory to the mpiup that started ssh, and prints the answer that comes back.
//!
//! An answer travels through that socket and a pipe only: never through an argument list, a file or the environment.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::asked::{Asked, GivenUp};
use super::desk::Desk;
use super::prompt::{self, HostKeyPrompt, Question};
use crate::error::{Context, Result};
use crate::secret::hold_nothing_for_others;
use crate::spec::NodeName;

/// Set in ssh's environment: where the askpass program finds the mpiup that asked.
pub const SOCKET_VARIABLE: &str = "MPIUP_ASKPASS_SOCKET";

/// Room for any answer: memory that grew would leave copies behind.
const LONGEST: usize = 8192;

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
    hold_nothing_for_others();
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(format!("{kind}\n{question}").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Zeroizing::new(Vec::with_capacity(LONGEST));
    stream.read_to_end(&mut answer)?;
    let Some(answer) = answer.strip_prefix(b"+") else { return Ok(false) };
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(answer)?;
    stdout.write_all(b"\n")?;
    stdout.flush()?;
    Ok(true)
}

/// The socket of one connection. Dropping it stops answering.
pub(super) struct Askpass {
    socket: PathBuf,
    asked: Arc<Asked>,
    listener: tokio::task::JoinHandle<()>,
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
            // With the listener end those who still wait for an answer.
            let mut served = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (node, desk, asked) = (node.clone(), desk.clone(), shared.clone());
                while served.try_join_next().is_some() {}
                served.spawn(async move {
                    let _waits = asked.waits();
                    // An askpass that went away needs no answer.
                    let _ = serve(stream, &node, &desk, &asked).await;
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

    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }
}

impl Drop for Askpass {
    fn drop(&mut self) {
        self.listener.abort();
        self.asked.pass_on();
    }
}

async fn serve(mut stream: tokio::net::UnixStream, node: &NodeName, desk: &Desk, asked: &Asked) -> std::io::Result<()> {
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let (kind, text) = text.split_once('\n').unwrap_or_default();
    let answer = match prompt::parse(node, kind, text) {
        Question::HostKey(question) => host_key(question, desk, asked).await,
        Question::Password(of) => match desk.password(node, &of, asked).await {
            Ok(secret) => Some(Zeroizing::new(secret.reveal().to_vec())),
            Err(why) => return nothing_for(asked, why).await,
        },
        Question::NewPassword => return nothing_for(asked, GivenUp::Expired).await,
        Question::Passphrase(question) => {
            let secret = desk.passphrase(node, &question, asked).await;
            secret.map(|secret| Zeroizing::new(secret.reveal().to_vec()))
        }
        Question::Once(question) => {
            let secret = desk.ask_secret(format!("{node}: {question}:")).await;
            secret.map(|secret| Zeroizing::new(secret.reveal().to_vec()))
        }
        Question::Notice(text) => {
            let node = node.clone();
            desk.ask(move |prompter| prompter.notice(&node, &text)).await;
            // ssh ends the askpass program when the notice has served.
            stream.read_u8().await.ok();
            None
        }
        Question::Other(_) => None,
    };
    let Some(answer) = answer else { return stream.write_all(b"-").await };
    stream.write_all(b"+").await?;
    stream.write_all(&answer).await
}

/// ssh would send an empty password for no answer, which sshd counts as a failed log-in: it gets none until it is ended.
async fn nothing_for(asked: &Asked, why: GivenUp) -> std::io::Result<()> {
    asked.give_up(why);
    std::future::pending().await
}

async fn host_key(question: HostKeyPrompt, desk: &Desk, asked: &Asked) -> Option<Zeroizing<Vec<u8>>> {
    let shown = question.clone();
    let yes = desk.accepts_new() || desk.ask(move |prompter| prompter.confirm_host_key(&shown)).await == Some(true);
    if !yes {
        asked.refuse(question);
    }
    Some(Zeroizing::new(if yes { b"yes".to_vec() } else { b"no".to_vec() }))
}

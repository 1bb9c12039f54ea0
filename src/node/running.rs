//! A command that runs on a node, with live streams.

use std::process::ExitStatus;

use openssh::Session;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::{Output, group::Process};
use crate::error::{Error, Result};

/// A running command. Dropping `stdin` is end of file on the node. Dropping the whole hangs up: over ssh its streams are
/// closed (with a terminal it also gets SIGHUP), on this machine its process group gets SIGHUP.
#[derive(Debug)]
pub struct Running {
    pub stdin: Option<pipe::Sender>,
    pub stdout: pipe::Receiver,
    pub stderr: pipe::Receiver,
    pub(super) exit: Exit,
}

/// Where the end of a command is learnt from.
#[derive(Debug)]
pub(super) enum Exit {
    Mux(openssh::Child<std::sync::Arc<Session>>),
    Process(Process),
    /// A terminal's, while its streams go through the other one.
    Beside(Box<Running>, Box<Exit>),
    /// A fake's: it ended before it began.
    Known(i32),
}

impl Running {
    /// Closes standard input and waits for the end. The streams are the caller's to read: a command that fills a pipe
    /// which nobody reads does not end.
    ///
    /// # Errors
    /// When the connection ended before the command did.
    pub async fn wait(mut self) -> Result<i32> {
        self.stdin = None;
        self.exit.wait().await
    }

    /// Closes standard input, reads both streams to their ends and waits.
    ///
    /// # Errors
    /// When the connection ended before the command did.
    pub async fn output(self) -> Result<Output> {
        let Self { stdin, mut stdout, mut stderr, exit } = self;
        drop(stdin);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let read = async { tokio::try_join!(stdout.read_to_end(&mut out), stderr.read_to_end(&mut err)) };
        read.await.map_err(|source| Error::failed("The output of a command could not be read").because(source))?;
        Ok(Output { status: exit.wait().await?, stdout: out, stderr: err })
    }
}

impl Exit {
    pub(super) async fn wait(self) -> Result<i32> {
        match self {
            Self::Known(status) => Ok(status),
            Self::Process(process) => {
                let status = process.wait().await;
                status.map(code).map_err(|source| Error::failed("A command could not be waited for").because(source))
            }
            Self::Beside(terminal, carrier) => {
                let Running { stdin: _held, exit, .. } = *terminal;
                let status = Box::pin(exit.wait()).await;
                drop(carrier);
                status
            }
            Self::Mux(child) => match child.wait().await {
                Ok(status) => Ok(code(status)),
                // The crate takes 127, which a shell gives for a missing program, for an error of its own.
                Err(openssh::Error::Remote(source)) if source.kind() == std::io::ErrorKind::NotFound => Ok(127),
                Err(openssh::Error::RemoteProcessTerminated) => Err(Error::failed(
                    "A command ended without a status: a signal killed it, or the connection to the node ended",
                )),
                Err(source) => Err(Error::failed("The connection ended while a command ran").because(source)),
            },
        }
    }
}

/// The status as a shell would give it.
pub(super) fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

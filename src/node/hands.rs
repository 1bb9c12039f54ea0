//! The capability to alter a node. Only apply has it, after the plan was shown.

use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Link, Node, Output, Patience, patience::Watch, running::Running};
use crate::error::{Context, Error, Result};
use crate::spec::NodeName;

/// Proof that the user saw the plan and agreed. Not to be made outside of the crate, nor to be copied.
#[derive(Debug)]
pub struct Consent {
    #[allow(dead_code, reason = "a private field keeps others from making one")]
    shown: (),
}

impl Consent {
    /// For the code that showed the plan and heard a yes, and for nobody else.
    #[allow(dead_code, reason = "used by apply")]
    pub(crate) fn after_showing_the_plan() -> Self {
        Self { shown: () }
    }
}

/// Alters a node, with the rights of its channel: root where [`Node::is_root`] says so, else the log-in user.
#[derive(Clone, Copy)]
pub struct Hands<'a> {
    node: &'a Node,
}

impl<'a> Hands<'a> {
    pub fn new(node: &'a Node, _: &Consent) -> Self {
        Self { node }
    }

    /// The node's name in the spec.
    pub fn name(&self) -> &NodeName {
        self.node.name()
    }

    /// Runs a script; `on_line` gets each line of standard output when it comes.
    ///
    /// # Errors
    /// When `patience` ended before the script did. Whether it had its effect is then not known.
    pub async fn run(
        &self,
        script: &str,
        patience: impl Into<Patience>,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<Output> {
        self.node.request(script, patience, on_line).await
    }

    /// Starts `command` (of `sh`) in a session of its own: see [`Node::spawn`].
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn start(&self, command: &str) -> Result<Running> {
        self.node.spawn(command, false).await
    }

    /// Runs `command` (of `sh`) with the file `from` as its standard input, in a session of its own. `progress` is told
    /// how many bytes are on their way so far. A command that ends without reading it all is no error: see its status.
    ///
    /// # Errors
    /// When the file cannot be read, or `patience` ended before the command did.
    pub async fn push(
        &self,
        command: &str,
        from: &Path,
        progress: &dyn Fn(u64),
        patience: impl Into<Patience>,
    ) -> Result<Output> {
        let name = self.node.name();
        if let Link::Fake(fake) = &self.node.link {
            let content = std::fs::read(from).context(|| format!("{} could not be read", from.display()))?;
            progress(content.len() as u64);
            return Ok(fake.take(command, content));
        }
        let file = tokio::fs::File::open(from).await;
        let file = file.context(|| format!("{} could not be read", from.display())).map_err(|error| error.on(name))?;
        let watch = Watch::new(patience.into());
        let taken = |bytes| {
            watch.sign();
            progress(bytes);
        };
        let sent = async {
            let Running { stdin, stdout, stderr, exit } = self.node.spawn(command, false).await?;
            let rest = Running { stdin: None, stdout, stderr, exit };
            let (output, sent) = tokio::join!(rest.output(), send(file, stdin, &taken));
            sent.context(|| format!("{} could not be read", from.display()))?;
            output
        };
        tokio::select! {
            output = sent => output.map_err(|error| error.on(name)),
            late = watch.ends() => {
                Err(Error::failed(format!("{} {late} while it was sent a file", super::brief(command))).on(name))
            }
        }
    }
}

/// Only the reading of the file can fail: a command that reads no more says why in its own output.
async fn send(
    mut file: tokio::fs::File,
    stdin: Option<tokio::net::unix::pipe::Sender>,
    progress: &dyn Fn(u64),
) -> std::io::Result<()> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    let mut bytes = vec![0; 256 * 1024];
    let mut total = 0;
    loop {
        let count = file.read(&mut bytes).await?;
        if count == 0 || stdin.write_all(&bytes[..count]).await.is_err() {
            return Ok(());
        }
        total += count as u64;
        progress(total);
    }
}

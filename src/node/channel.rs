//! One long-lived `sh` on a node, and requests through it, one after another.
//!
//! Guaranteed: output to the byte; a script's `exit`, `cd`, `exec` and variables end with it; every wait has a deadline.
//! Not guaranteed: that the shell is still usable after an error; the caller drops the channel then.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::framing::{Frame, Lines, Scanner, random_word};
use super::handshake::{self, Hello};
use super::patience::{Late, Patience, Watch};
use super::{Output, running::Running};

/// An open shell.
#[derive(Debug)]
pub(super) struct Channel {
    running: Running,
    hello: Hello,
    secret: String,
    requests: u64,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// No answer as long as there was patience.
    Late(Late),
    /// The shell ended; what it had said until then.
    Ended(String),
}

const BUFFER: usize = 64 * 1024;

impl Channel {
    /// Waits for the greeting that `running`, which executes [`handshake::script`] for `word`, prints.
    ///
    /// # Errors
    /// When the shell ended (start-up files may `exit`), or did not greet in time (they may wait for input).
    pub(super) async fn greet(mut running: Running, word: &str, deadline: Duration) -> Result<Self, Fault> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let greeting = async {
            let (mut stdout_open, mut stderr_open) = (true, true);
            while !handshake::complete(word, &stdout, &stderr) {
                tokio::select! {
                    read = running.stdout.read_buf(&mut stdout), if stdout_open => stdout_open = read.is_ok_and(|n| n > 0),
                    read = running.stderr.read_buf(&mut stderr), if stderr_open => stderr_open = read.is_ok_and(|n| n > 0),
                    else => return false,
                }
            }
            true
        };
        let greeted = timeout(deadline, greeting).await.map_err(|_| Fault::Late(Late::InAll(deadline)))?;
        let hello = if greeted { handshake::parse(word, &stdout) } else { None };
        let said = || String::from_utf8_lossy(&[stderr, stdout].concat()).trim().to_owned();
        let hello = hello.ok_or_else(|| Fault::Ended(said()))?;
        Ok(Self { running, hello, secret: random_word(), requests: 0 })
    }

    pub(super) fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Runs `script` and gives its lines of standard output to `on_line` as they come, without their newlines.
    ///
    /// # Errors
    /// After an error, and after a future that was dropped before its end, the channel is of no use any more.
    pub(super) async fn request(
        &mut self,
        script: &str,
        patience: Patience,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<Output, Fault> {
        self.requests += 1;
        let frame = Frame::new(&self.secret, self.requests);
        let watch = Watch::new(patience);
        tokio::select! {
            answer = self.exchange(&frame, script, on_line, &watch) => answer,
            late = watch.ends() => Err(Fault::Late(late)),
        }
    }

    async fn exchange(
        &mut self,
        frame: &Frame,
        script: &str,
        on_line: &mut dyn FnMut(&str),
        watch: &Watch,
    ) -> Result<Output, Fault> {
        let (mut stdout, mut stderr) = (frame.stdout(), frame.stderr());
        let mut lines = Lines::default();
        let request = frame.request(script);
        let Running { stdin: Some(stdin), stdout: out, stderr: err, .. } = &mut self.running else {
            return Err(Fault::Ended(String::new()));
        };
        if stdin.write_all(&request).await.is_err() {
            return Err(Fault::Ended(last_words(out, err).await));
        }
        let (mut out_bytes, mut err_bytes) = (vec![0; BUFFER], vec![0; BUFFER]);
        while !(stdout.done() && stderr.done()) {
            // Each stream is read only until its mark, so that an end of file never goes unnoticed.
            tokio::select! {
                read = out.read(&mut out_bytes), if !stdout.done() => {
                    let count = alive(read, &stdout, &stderr)?;
                    watch.sign();
                    stdout.feed(&out_bytes[..count]);
                    lines.deliver(&stdout, on_line);
                }
                read = err.read(&mut err_bytes), if !stderr.done() => {
                    let count = alive(read, &stdout, &stderr)?;
                    watch.sign();
                    stderr.feed(&err_bytes[..count]);
                }
            }
        }
        lines.rest(&stdout, on_line);
        let (stdout, status) = stdout.finish();
        // Nothing but our own printf writes behind the mark.
        let status = status.parse().unwrap_or(255);
        Ok(Output { status, stdout, stderr: stderr.finish().0 })
    }
}

fn alive(read: std::io::Result<usize>, stdout: &Scanner, stderr: &Scanner) -> Result<usize, Fault> {
    match read {
        Ok(count) if count > 0 => Ok(count),
        _ => {
            let said = [stdout.collected(), stderr.collected()].concat();
            let said = String::from_utf8_lossy(&said);
            let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
            Err(Fault::Ended(lines[lines.len().saturating_sub(3)..].join("\n")))
        }
    }
}

/// What stands in the pipes of a shell that ended.
async fn last_words(out: &mut (impl AsyncReadExt + Unpin), err: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut said = Vec::new();
    let read = async { (err.read_to_end(&mut said).await, out.read_to_end(&mut said).await) };
    // A process that outlived the shell may hold the pipes open.
    let _ = timeout(Duration::from_millis(200), read).await;
    String::from_utf8_lossy(&said).trim().to_owned()
}

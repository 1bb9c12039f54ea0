//! A command on the head node with its output live on this screen, until it ends or the user cancels it.

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    signal::unix::{Signal, SignalKind, signal},
};

use crate::{
    error::{Context as _, Result},
    node::Node,
    ui::Ui,
};

/// Its exit code. Ctrl-C, SIGTERM and SIGHUP close the command's input, at which its wrapper ends the whole job; the code is
/// then 128 plus the signal's number.
///
/// # Errors
/// When the connection ended before the command did. (The wrapper on the head node then cleans up by itself.)
pub async fn run(head: &Node, command: &str, ui: &Ui) -> Result<u8> {
    // Before the start: a signal in between would end mpiup without a word to the job.
    let mut signals = Signals::new()?;
    let mut running = head.spawn(command, false).await?;
    let mut input = running.stdin.take();
    let mut cancelled = None;
    {
        let out = pump(&mut running.stdout, |bytes| ui.out_bytes(bytes));
        let err = pump(&mut running.stderr, |bytes| ui.err_bytes(bytes));
        let mut streams = std::pin::pin!(async { tokio::join!(out, err) });
        loop {
            tokio::select! {
                _ = &mut streams => break,
                number = signals.next() => {
                    if cancelled.replace(number).is_none() {
                        ui.say("Ending the job on all nodes …");
                    }
                    drop(input.take());
                }
            }
        }
    }
    drop(input);
    let status = running.wait().await?;
    Ok(match cancelled {
        Some(number) => 128 + number,
        None => u8::try_from(status).unwrap_or(1),
    })
}

/// Hands on what comes until the stream ends; a stream that breaks has ended.
async fn pump(stream: &mut (impl AsyncRead + Unpin), mut show: impl FnMut(&[u8])) {
    let mut block = vec![0; 1 << 16];
    while let Ok(read @ 1..) = stream.read(&mut block).await {
        show(&block[..read]);
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context(|| "signals cannot be listened to");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// The number of the next one.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
            _ = self.hang_up.recv() => 1,
        }
    }
}

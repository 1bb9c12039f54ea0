//! A job on the head node with its output live on this screen, until it ends or has to be ended.

use std::{
    cell::{Cell, RefCell},
    io::IsTerminal as _,
    os::unix::fs::FileTypeExt as _,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
    time::Instant,
};

use super::{signals::Signals, vigil::Vigil};
use crate::{
    error::{Error, Result},
    launch::{Endings, Noise},
    node::Running,
    spec::NodeName,
    ui::Ui,
};

/// How long a launcher may take to end a job once a rank has failed or all have ended. Open MPI needs up to 3 s.
const GRACE: Duration = Duration::from_secs(5);

/// What is to run on the head node.
pub struct Live {
    /// Of the job.
    pub id: String,
    pub ranks: u32,
    /// The wrapper.
    pub command: String,
    /// What brings this process's standard input to rank 0.
    pub feed: Option<String>,
}

/// How a job ended.
pub struct Ended {
    /// The exit code for the user: the program's own, or 128 and the number of the signal that ended mpiup.
    pub code: u8,
    /// What was said by ranks on their way out.
    pub endings: Endings,
    /// The user ended it.
    pub cancelled: bool,
    /// The launcher did not end by itself.
    pub hung: bool,
    /// The node that died in the middle of it.
    pub dead: Option<NodeName>,
}

/// Runs it. Ctrl-C, SIGTERM and SIGHUP close the wrapper's input, at which it ends the whole job; so does mpiup when a rank
/// has failed, or all have ended, and the launcher stays, and when a node has died.
///
/// # Errors
/// When the connection ended before the job did. (The wrapper on the head node then cleans up by itself.)
pub async fn run(vigil: &Vigil<'_>, live: Live, ui: &Ui) -> Result<Ended> {
    let head = vigil.head;
    // Before the start: a signal in between would end mpiup without a word to the job.
    let mut signals = Signals::new()?;
    let mut running = head.spawn(&live.command, false).await?;
    let mut input = running.stdin.take();
    let feeding = async {
        match &live.feed {
            Some(command) => feed(head.spawn(command, false).await?).await,
            None => std::future::pending().await,
        }
    };
    let watch = Watch::default();
    let (mut cancelled, mut hung, mut fed, mut dead) = (None, false, false, None);
    let screen = Screen { ui, noise: Noise::default(), endings: Endings::new(&live.id) };
    let screen = RefCell::new(screen);
    {
        let out = pump(&mut running.stdout, |bytes| {
            ui.out_bytes(bytes);
            watch.heard();
        });
        let err = pump(&mut running.stderr, |bytes| {
            let mut screen = screen.borrow_mut();
            screen.take(bytes);
            watch.heard();
            watch.look(&screen.endings, live.ranks);
        });
        let mut streams = std::pin::pin!(async { tokio::join!(out, err) });
        let mut feeding = std::pin::pin!(feeding);
        let mut dying = std::pin::pin!(vigil.first_dead());
        loop {
            tokio::select! {
                _ = &mut streams => break,
                number = signals.next() => {
                    if cancelled.replace(number).is_none() {
                        ui.say("Ending the job on all nodes …");
                    }
                    screen.borrow_mut().noise.job_is_ending();
                    drop(input.take());
                }
                () = watch.overdue(), if !hung && cancelled.is_none() => {
                    hung = true;
                    screen.borrow_mut().noise.job_is_ending();
                    drop(input.take());
                }
                name = &mut dying, if dead.is_none() && cancelled.is_none() => {
                    dead = Some(name);
                    screen.borrow_mut().noise.job_is_ending();
                    drop(input.take());
                }
                ended = &mut feeding, if !fed => { ended?; fed = true; }
            }
        }
    }
    drop(input);
    let status = running.wait().await.map_err(|error| {
        error.on(head.name()).hinted("What was left of the job there ends by itself within seconds; run it again.")
    })?;
    let mut screen = screen.into_inner();
    screen.end();
    let launcher = u8::try_from(status).unwrap_or(1);
    let endings = screen.endings;
    let code = match cancelled {
        Some(number) => 128 + number,
        // Whatever the launcher made of it: a job that lost a node did not do its work.
        None if dead.is_some() => 1,
        None => endings.code(live.ranks, launcher),
    };
    Ok(Ended { code, endings, cancelled: cancelled.is_some(), hung, dead })
}

/// Whether this process was given input: a pipe, a file or a socket; a terminal and /dev/null are none.
pub fn has_input() -> bool {
    let kind = || std::fs::metadata("/proc/self/fd/0").ok().map(|input| input.file_type());
    !std::io::stdin().is_terminal() && kind().is_some_and(|kind| !kind.is_char_device())
}

/// Standard error without what is not the user's.
struct Screen<'a> {
    ui: &'a Ui,
    noise: Noise,
    endings: Endings,
}

impl Screen<'_> {
    fn take(&mut self, bytes: &[u8]) {
        let Self { ui, noise, endings } = self;
        endings.feed(bytes, &mut |bytes| noise.feed(bytes, &mut |bytes| ui.err_bytes(bytes)));
    }

    fn end(&mut self) {
        let Self { ui, noise, endings } = self;
        endings.rest(&mut |bytes| noise.feed(bytes, &mut |bytes| ui.err_bytes(bytes)));
        noise.rest(&mut |bytes| ui.err_bytes(bytes));
    }
}

/// Hands on what comes until the stream ends; a stream that breaks has ended.
async fn pump(stream: &mut (impl AsyncRead + Unpin), mut show: impl FnMut(&[u8])) {
    let mut block = vec![0; 1 << 16];
    while let Ok(read @ 1..) = stream.read(&mut block).await {
        show(&block[..read]);
    }
}

/// Knows when a launcher should have ended.
#[derive(Default)]
struct Watch {
    failed: Cell<Option<Instant>>,
    all_ended: Cell<bool>,
    heard: Cell<Option<Instant>>,
}

impl Watch {
    /// Output came, and was taken by the reader of ours, who may be slow.
    fn heard(&self) {
        self.heard.set(Some(Instant::now()));
    }

    fn look(&self, endings: &Endings, ranks: u32) {
        if endings.first_failed().is_some() && self.failed.get().is_none() {
            self.failed.set(Some(Instant::now()));
        }
        self.all_ended.set(endings.count() >= ranks as usize);
    }

    /// Returns when a rank failed a while ago, however much the others still print; or when all have ended and what they
    /// said has come through.
    async fn overdue(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let since = self.failed.get().or(if self.all_ended.get() { self.heard.get() } else { None });
            if since.is_some_and(|since| since.elapsed() >= GRACE) {
                return;
            }
        }
    }
}

/// Hands this process's standard input on, and its end.
async fn feed(mut feeder: Running) -> Result<()> {
    let (send, mut receive) = mpsc::channel::<Vec<u8>>(4);
    // A thread of its own, which ends with the process: a read that waits cannot be called off.
    std::thread::spawn(move || {
        let (mut stdin, mut block) = (std::io::stdin().lock(), vec![0; 1 << 16]);
        while let Ok(read @ 1..) = std::io::Read::read(&mut stdin, &mut block) {
            if send.blocking_send(block[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    while let Some(bytes) = receive.recv().await {
        let Some(stdin) = feeder.stdin.as_mut() else { break };
        if stdin.write_all(&bytes).await.is_err() {
            // Rank 0 reads no more.
            break;
        }
    }
    feeder.stdin = None;
    match feeder.wait().await {
        Ok(1) => Err(Error::failed("the job did not begin to read its standard input")),
        // A program that does not read to the end has its reasons.
        _ => Ok(()),
    }
}

//! The two streams, of the process or of a test, and the live display that must step aside for them.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use indicatif::ProgressBar;

use super::Color;
use crate::error::{Error, Result};

/// Which stream a line goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Data.
    Out,
    /// Progress and words.
    Err,
}

pub struct Streams {
    /// Columns.
    pub width: usize,
    /// Whether standard error is a terminal that a display may be drawn on.
    pub live: bool,
    /// The buffers of a test, in place of the process's streams.
    pub captured: Option<Captured>,
    color_out: bool,
    color_err: bool,
    started: Instant,
    /// The display that is on the screen now.
    display: Mutex<Option<ProgressBar>>,
    /// The first failure to write data.
    broken: Mutex<Option<io::Error>>,
}

impl Streams {
    pub fn process(color: Color) -> Self {
        let wanted = |choice: ColorChoice| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => choice != ColorChoice::Never,
        };
        let size =
            terminal_size::terminal_size_of(io::stderr()).or_else(|| terminal_size::terminal_size_of(io::stdout()));
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            width: size.map_or(80, |(columns, _)| usize::from(columns.0)).max(20),
            live: io::stderr().is_terminal() && !dumb,
            captured: None,
            color_out: wanted(AutoStream::choice(&io::stdout())),
            color_err: wanted(AutoStream::choice(&io::stderr())),
            started: Instant::now(),
            display: Mutex::new(None),
            broken: Mutex::new(None),
        }
    }

    pub fn captured() -> (Self, Captured) {
        let captured = Captured::default();
        let streams = Self {
            width: 80,
            live: false,
            captured: Some(captured.clone()),
            color_out: false,
            color_err: false,
            started: Instant::now(),
            display: Mutex::new(None),
            broken: Mutex::new(None),
        };
        (streams, captured)
    }

    /// Since the command began. A captured screen's clock stands still, so that its text is always the same.
    pub fn clock(&self) -> Duration {
        if self.captured.is_some() { Duration::ZERO } else { self.started.elapsed() }
    }

    /// Columns at this moment: a terminal may be resized while a display is on it.
    pub fn width_now(&self) -> usize {
        terminal_size::terminal_size_of(io::stderr()).map_or(self.width, |(columns, _)| usize::from(columns.0))
    }

    /// `text` as standard error takes it: without escape codes where colour is not wanted.
    pub fn for_err(&self, text: &str) -> String {
        if self.color_err { text.to_owned() } else { strip_str(text).to_string() }
    }

    /// Writes `text` and a line end, without its escape codes where colour is not wanted.
    pub fn line(&self, side: Side, text: &str) {
        let mut line = match side {
            Side::Out if self.color_out => text.to_owned(),
            Side::Out => strip_str(text).to_string(),
            Side::Err => self.for_err(text),
        };
        if !line.ends_with('\n') {
            line.push('\n');
        }
        self.bytes(side, line.as_bytes());
    }

    /// Writes `bytes` as they are, and flushes.
    pub fn bytes(&self, side: Side, bytes: &[u8]) {
        if let Some(captured) = &self.captured {
            return captured.write(side, bytes);
        }
        let display = lock(&self.display).clone();
        let written = match display {
            Some(display) => display.suspend(|| write(side, bytes)),
            None => write(side, bytes),
        };
        if let (Side::Out, Err(error)) = (side, written) {
            lock(&self.broken).get_or_insert(error);
        }
    }

    /// Puts a live display on the screen or takes it off.
    pub fn set_display(&self, display: Option<ProgressBar>) {
        *lock(&self.display) = display;
    }

    /// Reports data that was lost. A reader that went away wanted no more of it: that is no loss.
    pub fn finish(&self) -> Result<()> {
        match lock(&self.broken).take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::failed("The result could not be written to standard output").because(error))
            }
            _ => Ok(()),
        }
    }
}

fn write(side: Side, bytes: &[u8]) -> io::Result<()> {
    match side {
        Side::Out => {
            let mut out = io::stdout().lock();
            out.write_all(bytes)?;
            out.flush()
        }
        Side::Err => io::stderr().lock().write_all(bytes),
    }
}

/// What was printed on the screen of a test, and the answers that it gives.
#[derive(Clone, Default)]
pub struct Captured(Arc<Mutex<Buffers>>);

#[derive(Default)]
struct Buffers {
    out: Vec<u8>,
    err: Vec<u8>,
    both: Vec<u8>,
    answers: VecDeque<String>,
}

impl Captured {
    /// The next line that is typed at a question. Without one, the screen has nobody to ask.
    pub fn answer(&self, line: &str) {
        lock(&self.0).answers.push_back(line.to_owned());
    }

    /// Standard output.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&lock(&self.0).out).into_owned()
    }

    /// Standard error.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&lock(&self.0).err).into_owned()
    }

    /// Both as a terminal would show them.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&lock(&self.0).both).into_owned()
    }

    pub(super) fn next_answer(&self) -> Option<String> {
        lock(&self.0).answers.pop_front()
    }

    pub(super) fn write(&self, side: Side, bytes: &[u8]) {
        let mut buffers = lock(&self.0);
        match side {
            Side::Out => buffers.out.extend_from_slice(bytes),
            Side::Err => buffers.err.extend_from_slice(bytes),
        }
        buffers.both.extend_from_slice(bytes);
    }
}

/// A panic elsewhere must not keep the last words from being printed.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

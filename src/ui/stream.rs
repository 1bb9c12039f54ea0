//! The two streams, of the process or of a test, and the live display that must step aside for them.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anstream::{AutoStream, ColorChoice, adapter::strip_str};

use super::{Color, painter::Painter};
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
    display: Mutex<Option<Painter>>,
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

    /// Columns and rows at this moment: a terminal may be resized while a display is on it.
    pub fn size_now(&self) -> (usize, usize) {
        let size = terminal_size::terminal_size_of(io::stderr());
        size.map_or((self.width, 24), |(columns, rows)| (usize::from(columns.0), usize::from(rows.0)))
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
        // Held until all is written, so that the display is not drawn into the midst of it.
        let mut display = lock(&self.display);
        if let Some(painter) = display.as_mut().filter(|_| side == Side::Err || io::stdout().is_terminal()) {
            write_err(painter.aside(bytes).as_bytes());
        }
        match side {
            Side::Err => write_err(bytes),
            Side::Out => {
                if let Err(error) = write_out(bytes) {
                    lock(&self.broken).get_or_insert(error);
                }
            }
        }
    }

    /// Begins a display of lines that stay below all other text, until [`Streams::close_display`].
    pub fn open_display(&self) {
        *lock(&self.display) = Some(Painter::default());
    }

    /// Shows these lines on the display, if one is open.
    pub fn draw(&self, lines: &[String]) {
        if let Some(painter) = lock(&self.display).as_mut() {
            let lines: Vec<String> = lines.iter().map(|line| self.for_err(line)).collect();
            write_err(painter.draw(&lines).as_bytes());
        }
    }

    /// Takes the display off the screen.
    pub fn close_display(&self) {
        if let Some(mut painter) = lock(&self.display).take() {
            write_err(painter.clear().as_bytes());
        }
    }

    /// Somebody typed the end of the line that was open.
    pub fn line_was_ended(&self) {
        if let Some(painter) = lock(&self.display).as_mut() {
            painter.release();
        }
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

fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Where words cannot be written, there is nobody to tell so.
fn write_err(bytes: &[u8]) {
    drop(io::stderr().lock().write_all(bytes));
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

    pub(super) fn has_answer(&self) -> bool {
        !lock(&self.0).answers.is_empty()
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

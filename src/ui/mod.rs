//! The only code that prints. Standard output is data, standard error is progress and words for a person.
//!
//! Guaranteed: nothing depends on colour; with `--json` nothing but JSON reaches standard output; a live progress
//! display is moved aside before anything else is printed; a closed pipe (`mpiup plan | head`) is not an error.
//! Not guaranteed: that text from a node is harmless. What arrives from outside goes through [`visible`] first;
//! errors, tables, folds and diffs do that themselves.

mod ask;
pub mod diff;
mod failure;
pub mod fold;
mod hidden;
pub mod humane;
mod painter;
mod progress;
mod stream;
pub mod style;
pub mod table;
mod text;

use std::{io::IsTerminal, sync::Arc};

use serde::Serialize;

use crate::{
    error::{Context, Error, Result},
    secret::Secret,
};

pub use progress::{Outcome, Progress};
pub use stream::Captured;
pub use style::paint;
pub use table::Table;
pub use text::{clip, visible, width, wrap};

use stream::{Side, Streams};

/// When colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` or `TERM=dumb` says no; elsewhere only when `CLICOLOR_FORCE` says yes.
    #[default]
    Auto,
    Always,
    Never,
}

/// What the command line says about the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// `-v`: show the commands that are run.
    pub verbose: bool,
    /// Only data, warnings and errors.
    pub quiet: bool,
    /// `--json`: standard output carries JSON alone.
    pub json: bool,
    pub color: Color,
}

/// The screen of one command. Cheap to clone: every clone is the same screen.
#[derive(Clone)]
pub struct Ui {
    options: Options,
    streams: Arc<Streams>,
}

impl Ui {
    /// The process's own streams.
    pub fn new(options: Options) -> Self {
        Self { options, streams: Arc::new(Streams::process(options.color)) }
    }

    /// A screen of 80 columns that is no terminal, has no colour and a clock that stands still, and what was printed on it.
    pub fn captured(options: Options) -> (Self, Captured) {
        let (streams, captured) = Streams::captured();
        (Self { options, streams: Arc::new(streams) }, captured)
    }

    pub fn is_json(&self) -> bool {
        self.options.json
    }

    pub fn is_verbose(&self) -> bool {
        self.options.verbose
    }

    /// Columns of the terminal; 80 when there is none.
    pub fn width(&self) -> usize {
        self.streams.width
    }

    /// Whether standard output is a terminal.
    pub fn out_is_terminal(&self) -> bool {
        self.streams.captured.is_none() && std::io::stdout().is_terminal()
    }

    /// Data: to standard output, as it is. With `--json` to standard error, so that JSON stays alone.
    pub fn out(&self, text: &str) {
        let side = if self.options.json { Side::Err } else { Side::Out };
        self.streams.line(side, text);
    }

    /// Data: a table, cut to the terminal's width. Into a pipe or a file it goes uncut.
    pub fn table(&self, table: &Table) {
        let uncut = self.streams.captured.is_none() && !self.out_is_terminal();
        for line in table.lines(if uncut { usize::MAX } else { self.width() }) {
            self.out(&line);
        }
    }

    /// Data: `value` to standard output as JSON with two spaces of indentation.
    ///
    /// # Errors
    /// When `value` has no JSON form (a map whose keys are not text).
    pub fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<()> {
        let text = serde_json::to_string_pretty(value).context(|| "The result could not be written as JSON")?;
        self.streams.line(Side::Out, &text);
        Ok(())
    }

    /// Bytes of a running program to standard output, untouched and at once.
    pub fn out_bytes(&self, bytes: &[u8]) {
        self.streams.bytes(if self.options.json { Side::Err } else { Side::Out }, bytes);
    }

    /// Bytes of a running program to standard error, untouched and at once.
    pub fn err_bytes(&self, bytes: &[u8]) {
        self.streams.bytes(Side::Err, bytes);
    }

    /// A sentence for the person: to standard error, wrapped at the screen's width.
    /// Lines that begin with a space (commands, snippets) are not wrapped.
    pub fn say(&self, text: &str) {
        if !self.options.quiet {
            self.words("", text);
        }
    }

    /// A heading before a part of the work.
    pub fn title(&self, text: &str) {
        if !self.options.quiet {
            self.streams.line(Side::Err, &paint(style::HEADING, text));
        }
    }

    /// Something was finished well.
    pub fn done(&self, text: &str) {
        if !self.options.quiet {
            self.words(&format!("{} ", paint(style::GOOD, "✓")), text);
        }
    }

    /// Something that the person should know, though the work goes on.
    pub fn warn(&self, text: &str) {
        self.words(&format!("{} ", paint(style::WARN, "warning:")), text);
    }

    /// A command that is run, shown with `-v` only. `place` is a node, or where else it runs.
    pub fn trace(&self, place: &str, command: &str) {
        if self.options.verbose {
            let text = format!("  {place} $ {}", visible(command));
            self.streams.line(Side::Err, &paint(style::DIM, &text));
        }
    }

    /// `error: node: message`, the reasons below it, and the hints.
    pub fn error(&self, error: &Error) {
        for line in failure::lines(error, self.text_width()) {
            self.streams.line(Side::Err, &line);
        }
    }

    /// Asks yes or no on the terminal; Enter alone means `default`. Blocks the thread.
    ///
    /// # Errors
    /// A usage error when nobody can be asked, with the hint to give `--yes`.
    pub fn confirm(&self, question: &str, default: bool) -> Result<bool> {
        self.confirm_or(question, default, "Give `--yes` to go ahead without being asked.")
    }

    /// [`Ui::confirm`] with another hint for the case that nobody can be asked.
    ///
    /// # Errors
    /// A usage error with that hint when nobody can be asked.
    pub fn confirm_or(&self, question: &str, default: bool, hint: &str) -> Result<bool> {
        ask::confirm(&self.streams, question, default, hint)
    }

    /// Asks for a password, which is not shown while it is typed; nothing when none is given (Ctrl-D).
    ///
    /// # Errors
    /// A usage error with `hint` when nobody can be asked.
    pub fn secret(&self, question: &str, hint: &str) -> Result<Option<Secret>> {
        ask::secret(&self.streams, question, hint)
    }

    /// Whether there is somebody at a terminal to be asked.
    pub fn can_ask(&self) -> bool {
        ask::is_possible(&self.streams)
    }

    /// Shows what each of `nodes` is doing, from now until the result is dropped or finished.
    pub fn progress(&self, nodes: &[String], title: &str) -> Progress {
        Progress::start(&self.streams, self.options.quiet, nodes, title)
    }

    /// Flushes the streams; call it once at the end.
    ///
    /// # Errors
    /// When data could not be written to standard output (a full disk), so that a script does not take half for all.
    pub fn finish(&self) -> Result<()> {
        self.streams.finish()
    }

    fn words(&self, prefix: &str, text: &str) {
        for line in text::wrap(prefix, text, self.text_width()) {
            self.streams.line(Side::Err, &line);
        }
    }

    /// Long lines tire the eye, however wide the terminal.
    fn text_width(&self) -> usize {
        self.width().clamp(40, 100)
    }
}

#[cfg(test)]
mod tests;

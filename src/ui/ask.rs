//! Questions to the person at the terminal.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal},
    os::fd::AsFd,
};

use super::{
    hidden::Hidden,
    stream::{Side, Streams},
    text::visible,
};
use crate::{
    error::{Context, Error, Result},
    secret::Secret,
};

/// Asks until the answer is yes, no or empty.
pub fn confirm(streams: &Streams, question: &str, default: bool, hint: &str) -> Result<bool> {
    let choices = if default { "[Y/n]" } else { "[y/N]" };
    let mut terminal = Terminal::open(streams).ok_or_else(|| nobody(question, hint))?;
    loop {
        streams.bytes(Side::Err, format!("{question} {choices} ").as_bytes());
        let line = terminal.line().context(|| "The answer could not be read from the terminal")?;
        let Some(answer) = line.inspect(|_| streams.line_was_ended()) else {
            streams.bytes(Side::Err, b"\n");
            return Ok(false); // Ctrl-D is never a yes.
        };
        match answer.trim().to_lowercase().as_str() {
            "" => return Ok(default),
            // s, si, sí: the guide's readers speak Spanish.
            "y" | "yes" | "s" | "si" | "sí" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => streams.line(Side::Err, "Please answer y or n."),
        }
    }
}

/// Asks for something that is not shown while it is typed; nothing when no answer is given (Ctrl-D).
pub fn secret(streams: &Streams, question: &str, hint: &str) -> Result<Option<Secret>> {
    let terminal = Terminal::open(streams).ok_or_else(|| nobody(question, hint))?;
    let failed = || "The answer could not be read from the terminal";
    let ask = || streams.bytes(Side::Err, format!("{} ", visible(question)).as_bytes());
    let answer = match terminal {
        Terminal::Test(captured, answer) => {
            ask();
            captured.write(Side::Err, b"\n");
            answer.map(|answer| Secret::new(answer.into_bytes()))
        }
        Terminal::Lines(_) => {
            // First the silence, then the question: whoever types at once is not shown either.
            let hidden = Hidden::begin(device().context(failed)?).context(failed)?;
            ask();
            hidden.line().context(failed)?
        }
    };
    match answer {
        Some(_) => streams.line_was_ended(),
        None => streams.bytes(Side::Err, b"\n"),
    }
    Ok(answer)
}

/// Whether there is somebody to ask.
pub fn is_possible(streams: &Streams) -> bool {
    match &streams.captured {
        Some(captured) => captured.has_answer(),
        None => io::stderr().is_terminal() && (io::stdin().is_terminal() || device().is_ok()),
    }
}

fn nobody(question: &str, hint: &str) -> Error {
    Error::usage(format!("there is no terminal to ask on (\"{}\")", question.trim_end_matches(':'))).hinted(hint)
}

/// The terminal itself: what is piped in is not read for an answer.
fn device() -> io::Result<File> {
    if io::stdin().is_terminal() {
        return Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    }
    File::open("/dev/tty")
}

/// Where answers come from.
enum Terminal<'a> {
    Lines(Box<dyn BufRead>),
    Test(&'a super::Captured, Option<String>),
}

impl<'a> Terminal<'a> {
    /// Standard input, or the controlling terminal when something is piped in; nothing when the question would not be
    /// seen, so that a script never hangs at a question that nobody reads.
    fn open(streams: &'a Streams) -> Option<Self> {
        if let Some(captured) = &streams.captured {
            return captured.next_answer().map(|answer| Self::Test(captured, Some(answer)));
        }
        if !io::stderr().is_terminal() {
            return None;
        }
        if io::stdin().is_terminal() {
            return Some(Self::Lines(Box::new(io::stdin().lock())));
        }
        device().ok().map(|tty| Self::Lines(Box::new(BufReader::new(tty))))
    }

    /// The next line; none at the end of the input.
    fn line(&mut self) -> io::Result<Option<String>> {
        match self {
            Self::Lines(lines) => {
                let mut line = String::new();
                Ok((lines.read_line(&mut line)? > 0).then_some(line))
            }
            Self::Test(captured, first) => {
                let line = first.take().or_else(|| captured.next_answer());
                // A terminal shows what is typed.
                captured.write(Side::Err, format!("{}\n", line.as_deref().unwrap_or_default()).as_bytes());
                Ok(line)
            }
        }
    }
}

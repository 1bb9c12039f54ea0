//! Questions to the person at the terminal.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal},
};

use super::stream::{Side, Streams};
use crate::error::{Context, Error, Result};

/// Asks until the answer is yes, no or empty.
pub fn confirm(streams: &Streams, question: &str, default: bool, hint: &str) -> Result<bool> {
    let choices = if default { "[Y/n]" } else { "[y/N]" };
    let mut terminal = Terminal::open(streams)
        .ok_or_else(|| Error::usage(format!("There is no terminal to ask on: {question}")).hinted(hint))?;
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
        File::open("/dev/tty").ok().map(|tty| Self::Lines(Box::new(BufReader::new(tty))))
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

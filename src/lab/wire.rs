//! What the lab's processes say to each other: one JSON object a line, over a pipe or socket.

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Kind, Result};

#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message {
    /// Progress, for people.
    Report { text: String },
    /// A node is up; from its init to the keeper.
    Up { host_key: String },
    /// All that was asked for is done.
    Done,
    /// It did not work, and nothing is left of it.
    Failed { usage: bool, message: String, node: Option<String>, because: Vec<String>, hints: Vec<String> },
}

impl Message {
    pub(super) fn failed(error: &Error) -> Self {
        Self::Failed {
            usage: error.kind() == Kind::Usage,
            message: error.message().to_owned(),
            node: error.node().map(str::to_owned),
            because: error.reasons().to_vec(),
            hints: error.hints().to_vec(),
        }
    }

    /// The error that a [`Message::Failed`] carries.
    pub(super) fn into_error(self) -> Option<Error> {
        let Self::Failed { usage, message, node, because, hints } = self else { return None };
        let mut error = if usage { Error::usage(message) } else { Error::failed(message) };
        for reason in because {
            error = error.because(reason);
        }
        for hint in hints {
            error = error.hinted(hint);
        }
        Some(match node {
            Some(node) => error.on(node),
            None => error,
        })
    }
}

pub(super) fn send(to: &mut impl Write, message: &Message) -> Result<()> {
    let mut line = serde_json::to_vec(message).context(|| "cannot write a message of the lab")?;
    line.push(b'\n');
    to.write_all(&line).and_then(|()| to.flush()).context(|| "cannot tell the process that waits for the lab")
}

/// A line that is no message is something that a program wrote on its way down.
pub(super) fn parse(line: &str) -> Option<Message> {
    serde_json::from_str(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_arrives_as_it_was_sent() {
        let error = Error::usage("cannot do it").on("client1").because("why").hinted("Type: this");
        let mut line = Vec::new();
        send(&mut line, &Message::failed(&error)).unwrap();
        let back = parse(std::str::from_utf8(&line).unwrap()).unwrap().into_error().unwrap();
        assert_eq!((back.to_string(), back.kind()), (error.to_string(), Kind::Usage));
        assert_eq!(back.hints(), error.hints());
    }

    #[test]
    fn other_text_is_no_message() {
        assert_eq!(parse("thread 'main' panicked at src/x.rs:1:1:"), None);
    }
}

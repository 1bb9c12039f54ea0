//! The two sockets of a running QEMU, which speak alike: one JSON object a line, a question and its answer. `monitor.rs` and
//! `agent.rs` say what is asked.

use std::{
    io::{BufRead, BufReader, ErrorKind, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::error::{Context, Error, Result};

pub(super) struct Socket {
    reader: BufReader<UnixStream>,
    /// What is at the other end, for the words of an error.
    called: &'static str,
}

impl Socket {
    pub(super) fn connect(path: &Path, called: &'static str) -> Result<Self> {
        let stream = UnixStream::connect(path).context(|| format!("cannot reach {called}"))?;
        Ok(Self { reader: BufReader::new(stream), called })
    }

    /// The answer's `return`. Lines that answer nothing (events) are passed over.
    ///
    /// # Errors
    /// When it is refused, or does not come before the deadline.
    pub(super) fn ask(&mut self, command: &str, arguments: Value, deadline: Duration) -> Result<Value> {
        let mut line = json!({ "execute": command, "arguments": arguments }).to_string();
        line.push('\n');
        let called = self.called;
        let failed = || format!("cannot ask {called} for {command}");
        self.reader.get_ref().write_all(line.as_bytes()).context(failed)?;
        let until = Instant::now() + deadline;
        loop {
            let mut answer = self.line(until).map_err(|error| Error::failed(failed()).because(error))?;
            if let Some(error) = answer.get("error") {
                let said = error["desc"].as_str().unwrap_or("it gave no reason").to_owned();
                return Err(Error::failed(format!("{} refused {command}", self.called)).because(said));
            }
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
        }
    }

    /// The next line.
    pub(super) fn line(&mut self, until: Instant) -> Result<Value> {
        let mut bytes = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.reader.get_ref().set_read_timeout(Some(left)).context(|| "cannot set a deadline")?;
            match self.reader.read_until(b'\n', &mut bytes) {
                Ok(0) => return Err(Error::failed(format!("{} is gone", self.called))),
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Err(Error::failed(format!("{} did not answer in time", self.called)));
                }
                Err(error) => return Err(Error::failed(format!("cannot hear {}", self.called)).because(error)),
            }
        }
        // The agent marks the beginning of an answer with this byte when it is asked to (guest-sync-delimited).
        let start = bytes.iter().rposition(|byte| *byte == 0xff).map_or(0, |at| at + 1);
        serde_json::from_slice(&bytes[start..]).context(|| format!("{} says what is no JSON", self.called))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn answering(lines: &'static [u8]) -> (tempfile::TempDir, Socket) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(lines).unwrap();
            let mut asked = String::new();
            BufReader::new(&stream).read_line(&mut asked).unwrap();
            // Held open until the other end has given up.
            let _ = BufReader::new(&stream).read_line(&mut asked);
        });
        let socket = Socket::connect(&path, "the machine's monitor").unwrap();
        (folder, socket)
    }

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn an_answer_is_found_among_events_and_behind_the_agents_mark() {
        let (_folder, mut socket) =
            answering(b"{\"event\": \"STOP\"}\n\xff{\"return\": {\"status\": \"paused\"}}\n{\"return\": 1}\n");
        let answer = socket.ask("query-status", json!({}), SOON).unwrap();
        assert_eq!(answer["status"], "paused");
    }

    #[test]
    fn a_refusal_carries_its_reason() {
        let (_folder, mut socket) =
            answering(b"{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such snapshot\"}}\n");
        let error = socket.ask("loadvm", json!({}), SOON).unwrap_err();
        assert_eq!(error.message(), "the machine's monitor refused loadvm");
        assert_eq!(error.reasons(), ["no such snapshot"]);
    }

    #[test]
    fn silence_has_an_end() {
        let (_folder, mut socket) = answering(b"");
        let error = socket.ask("query-status", json!({}), Duration::from_millis(50)).unwrap_err();
        assert!(error.reasons()[0].contains("did not answer in time"), "{:?}", error.reasons());
    }
}

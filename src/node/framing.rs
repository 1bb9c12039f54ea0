//! How a script travels through an open shell, and how its answer is told from everything else.
//!
//! The script goes in as one single-quoted word for `eval` in a subshell, so that `exit`, `cd`, `exec`, `trap` and
//! variables stay inside it, and with an empty standard input, so that it cannot eat the next request. The answer ends,
//! on both streams, with a line that carries a random mark and the request's number. What stands before that line is the
//! script's output byte for byte, also when it does not end in a newline. Not guaranteed: that a process which the script
//! leaves running in the background keeps its output to itself.
//!
//! The module is public so that fuzzing reaches it with any bytes; nothing outside of [`super`] has a use for it.

use std::hash::{BuildHasher, RandomState};

/// The marks of one request.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Ends standard output; the status (three digits) and a newline follow.
    stdout_mark: Vec<u8>,
    /// Ends standard error.
    stderr_mark: Vec<u8>,
    word: String,
}

const STATUS_DIGITS: usize = 3;

impl Frame {
    pub fn new(secret: &str, number: u64) -> Self {
        let word = format!("{secret}.{number}");
        Self { stdout_mark: format!("\n{word} ").into_bytes(), stderr_mark: format!("\n{word}\n").into_bytes(), word }
    }

    /// What to write into the shell for this script.
    pub fn request(&self, script: &str) -> Vec<u8> {
        let quoted = format!("'{}'", script.replace('\'', r"'\''"));
        let word = &self.word;
        // `$?` is the subshell's. printf comes from the outer shell, whatever the script did to its own.
        format!("(eval {quoted}) </dev/null\nprintf '\\n{word} %03d\\n' $?; printf '\\n{word}\\n' >&2\n").into_bytes()
    }

    pub fn stdout(&self) -> Scanner {
        Scanner::new(self.stdout_mark.clone(), STATUS_DIGITS + 1)
    }

    pub fn stderr(&self) -> Scanner {
        Scanner::new(self.stderr_mark.clone(), 0)
    }
}

/// Collects one stream of an answer until its mark.
#[derive(Debug)]
pub struct Scanner {
    mark: Vec<u8>,
    /// How many bytes belong to the mark's line after the mark itself.
    tail: usize,
    collected: Vec<u8>,
    searched: usize,
    found: Option<usize>,
}

impl Scanner {
    fn new(mark: Vec<u8>, tail: usize) -> Self {
        Self { mark, tail, collected: Vec::new(), searched: 0, found: None }
    }

    /// Takes in what arrived; true once the answer is complete.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        self.collected.extend_from_slice(bytes);
        if self.found.is_none() {
            self.found = find(&self.collected, &self.mark, self.searched);
            self.searched = (self.collected.len() + 1).saturating_sub(self.mark.len());
        }
        self.done()
    }

    pub fn done(&self) -> bool {
        self.found.is_some_and(|at| self.collected.len() >= at + self.mark.len() + self.tail)
    }

    /// How many of the collected bytes are the script's own for certain: none of them can turn out to be the mark's.
    pub fn settled(&self) -> usize {
        let length = self.collected.len();
        self.found.unwrap_or_else(|| {
            let longest = self.mark.len().min(length);
            let overlap = (1..=longest).rev().find(|&n| self.mark.starts_with(&self.collected[length - n..]));
            length - overlap.unwrap_or(0)
        })
    }

    /// Everything that was collected so far.
    pub fn collected(&self) -> &[u8] {
        &self.collected
    }

    /// The script's output, and what stood behind the mark.
    pub fn finish(mut self) -> (Vec<u8>, String) {
        let at = self.found.unwrap_or(self.collected.len());
        let tail = self.collected.get(at + self.mark.len()..).unwrap_or_default();
        let tail = String::from_utf8_lossy(&tail[..tail.len().min(self.tail)]).trim_end().to_owned();
        self.collected.truncate(at);
        (self.collected, tail)
    }
}

/// Cuts what is certain of an answer into lines.
#[derive(Debug, Default)]
pub struct Lines {
    delivered: usize,
    /// Up to here there is no newline behind `delivered`: a long line is not searched again at each piece.
    searched: usize,
}

impl Lines {
    /// Gives the lines that are new to `on_line`.
    pub fn deliver(&mut self, scanner: &Scanner, on_line: &mut dyn FnMut(&str)) {
        let settled = &scanner.collected()[..scanner.settled()];
        let newline = settled[self.searched..].iter().rposition(|byte| *byte == b'\n');
        let end = newline.map(|at| self.searched + at);
        self.searched = settled.len();
        let Some(end) = end else { return };
        for line in settled[self.delivered..end].split(|byte| *byte == b'\n') {
            on_line(&String::from_utf8_lossy(line));
        }
        self.delivered = end + 1;
    }

    /// The last line, if it does not end in a newline.
    pub fn rest(&mut self, scanner: &Scanner, on_line: &mut dyn FnMut(&str)) {
        self.deliver(scanner, on_line);
        let bytes = &scanner.collected()[self.delivered..scanner.settled()];
        if !bytes.is_empty() {
            on_line(&String::from_utf8_lossy(bytes));
        }
    }
}

/// Where `needle`, which begins with a newline, stands in `haystack` at or after `from`.
fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at + needle.len() <= haystack.len() {
        let last = haystack.len() - needle.len();
        at += haystack[at..=last].iter().position(|byte| *byte == b'\n')?;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// A word that no output contains by chance. It is not a secret towards the node: a node can lie about itself anyway.
pub fn random_word() -> String {
    let number = || RandomState::new().hash_one(0u8);
    format!("mpiup{:016x}{:016x}", number(), number())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(pieces: &[&str]) -> (Vec<u8>, String) {
        let mut scanner = Frame::new("m", 7).stdout();
        for (n, piece) in pieces.iter().enumerate() {
            assert_eq!(scanner.feed(piece.as_bytes()), n + 1 == pieces.len(), "after {piece:?}");
        }
        scanner.finish()
    }

    #[test]
    fn output_is_kept_to_the_byte() {
        assert_eq!(scan(&["a\nb\n\nm.7 000\n"]), (b"a\nb\n".to_vec(), "000".into()));
        assert_eq!(scan(&["no newline\nm.7 003\n"]), (b"no newline".to_vec(), "003".into()));
        assert_eq!(scan(&["\nm.7 000\n"]), (Vec::new(), "000".into()));
        assert_eq!(scan(&["\nm.6 000\n\nm.7 001\n"]).0, b"\nm.6 000\n");
    }

    #[test]
    fn the_mark_may_arrive_in_any_pieces() {
        assert_eq!(scan(&["x\n", "\nm", ".", "7 12", "9", "\n"]), (b"x\n".to_vec(), "129".into()));
    }

    #[test]
    fn nothing_is_settled_that_may_be_the_mark() {
        let mut scanner = Frame::new("m", 7).stdout();
        scanner.feed(b"line\n");
        assert_eq!(scanner.settled(), 4);
        scanner.feed(b"m.7");
        assert_eq!(scanner.settled(), 4);
        scanner.feed(b"8\n");
        assert_eq!(scanner.settled(), 9);
        scanner.feed(b"\nm.7 000\n");
        assert_eq!(scanner.settled(), 10);
    }
}

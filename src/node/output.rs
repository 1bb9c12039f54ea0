//! What a command on a node gave back, byte for byte.

use crate::error::{Error, Result};

/// Status and both streams of a command that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// As in `$?`: 0 to 255, and 128 + n for a signal n that ended the command.
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Output {
    /// What succeeded and printed this.
    pub fn ok(stdout: impl Into<Vec<u8>>) -> Self {
        Self { status: 0, stdout: stdout.into(), stderr: Vec::new() }
    }

    /// What failed with this status and this on standard error.
    pub fn failed(status: i32, stderr: impl Into<Vec<u8>>) -> Self {
        Self { status, stdout: Vec::new(), stderr: stderr.into() }
    }

    pub fn success(&self) -> bool {
        self.status == 0
    }

    /// Standard output as text; what is not UTF-8 becomes U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text; what is not UTF-8 becomes U+FFFD.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Itself if the status is 0.
    ///
    /// # Errors
    /// Otherwise `message`, with what the command said last as the reason.
    pub fn success_or(self, message: impl Into<String>) -> Result<Self> {
        if self.success() {
            return Ok(self);
        }
        Err(Error::failed(message).because(self.last_words()))
    }

    /// The last lines of standard error (of standard output if that is empty), and the status where neither says anything.
    pub fn last_words(&self) -> String {
        let stderr = self.stderr_text();
        let text = if stderr.trim().is_empty() { self.text() } else { stderr };
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            return format!("it ended with status {} and said nothing", self.status);
        }
        lines[lines.len().saturating_sub(3)..].join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_carries_the_last_words() {
        let output = Output::failed(2, "a\nb\nc\n\nmkdir: cannot create directory '/x': Read-only file system\n");
        let error = output.success_or("The folder /x could not be made").unwrap_err();
        assert_eq!(error.reasons(), ["b\nc\nmkdir: cannot create directory '/x': Read-only file system"]);
        assert_eq!(Output::failed(9, "").last_words(), "it ended with status 9 and said nothing");
    }
}

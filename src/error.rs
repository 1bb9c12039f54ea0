//! The one error type: what was tried, on which object, on which node, why it failed, and what to type next.
//!
//! A source is not repeated in the message: `message` says what failed here, the chain of `because` says why.

use std::fmt;

/// Every fallible function of the crate returns this.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an error means for the process's exit code; see [`Error::exit_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something that was tried did not work: exit code 1.
    Failed,
    /// The command line or `mpiup.toml` asks for something that cannot be: exit code 2.
    Usage,
    /// Nothing failed, but the machines are not as the spec says (`plan`, `status`): exit code 3.
    Differences,
    /// The program that `run` started ended with this code; nothing more is to be said.
    Program(u8),
}

/// Operation, object, node, cause and next commands. Printed by `ui` alone.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    node: Option<String>,
    because: Vec<String>,
    hints: Vec<String>,
}

impl Error {
    /// Something that was tried did not work. `message` says what was tried on which object.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The user asked for something that cannot be.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// An error of any kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), node: None, because: Vec::new(), hints: Vec::new() }
    }

    /// Names the node on which it happened (the outermost call wins nothing: the first name stays).
    #[must_use]
    pub fn on(mut self, node: impl fmt::Display) -> Self {
        self.node.get_or_insert_with(|| node.to_string());
        self
    }

    /// Adds the reason: the underlying error's text, or the last lines that a command printed.
    #[must_use]
    pub fn because(mut self, reason: impl fmt::Display) -> Self {
        let reason = reason.to_string();
        let reason = reason.trim();
        if !reason.is_empty() {
            self.because.push(reason.to_owned());
        }
        self
    }

    /// Adds a sentence that tells the next thing to do, with the command to type.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }
    pub fn message(&self) -> &str {
        &self.message
    }
    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }
    pub fn reasons(&self) -> &[String] {
        &self.because
    }
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Message and reasons in one line, for another error that has this one as its reason.
    pub fn words(&self) -> String {
        std::iter::once(&self.message).chain(&self.because).map(String::as_str).collect::<Vec<_>>().join(": ")
    }

    /// 0 is never an error's; 1 failed, 2 wrong use, 3 differences found, or the program's own code.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Differences => 3,
            Kind::Program(code) => code,
        }
    }
}

impl fmt::Display for Error {
    /// One line: `node: message: reason`. Hints are left to the screen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node) = &self.node {
            write!(f, "{node}: ")?;
        }
        f.write_str(&self.words())
    }
}

impl std::error::Error for Error {}

/// Turns any error into ours, with a message of what was being tried.
pub trait Context<T> {
    /// `message` is evaluated only when there is an error.
    ///
    /// # Errors
    /// The error itself, as the reason of a [`Kind::Failed`] with that message.
    fn context<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|source| Error::failed(message()).because(source))
    }
}

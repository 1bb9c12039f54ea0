//! A node that exists only in a test: a function answers each script, and what was asked is kept.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;

use super::Output;
use super::running::{Exit, Running};
use crate::error::{Context, Result};

type Handler = dyn Fn(&str) -> Output;

/// The command of a `push`, and what it was sent.
type Push = (String, Vec<u8>);

/// The answering function and the record.
#[derive(Clone)]
pub(super) struct Fake {
    handler: Rc<Handler>,
    record: FakeRecord,
}

/// Every script that a fake node was given, in order; a `push` also leaves the bytes that were sent.
#[derive(Debug, Clone, Default)]
pub struct FakeRecord {
    scripts: Rc<RefCell<Vec<String>>>,
    pushed: Rc<RefCell<Vec<Push>>>,
}

impl FakeRecord {
    pub fn scripts(&self) -> Vec<String> {
        self.scripts.borrow().clone()
    }

    /// Command and content of each `push`.
    pub fn pushed(&self) -> Vec<Push> {
        self.pushed.borrow().clone()
    }
}

impl Fake {
    pub(super) fn new(handler: impl Fn(&str) -> Output + 'static) -> Self {
        Self { handler: Rc::new(handler), record: FakeRecord::default() }
    }

    pub(super) fn record(&self) -> FakeRecord {
        self.record.clone()
    }

    pub(super) fn answer(&self, script: &str) -> Output {
        self.record.scripts.borrow_mut().push(script.to_owned());
        (self.handler)(script)
    }

    pub(super) fn take(&self, command: &str, content: Vec<u8>) -> Output {
        self.record.pushed.borrow_mut().push((command.to_owned(), content));
        self.answer(command)
    }

    /// The answer as a command that has ended; what it is given on standard input goes nowhere.
    pub(super) fn start(&self, command: &str) -> Result<Running> {
        let answer = self.answer(command);
        let failed = || "A pipe could not be made";
        let (stdin, nowhere) = pipe::pipe().context(failed)?;
        drop(nowhere);
        let (mut to_stdout, stdout) = pipe::pipe().context(failed)?;
        let (mut to_stderr, stderr) = pipe::pipe().context(failed)?;
        let Output { status, stdout: out, stderr: err } = answer;
        // A reader that goes away early is no fault of the writer.
        tokio::spawn(async move { to_stdout.write_all(&out).await.ok() });
        tokio::spawn(async move { to_stderr.write_all(&err).await.ok() });
        Ok(Running { stdin: Some(stdin), stdout, stderr, exit: Exit::Known(status) })
    }
}

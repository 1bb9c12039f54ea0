//! The one place that starts programs on this machine.
//!
//! Guarantees: a program that cannot be started, fails, or outlives its deadline becomes an error that keeps its
//! command line, its status and the last lines that it printed; a program whose future is dropped is killed.
//! Not guaranteed: that *its* children are gone too (who needs that starts the program in a group of its own).

#![allow(clippy::disallowed_methods, reason = "this is the one place where programs are started")]

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::Child,
};

use crate::{
    error::{Context as _, Error, Result},
    quote,
};

/// How many of the last lines of a failed program's output an error keeps.
const KEPT_LINES: usize = 8;

/// A program to start: its command line, and what differs from this process's own environment.
#[derive(Debug, Clone)]
pub struct Command {
    argv: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    cwd: Option<PathBuf>,
    stdin: Vec<u8>,
    deadline: Option<Duration>,
    own_group: bool,
}

/// What a program printed and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    pub status: ExitStatus,
    /// Bytes that are not UTF-8 are replaced.
    pub stdout: String,
    pub stderr: String,
}

impl Command {
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let argv = vec![program.as_ref().to_owned()];
        Self { argv, env: Vec::new(), cwd: None, stdin: Vec::new(), deadline: None, own_group: false }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.argv.push(arg.as_ref().to_owned());
        self
    }

    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.argv.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), None));
        self
    }

    #[must_use]
    pub fn cwd(mut self, directory: impl AsRef<Path>) -> Self {
        self.cwd = Some(directory.as_ref().to_owned());
        self
    }

    /// What the program reads; without it, nothing.
    #[must_use]
    pub fn stdin(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.stdin = data.into();
        self
    }

    /// After this time the program is killed and the call fails.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The program leads a process group of its own, so that its children can be signalled with it.
    #[must_use]
    pub fn own_group(mut self) -> Self {
        self.own_group = true;
        self
    }

    /// Runs the program to its end, whatever its status.
    ///
    /// # Errors
    /// When it cannot be started or outlives its deadline.
    pub async fn output(&self) -> Result<Output> {
        self.output_with(&|_line| ()).await
    }

    /// Runs the program to its end, which must be a success.
    ///
    /// # Errors
    /// As [`Command::output`], and when it ends with a status other than 0.
    pub async fn run(&self) -> Result<Output> {
        self.run_with(&|_line| ()).await
    }

    /// As [`Command::run`]; `each_line` hears every line of its standard output as it comes.
    ///
    /// # Errors
    /// As [`Command::run`].
    pub async fn run_with(&self, each_line: &(dyn Fn(&str) + Sync)) -> Result<Output> {
        let output = self.output_with(each_line).await?;
        if output.status.success() {
            return Ok(output);
        }
        let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
        Err(Error::failed(format!("`{}` failed ({})", self.line(), output.status)).because(last_lines(said)))
    }

    /// [`Command::run`] for code that is not asynchronous; also allowed within asynchronous code, which it blocks.
    ///
    /// # Errors
    /// As [`Command::run`].
    pub fn run_blocking(&self) -> Result<Output> {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.context(|| format!("cannot prepare to run `{}`", self.line()))?.block_on(self.run())
        };
        // A thread of its own, for a runtime may not be started inside another.
        let joined = std::thread::scope(|scope| scope.spawn(run).join());
        joined.unwrap_or_else(|_panic| Err(Error::failed(format!("`{}` could not be run", self.line()))))
    }

    /// Starts the program on this process's own standard output and error, and on its input or an empty one.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn_inherited(&self, input: bool) -> Result<Child> {
        let stdin = if input { Stdio::inherit() } else { Stdio::null() };
        self.start(stdin, Stdio::inherit(), Stdio::inherit())
    }

    /// The command line as one would type it.
    pub fn line(&self) -> String {
        quote::words(self.argv.iter().map(|word| word.to_string_lossy()))
    }

    async fn output_with(&self, each_line: &(dyn Fn(&str) + Sync)) -> Result<Output> {
        let stdin = if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
        let mut child = self.start(stdin, Stdio::piped(), Stdio::piped())?;
        let work = self.attend(&mut child, each_line);
        let Some(deadline) = self.deadline else { return work.await };
        tokio::time::timeout(deadline, work).await.unwrap_or_else(|_elapsed| {
            Err(Error::failed(format!("`{}` did not end within {:.1} s", self.line(), deadline.as_secs_f32())))
        })
    }

    /// Feeds, listens and waits, all at once: a program that waits to be read never waits for ever.
    async fn attend(&self, child: &mut Child, each_line: &(dyn Fn(&str) + Sync)) -> Result<Output> {
        let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let Some(mut input) = input {
                // A program that does not read all of its input has its reasons; its status tells.
                input.write_all(&self.stdin).await.ok();
            }
            Ok(())
        };
        let listen = async {
            let (mut said, mut line) = (String::new(), Vec::new());
            let Some(output) = output else { return Ok(said) };
            let mut output = BufReader::new(output);
            while output.read_until(b'\n', &mut line).await? > 0 {
                let text = String::from_utf8_lossy(&line);
                each_line(text.trim_end());
                said.push_str(&text);
                line.clear();
            }
            Ok(said)
        };
        let complain = async {
            let mut said = Vec::new();
            if let Some(mut errors) = errors {
                errors.read_to_end(&mut said).await?;
            }
            Ok(String::from_utf8_lossy(&said).into_owned())
        };
        let ended: std::io::Result<_> = async { tokio::try_join!(feed, listen, complain, child.wait()) }.await;
        let ((), stdout, stderr, status) = ended.context(|| format!("cannot follow `{}`", self.line()))?;
        Ok(Output { status, stdout, stderr })
    }

    fn start(&self, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Result<Child> {
        let mut command = tokio::process::Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).stdin(stdin).stdout(stdout).stderr(stderr).kill_on_drop(true);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = &self.cwd {
            command.current_dir(directory);
        }
        if self.own_group {
            command.process_group(0);
        }
        command.spawn().context(|| format!("cannot start `{}`", self.line()))
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(KEPT_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_input_and_keeps_output() {
        let output =
            Command::new("sh").args(["-c", "cat; echo $A >&2"]).env("A", "b").stdin("in").run_blocking().unwrap();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("in", "b\n"));
    }

    #[tokio::test]
    async fn an_error_keeps_command_line_status_and_last_lines() {
        let error = Command::new("sh").args(["-c", "seq 20 >&2; exit 7"]).run().await.unwrap_err();
        assert_eq!(error.message(), "`sh -c 'seq 20 >&2; exit 7'` failed (exit status: 7)");
        assert_eq!(error.reasons(), ["13\n14\n15\n16\n17\n18\n19\n20"]);
    }

    #[tokio::test]
    async fn names_a_program_that_is_not_there() {
        let error = Command::new("/nonexistent/x").run_blocking().unwrap_err();
        assert_eq!(error.to_string(), "cannot start `/nonexistent/x`: No such file or directory (os error 2)");
    }

    #[tokio::test]
    async fn kills_at_the_deadline() {
        let began = std::time::Instant::now();
        let error = Command::new("sleep").arg("20").deadline(Duration::from_millis(50)).run().await.unwrap_err();
        assert_eq!(error.message(), "`sleep 20` did not end within 0.1 s");
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

//! The few programs of this computer that the lab starts: ssh-keygen, tar, apt-get, nsenter, ssh, sshd, and mpiup itself.

use std::{
    ffi::OsStr,
    process::{Command, Output, Stdio},
};

use crate::error::{Context, Error, Result};

/// A program that is not started yet; found by `PATH`, or by its path.
#[allow(
    clippy::disallowed_methods,
    reason = "the keeper and the nodes' init run without the async runtime, some of them as process 1 of a node"
)]
pub(super) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Runs to the end without input. A status other than 0 is an error whose reason is what the program wrote.
pub(super) fn run(command: &mut Command) -> Result<Output> {
    let what = describe(command);
    let output = match command.stdin(Stdio::null()).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(missing(command)),
        other => other.context(|| format!("cannot start {what}"))?,
    };
    if output.status.success() {
        return Ok(output);
    }
    let mut said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if said.is_empty() {
        said = last_lines(&String::from_utf8_lossy(&output.stdout), 5);
    }
    Err(Error::failed(format!("{what} ended with {}", output.status)).because(last_lines(&said, 8)))
}

/// The last `count` lines of a text, as one string.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    format!("`{}`", crate::quote::words(words.map(|word| word.to_string_lossy())))
}

fn missing(command: &Command) -> Error {
    let program = command.get_program().to_string_lossy().into_owned();
    let package = match program.as_str() {
        "ssh" | "ssh-keygen" => "openssh-client",
        "nsenter" => "util-linux",
        other => other,
    };
    Error::failed(format!("this computer has no program `{program}`, which the lab needs"))
        .hinted(format!("Install it, on Debian and Ubuntu: sudo apt-get install {package}"))
}

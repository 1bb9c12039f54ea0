//! The one place of xtask that starts programs and prints; what is measured is started by `bench/program.rs`.

#![allow(
    clippy::disallowed_methods,
    reason = "xtask starts cargo and apt-get before the crate under test can be trusted"
)]
#![allow(clippy::disallowed_macros, reason = "xtask has no Ui: its output is for a developer and a log")]

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use crate::family;

/// What hangs is ended after so long: the lab tests take a quarter of an hour on two cores.
pub const DEADLINE: Duration = Duration::from_secs(40 * 60);

/// Prints a line.
pub fn say(text: &str) {
    println!("{text}");
}

/// Prints the heading of a part of the work.
pub fn heading(text: &str) {
    println!("\n── {text}");
}

/// The folder of the workspace.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    PathBuf::from(package).parent().map(PathBuf::from).unwrap_or_default()
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into)
}

/// The cargo that started this program.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Runs a program in the workspace with its output shown; whether it succeeded, and within the deadline.
pub fn run(argv: &[&str]) -> bool {
    let ended = command(argv).spawn().and_then(|mut child| {
        let _deadline = Deadline::of(child.id(), DEADLINE);
        child.wait()
    });
    started(argv, ended.map(|status| status.success()))
}

/// Runs a program in the workspace and gives its standard output, shown line by line, to `each` as well; whether the
/// program succeeded, and within the deadline.
pub fn tee(argv: &[&str], env: &[(&str, &str)], deadline: Duration, mut each: impl FnMut(&str)) -> bool {
    let child = command(argv).envs(env.iter().copied()).stdout(Stdio::piped()).spawn();
    let ended = child.and_then(|mut child| {
        let _deadline = Deadline::of(child.id(), deadline);
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).split(b'\n') {
                let line = line?;
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                each(&line);
            }
        }
        child.wait()
    });
    started(argv, ended.map(|status| status.success()))
}

/// What a program prints, whatever its exit code; nothing when it cannot be started.
pub fn output(argv: &[&str]) -> Option<String> {
    let output = command(argv).stderr(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A path for a POSIX shell.
pub fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Whether a program can be started and succeeds; it prints nothing.
pub fn succeeds(argv: &[&str]) -> bool {
    let status = command(argv).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Ends a program and all that it started when it takes too long; dropped in time, it does nothing.
pub struct Deadline(#[allow(dead_code, reason = "that it is dropped is the message")] mpsc::Sender<()>);

impl Deadline {
    pub fn of(process: u32, deadline: Duration) -> Self {
        let (in_time, too_late) = mpsc::channel();
        std::thread::spawn(move || {
            if too_late.recv_timeout(deadline) == Err(mpsc::RecvTimeoutError::Timeout) {
                say(&format!("This takes longer than {} minutes, and is ended.", deadline.as_secs() / 60));
                let family: Vec<String> = family::of(process).iter().map(u32::to_string).collect();
                let kill: Vec<&str> = ["kill", "-KILL"].into_iter().chain(family.iter().map(String::as_str)).collect();
                succeeds(&kill);
            }
        });
        Self(in_time)
    }
}

fn command(argv: &[&str]) -> Command {
    let (program, arguments) = argv.split_first().unwrap_or((&"true", &[]));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    // The cargo that runs xtask describes the package xtask to it; handed on, that would make others build anew.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

fn started(argv: &[&str], ended: std::io::Result<bool>) -> bool {
    ended.unwrap_or_else(|error| {
        say(&format!("`{}` could not be run: {error}", argv.join(" ")));
        false
    })
}

//! A lab of a test's own, with a name that no other test has, gone when the test is over, also by a panic.
#![allow(dead_code, clippy::expect_used, reason = "each test file uses what it needs; a test may panic")]

use std::{
    path::Path,
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
};

use mpiup::lab::{self, Lab};

#[path = "skip.rs"]
mod skip;

pub const MPIUP: &str = env!("CARGO_BIN_EXE_mpiup");

pub struct TestLab {
    pub name: String,
    pub lab: Lab,
}

/// None, with the reason on the screen, where no lab can be: then the test has nothing to look at.
pub fn up(count: usize) -> Option<TestLab> {
    if !may_run() {
        return None;
    }
    let name = unused_name();
    let mut said = Vec::new();
    let lab = Lab::up_by(Path::new(MPIUP), &name, count, &mut |text| said.push(text.to_owned()))
        .unwrap_or_else(|error| panic!("{error}\n{}\nafter: {said:?}", error.hints().join("\n")));
    Some(TestLab { name, lab })
}

pub fn may_run() -> bool {
    match lab::support() {
        Ok(()) => true,
        Err(error) => {
            skip::skip(&format!("this needs a lab: {error}"));
            false
        }
    }
}

pub fn unused_name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

#[allow(clippy::disallowed_methods, reason = "a test starts programs as a user does")]
pub fn program(name: &str) -> Command {
    Command::new(name)
}

impl TestLab {
    /// The operator's plain ssh, on a connection of its own.
    pub fn ssh(&self, to: &str, command: &str) -> Output {
        program("ssh").arg("-F").arg(self.lab.ssh_config()).args(["-n", to, command]).output().expect("ssh starts")
    }

    /// The same, for a command that must work; its output without the last newline.
    pub fn says(&self, to: &str, command: &str) -> String {
        let output = self.ssh(to, command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{to}: {command}: {}: {said}", output.status);
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }
}

impl Drop for TestLab {
    fn drop(&mut self) {
        let ended = Lab::down(&self.name);
        if !std::thread::panicking() {
            ended.expect("the test's lab goes down");
        }
    }
}

//! A lab of a test's own, with a name that no other test has, gone when the test is over, also by a panic.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use mpiup::lab::{Debian, Lab, Wanted};

use super::{
    child::{self, program},
    turn::Turn,
};

pub const MPIUP: &str = env!("CARGO_BIN_EXE_mpiup");

pub struct TestLab {
    pub name: String,
    pub lab: Lab,
    /// What takes longer over ssh hangs.
    pub patience: Duration,
    /// Whether its machines boot, with a kernel and an init of their own.
    pub boots: bool,
    /// Given on after the lab is gone.
    _turn: Turn,
}

pub fn unused_name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl TestLab {
    pub fn up(turn: Turn, count: usize) -> Self {
        Self::with(turn, count, &[])
    }

    /// With packages that its machines have from the start.
    pub fn with(turn: Turn, count: usize, packages: &[&str]) -> Self {
        let packages: Vec<String> = packages.iter().map(|&package| package.to_owned()).collect();
        let name = unused_name();
        let mut said = Vec::new();
        let wanted = Wanted { count, packages: &packages, ..Wanted::default() };
        let lab = Lab::start(Path::new(MPIUP), &name, wanted, &mut |text| said.push(text.to_owned()))
            .unwrap_or_else(|error| panic!("{error}\n{}\nafter: {said:?}", error.hints().join("\n")));
        Self { name, lab, patience: Duration::from_secs(60), boots: false, _turn: turn }
    }

    /// Machines that boot, with packages beyond the usual ones.
    pub fn of_vms(turn: Turn, count: usize, packages: &[&str], debian: &[Debian]) -> Self {
        let name = unused_name();
        let packages: Vec<String> = packages.iter().map(|package| (*package).to_owned()).collect();
        let wanted = Wanted { count, packages: &packages, vms: true, debian };
        let mut said = Vec::new();
        let lab = Lab::start(Path::new(MPIUP), &name, wanted, &mut |text| said.push(text.to_owned()))
            .unwrap_or_else(|error| panic!("{error}\n{:?}\nafter: {said:?}", error.reasons()));
        // Their processors are emulated, perhaps, by processors that have other work.
        Self { name, lab, patience: Duration::from_secs(400), boots: true, _turn: turn }
    }

    /// The names of the machines, master first.
    pub fn nodes(&self) -> Vec<String> {
        self.lab.machines().iter().map(|machine| machine.name.clone()).collect()
    }

    /// Where the lab keeps what it knows of itself.
    pub fn state(&self) -> PathBuf {
        Path::new("/run/mpiup/lab").join(&self.name)
    }

    /// The operator's plain ssh.
    pub fn ssh_command(&self, to: &str, command: &str) -> Command {
        let mut ssh = program("ssh");
        ssh.arg("-F").arg(self.lab.ssh_config()).args([
            "-o",
            &format!("ConnectTimeout={}", self.patience.as_secs() / 6),
            to,
            command,
        ]);
        ssh
    }

    /// The operator's plain ssh, on a connection of its own.
    pub fn ssh(&self, to: &str, command: &str) -> Output {
        child::run(&mut self.ssh_command(to, command), b"", self.patience)
    }

    /// The same, for a command that must work; its output without the last newline.
    pub fn says(&self, to: &str, command: &str) -> String {
        succeeded(&format!("{to}: {command}"), self.ssh(to, command))
    }

    /// A shell script that must work; its whole output.
    pub fn script(&self, to: &str, script: &str) -> String {
        let output = child::run(&mut self.ssh_command(to, "sh -s"), script.as_bytes(), self.patience);
        succeeded(&format!("{to}: {script}"), output)
    }

    /// As the machine's root, without ssh.
    pub fn inside(&self, node: &str, script: &str) -> String {
        let output = self.lab.run_in_node(node, &["sh", "-c", script]).unwrap_or_else(|error| panic!("{error}"));
        succeeded(&format!("{node}: {script}"), output)
    }
}

fn succeeded(what: &str, output: Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{what}: {}: {said}{stdout}", output.status);
    stdout.trim_end_matches('\n').to_owned()
}

impl Drop for TestLab {
    fn drop(&mut self) {
        let ended = Lab::down(&self.name);
        if !std::thread::panicking() {
            ended.expect("the test's lab goes down");
        }
    }
}

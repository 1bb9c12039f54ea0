//! `cargo xtask vm-test`: the tests on machines that boot. `docs/vm-tests.md` says how to write one.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::{
    Stop, packages,
    programs::{Kind, files_of},
    qemu, run,
    stages::{Stages, TestProgram},
};

pub const HELP: &str = "Boots virtual machines and runs the scenarios that need them; root, Debian or Ubuntu.
  cargo xtask vm-test             the routine scenarios, from saved states
  cargo xtask vm-test --full      all of them, also those that install packages for real and start from nothing
  cargo xtask vm-test NAME...     those whose names contain one of these, of all
The first run makes the disk of the machines and boots them once; that is kept in /var/cache/mpiup.";

/// Where parts of scenarios note their times, for the report.
const REPORT_FILE: &str = "MPIUP_VM_REPORT";
/// Scenarios of this module are for `--full`.
const FULL: &str = "full::";
/// All of them, on machines that are emulated.
const FULL_DEADLINE: Duration = Duration::from_secs(3 * 60 * 60);

pub fn main(arguments: &[String]) -> Result<(), Stop> {
    let (flags, names): (Vec<_>, Vec<_>) = arguments.iter().map(String::as_str).partition(|word| word.starts_with('-'));
    if let Some(flag) = flags.iter().find(|flag| **flag != "--full") {
        return Err(Stop::Usage(format!("There is no option `{flag}`.\ncargo xtask vm-test: {HELP}")));
    }
    let mut stages = Stages::new(&names);
    if names.is_empty() {
        stages.check("packages", packages::install);
    }
    if stages.check("build", || run::run(&[&run::cargo(), "test", "--no-run"])) {
        stage(&mut stages, !flags.is_empty() || !names.is_empty());
    }
    stages.close()
}

/// Runs the scenarios one after the other, and reports the time of each.
pub fn stage(stages: &mut Stages<'_>, full: bool) {
    let files = files_of(Kind::Vm);
    if files.is_empty() {
        return;
    }
    let target = run::target();
    let report = target.join("vm-report");
    // Of an earlier run; usually there is none.
    drop(fs::remove_file(&report));
    let report = report.display().to_string();
    let path = qemu::path(&target);
    let mut env = vec![(REPORT_FILE, report.as_str())];
    env.extend(path.as_deref().map(|path| ("PATH", path)));
    let mut harness = vec!["--ignored", "--test-threads=1"];
    if !full {
        harness.extend(["--skip", FULL]);
    }
    let mut times = Times::new();
    let name = if full { "all VM scenarios" } else { "VM scenarios" };
    let deadline = if full { FULL_DEADLINE } else { run::DEADLINE };
    let arguments: Vec<String> = files.iter().flat_map(|file| ["--test".to_owned(), file.clone()]).collect();
    stages.tests_with(&TestProgram { name, arguments: &arguments, harness: &harness, env: &env, deadline }, |line| {
        times.read(line);
    });
    run::heading("times of the VM scenarios");
    times.scenarios.iter().for_each(|(name, time)| run::say(&format!("{:>7.1} s  {name}", time.as_secs_f64())));
    let parts = fs::read_to_string(&report).unwrap_or_default();
    if !parts.is_empty() {
        run::say("of which:");
        parts.lines().for_each(run::say);
    }
}

/// How long each test took, by when its result was printed: they run one after the other.
struct Times {
    last: Instant,
    scenarios: Vec<(String, Duration)>,
}

impl Times {
    fn new() -> Self {
        Self { last: Instant::now(), scenarios: Vec::new() }
    }

    fn read(&mut self, line: &str) {
        if let Some(name) = ended(line) {
            self.scenarios.push((name.to_owned(), self.last.elapsed()));
        }
        if line.starts_with("running ") || ended(line).is_some() {
            self.last = Instant::now();
        }
    }
}

/// The name in `test NAME ... ok`.
fn ended(line: &str) -> Option<&str> {
    let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    matches!(result, "ok" | "FAILED").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_over_when_its_result_is_there() {
        assert_eq!(ended("test story::up ... ok"), Some("story::up"));
        assert_eq!(ended("test full::up ... FAILED"), Some("full::up"));
        assert_eq!(ended("test up has been running for over 60 seconds"), None);
        assert_eq!(ended("test up ... ignored, boots virtual machines"), None);
    }
}

//! The stages of a run of tests: each is run, whatever became of those before it, and counted; the last line is
//! `N passed, N failed, N skipped`.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::{Stop, packages, run, sshd, summary::Summary};

/// Where tests note that they skipped themselves: a line `test: why` each.
const SKIPPED_FILE: &str = "MPIUP_SKIPPED_FILE";

/// Tests that `cargo test` runs.
pub struct TestProgram<'a> {
    pub name: &'a str,
    /// Which ones, for cargo.
    pub arguments: &'a [String],
    /// How, for the harness.
    pub harness: &'a [&'a str],
    pub env: &'a [(&'a str, &'a str)],
    /// Whatever takes longer hangs.
    pub deadline: Duration,
}

/// What has been run so far.
pub struct Stages<'a> {
    filters: &'a [&'a str],
    skipped_file: String,
    /// The sshd for tests of the transport, where there is one.
    pub sshd: Option<String>,
    summary: Summary,
    /// Name, whether it passed, and how long it took.
    stages: Vec<(String, bool, Duration)>,
}

impl<'a> Stages<'a> {
    pub fn new(filters: &'a [&'a str]) -> Self {
        let skipped_file = run::target().join("skipped-tests").display().to_string();
        // What an earlier run left there is not of this one; usually there is nothing.
        drop(fs::remove_file(&skipped_file));
        Self { filters, skipped_file, sshd: None, summary: Summary::default(), stages: Vec::new() }
    }

    /// A stage that passes or fails as a whole.
    pub fn check(&mut self, name: &str, stage: impl FnOnce() -> bool) -> bool {
        run::heading(name);
        let begun = Instant::now();
        let passed = stage();
        // Stages that only prepare are no tests; their failure is one.
        if !passed || matches!(name, "formatting" | "lints") {
            self.summary.check(name, passed);
        }
        self.stages.push((name.to_owned(), passed, begun.elapsed()));
        passed
    }

    /// Tests that `cargo test` runs with these arguments.
    pub fn tests(&mut self, name: &str, arguments: &[String]) {
        let sshd = self.sshd.clone();
        let env: Vec<_> = sshd.as_deref().map(|program| (sshd::VARIABLE, program)).into_iter().collect();
        let program = TestProgram { name, arguments, harness: &[], env: &env, deadline: run::DEADLINE };
        self.tests_with(&program, |_| ());
    }

    /// The same, with all that can be said about them; `each` gets the lines of their output, too.
    pub fn tests_with(&mut self, program: &TestProgram<'_>, mut each: impl FnMut(&str)) {
        let TestProgram { name, arguments, harness, env, deadline } = *program;
        run::heading(name);
        let begun = Instant::now();
        let cargo = run::cargo();
        let mut argv = vec![cargo.as_str(), "test", "--workspace", "--no-fail-fast"];
        argv.extend(arguments.iter().map(String::as_str));
        argv.push("--");
        argv.extend(harness);
        argv.extend(self.filters);
        let failed = self.summary.failed;
        let env = [&[(SKIPPED_FILE, self.skipped_file.as_str())], env].concat();
        let passed = run::tee(&argv, &env, deadline, |line| {
            self.summary.read(line);
            each(line);
        });
        if !passed && self.summary.failed == failed {
            self.summary.died(name);
        }
        self.stages.push((name.to_owned(), passed, begun.elapsed()));
    }

    pub fn close(mut self) -> Result<(), Stop> {
        let skipped = fs::read_to_string(&self.skipped_file).unwrap_or_default();
        self.summary.read_skipped(&skipped);
        run::heading("summary");
        let total: Duration = self.stages.iter().map(|(_, _, time)| *time).sum();
        for (name, passed, time) in &self.stages {
            run::say(&format!(
                "{:<32} {:<7}{:>6.1} s",
                name,
                if *passed { "ok" } else { "FAILED" },
                time.as_secs_f64()
            ));
        }
        run::say(&format!("{:<39} {:>6.1} s", "in all", total.as_secs_f64()));
        skipped.lines().for_each(|line| run::say(&format!("skipped: {line}")));
        if !skipped.is_empty() && !packages::is_root() {
            run::say("The lab needs root; to run its tests too: sudo -E env \"PATH=$PATH\" cargo xtask test");
        }
        if !self.filters.is_empty() && self.summary == Summary::default() {
            run::say(&format!("No test has a name that contains {}.", self.filters.join(" or ")));
            self.summary.check("filter", false);
        }
        self.summary.failures.iter().for_each(|name| run::say(&format!("failed: {name}")));
        run::say(&self.summary.line());
        if self.summary.failed == 0 { Ok(()) } else { Err(Stop::Failed) }
    }
}

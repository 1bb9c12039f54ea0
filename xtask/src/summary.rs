//! Counts tests by reading what Rust's test harness prints.

use std::collections::BTreeSet;

/// How many tests passed, failed and were skipped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Names of the tests that failed.
    pub failures: Vec<String>,
    /// Tests that ran for over a minute and have not ended.
    slow: Vec<String>,
}

impl Summary {
    /// Takes in one line of a harness's output; lines that say nothing of results are left alone.
    pub fn read(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
            self.failures.push(name.to_owned());
        }
        if let Some(name) = slow(line) {
            self.slow.push(name.to_owned());
        }
        if let Some((name, _)) = line.strip_prefix("test ").and_then(|line| line.rsplit_once(" ... ")) {
            self.slow.retain(|slow| slow != name);
        }
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        for count in counts.split([';', '.']) {
            match count.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse::<usize>().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse::<usize>().unwrap_or(0),
                Some((number, "ignored")) => self.skipped += number.parse::<usize>().unwrap_or(0),
                _ => {}
            }
        }
    }

    /// A harness that ended before it could count: the tests that it was busy with, if it named them, or `stage`.
    pub fn died(&mut self, stage: &str) {
        let slow = std::mem::take(&mut self.slow);
        for name in if slow.is_empty() { vec![stage.to_owned()] } else { slow } {
            self.check(&name, false);
        }
    }

    /// Takes in the file that tests write when they skip themselves: `test: why`, the same line once or more often.
    /// To the harness they passed.
    pub fn read_skipped(&mut self, file: &str) {
        let tests: BTreeSet<&str> = file.lines().filter(|line| !line.trim().is_empty()).collect();
        let count = tests.len();
        self.passed = self.passed.saturating_sub(count);
        self.skipped += count;
    }

    /// Takes in a check that is one test by itself.
    pub fn check(&mut self, name: &str, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
            self.failures.push(name.to_owned());
        }
    }

    /// The line that ends a run.
    pub fn line(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// The test of a line such as `test lab::up has been running for over 60 seconds`.
fn slow(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.split_once(" has been running for over ").map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_over_several_harnesses() {
        let output = "
running 3 tests
test ui::text::tests::wraps ... ok
test lab_up::second_up ... FAILED
test slow ... ignored

failures:
    lab_up::second_up

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 1 filtered out; finished in 0.09s

   Doc-tests mpiup

running 12 tests
test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s
";
        let mut summary = Summary::default();
        output.lines().for_each(|line| summary.read(line));
        summary.read_skipped("lab_up: needs root\n\nlab_down: needs root\nlab_up: needs root\n");
        summary.check("lints", true);
        assert_eq!(summary.line(), "12 passed, 1 failed, 3 skipped");
        assert_eq!(summary.failures, ["lab_up::second_up"]);
    }
    #[test]
    fn names_what_hung() {
        let mut summary = Summary::default();
        for line in [
            "test lab::up has been running for over 60 seconds",
            "test lab::down has been running for over 60 seconds",
            "test lab::up ... ok",
        ] {
            summary.read(line);
        }
        summary.died("lab tests");
        assert_eq!(summary.failures, ["lab::down"]);
        summary.died("lab tests");
        assert_eq!(summary.failures, ["lab::down", "lab tests"]);
    }
}

//! Counts tests by reading what Rust's test harness prints.

/// How many tests passed, failed and were skipped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Names of the tests that failed.
    pub failures: Vec<String>,
}

impl Summary {
    /// Takes in one line of a harness's output; lines that say nothing of results are left alone.
    pub fn read(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
            self.failures.push(name.to_owned());
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

    /// Takes in the file that tests write when they skip themselves, a line `test: why` each. To the harness they passed.
    pub fn read_skipped(&mut self, file: &str) {
        let count = file.lines().filter(|line| !line.trim().is_empty()).count();
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
        summary.read_skipped("lab_up: needs root\n\nlab_down: needs root\n");
        summary.check("lints", true);
        assert_eq!(summary.line(), "12 passed, 1 failed, 3 skipped");
        assert_eq!(summary.failures, ["lab_up::second_up"]);
    }
}

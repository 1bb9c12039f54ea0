//! What mpiup promises about its speed, and whether the figures keep it.

use super::figures::{Figures, Measure};

/// One promise with so many nodes, as it turned out.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub nodes: usize,
    pub promise: &'static str,
    pub found: String,
    pub kept: bool,
}

/// A promise: its words, and how it is read off the figures.
type Promise = (&'static str, fn(&Figures, usize) -> Option<(String, bool)>);

const PROMISES: [Promise; 7] = [
    ("first up: 20 times faster than Ansible", |figures, nodes| {
        times_faster(figures, nodes, Measure::AnsibleFirst, Measure::First, 20.0)
    }),
    ("  the same without its proof", |figures, nodes| {
        times_faster(figures, nodes, Measure::AnsibleFirst, Measure::FirstUnproven, 20.0)
    }),
    ("up again: 25 times faster than Ansible", |figures, nodes| {
        times_faster(figures, nodes, Measure::AnsibleAgain, Measure::Again, 25.0)
    }),
    ("  the same without its proof", |figures, nodes| {
        times_faster(figures, nodes, Measure::AnsibleAgain, Measure::AgainUnproven, 25.0)
    }),
    ("up again without its proof: 4 times faster than pyinfra", |figures, nodes| {
        times_faster(figures, nodes, Measure::PyinfraAgain, Measure::AgainUnproven, 4.0)
    }),
    ("up again without its proof: at most 2 times ssh", |figures, nodes| {
        let ratio = figures.median(nodes, Measure::AgainUnproven)? / figures.median(nodes, Measure::Ssh)?;
        Some((format!("{ratio:.2} times"), ratio <= 2.0))
    }),
    ("run: at most 150 ms more than mpiexec", |figures, nodes| {
        let packaged = figures.median(nodes, Measure::Run)? - figures.median(nodes, Measure::Mpiexec)?;
        let wheels = figures.median(nodes, Measure::WheelsRun)? - figures.median(nodes, Measure::WheelsMpiexec)?;
        let found = format!("{:.0} ms; wheels {:.0} ms", packaged * 1000.0, wheels * 1000.0);
        Some((found, packaged <= 0.15 && wheels <= 0.15))
    }),
];

fn times_faster(figures: &Figures, nodes: usize, slow: Measure, fast: Measure, times: f64) -> Option<(String, bool)> {
    let ratio = figures.median(nodes, slow)? / figures.median(nodes, fast)?;
    Some((format!("{ratio:.1} times"), ratio >= times))
}

/// Each promise for which there are figures.
pub fn verdicts(figures: &Figures, nodes: usize) -> Vec<Verdict> {
    let verdict = |(promise, read): &Promise| {
        let (found, kept) = read(figures, nodes)?;
        Some(Verdict { nodes, promise, found, kept })
    };
    PROMISES.iter().filter_map(verdict).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_promise_is_kept_or_not_and_without_figures_there_is_no_verdict() {
        let mut figures = Figures::default();
        figures.add(3, Measure::Ssh, Duration::from_millis(200));
        figures.add(3, Measure::AgainUnproven, Duration::from_millis(410));
        figures.add(3, Measure::PyinfraAgain, Duration::from_millis(1640));
        let found = verdicts(&figures, 3);
        let shown: Vec<(&str, bool)> = found.iter().map(|verdict| (verdict.found.as_str(), verdict.kept)).collect();
        assert_eq!(shown, [("4.0 times", true), ("2.05 times", false)]);
        assert!(verdicts(&figures, 10).is_empty());
    }
}

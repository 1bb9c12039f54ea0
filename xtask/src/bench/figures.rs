//! What was measured, and medians of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Something that was measured in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    Ssh,
    Exec,
    Plan,
    First,
    FirstUnproven,
    Again,
    AgainUnproven,
    Run,
    Mpiexec,
    WheelsFirst,
    WheelsFirstUnproven,
    WheelsAgain,
    WheelsRun,
    WheelsMpiexec,
    AnsibleFirst,
    AnsibleAgain,
    PyinfraFirst,
    PyinfraAgain,
}

impl Measure {
    pub const ALL: [Measure; 18] = [
        Measure::Ssh,
        Measure::Exec,
        Measure::Plan,
        Measure::First,
        Measure::FirstUnproven,
        Measure::Again,
        Measure::AgainUnproven,
        Measure::Run,
        Measure::Mpiexec,
        Measure::WheelsFirst,
        Measure::WheelsFirstUnproven,
        Measure::WheelsAgain,
        Measure::WheelsRun,
        Measure::WheelsMpiexec,
        Measure::AnsibleFirst,
        Measure::AnsibleAgain,
        Measure::PyinfraFirst,
        Measure::PyinfraAgain,
    ];

    /// As a person reads it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssh => "ssh NODE true, all nodes at once",
            Self::Exec => "mpiup exec true",
            Self::Plan => "mpiup plan, nothing to change",
            Self::First => "mpiup up, first (packages are there)",
            Self::FirstUnproven => "  the same without its MPI proof",
            Self::Again => "mpiup up, nothing to change",
            Self::AgainUnproven => "  the same without its MPI proof",
            Self::Run => "mpiup run hostname",
            Self::Mpiexec => "  ssh master mpiexec hostname",
            Self::WheelsFirst => "mpiup up, first, MPI as wheels",
            Self::WheelsFirstUnproven => "  the same without its MPI proof",
            Self::WheelsAgain => "mpiup up, nothing to change, wheels",
            Self::WheelsRun => "mpiup run hostname, wheels",
            Self::WheelsMpiexec => "  ssh master mpiexec hostname, wheels",
            Self::AnsibleFirst => "Ansible, first",
            Self::AnsibleAgain => "Ansible, nothing to change",
            Self::PyinfraFirst => "pyinfra, first",
            Self::PyinfraAgain => "pyinfra, nothing to change",
        }
    }
}

/// All times in seconds, by number of nodes and what was measured; and who failed.
#[derive(Debug, Default)]
pub struct Figures {
    times: BTreeMap<(usize, Measure), Vec<f64>>,
    failures: BTreeMap<(usize, &'static str), Vec<String>>,
}

impl Figures {
    pub fn add(&mut self, nodes: usize, measure: Measure, took: Duration) {
        self.times.entry((nodes, measure)).or_default().push(took.as_secs_f64());
    }

    /// A contender did not come to the end of its work, for this reason.
    pub fn fail(&mut self, nodes: usize, contender: &'static str, reason: String) {
        self.failures.entry((nodes, contender)).or_default().push(reason);
    }

    /// Contenders that failed with so many nodes, with the reason of each time.
    pub fn failures(&self, nodes: usize) -> impl Iterator<Item = (&'static str, &[String])> {
        let of_size = self.failures.iter().filter(move |((size, _), _)| *size == nodes);
        of_size.map(|((_, contender), reasons)| (*contender, reasons.as_slice()))
    }

    /// Numbers of nodes, in order.
    pub fn sizes(&self) -> Vec<usize> {
        let measured = self.times.keys().map(|(nodes, _)| *nodes);
        let sizes: BTreeSet<usize> = measured.chain(self.failures.keys().map(|(nodes, _)| *nodes)).collect();
        sizes.into_iter().collect()
    }

    /// In order of size; none when it was not measured.
    pub fn times(&self, nodes: usize, measure: Measure) -> Vec<f64> {
        let mut times = self.times.get(&(nodes, measure)).cloned().unwrap_or_default();
        times.sort_by(f64::total_cmp);
        times
    }

    pub fn median(&self, nodes: usize, measure: Measure) -> Option<f64> {
        let times = self.times(nodes, measure);
        let middle = times.len() / 2;
        match times.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(times[middle]),
            _ => Some(f64::midpoint(times[middle - 1], times[middle])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_not_moved_by_one_bad_day() {
        let mut figures = Figures::default();
        for seconds in [3, 1, 90] {
            figures.add(3, Measure::Plan, Duration::from_secs(seconds));
        }
        assert_eq!(figures.median(3, Measure::Plan), Some(3.0));
        figures.add(3, Measure::Plan, Duration::from_secs(2));
        assert_eq!(figures.median(3, Measure::Plan), Some(2.5));
        assert_eq!((figures.median(3, Measure::Run), figures.sizes()), (None, vec![3]));
    }
}

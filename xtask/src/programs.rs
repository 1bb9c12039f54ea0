//! The test programs in `tests/`, told apart by what they need.

use std::fs;

use crate::run;

/// What a test program needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// This machine alone.
    Here,
    /// A lab.
    Lab,
    /// Machines that boot.
    Vm,
}

/// Names of the test programs of this kind, in order.
pub fn files_of(kind: Kind) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(run::root().join("tests"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| kind_of(name) == kind)
        .collect();
    names.sort();
    names
}

fn kind_of(name: &str) -> Kind {
    match name.split_once('_') {
        Some(("lab", _)) => Kind::Lab,
        Some(("vm", _)) => Kind::Vm,
        _ => Kind::Here,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_apart_by_name() {
        assert_eq!(
            ["lab_run", "vm_story", "house", "labour", "vmlinuz"].map(kind_of),
            [Kind::Lab, Kind::Vm, Kind::Here, Kind::Here, Kind::Here]
        );
        assert!(files_of(Kind::Here).contains(&"house".to_owned()));
    }
}

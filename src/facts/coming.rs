//! What a package manager would do for the packages that a node lacks, whichever manager it is.

use serde::Serialize;

use super::{apt, dnf, zypper};

/// A package that would be installed, or brought to another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Install {
    pub name: String,
    /// The version that is there now; `older` where the manager does not tell it.
    pub from: Option<String>,
    /// The version that would be there; empty where the manager does not tell it.
    pub to: String,
}

/// What the simulation of this manager printed; `None` when it could not tell: its lists are empty, or the packages are
/// not in them.
pub fn installs(manager: &str, text: &str) -> Option<Vec<Install>> {
    match manager {
        "apt" => apt::installs(text),
        "dnf" => dnf::installs(text),
        "zypper" => zypper::installs(text),
        "pacman" => pacman(text),
        _ => None,
    }
}

/// Lines of `NAME NEW-VERSION [OLD-VERSION]`, which `gather.sh` puts together out of two answers of pacman's.
fn pacman(text: &str) -> Option<Vec<Install>> {
    let parse = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        Some(Install { name: words.next()?, to: words.next()?, from: words.next() })
    };
    let found: Vec<Install> = text.lines().filter_map(parse).collect();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_put_together_for_pacman() {
        let found = installs("pacman", "hwloc 2.11.2-1\nopenmpi 5.0.6-1\nlibnl 3.11.0-1 3.10.0-1\n").unwrap();
        assert_eq!(found[1], Install { name: "openmpi".into(), from: None, to: "5.0.6-1".into() });
        assert_eq!(found[2].from.as_deref(), Some("3.10.0-1"));
        assert_eq!(installs("pacman", ""), None);
        assert_eq!(installs("other", "a b\n"), None);
    }
}

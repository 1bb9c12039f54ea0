//! What a package manager would do for the packages that a node lacks, whichever manager it is.

use super::{apt, dnf, install::Install, pacman, zypper};

/// What the simulation of this manager printed; `None` when it could not tell: its lists are empty, or the packages are
/// not in them.
pub fn installs(manager: &str, text: &str) -> Option<Vec<Install>> {
    match manager {
        "apt" => apt::installs(text),
        "dnf" => dnf::installs(text),
        "zypper" => zypper::installs(text),
        "pacman" => pacman::installs(text),
        _ => None,
    }
}

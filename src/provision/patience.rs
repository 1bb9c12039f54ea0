//! How long a node's scripts are waited for while it is altered. A node that stands still costs this once; one that tells what
//! it does is let do it.

use std::time::Duration;

use crate::node::Patience;

/// Every change tells that it begins and ends, so this is for the longest of them: taking away an environment of ten
/// thousand files, on an SD card that writes a hundred of them a second, with a reserve.
const SILENT: Duration = Duration::from_secs(240);

/// A package manager tells when it fetches a package and when it sets it up, not of what lies between: others' lock is waited
/// for, up to 5 minutes; a large package comes over a slow line; all of them are unpacked, and the manual's index is made
/// anew, which an old SD card takes minutes for. A person's folders, which `--purge` removes, are of any size.
const SILENT_LONG: Duration = Duration::from_secs(900);

/// 200 MB over a line of 1 Mbit/s, and their unpacking.
const IN_ALL: Duration = Duration::from_secs(3600);

/// The longest silences. Tests have shorter ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silences {
    /// For changes of mpiup's own.
    pub short: Duration,
    /// Where work of unknown size is among them.
    pub long: Duration,
}

impl Default for Silences {
    fn default() -> Self {
        Self { short: SILENT, long: SILENT_LONG }
    }
}

impl Silences {
    /// The patience with one script; `long` says which of them.
    pub fn patience(self, long: bool) -> Patience {
        Patience { in_all: IN_ALL, silent: if long { self.long } else { self.short } }
    }
}

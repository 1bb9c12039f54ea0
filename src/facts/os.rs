//! `/etc/os-release`.

use serde::Serialize;

use crate::distributions::{self, Family};

/// The distribution of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Os {
    /// `debian`, `ubuntu`, `fedora` …
    pub id: String,
    /// `12`, `24.04` …
    pub version: String,
    /// The ids of the distributions that it derives from.
    pub like: Vec<String>,
    /// What a person calls it.
    pub pretty: String,
}

impl Os {
    /// In a column: `Debian GNU/Linux 12 (bookworm)` → `Debian 12`.
    pub fn short(&self) -> String {
        let plain = self.pretty.split(" (").next().unwrap_or_default();
        plain.split_whitespace().filter(|word| *word != "GNU/Linux").collect::<Vec<_>>().join(" ")
    }

    /// The systems with the same package manager and the same names of packages.
    pub fn family(&self) -> Option<&'static Family> {
        distributions::of(&self.id, &self.like)
    }
}

/// os-release(5): `NAME=value`, where the value may stand in quotes.
pub fn os(text: &str) -> Os {
    let value = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
            .unwrap_or_default()
    };
    Os {
        id: value("ID"),
        version: value("VERSION_ID"),
        like: value("ID_LIKE").split_whitespace().map(str::to_owned).collect(),
        pretty: value("PRETTY_NAME"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_debian_and_its_children() {
        let debian = os("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n");
        assert_eq!((debian.id.as_str(), debian.version.as_str()), ("debian", "12"));
        assert_eq!(debian.short(), "Debian 12");
        assert_eq!(os("PRETTY_NAME=\"Rocky Linux 9.4 (Blue Onyx)\"\n").short(), "Rocky Linux 9.4");
        let family = |text: &str| os(text).family().map(|family| family.name);
        assert_eq!(family("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), Some("apt"));
        assert_eq!(family("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), Some("dnf"));
    }
}

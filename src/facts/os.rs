//! `/etc/os-release`.

use serde::Serialize;

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
        let plain = |word: &&str| *word != "GNU/Linux" && !word.starts_with('(');
        self.pretty.split_whitespace().filter(plain).collect::<Vec<_>>().join(" ")
    }

    /// True when packages are Debian's: apt and dpkg.
    pub fn is_debian(&self) -> bool {
        self.id == "debian" || self.like.iter().any(|like| like == "debian" || like == "ubuntu")
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
        assert_eq!((debian.id.as_str(), debian.version.as_str(), debian.is_debian()), ("debian", "12", true));
        assert_eq!(debian.short(), "Debian 12");
        assert!(os("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n").is_debian());
        assert!(!os("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n").is_debian());
    }
}

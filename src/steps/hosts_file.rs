//! A block in `/etc/hosts`, so that every node knows every other by name. Needs root; without it, `~/.ssh/config` does.

use super::{
    Cluster, Member,
    write::{self, Block},
};
use crate::{
    changes::{Change, Place, Wave, block},
    spec::NodeName,
};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    if !member.facts.is_root {
        return vec![];
    }
    let text = member.facts.text("/etc/hosts").unwrap_or_default();
    let others = block::without(text, &cluster.layout.mark);
    // Debian maps a machine's own name to 127.0.1.1, which harms nobody.
    let harmless = |name: &NodeName| if name == &member.spec.name { "127." } else { "\n" };
    let named: Vec<_> = cluster
        .names()
        .into_iter()
        .map(|(name, address)| (name, address.to_string(), meaning(&others, name.as_str(), harmless(name))))
        .collect();
    // Names that somebody has entered rightly by hand are theirs: adopted, and left when mpiup goes.
    let missing = named.iter().filter(|(_, address, found)| *found != Some(address));
    let missing: String = missing.map(|(name, address, _)| format!("{address} {name}\n")).collect();
    if missing.is_empty() && others == text {
        return vec![];
    }
    // The first line that names a machine counts: where one above says something else, the block goes before it.
    let shadowed = named.iter().any(|(_, address, found)| found.is_some_and(|found| found != address));
    let place = if shadowed { Place::Top } else { Place::Bottom };
    let at = Block { path: "/etc/hosts", owner: "root", place, mode: "644" };
    write::block(cluster, member, Wave::Ground, at, missing, "every node knows every other by name")
        .into_iter()
        .collect()
}

/// The address that the name has, whatever a machine calls itself.
pub fn meaning_of<'a>(hosts: &'a str, name: &str) -> Option<&'a str> {
    meaning(hosts, name, "127.")
}

/// The address that the name has: that of the first line with it whose address does not begin like `harmless`.
/// Lines are cut as the C library cuts them, and names mean the same in capitals.
pub(super) fn meaning<'a>(hosts: &'a str, name: &str, harmless: &str) -> Option<&'a str> {
    hosts.lines().find_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let blank = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
        let mut words = line.split(blank).filter(|word| !word.is_empty());
        let address = words.next().filter(|address| !address.starts_with(harmless))?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::meaning;

    #[test]
    fn the_first_line_counts() {
        let hosts = "127.0.0.1 localhost\n192.168.1.99 Client1\n192.168.1.11 client1 n1\n127.0.1.1 client2\n";
        assert_eq!(meaning(hosts, "client1", "127."), Some("192.168.1.99"));
        assert_eq!(meaning(hosts, "n1", "127."), Some("192.168.1.11"));
        assert_eq!(meaning(hosts, "client2", "127."), None);
        assert_eq!(meaning(hosts, "client2", "\n"), Some("127.0.1.1"));
    }

    #[test]
    fn a_comment_names_nothing() {
        let hosts = "127.0.0.1 localhost\n192.168.1.11\tclient1.lan client1 # ours\r\n#192.168.1.12 client2\n";
        assert_eq!(meaning(hosts, "client1", "127."), Some("192.168.1.11"));
        assert_eq!(meaning(hosts, "client2", "127."), None);
        assert_eq!(meaning(hosts, "ours", "127."), None);
        assert_eq!(meaning("192.168.1.11\u{a0}client1\n", "client1", "127."), None, "a no-break space is no blank");
    }
}

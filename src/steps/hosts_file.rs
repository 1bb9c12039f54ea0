//! A block in `/etc/hosts`, so that every node knows every other by name. Needs root; without it, `~/.ssh/config` does.

use super::{
    Cluster, Member,
    write::{self, Block},
};
use crate::changes::{Change, Place, Wave, block};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    if !member.facts.is_root {
        return vec![];
    }
    let text = member.facts.text("/etc/hosts").unwrap_or_default();
    let others = block::without(text, &cluster.layout.mark);
    // Names that somebody has entered rightly by hand are theirs: adopted, and left when mpiup goes.
    let missing: String = cluster
        .names()
        .into_iter()
        .filter(|(name, address)| !resolves(&others, name.as_str(), &address.to_string()))
        .map(|(name, address)| format!("{address} {name}\n"))
        .collect();
    if missing.is_empty() && others == text {
        return vec![];
    }
    // The first line that names a machine counts: where one above says something else, the block goes before it.
    let shadowed = cluster.names().into_iter().any(|(name, address)| {
        // Debian maps a machine's own name to 127.0.1.1, which harms nobody.
        let harmless = if name == &member.spec.name { "127." } else { "\n" };
        is_elsewhere(&others, name.as_str(), &address.to_string(), harmless)
    });
    let place = if shadowed { Place::Top } else { Place::Bottom };
    let at = Block { path: "/etc/hosts", owner: "root", place, mode: "644" };
    write::block(cluster, member, Wave::Ground, at, missing, "every node knows every other by name")
        .into_iter()
        .collect()
}

/// Whether the file maps the name to this address already.
fn resolves(hosts: &str, name: &str, address: &str) -> bool {
    hosts.lines().any(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        words.next() == Some(address) && words.any(|word| word == name)
    })
}

/// Whether the file maps the name to another address than this one, or one that begins like `harmless`.
fn is_elsewhere(hosts: &str, name: &str, address: &str, harmless: &str) -> bool {
    hosts.lines().any(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        words.next().is_some_and(|first| first != address && !first.starts_with(harmless))
            && words.any(|word| word == name)
    })
}

#[cfg(test)]
mod tests {
    use super::{is_elsewhere, resolves};

    #[test]
    fn a_stale_line_is_seen() {
        let hosts = "127.0.0.1 localhost\n192.168.1.99 client1\n";
        assert!(is_elsewhere(hosts, "client1", "192.168.1.11", "127."));
        assert!(!is_elsewhere(hosts, "client2", "192.168.1.12", "127."));
        assert!(!is_elsewhere("127.0.1.1 client1\n", "client1", "192.168.1.11", "127."));
        assert!(is_elsewhere("127.0.1.1 client1\n", "client1", "192.168.1.11", "\n"));
    }

    #[test]
    fn a_comment_resolves_nothing() {
        let hosts = "127.0.0.1 localhost\n192.168.1.11\tclient1.lan client1 # ours\n#192.168.1.12 client2\n";
        assert!(resolves(hosts, "client1", "192.168.1.11"));
        assert!(!resolves(hosts, "client2", "192.168.1.12"));
        assert!(!resolves(hosts, "ours", "192.168.1.11"));
        assert!(!resolves(hosts, "client1", "192.168.1.12"));
    }
}

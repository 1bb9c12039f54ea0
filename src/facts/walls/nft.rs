//! nftables: its base chains for what comes in, as `nft -n -s list chain` prints them.

use super::{Allowed, Before, Wall, network, words};

/// A wall for each chain that lets in only what it names. `at_boot` is a folder, the file that includes it, and the chains that
/// this one makes, a line each.
pub(super) fn walls(text: &str, at_boot: &str) -> Vec<Wall> {
    let mut boot = at_boot.lines();
    let folder = boot.next().zip(boot.next()).map(|(folder, file)| (folder.to_owned(), file.to_owned()));
    let made: Vec<&str> = boot.collect();
    let (mut walls, mut table, mut chain, mut rules) = (Vec::new(), String::new(), String::new(), Vec::new());
    for line in text.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["table", family, name, "{"] => table = format!("{family} {name}"),
            ["chain", name, "{"] => chain = (*name).to_owned(),
            ["}"] if !chain.is_empty() => {
                let place = format!("{table} {chain}");
                let at_boot = folder.clone().filter(|_| made.contains(&place.as_str()));
                walls.extend(wall(&place, &std::mem::take(&mut rules), at_boot));
                chain.clear();
            }
            ["}"] | [] => {}
            _ => rules.push(line),
        }
    }
    walls
}

fn wall(place: &str, rules: &[&str], at_boot: Option<(String, String)>) -> Option<Wall> {
    let looks_at = match place.split(' ').next()? {
        "ip" => [true, false],
        "ip6" => [false, true],
        "inet" => [true, true],
        _ => return None,
    };
    rules.iter().any(|rule| closes(rule)).then(|| Wall {
        firewall: "nft",
        place: place.to_owned(),
        before: Before::default(),
        looks_at,
        allows: rules.iter().flat_map(|rule| allowed(rule)).collect(),
        at_boot,
    })
}

/// The chain's policy, or a rule that drops without a condition.
fn closes(rule: &str) -> bool {
    if rule.starts_with("type filter hook input ") {
        return rule.contains("policy drop;");
    }
    let words = words(rule);
    let mut words = words.iter().map(String::as_str);
    loop {
        match words.next() {
            Some("counter" | "log") => {}
            Some("prefix" | "level" | "flags") => drop(words.next()),
            other => return matches!(other, Some("drop" | "reject")),
        }
    }
}

/// `iifname "eth0" ip saddr { 10.0.0.1, 10.9.0.0/24 } counter accept comment "why"`: one for each address.
fn allowed(rule: &str) -> Vec<Allowed> {
    let words = words(rule);
    let mut words = words.iter().map(|word| word.trim_end_matches(',')).peekable();
    let (mut from, mut interface) = (vec![None], None);
    loop {
        match words.next() {
            Some("iif" | "iifname") => interface = words.next().map(str::to_owned),
            Some("ip" | "ip6") if words.next() == Some("saddr") => {
                let named: Vec<&str> = match words.next() {
                    Some("{") => words.by_ref().take_while(|word| *word != "}").collect(),
                    Some(one) => vec![one],
                    None => return vec![],
                };
                // Ranges and the sets of others are not understood.
                from = named.into_iter().filter_map(network).map(Some).collect();
            }
            Some("counter") => {}
            Some("accept") => break,
            _ => return vec![],
        }
    }
    let comment = match (words.next(), words.next()) {
        (None, _) => None,
        (Some("comment"), Some(text)) => Some(text.to_owned()),
        _ => return vec![],
    };
    from.into_iter().map(|from| Allowed { from, interface: interface.clone(), comment: comment.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// nftables 1.0.6 of Debian 12.
    const DEBIAN: &str = r#"table inet filter {
	chain input {
		type filter hook input priority 0; policy drop;
		ip6 saddr fd00::1 accept comment "mpiup aula"
		ip saddr { 10.77.0.1, 10.77.0.3 } accept comment "mpiup aula"
		iif "lo" accept
		ct state 0x2,0x4 accept
		ip saddr @admins tcp dport 22 accept
		tcp dport 22 counter accept comment "hello; world"
		ip saddr { 10.0.0.1, 10.9.0.0/24 } counter accept
		iifname "eth1" accept
		limit rate 5/minute log prefix "drop: "
	}
}
table ip mine {
	chain wall {
		type filter hook input priority 10; policy accept;
		ip saddr 10.1.1.1 drop
	}
}
table ip6 last {
	chain wall {
		type filter hook input priority 10; policy accept;
		counter log prefix "drop: " level info reject with icmpx 3
	}
}
"#;

    #[test]
    fn a_chain_that_ends_in_a_drop_is_a_wall() {
        let walls = walls(DEBIAN, "/etc/nftables.d\n/etc/nftables.conf\ninet filter input\n");
        let places: Vec<&str> = walls.iter().map(|wall| wall.place.as_str()).collect();
        assert_eq!(places, ["inet filter input", "ip6 last wall"]);
        assert_eq!(walls[1].looks_at, [false, true]);
        assert_eq!(walls[0].at_boot, Some(("/etc/nftables.d".into(), "/etc/nftables.conf".into())));
        assert_eq!(walls[1].at_boot, None);
        let marked: Vec<String> = walls[0].marked("mpiup aula").iter().map(ToString::to_string).collect();
        assert_eq!(marked, ["fd00::1", "10.77.0.1", "10.77.0.3"]);
        let lets_in =
            |address: &str, interface: &str| walls[0].lets_in(address.parse().unwrap(), interface, "mpiup aula");
        assert!(lets_in("10.9.0.7", "eth0") && lets_in("10.77.0.1", "eth1"));
        assert!(!lets_in("10.77.0.1", "eth0") && !lets_in("192.168.0.1", "eth0"));
    }
}

//! iptables without anybody's help: `iptables -S INPUT` and `ip6tables -S INPUT`.

use super::{Allowed, Before, Wall, network, words};

const CHAIN: &str = "INPUT";

/// `None` where both let in what no rule is about.
pub(super) fn wall(four: &str, six: &str) -> Option<Wall> {
    let looks_at = [four, six].map(is_closed);
    looks_at.contains(&true).then(|| Wall {
        firewall: "iptables",
        place: CHAIN.into(),
        before: Before::default(),
        looks_at,
        allows: four.lines().chain(six.lines()).filter_map(allowed).collect(),
        at_boot: None,
    })
}

/// What comes to the end is dropped, or a rule without conditions does so before.
fn is_closed(text: &str) -> bool {
    text.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words.as_slice(), ["-P", CHAIN, "DROP"] | ["-A", CHAIN, "-j", "DROP" | "REJECT", ..])
    })
}

/// `-A INPUT -s 10.77.0.1/32 -i eth0 -m comment --comment "mpiup aula" -j ACCEPT`
fn allowed(line: &str) -> Option<Allowed> {
    let words = words(line.strip_prefix("-A INPUT ")?);
    let mut words = words.iter().map(String::as_str);
    let mut found = Allowed { from: None, interface: None, comment: None };
    loop {
        match (words.next()?, words.next()?) {
            ("-s", from) => found.from = Some(network(from)?),
            ("-i", interface) => found.interface = Some(interface.to_owned()),
            ("-m", "comment") => {}
            ("--comment", comment) => found.comment = Some(comment.to_owned()),
            ("-j", "ACCEPT") => return words.next().is_none().then_some(found),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Red Hat's systems had before firewalld.
    const OLD: &str = "-P INPUT ACCEPT
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -s 10.78.0.0/16 -i eth1 -j ACCEPT
-A INPUT -s 10.77.0.1/32 -m comment --comment \"mpiup aula\" -j ACCEPT
-A INPUT -s 10.77.0.2/32 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
";

    #[test]
    fn a_last_rule_or_the_policy_closes_it() {
        let wall = wall(OLD, "-P INPUT ACCEPT\n").unwrap();
        assert_eq!(wall.looks_at, [true, false]);
        assert_eq!(wall.marked("mpiup aula"), ["10.77.0.1".parse::<std::net::IpAddr>().unwrap()]);
        let lets_in = |address: &str, interface: &str| wall.lets_in(address.parse().unwrap(), interface, "mpiup aula");
        assert!(lets_in("10.78.0.1", "eth1") && lets_in("10.0.0.1", "lo"));
        assert!(!lets_in("10.77.0.2", "eth0"));
        assert!(super::wall("-P INPUT DROP\n", "").is_some());
        assert_eq!(super::wall("-P INPUT ACCEPT\n-A INPUT -s 1.2.3.4/32 -j DROP\n", ""), None);
    }
}

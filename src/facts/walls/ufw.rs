//! ufw: what it does with what it does not know, and its rules, each as a line `### tuple ### …` of its files.

use super::{Allowed, Before, Wall, network, words};

/// `None` where it lets everything in, or is not switched on.
pub(super) fn wall(text: &str) -> Option<Wall> {
    let policy = text.lines().find_map(|line| line.strip_prefix("DEFAULT_INPUT_POLICY="))?;
    if policy.trim_matches('"') == "ACCEPT" {
        return None;
    }
    Some(Wall {
        firewall: "ufw",
        place: String::new(),
        before: Before::default(),
        looks_at: [true, true],
        allows: text.lines().filter_map(allowed).collect(),
        at_boot: None,
    })
}

/// `### tuple ### allow any any 0.0.0.0/0 any 10.77.0.1 in comment=6d70…`: action, protocol, port and address here, port and
/// address there, direction. A rule of an application has two words more, and is about ports.
fn allowed(line: &str) -> Option<Allowed> {
    let words = words(line.strip_prefix("### tuple ### ")?);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ["allow", "any", "any", to, "any", from, way, rest @ ..] = words.as_slice() else { return None };
    if !to.ends_with("/0") {
        return None;
    }
    let interface = match way.split_once('_') {
        None if *way == "in" => None,
        Some(("in", interface)) if !interface.contains('!') => Some(interface.to_owned()),
        _ => return None,
    };
    let comment = match rest {
        [] => None,
        [comment] => Some(unhex(comment.strip_prefix("comment=")?)),
        _ => return None,
    };
    Some(Allowed { from: Some(network(from)?), interface, comment })
}

fn unhex(digits: &str) -> String {
    let pairs = (0..digits.len() / 2).filter_map(|at| u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok());
    String::from_utf8_lossy(&pairs.collect::<Vec<u8>>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ufw 0.36.2 of Debian 12.
    const DEBIAN: &str = "DEFAULT_INPUT_POLICY=\"DROP\"
### tuple ### allow any any 0.0.0.0/0 any 10.77.0.1 in comment=6d706975702061756c61
### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in
### tuple ### deny any any 0.0.0.0/0 any 10.77.0.4 in
### tuple ### allow any any 0.0.0.0/0 any 10.78.0.0/16 in_eth1
### tuple ### allow any any ::/0 any fd00::1 in
### tuple ### allow any any 0.0.0.0/0 any 0.0.0.0/0 out
";

    #[test]
    fn reads_what_lets_an_address_in() {
        let wall = wall(DEBIAN).unwrap();
        assert_eq!(wall.marked("mpiup aula"), ["10.77.0.1".parse::<std::net::IpAddr>().unwrap()]);
        let lets_in = |address: &str, interface: &str| wall.lets_in(address.parse().unwrap(), interface, "mpiup aula");
        assert!(lets_in("10.78.3.4", "eth1") && lets_in("fd00::1", "eth0"));
        // Ours do not count, ports do not do, and another interface is another way.
        assert!(!lets_in("10.77.0.1", "eth0") && !lets_in("10.77.0.9", "eth0") && !lets_in("10.78.3.4", "eth0"));
    }

    #[test]
    fn what_lets_everything_in_is_no_wall() {
        assert_eq!(wall("DEFAULT_INPUT_POLICY=\"ACCEPT\"\n"), None);
        assert_eq!(wall(""), None);
        assert!(wall("DEFAULT_INPUT_POLICY=\"REJECT\"\n").is_some());
    }
}

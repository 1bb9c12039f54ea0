//! firewalld: its default zone, an empty line, and what `firewall-cmd --list-all-zones` prints. It gives rules no comments.

use std::net::IpAddr;

use super::{Allowed, Before, Interfaces, Wall, network, words};

/// A wall for each zone in use that lets in only what it names. What comes from a source of a zone goes through that zone and no
/// other; else its interface decides, and the default zone has all that no zone names (firewalld.zones(5); since firewalld 1.0
/// nothing drifts from one zone into another).
pub(super) fn walls(text: &str) -> Vec<Wall> {
    let Some((default, zones)) = text.split_once("\n\n") else { return vec![] };
    let zones: Vec<&str> = zones.split("\n\n").map(str::trim_end).collect();
    zones.iter().filter_map(|zone| wall(zone, default.trim(), &zones)).collect()
}

fn sources(zone: &str) -> impl Iterator<Item = (IpAddr, u8)> {
    values(zone, "sources").into_iter().filter_map(|source| network(&source))
}

/// The words of the line `  KEY: WORDS` of a zone.
fn values(zone: &str, key: &str) -> Vec<String> {
    let line = zone.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// What one zone says: a line with its name, and below it `  key: values` and rules.
fn wall(zone: &str, default: &str, zones: &[&str]) -> Option<Wall> {
    let first = zone.lines().next()?;
    let (name, about) = first.split_once(' ').unwrap_or((first, ""));
    if values(zone, "target") == ["ACCEPT"] || !(about.contains("active") || name == default) {
        return None;
    }
    let others = || zones.iter().filter(|other| **other != zone);
    let interfaces = if name == default {
        Interfaces::AllBut(others().flat_map(|other| values(other, "interfaces")).collect())
    } else {
        Interfaces::These(values(zone, "interfaces"))
    };
    let not_sources = others().flat_map(|other| sources(other)).collect();
    Some(Wall {
        firewall: "firewalld",
        place: name.to_owned(),
        before: Before { interfaces, sources: sources(zone).collect(), not_sources },
        looks_at: [true, true],
        allows: zone.lines().filter_map(|line| allowed(line.trim())).collect(),
        at_boot: None,
    })
}

/// `rule family="ipv4" source address="10.77.0.1" accept`
fn allowed(line: &str) -> Option<Allowed> {
    let words = words(line.strip_prefix("rule ")?);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ["family=", "ipv4" | "ipv6", "source", "address=", from, "accept"] = words.as_slice() else { return None };
    Some(Allowed { from: Some(network(from)?), interface: None, comment: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// firewalld 1.3 of Debian 12, shortened.
    const ZONES: &str = "public

block
  target: %%REJECT%%
  interfaces: 
  rich rules: 

internal (active)
  target: default
  icmp-block-inversion: no
  interfaces: eth1
  sources: 
  services: ssh
  rich rules: 

public (default, active)
  target: default
  icmp-block-inversion: no
  interfaces: eth0
  sources: 
  services: dhcpv6-client ssh
  rich rules: 
\trule family=\"ipv4\" source address=\"10.77.0.1\" accept
\trule family=\"ipv4\" source address=\"10.77.0.2\" port port=\"80\" protocol=\"tcp\" accept

trusted (active)
  target: ACCEPT
  interfaces: 
  sources: 10.79.0.0/16
";

    #[test]
    fn zones_in_use_are_walls() {
        let walls = walls(ZONES);
        let places: Vec<&str> = walls.iter().map(|wall| wall.place.as_str()).collect();
        assert_eq!(places, ["internal", "public"]);
        let public = &walls[1];
        let address = |text: &str| text.parse().unwrap();
        assert!(public.lets_in(address("10.77.0.1"), "eth0", "") && !public.lets_in(address("10.77.0.2"), "eth0", ""));
        assert_eq!(super::walls(""), []);
    }

    #[test]
    fn sources_decide_before_interfaces_and_the_default_zone_has_the_rest() {
        let zones = ZONES.replace("  interfaces: eth1\n  sources: \n", "  interfaces: eth1\n  sources: 10.78.0.0/16\n");
        let walls = walls(&zones);
        let through = |from: &str, interface: &str| -> Vec<&str> {
            let from = from.parse().unwrap();
            let passed = walls.iter().filter(|wall| wall.stands_before(from, interface));
            passed.map(|wall| wall.place.as_str()).collect()
        };
        assert_eq!(through("10.77.0.1", "eth0"), ["public"]);
        assert_eq!(through("10.77.0.1", "eth1"), ["internal"]);
        assert_eq!(through("10.77.0.1", "eth2"), ["public"], "no zone names it");
        assert_eq!(through("10.78.0.1", "eth0"), ["internal"]);
        assert_eq!(through("10.79.0.2", "eth0"), [""; 0], "trusted");
    }
}

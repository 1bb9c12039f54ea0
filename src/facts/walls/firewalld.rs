//! firewalld: its default zone, an empty line, and what `firewall-cmd --list-all-zones` prints. It gives rules no comments.

use super::{Allowed, Wall, network, words};

/// A wall for each zone in use that lets in only what it names.
pub(super) fn walls(text: &str) -> Vec<Wall> {
    let Some((default, zones)) = text.split_once("\n\n") else { return vec![] };
    let zones: Vec<&str> = zones.split("\n\n").map(str::trim_end).collect();
    let mut walls: Vec<Wall> = zones.iter().filter_map(|zone| wall(zone, default.trim())).collect();
    // What comes from a source of a zone goes through that zone, whatever its interface.
    let trusted = zones.iter().filter(|zone| values(zone, "target") == ["ACCEPT"]);
    let sources: Vec<String> = trusted.flat_map(|zone| values(zone, "sources")).collect();
    let from = |source: &String| Some(Allowed { from: Some(network(source)?), interface: None, comment: None });
    walls.iter_mut().for_each(|wall| wall.allows.extend(sources.iter().filter_map(from)));
    walls
}

/// The words of the line `  KEY: WORDS` of a zone.
fn values(zone: &str, key: &str) -> Vec<String> {
    let line = zone.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// What one zone says: a line with its name, and below it `  key: values` and rules.
fn wall(zone: &str, default: &str) -> Option<Wall> {
    let first = zone.lines().next()?;
    let (name, about) = first.split_once(' ').unwrap_or((first, ""));
    if values(zone, "target") == ["ACCEPT"] || !(about.contains("active") || name == default) {
        return None;
    }
    // What no zone names comes through the default one.
    let interfaces = Some(values(zone, "interfaces")).filter(|names| name != default || !names.is_empty());
    Some(Wall {
        firewall: "firewalld",
        place: name.to_owned(),
        interfaces,
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
        assert!(
            public.stands_before(address("10.77.0.1"), "eth0") && !public.stands_before(address("10.77.0.1"), "eth1")
        );
        assert!(public.lets_in(address("10.77.0.1"), "eth0", "") && !public.lets_in(address("10.77.0.2"), "eth0", ""));
        assert!(public.lets_in(address("10.79.0.2"), "eth0", ""));
    }

    #[test]
    fn the_default_zone_stands_before_what_no_zone_names() {
        let walls = walls("public\n\npublic\n  target: default\n  interfaces: \n");
        assert_eq!((walls.len(), &walls[0].interfaces), (1, &None));
        assert_eq!(super::walls(""), []);
    }
}

//! Firewalls on a node that drop what they do not know: one parser a file. Only root may ask for them.
//!
//! What is read here decides whether a rule is missing, not whether a packet would pass: a rule that lets an address in counts
//! only where it stands on nothing else. What it does not understand, it takes for no permission.

mod firewalld;
mod iptables;
mod nft;
mod ufw;

use std::{collections::BTreeMap, net::IpAddr};

/// A firewall, or a chain of one, that what comes in has to pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wall {
    /// `ufw`, `firewalld`, `iptables` or `nft`.
    pub firewall: &'static str,
    /// Where a rule belongs in it: a zone, a chain. Empty where there is one place only.
    pub place: String,
    /// What has to pass it.
    pub before: Before,
    /// Whether it looks at IPv4 and at IPv6.
    pub looks_at: [bool; 2],
    pub allows: Vec<Allowed>,
    /// A folder whose files the firewall reads at each boot, once it has made this place; and the file that says so.
    pub at_boot: Option<(String, String)>,
}

/// What has to pass a wall: by its interface, unless its source decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Before {
    pub interfaces: Interfaces,
    /// What comes from these networks passes here, whatever its interface.
    pub sources: Vec<(IpAddr, u8)>,
    /// What comes from these does not.
    pub not_sources: Vec<(IpAddr, u8)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interfaces {
    These(Vec<String>),
    AllBut(Vec<String>),
}

impl Default for Interfaces {
    fn default() -> Self {
        Self::AllBut(vec![])
    }
}

impl Before {
    fn holds(&self, from: IpAddr, interface: &str) -> bool {
        let is_of = |networks: &[(IpAddr, u8)]| networks.iter().any(|network| is_in(from, *network));
        let is_among = |names: &[String]| names.iter().any(|one| one == interface);
        is_of(&self.sources)
            || !is_of(&self.not_sources)
                && match &self.interfaces {
                    Interfaces::These(names) => is_among(names),
                    Interfaces::AllBut(names) => !is_among(names),
                }
    }
}

/// A rule that lets everything in that comes from an address or network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// `None`: from anywhere.
    pub from: Option<(IpAddr, u8)>,
    /// `None`: by any interface.
    pub interface: Option<String>,
    /// Its comment.
    pub comment: Option<String>,
}

impl Wall {
    /// Whether what comes from this address by this interface has to pass here.
    pub fn stands_before(&self, from: IpAddr, interface: &str) -> bool {
        self.before.holds(from, interface) && self.looks_at[usize::from(from.is_ipv6())]
    }

    /// Whether somebody's rule, one with another comment than `mark`, lets that in.
    pub fn lets_in(&self, from: IpAddr, interface: &str, mark: &str) -> bool {
        self.allows.iter().any(|rule| {
            rule.comment.as_deref() != Some(mark)
                && rule.interface.as_deref().is_none_or(|one| one == interface)
                && rule.from.is_none_or(|network| is_in(from, network))
        })
    }

    /// The addresses that rules with this comment let in.
    pub fn marked(&self, mark: &str) -> Vec<IpAddr> {
        let ours = self.allows.iter().filter(|rule| rule.comment.as_deref() == Some(mark));
        ours.filter_map(|rule| rule.from).map(|(address, _)| address).collect()
    }
}

/// The walls, by what `gather.sh` printed of each firewall.
pub fn walls(report: &BTreeMap<&str, &str>) -> Vec<Wall> {
    let get = |name: &str| report.get(name).copied().unwrap_or_default();
    let mut walls: Vec<Wall> = ufw::wall(get("ufw")).into_iter().collect();
    walls.extend(firewalld::walls(get("firewalld")));
    walls.extend(iptables::wall(get("iptables"), get("ip6tables")));
    walls.extend(nft::walls(get("nft"), get("nft_at_boot")));
    walls
}

/// `10.0.0.0/24`, or an address alone.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let bits = if bits.is_empty() { whole } else { bits.parse().ok()? };
    (bits <= whole).then_some((address, bits))
}

fn is_in(address: IpAddr, (network, bits): (IpAddr, u8)) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    };
    let differs = number(address) ^ number(network);
    address.is_ipv4() == network.is_ipv4() && (bits == 0 || differs.checked_shr(128 - u32::from(bits)) == Some(0))
}

/// The words of a rule; what stands in double quotes is one word, without them.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let is = |address: &str, of: &str| is_in(address.parse().unwrap(), network(of).unwrap());
        assert!(is("10.77.0.3", "10.77.0.3") && is("10.77.0.3", "10.77.0.0/16") && is("10.77.0.3", "0.0.0.0/0"));
        assert!(!is("10.77.0.3", "10.77.0.2") && !is("10.77.0.3", "10.78.0.0/16") && !is("10.77.0.3", "::/0"));
        assert!(is("fd00::3", "fd00::/64") && !is("fd00:1::3", "fd00::/64"));
        assert_eq!((network("10.0.0.0/33"), network("anywhere")), (None, None));
    }
}

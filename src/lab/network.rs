//! Names and addresses of a lab: master, client1, client2 … in a /16 that this computer does not use.
//!
//! Every lab has a network namespace of its own, so two labs may have the same addresses, and even a network in use
//! would do no harm; what is avoided is only that an address means something else to the person who reads it.

use std::net::Ipv4Addr;

/// A bridge ends at 1023 ports; some are left for what a node's owner adds.
pub(super) const MOST_MACHINES: usize = 1000;
/// Length of the subnet's prefix.
pub(super) const PREFIX: u8 = 16;
/// Port of the relay, at [`Network::relay`].
pub(super) const RELAY_PORT: u16 = 1080;

/// Sixteen bits of network; the rest is the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    base: u32,
}

impl Network {
    /// The first free one from 10.77.0.0/16 on, then 198.18.0.0/15 (kept for tests of networks, RFC 2544), and the
    /// first one all the same where nothing is free. `routes` is the text of `/proc/net/route`.
    pub(super) fn choose(routes: &str) -> Self {
        let taken = parse_routes(routes);
        let tens = (77..=255).chain(0..77).map(|second| Self::at(10, second));
        let spare = [18, 19].map(|second| Self::at(198, second));
        tens.chain(spare)
            .find(|network| !taken.iter().any(|route| route.overlaps(*network)))
            .unwrap_or(Self::at(10, 77))
    }

    fn at(first: u8, second: u8) -> Self {
        Self { base: Ipv4Addr::new(first, second, 0, 0).to_bits() }
    }

    /// Address of the machine with this place in the lab, counted from 0.
    pub(super) fn machine(self, place: usize) -> Ipv4Addr {
        let host = u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1).min(0xfef0);
        Ipv4Addr::from_bits(self.base + host)
    }

    /// The bridge's own address, where the relay to the world listens.
    pub(super) fn relay(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base + 0xfffe)
    }
}

/// master, client1, client2 …
pub(super) fn machine_name(place: usize) -> String {
    if place == 0 { "master".to_owned() } else { format!("client{place}") }
}

struct Route {
    destination: u32,
    mask: u32,
}

impl Route {
    fn overlaps(&self, network: Network) -> bool {
        let common = self.mask & 0xffff_0000;
        self.destination & common == network.base & common
    }
}

/// The routes of `/proc/net/route` but the default: there, numbers are hexadecimal in the machine's byte order.
fn parse_routes(text: &str) -> Vec<Route> {
    let number = |word: &str| u32::from_str_radix(word, 16).ok().map(|n| u32::from_be_bytes(n.to_ne_bytes()));
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let route = Route { destination: number(words.get(1)?)?, mask: number(words.get(7)?)? };
            (route.mask != 0).then_some(route)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[test]
    fn a_computer_without_routes_to_10_gets_77() {
        let routes = format!(
            "{HEADER}eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
             eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        );
        let network = Network::choose(&routes);
        assert_eq!(network.machine(0).to_string(), "10.77.0.1");
        assert_eq!(network.machine(254).to_string(), "10.77.0.255");
        assert_eq!(network.machine(299).to_string(), "10.77.1.44");
        assert_eq!(network.relay().to_string(), "10.77.255.254");
    }

    #[test]
    fn a_route_inside_or_around_a_network_takes_it() {
        // 10.77.3.0/24 and 10.78.0.0/15
        let routes = format!(
            "{HEADER}tun0\t00034D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
             tun0\t00004E0A\t00000000\t0001\t0\t0\t0\t0000FEFF\t0\t0\t0\n"
        );
        assert_eq!(Network::choose(&routes).machine(0).to_string(), "10.80.0.1");
    }

    #[test]
    fn a_vpn_that_routes_all_of_10_leaves_the_networks_for_tests() {
        let routes = format!("{HEADER}tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n");
        assert_eq!(Network::choose(&routes).machine(0).to_string(), "198.18.0.1");
    }

    #[test]
    fn machines_have_the_names_of_the_guide() {
        assert_eq!([0, 1, 12].map(machine_name), ["master", "client1", "client12"]);
    }
}

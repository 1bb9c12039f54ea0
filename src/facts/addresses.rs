//! The addresses of a node, from `ip -o addr`.

use std::net::IpAddr;

use serde::Serialize;

/// An address and the network that it stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Address {
    pub interface: String,
    pub address: IpAddr,
    /// Bits of the network part.
    pub prefix: u8,
}

impl Address {
    /// The network in CIDR form, such as `192.168.1.0/24`.
    pub fn network(&self) -> String {
        match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                format!("{}/{}", std::net::Ipv4Addr::from(u32::from(address) & mask), self.prefix)
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                format!("{}/{}", std::net::Ipv6Addr::from(u128::from(address) & mask), self.prefix)
            }
        }
    }

    /// True for the bridges that container and VM engines make on a node for themselves.
    pub fn is_bridge(&self) -> bool {
        ["docker", "br-", "virbr", "lxcbr", "lxdbr", "cni", "veth", "podman"]
            .iter()
            .any(|name| self.interface.starts_with(name))
    }

    /// True for addresses that mean another thing on every node.
    pub fn is_local(&self) -> bool {
        match self.address {
            IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local(),
        }
    }
}

/// The lines of `ip -o addr`, in its order. Lines of other forms are passed over.
pub fn addresses(output: &str) -> Vec<Address> {
    let parse = |line: &str| {
        let mut words = line.split_whitespace();
        let _index = words.next()?.strip_suffix(':')?;
        let interface = words.next()?.split('@').next()?;
        let family = words.next()?;
        let (address, prefix) = words.next()?.split_once('/').filter(|_| family.starts_with("inet"))?;
        let (address, prefix): (IpAddr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
        let longest = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= longest).then(|| Address { interface: interface.into(), address, prefix })
    };
    output.lines().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = r"1: lo    inet 127.0.0.1/8 scope host lo\       valid_lft forever preferred_lft forever
1: lo    inet6 ::1/128 scope host \       valid_lft forever preferred_lft forever
2: eth0    inet 192.168.1.10/24 brd 192.168.1.255 scope global dynamic eth0\       valid_lft 85950sec preferred_lft 85950sec
2: eth0    inet6 fe80::a00:27ff:fe4e:66a1/64 scope link \       valid_lft forever preferred_lft forever
3: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\       valid_lft forever preferred_lft forever
7: tun0    inet 10.8.0.6 peer 10.8.0.5/32 scope global tun0\       valid_lft forever preferred_lft forever
";

    #[test]
    fn reads_ip_addr() {
        let found = addresses(DEBIAN);
        let shown: Vec<String> =
            found.iter().map(|a| format!("{} {} {}", a.interface, a.network(), a.is_local())).collect();
        assert_eq!(
            shown,
            [
                "lo 127.0.0.0/8 true",
                "lo ::1/128 true",
                "eth0 192.168.1.0/24 false",
                "eth0 fe80::/64 true",
                "docker0 172.17.0.0/16 false"
            ]
        );
    }

    #[test]
    fn a_prefix_longer_than_its_address_is_no_network() {
        assert_eq!(addresses("1: lo    inet 127.0.0.1/33 scope host lo\n2: e    inet6 fe80::1/129 scope link\n"), []);
    }

    #[test]
    fn the_widest_networks_do_not_overflow() {
        let all = Address { interface: "x".into(), address: "10.1.2.3".parse().unwrap(), prefix: 0 };
        assert_eq!(all.network(), "0.0.0.0/0");
    }
}

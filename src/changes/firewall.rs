//! The rules of a firewall as a person would type them: what a plan shows, and what a file that is read at boot holds.

use std::net::IpAddr;

/// Rules of `firewall` in `place` that let in everything from these addresses, one a line. `sh/firewall_*.sh` makes the same.
pub fn rules(firewall: &str, place: &str, mark: &str, addresses: &[IpAddr]) -> String {
    let each = |rule: &dyn Fn(&IpAddr) -> String| addresses.iter().map(|address| rule(address) + "\n").collect();
    match firewall {
        "ufw" => each(&|address| format!("ufw prepend allow from {address} comment '{mark}'")),
        "firewalld" => each(&|address| {
            let family = if address.is_ipv4() { "ipv4" } else { "ipv6" };
            format!(
                "firewall-cmd [--permanent] --zone={place} --add-rich-rule='rule family=\"{family}\" source address=\"{address}\" accept'"
            )
        }),
        "iptables" => each(&|address| {
            let tool = if address.is_ipv4() { "iptables" } else { "ip6tables" };
            format!("{tool} -I {place} -s {address} -m comment --comment \"{mark}\" -j ACCEPT")
        }),
        _ => of_nft(place, mark, addresses),
    }
}

/// nftables takes all addresses of a family in one rule.
fn of_nft(place: &str, mark: &str, addresses: &[IpAddr]) -> String {
    let of = |family: &str, is: fn(&IpAddr) -> bool| {
        let listed: Vec<String> = addresses.iter().filter(|address| is(address)).map(ToString::to_string).collect();
        let rule =
            format!("insert rule {place} {family} saddr {{ {} }} accept comment \"{mark}\"\n", listed.join(", "));
        if listed.is_empty() { String::new() } else { rule }
    };
    of("ip", IpAddr::is_ipv4) + &of("ip6", IpAddr::is_ipv6)
}

//! Firewalls as they tell of themselves: no permission is made up, and whatever stands there, a plan can be made of it that lets in
//! the other node alone.

use std::{collections::BTreeMap, net::IpAddr};

use mpiup::{
    changes::{Primitive, script},
    facts::walls::{Allowed, Wall, walls},
    steps::plan,
};

use super::nodes::{MARK, NODES, with_facts};

const TOOLS: [&str; 6] = ["ufw", "firewalld", "iptables", "ip6tables", "nft", "nft_at_boot"];
const INTERFACE: &str = "eth0";

/// What each tool says, with a byte 0 between.
pub fn check(data: &[u8]) {
    let Some(text) = super::text::of(data) else { return };
    let report: BTreeMap<&str, &str> = TOOLS.into_iter().zip(text.split('\0')).collect();
    let found = walls(&report);
    let written = |c: char| c.is_ascii_hexdigit() || c == '.' || c == ':';
    let written: Vec<IpAddr> = text.split(|c| !written(c)).filter_map(|word| word.parse().ok()).collect();
    for wall in &found {
        for (address, bits) in wall.allows.iter().filter_map(|rule| rule.from) {
            assert!(written.contains(&address), "{address} is nowhere");
            assert!(bits <= if address.is_ipv4() { 32 } else { 128 });
        }
        for from in ["10.77.0.2", "10.78.1.1", "fd00::2"].map(|from| from.parse().unwrap()) {
            let lets_in = wall.allows.iter().any(|rule| is_of_others(rule) && is_about(rule, from));
            assert_eq!(wall.lets_in(from, INTERFACE, MARK), lets_in, "{from} through {wall:?}");
        }
    }
    planned(found);
}

fn is_of_others(rule: &Allowed) -> bool {
    rule.comment.as_deref() != Some(MARK)
}

fn is_about(rule: &Allowed, from: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => format!("{:032b}", u32::from(address)),
        IpAddr::V6(address) => format!("{:0128b}", u128::from(address)),
    };
    let holds = |(network, count): (IpAddr, u8)| {
        network.is_ipv4() == from.is_ipv4() && bits(network)[..usize::from(count)] == bits(from)[..usize::from(count)]
    };
    rule.interface.as_deref().is_none_or(|name| name == INTERFACE) && rule.from.is_none_or(holds)
}

fn planned(walls: Vec<Wall>) {
    let cluster = with_facts("", |facts| facts[0].walls.clone_from(&walls)).unwrap();
    let plan = plan(&cluster);
    let other: IpAddr = NODES[1].1.parse().unwrap();
    for change in &plan.nodes[0].changes {
        if let Primitive::Firewall { addresses, .. } = &change.primitive {
            assert!(addresses.iter().all(|address| *address == other), "{addresses:?}");
        }
    }
    script::calls("/state", "", plan.nodes[0].changes.iter().enumerate(), None).expect("a plan can be written down");
}

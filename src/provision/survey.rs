//! Which of several networks do all nodes really share? Asks every node to reach every other one on each of them.
//!
//! A node asks for the other's ssh host key, and the key must be the one that was read there over the authenticated
//! connection: so an address that somebody else answers does not count. No bare probes of a port: sshd would count them
//! against the node. Only needed when there is more than one candidate and no earlier decision.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;

use super::Fleet;
use crate::{
    facts::Facts,
    node::Node,
    quote,
    spec::{Address, NodeSpec},
    steps::network::{self, Candidate},
};

/// A network on which packets are dropped costs this once.
const ANSWER_SECONDS: u32 = 3;

/// ssh-keyscan waits for the slowest of its hosts, once per type of key.
const DEADLINE: Duration = Duration::from_secs(30);

/// The network that all pairs of nodes answered on; `None` when there is nothing to find out.
pub async fn survey(seen: &[(NodeSpec, Facts)], fleet: &Fleet) -> Option<String> {
    let candidates = network::undecided(seen);
    for candidate in candidates {
        let asked = seen.iter().enumerate().map(|(number, (node, _))| {
            let candidate = &candidate;
            async move {
                match fleet.node(&node.name) {
                    Some(connected) => reaches_all(number, seen, candidate, connected).await,
                    None => false,
                }
            }
        });
        if join_all(asked).await.into_iter().all(|reached| reached) {
            return Some(candidate.cidr);
        }
    }
    None
}

async fn reaches_all(number: usize, seen: &[(NodeSpec, Facts)], candidate: &Candidate, node: &Node) -> bool {
    // Every node begins with another one, so that no sshd is asked by all at once.
    let others = (1..seen.len()).map(|step| (number + step) % seen.len());
    let peers: Vec<(&NodeSpec, &Facts, String)> = others
        .filter_map(|other| {
            let (spec, facts) = seen.get(other)?;
            Some((spec, facts, candidate.addresses.get(other)?.to_string()))
        })
        .collect();
    let mut scans: BTreeMap<(String, u16), Vec<&str>> = BTreeMap::new();
    for (spec, facts, address) in &peers {
        scans.entry((key_type(facts), port(spec))).or_default().push(address);
    }
    // One ssh-keyscan asks all of its hosts side by side.
    let script: String = scans
        .iter()
        .map(|((kind, port), addresses)| {
            let addresses = quote::words(addresses);
            format!("ssh-keyscan -T {ANSWER_SECONDS} -t {kind} -p {port} {addresses} 2>/dev/null\n")
        })
        .collect();
    let Ok(output) = node.probe().read(&script, DEADLINE).await else { return false };
    let answered: Vec<(String, String)> = output.text().lines().filter_map(answer).collect();
    peers.iter().all(|(_, facts, address)| {
        let mut keys = answered.iter().filter(|(host, _)| host == address).map(|(_, key)| key.as_str());
        keys.any(|key| facts.host_keys.iter().any(|own| own.starts_with(key)))
    })
}

/// As `ssh-keyscan -t` calls the type of the node's first host key.
fn key_type(facts: &Facts) -> String {
    scan_type(facts.host_keys.first().and_then(|key| key.split(' ').next()).unwrap_or("ssh-ed25519"))
}

/// The same of any type.
pub(super) fn scan_type(kind: &str) -> String {
    kind.trim_start_matches("ssh-").split('-').next().unwrap_or("ed25519").to_owned()
}

fn port(node: &NodeSpec) -> u16 {
    port_of(&node.address)
}

pub(super) fn port_of(address: &Address) -> u16 {
    match *address {
        Address::Ssh { port: Some(port), .. } => port,
        _ => 22,
    }
}

/// `HOST TYPE KEY` or `[HOST]:PORT TYPE KEY` → host, and type and key as they stand in the node's own file.
pub(super) fn answer(line: &str) -> Option<(String, String)> {
    let mut words = line.split(' ');
    let (host, kind, key) = (words.next()?, words.next()?, words.next()?);
    let host = host.strip_prefix('[').and_then(|host| host.split(']').next()).unwrap_or(host);
    (!host.starts_with('#')).then(|| (host.to_owned(), format!("{kind} {key}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_keyscan_prints() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPjKD+F0";
        assert_eq!(answer(&format!("10.77.0.3 {key}")), Some(("10.77.0.3".into(), key.into())));
        assert_eq!(answer(&format!("[10.77.0.3]:2222 {key}")), Some(("10.77.0.3".into(), key.into())));
        assert_eq!(answer("# 10.77.0.3:22 SSH-2.0-OpenSSH_9.2p1"), None);
        assert_eq!(answer(""), None);
    }
}

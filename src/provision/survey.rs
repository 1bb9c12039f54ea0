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

/// Per answer; a network on which packets are dropped costs this once per pair, all nodes side by side.
const ANSWER_SECONDS: u32 = 3;

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
    let others: Vec<usize> = (1..seen.len()).map(|step| (number + step) % seen.len()).collect();
    let scans: String = others
        .iter()
        .filter_map(|&other| {
            let (spec, facts) = seen.get(other)?;
            let kind = facts.host_keys.first()?.split(' ').next()?.trim_start_matches("ssh-").split('-').next()?;
            let port = match spec.address {
                Address::Ssh { port: Some(port), .. } => port,
                _ => 22,
            };
            let address = candidate.addresses.get(other)?.to_string();
            Some(format!(
                "ssh-keyscan -T {ANSWER_SECONDS} -t {kind} -p {port} {} 2>/dev/null | sed 's/^/{other} /'\n",
                quote::sh(&address)
            ))
        })
        .collect();
    let deadline = Duration::from_secs(u64::from(ANSWER_SECONDS) * others.len() as u64 + 10);
    let Ok(output) = node.probe().read(&scans, deadline).await else { return false };
    let answered: BTreeMap<usize, String> = output.text().lines().filter_map(answer).collect();
    others.iter().all(|other| {
        let key = answered.get(other);
        seen.get(*other).is_some_and(|(_, facts)| {
            key.is_some_and(|key| facts.host_keys.iter().any(|own| own.starts_with(key.as_str())))
        })
    })
}

/// `NUMBER HOST TYPE KEY` → number, and type and key as they stand in the node's own file.
fn answer(line: &str) -> Option<(usize, String)> {
    let mut words = line.split(' ');
    let number = words.next()?.parse().ok()?;
    let (_host, kind, key) = (words.next()?, words.next()?, words.next()?);
    Some((number, format!("{kind} {key}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_keyscan_prints() {
        let found = answer("2 10.77.0.3 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPjKD+F0");
        assert_eq!(found, Some((2, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPjKD+F0".into())));
        assert_eq!(answer("2 # 10.77.0.3:22 SSH-2.0-OpenSSH_9.2p1").map(|(number, _)| number), Some(2));
        assert_eq!(answer(""), None);
    }
}

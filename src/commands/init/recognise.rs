//! What machines have in common that somebody has set up by hand: `init` takes it over. Pure.

use std::net::IpAddr;

use super::found::Found;
use crate::{
    facts::{Facts, share::Mount},
    spec::{Address, NodeName},
    steps,
};

/// Why the share is there already: every machine, or every one but the first, mounts the same folder, which then is the
/// first one's.
pub fn share(found: &[Found], names: &[NodeName]) -> Option<String> {
    let seen: Vec<(&NodeName, &Facts)> =
        names.iter().zip(found).map(|(name, machine)| Some((name, machine.facts.as_ref()?))).collect::<Option<_>>()?;
    let ((_, head), others) = seen.split_first()?;
    let mounted = |facts: &Facts| facts.share.holder.clone().filter(Mount::is_of_the_network);
    let mounts: Vec<Mount> = others.iter().map(|(_, facts)| mounted(facts)).collect::<Option<_>>()?;
    let first = mounts.first()?;
    if mounts.iter().any(|mount| mount.source != first.source) {
        // Each may call the server as it likes, if it is the head.
        let by_head = others.iter().zip(&mounts).all(|((_, facts), mount)| is_served_by(head, facts, mount, names));
        return by_head.then(|| format!("the other machines mount it from {} already", first.source));
    }
    match mounted(head) {
        Some(mount) if mount.source == first.source => {
            Some(format!("every machine mounts it from {} already", mount.source))
        }
        Some(_) => None,
        None => others
            .iter()
            .zip(&mounts)
            .all(|((_, facts), mount)| is_served_by(head, facts, mount, names))
            .then(|| format!("the other machines mount it from {} already", first.source)),
    }
}

/// Whether the server of a mount on a machine with `facts` is the head.
fn is_served_by(head: &Facts, facts: &Facts, mount: &Mount, names: &[NodeName]) -> bool {
    let Some(host) = mount.server() else { return false };
    let is_heads = |address: IpAddr| head.addresses.iter().any(|own| !own.is_local() && own.address == address);
    let known = facts.text("/etc/hosts").and_then(|hosts| steps::meaning_in_hosts(hosts, host));
    match known.unwrap_or(host).parse() {
        Ok(address) => is_heads(address),
        Err(_) => host == head.host_name || names.first().is_some_and(|name| name.as_str() == host),
    }
}

/// The version of mpi4py that the system's own Python has on every machine.
pub fn mpi4py(seen: &[&Facts]) -> Option<String> {
    let versions: Vec<&str> =
        seen.iter().map(|facts| Some(facts.module("mpi4py")?.version.as_str())).collect::<Option<_>>()?;
    let first = versions.first()?;
    let same = versions.iter().all(|version| version == first);
    Some(if same { (*first).to_owned() } else { versions.join(", ") })
}

/// How the first machine calls another one in its `/etc/hosts`.
pub fn name_in_hosts(first: Option<&Facts>, machine: &Found) -> Option<NodeName> {
    let hosts = first?.text("/etc/hosts")?;
    let addresses: Vec<IpAddr> = match &machine.facts {
        Some(facts) => {
            facts.addresses.iter().filter(|own| !own.is_local() && !own.is_bridge()).map(|own| own.address).collect()
        }
        None => match &machine.address {
            Address::Ssh { host, .. } => host.parse().into_iter().collect(),
            Address::Local => vec![],
        },
    };
    hosts.lines().find_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        let is_own = addresses.contains(&address);
        // `192.168.1.11 client1.lan client1`: the short one.
        let short = words.filter(|word| is_own && !word.contains('.'));
        short.filter_map(|word| NodeName::new(word).ok()).next()
    })
}

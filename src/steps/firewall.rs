//! Firewalls: each one that would drop what the other nodes send gets a rule that lets those in, and is left as it is else. MPI
//! uses ports at random, so that the rule is about addresses.

use std::{collections::BTreeSet, net::IpAddr};

use super::{Cluster, Member};
use crate::{
    changes::{Change, Guard, Primitive, Text, Wave, firewall},
    facts::walls::Wall,
};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let names = cluster.names();
    let others: BTreeSet<IpAddr> =
        names.iter().filter(|(name, _)| **name != member.spec.name).map(|(_, address)| *address).collect();
    member.facts.walls.iter().flat_map(|wall| of_wall(cluster, member, wall, &others)).collect()
}

fn of_wall(cluster: &Cluster, member: &Member, wall: &Wall, others: &BTreeSet<IpAddr>) -> Vec<Change> {
    let mark = &cluster.layout.mark;
    let named = member.facts.addresses.iter().find(|known| known.address == member.address);
    let interface = named.map(|known| known.interface.as_str()).unwrap_or_default();
    let passes = |from: &&IpAddr| wall.stands_before(**from, interface) && !wall.lets_in(**from, interface, mark);
    let missing: BTreeSet<IpAddr> = others.iter().filter(passes).copied().collect();
    let ours: BTreeSet<IpAddr> = wall.marked(mark).into_iter().collect();
    // A rule of ours that somebody's makes needless stays, while it is about a node.
    let wanted: Vec<IpAddr> =
        others.iter().filter(|one| missing.contains(one) || ours.contains(one)).copied().collect();
    let rules = |addresses: &[IpAddr]| firewall::rules(wall.firewall, &wall.place, mark, addresses);
    let rule = Change {
        primitive: Primitive::Firewall {
            firewall: wall.firewall,
            place: wall.place.clone(),
            mark: mark.clone(),
            addresses: wanted.clone(),
        },
        wave: Wave::Ground,
        guard: Some(Guard::Firewall),
        why: why(wall),
        before: Some(rules(&ours.iter().copied().collect::<Vec<_>>())).filter(|text| !text.is_empty()),
    };
    let stands =
        ours.iter().copied().eq(wanted.iter().copied()) || (wall.firewall == "firewalld" && missing.is_empty());
    let mut changes = Vec::new();
    if !stands || !member.is_complete(&rule.key()) {
        changes.push(rule);
    }
    changes.extend(at_boot(member, wall, mark, &rules(&wanted)));
    changes
}

fn why(wall: &Wall) -> String {
    let why = format!("{} drops what it does not know, and MPI uses ports at random", wall.firewall);
    match (wall.firewall, &wall.at_boot) {
        ("nft", Some(_)) | ("ufw" | "firewalld", _) => why,
        ("nft", None) => format!(
            "{why}. A reboot takes the rule away, and `mpiup up` brings it back, unless the line stands in what makes the chain at boot (often /etc/nftables.conf, at its end)"
        ),
        _ => format!(
            "{why}. A reboot takes the rule away, and `mpiup up` brings it back, unless somebody keeps it (with iptables-persistent: `netfilter-persistent save`)"
        ),
    }
}

/// nftables forgets what is not in a file. One of ours stands where others include all files of a folder; theirs stay as they
/// are, and are read once on trial, with ours.
fn at_boot(member: &Member, wall: &Wall, mark: &str, rules: &str) -> Option<Change> {
    let (folder, file) = wall.at_boot.as_ref().filter(|_| !rules.is_empty())?;
    // Files are read in the order of their names, and ours comes after those that make the chain.
    let path = format!("{folder}/zz-{}-{}.nft", mark.replace(' ', "-"), wall.place.replace(' ', "-"));
    let content = Text::new(format!("# Written by mpiup: the nodes of the cluster let each other in.\n{rules}"));
    let standing = member.facts.text(&path).map(str::to_owned);
    if standing == Some(content.to_string()) && member.is_complete(&format!("file {path}")) {
        return None;
    }
    Some(Change {
        primitive: Primitive::File {
            path,
            mode: "644",
            owner: "root".into(),
            content,
            check: Some(format!("nft -c -f {file}")),
        },
        wave: Wave::Ground,
        guard: None,
        why: format!("{file} includes the files of this folder at boot"),
        before: standing,
    })
}

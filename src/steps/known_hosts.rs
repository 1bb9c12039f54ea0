//! The nodes' host keys, read over connections that were authenticated already: never scanned blind.

use super::{Cluster, Member, write};
use crate::changes::{Change, Wave};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let path = cluster.layout.known_hosts.as_str();
    let known = member.facts.text(&cluster.layout.asked(path)).unwrap_or_default();
    let mut content = String::new();
    for (name, address) in cluster.names() {
        let begin = format!("{name},{address} ");
        match cluster.member(name) {
            Some(peer) => content.extend(peer.facts.host_keys.iter().filter_map(|key| {
                let mut words = key.split_whitespace();
                Some(format!("{begin}{} {}\n", words.next()?, words.next()?))
            })),
            // Switched off: what is known of it stays.
            None => {
                content.extend(known.lines().filter(|line| line.starts_with(&begin)).map(|line| format!("{line}\n")))
            }
        }
    }
    let why = "the nodes know each other's host keys: no question, and no blind trust";
    write::user_file(cluster, member, Wave::Mesh, (path, "644"), content, why).into_iter().collect()
}

//! A block in the user's ssh configuration: `ssh client1` works from every node, and so does the launcher.

use std::net::IpAddr;

use super::{
    Cluster, Member,
    write::{self, Block},
};
use crate::{
    changes::{Change, Place, Wave, block},
    spec::{Address, NodeName},
};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let home = &cluster.layout.home;
    let below = |path: &str| path.replacen(home.as_str(), "~", 1);
    let mut content = String::new();
    // A host's name has no upper and lower case, but the patterns of this file have.
    let patterns = |name: &NodeName, address: IpAddr| match name.as_str().to_ascii_lowercase() {
        lower if lower == name.as_str() => format!("{name} {address}"),
        lower => format!("{name} {address} {lower}"),
    };
    for (name, address) in cluster.names() {
        content.push_str(&format!("Host {}\n    HostName {address}\n", patterns(name, address)));
        if let Some(Address::Ssh { port: Some(port), .. }) = cluster.spec.node(name).map(|node| &node.address)
            && *port != 22
        {
            content.push_str(&format!("    Port {port}\n"));
        }
    }
    let all: Vec<String> = cluster.names().into_iter().map(|(name, address)| patterns(name, address)).collect();
    content.push_str(&format!(
        "Host {}\n    User {}\n    IdentityFile {}\n{}    IdentitiesOnly yes\n    UserKnownHostsFile ~/.ssh/known_hosts {}\n    ConnectTimeout 10\n",
        all.join(" "),
        cluster.spec.user,
        below(&cluster.layout.key),
        own_keys(member),
        below(&cluster.layout.known_hosts),
    ));
    // What follows a Host line belongs to it: the file's own first lines go back to being for all hosts.
    content.push_str("Match all\n");
    let path = format!("{home}/.ssh/config");
    let owner = cluster.owner();
    // At the top: ssh takes the first value that it finds, and a block at the end would stand inside somebody's `Host`.
    let at = Block { path: &path, owner: &owner, place: Place::Top, mode: "600" };
    let why = "`ssh NODE` works from every node for the cluster's user, and so does the launcher";
    write::block(cluster, member, Wave::Mesh, at, content, why).into_iter().collect()
}

/// Keys that ssh finds by itself, as long as nobody names one: with them the user may log in to other accounts there.
fn own_keys(member: &Member) -> String {
    let own = KEYS.iter().filter(|key| member.facts.file(&format!("{key}.pub")).is_some());
    own.map(|key| format!("    IdentityFile {key}\n")).collect()
}

/// Where ssh-keygen puts a key by itself.
pub(super) const KEYS: [&str; 3] = ["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519"];

/// The address that an earlier `up` wrote for a node into this configuration.
pub fn address_of(config: &str, mark: &str, node: &NodeName) -> Option<IpAddr> {
    let content = block::content(config, mark)?;
    content.lines().find_map(|line| {
        let mut patterns = line.strip_prefix("Host ")?.split(' ');
        (patterns.next() == Some(node.as_str())).then(|| patterns.next()?.parse().ok())?
    })
}

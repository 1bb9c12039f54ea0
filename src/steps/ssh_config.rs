//! A block in the user's ssh configuration: `ssh client1` works from every node, and so does the launcher.

use super::{
    Cluster, Member,
    write::{self, Block},
};
use crate::{
    changes::{Change, Place, Wave},
    spec::Address,
};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let home = &cluster.layout.home;
    let below = |path: &str| path.replacen(home.as_str(), "~", 1);
    let mut content = String::new();
    for peer in &cluster.members {
        content.push_str(&format!("Host {} {}\n    HostName {}\n", peer.spec.name, peer.address, peer.address));
        if let Address::Ssh { port: Some(port), .. } = peer.spec.address
            && port != 22
        {
            content.push_str(&format!("    Port {port}\n"));
        }
    }
    let all: Vec<String> =
        cluster.members.iter().flat_map(|peer| [peer.spec.name.to_string(), peer.address.to_string()]).collect();
    content.push_str(&format!(
        "Host {}\n    User {}\n    IdentityFile {}\n    IdentitiesOnly yes\n    UserKnownHostsFile ~/.ssh/known_hosts {}\n    ConnectTimeout 10\n",
        all.join(" "),
        cluster.spec.user,
        below(&cluster.layout.key),
        below(&cluster.layout.known_hosts),
    ));
    let path = format!("{home}/.ssh/config");
    let owner = cluster.owner(member);
    // At the top: ssh takes the first value that it finds, and a block at the end would stand inside somebody's `Host`.
    let at = Block { path: &path, owner: &owner, place: Place::Top, mode: "600" };
    let why = "`ssh NODE` works from every node for the cluster's user, and so does the launcher";
    // What follows a Host line belongs to it: the file's own first lines go back to being for all hosts.
    content.push_str("Match all\n");
    write::block(cluster, member, Wave::Mesh, at, content, why).into_iter().collect()
}

//! The hostfile `hosts` in the share, in the flavour's own dialect, with slots.
//!
//! One that somebody wrote is theirs, with its order and slots: only a block for nodes that it does not name is added to it.

use super::{
    Cluster, Member, hosts_file,
    write::{self, Block},
};
use crate::{
    changes::{Change, Place, Wave, block},
    spec::{
        Flavour, ShareKind,
        hostfile::{self, Dialect},
    },
};

pub fn step(cluster: &Cluster, member: &Member) -> Vec<Change> {
    let is_head = member.spec.name == cluster.spec.head;
    if cluster.spec.share.kind != ShareKind::Sync && !is_head {
        return vec![];
    }
    let path = path(cluster);
    let Some(theirs) = theirs(cluster, member) else {
        let why = "the guide's `mpiexec -hostfile hosts`: every node with its slots";
        let content = render(cluster, in_order(cluster));
        return write::user_file(cluster, member, Wave::Mesh, (&path, "644"), content, why).into_iter().collect();
    };
    let missing: Vec<&Member> = in_order(cluster).filter(|node| !is_named(node, &theirs.hosts, member)).collect();
    if missing.is_empty() && !theirs.has_block {
        return vec![];
    }
    let owner = cluster.owner();
    let at = Block { path: &path, owner: &owner, place: Place::Bottom, mode: "644" };
    let why = "somebody wrote this hostfile, and it is kept: only nodes that it does not name are added";
    let content = render(cluster, missing.into_iter());
    write::block(cluster, member, Wave::Mesh, at, content, why).into_iter().collect()
}

fn path(cluster: &Cluster) -> String {
    format!("{}/hosts", cluster.layout.share)
}

/// A hostfile that somebody wrote.
pub(super) struct Theirs {
    /// As they call the nodes.
    pub hosts: Vec<String>,
    has_block: bool,
}

/// The hostfile on this node, where it is somebody's, and one that the cluster's own MPI reads.
pub(super) fn theirs(cluster: &Cluster, member: &Member) -> Option<Theirs> {
    let path = path(cluster);
    let key = format!("file {path}");
    if member.facts.journal.iter().any(|entry| entry.key == key) {
        return None;
    }
    let text = member.facts.text(&cluster.layout.asked(&path))?;
    let others = block::without(text, &cluster.layout.mark);
    let read = hostfile::parse(&others, &path).ok()?;
    if read.dialect != Dialect::Plain && read.dialect != dialect(cluster) {
        return None;
    }
    Some(Theirs { hosts: read.entries.into_iter().map(|entry| entry.host).collect(), has_block: others != text })
}

/// Whether the head's hostfile names every node that takes part, and no other: then a job over it is one over them.
pub fn is_of_members(cluster: &Cluster) -> bool {
    let Some((head, theirs)) = cluster.head().and_then(|head| Some((head, theirs(cluster, head)?))) else {
        return true;
    };
    let is_member = |host: &String| cluster.members.iter().any(|node| is_named(node, std::slice::from_ref(host), head));
    theirs.hosts.iter().all(is_member)
}

/// Whether one of `hosts`, which stand in a file of `reader`, means the node.
fn is_named(node: &Member, hosts: &[String], reader: &Member) -> bool {
    let known = reader.facts.text("/etc/hosts").unwrap_or_default();
    hosts.iter().any(|host| {
        let address = hosts_file::meaning(known, host, "127.").unwrap_or(host);
        let is_own = |own: std::net::IpAddr| address.parse() == Ok(own);
        host.eq_ignore_ascii_case(node.spec.name.as_str())
            || is_own(node.address)
            || node.facts.addresses.iter().any(|own| !own.is_local() && !own.is_bridge() && is_own(own.address))
    })
}

/// The head node first, as the one whose slots are filled first.
fn in_order(cluster: &Cluster) -> impl Iterator<Item = &Member> {
    let is_head = |member: &&Member| member.spec.name == cluster.spec.head;
    let others = cluster.members.iter().filter(move |member| !is_head(member));
    cluster.head().into_iter().chain(others)
}

fn render<'a>(cluster: &Cluster, members: impl Iterator<Item = &'a Member>) -> String {
    hostfile::render(dialect(cluster), members.map(|member| (member.host(), member.slots)))
}

fn dialect(cluster: &Cluster) -> Dialect {
    match cluster.spec.flavour {
        Flavour::Openmpi => Dialect::OpenMpi,
        Flavour::Mpich => Dialect::Mpich,
    }
}

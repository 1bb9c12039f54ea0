//! What somebody has set up already and mpiup keeps as it is, in words.

use super::{Cluster, Member, hostfile, hosts_file, nfs, ssh_config};
use crate::{
    changes::block,
    facts::exports,
    spec::{Flavour, NodeName, ShareKind, Source},
};

/// Something that is there, and the nodes on which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    pub what: String,
    pub nodes: Vec<NodeName>,
}

/// In the order of the steps. What mpiup made itself, on an earlier day, is not among it.
pub fn adopted(cluster: &Cluster) -> Vec<Adopted> {
    let finders = [account, names, keys, mpi, modules, share, export, below, hosts];
    let mut all: Vec<Adopted> = Vec::new();
    for finder in finders {
        for member in &cluster.members {
            let Some(what) = finder(cluster, member) else { continue };
            match all.iter_mut().find(|known| known.what == what) {
                Some(known) => known.nodes.push(member.spec.name.clone()),
                None => all.push(Adopted { what, nodes: vec![member.spec.name.clone()] }),
            }
        }
    }
    all
}

fn account(cluster: &Cluster, member: &Member) -> Option<String> {
    let account = member.facts.user.as_ref()?;
    let is_ours = member.facts.journal.iter().any(|entry| entry.key == format!("user {}", account.name));
    let is_operators = account.name == member.facts.login.name;
    (!is_ours && !is_operators)
        .then(|| format!("account {} (uid {}, home {})", cluster.spec.user, account.uid, account.home))
}

/// Other nodes that `/etc/hosts` names rightly.
fn names(cluster: &Cluster, member: &Member) -> Option<String> {
    let others = block::without(member.facts.text("/etc/hosts")?, &cluster.layout.mark);
    let is_right = |(name, address): &(&NodeName, std::net::IpAddr)| {
        hosts_file::meaning(&others, name.as_str(), "127.").is_some_and(|known| known == address.to_string())
    };
    let named: Vec<String> =
        cluster.names().iter().filter(|known| is_right(known)).map(|(name, _)| name.to_string()).collect();
    (!named.is_empty()).then(|| format!("names in /etc/hosts: {}", named.join(", ")))
}

/// A key of the user's own that lets this node in somewhere.
fn keys(cluster: &Cluster, member: &Member) -> Option<String> {
    ssh_config::KEYS.into_iter().find_map(|name| {
        let public = member.facts.text(&format!("{name}.pub"))?;
        let key = public.split_whitespace().nth(1)?;
        let accepts = |other: &&Member| {
            let known = other.facts.text("~/.ssh/authorized_keys").unwrap_or_default();
            block::without(known, &cluster.layout.mark)
                .lines()
                .any(|line| line.split_whitespace().any(|word| word == key))
        };
        let accepting: Vec<&str> =
            cluster.members.iter().filter(accepts).map(|other| other.spec.name.as_str()).collect();
        (!accepting.is_empty()).then(|| format!("key {name}, which {} let in", accepting.join(", ")))
    })
}

fn mpi(cluster: &Cluster, member: &Member) -> Option<String> {
    let launcher = member.facts.mpi.iter().find(|launcher| launcher.flavour == cluster.spec.flavour)?;
    let name = if cluster.spec.flavour == Flavour::Openmpi { "Open MPI" } else { "MPICH" };
    (cluster.spec.source == Source::Existing).then(|| format!("{name} {} ({})", launcher.version, launcher.path))
}

fn modules(cluster: &Cluster, member: &Member) -> Option<String> {
    let module = member.facts.module("mpi4py")?;
    cluster.spec.requirements.is_empty().then(|| format!("mpi4py {} of the system's Python", module.version))
}

fn share(cluster: &Cluster, member: &Member) -> Option<String> {
    let mount = member.facts.share.holder.as_ref().filter(|mount| mount.is_of_the_network())?;
    (cluster.spec.share.kind == ShareKind::Existing)
        .then(|| format!("{}, mounted from {} ({})", mount.at, mount.source, mount.kind))
}

/// With whatever is more open about it than what mpiup would have made.
fn export(cluster: &Cluster, member: &Member) -> Option<String> {
    let share = &cluster.layout.share;
    let lines = || member.facts.text("/etc/exports").unwrap_or_default().lines();
    let all = match &member.facts.nfs {
        Some(nfs) => nfs.exports.clone(),
        None => exports::exports(&lines().map(|line| format!("/etc/exports\t{line}\n")).collect::<String>()),
    };
    let own = nfs::own_exports(&cluster.spec);
    let theirs: Vec<_> = all.iter().filter(|export| export.path == *share && export.file != own).collect();
    let mut files: Vec<&str> = theirs.iter().map(|export| export.file.as_str()).collect();
    files.dedup();
    let mut what = format!("export of {share} in {}", (!files.is_empty()).then(|| files.join(" and "))?);
    let roots: Vec<&str> = theirs.iter().flat_map(|export| export.roots()).collect();
    let is_open = theirs.iter().any(|export| export.is_for_everybody());
    if is_open {
        what.push_str(", for every machine");
    }
    match roots.as_slice() {
        [] => {}
        roots if roots.contains(&"*") => what.push_str("; root on any of them is root in it"),
        roots => what.push_str(&format!("; root on {} is root in it", roots.join(", "))),
    }
    Some(what)
}

/// File systems that end the share on the head: it is better said than found out.
fn below(cluster: &Cluster, member: &Member) -> Option<String> {
    if cluster.spec.share.kind != ShareKind::Nfs || !cluster.spec.is_head(&member.spec.name) {
        return None;
    }
    let all =
        nfs::hidden(&cluster.layout.share, &member.facts).map(|mount| format!("{} at {}", mount.source, mount.at));
    let all: Vec<String> = all.collect();
    (!all.is_empty()).then(|| {
        format!(
            "mounts below the share, empty folders on the other nodes unless they are exported too: {}",
            all.join(", ")
        )
    })
}

fn hosts(cluster: &Cluster, member: &Member) -> Option<String> {
    let theirs = hostfile::theirs(cluster, member)?;
    Some(format!("hostfile {}/hosts, which names {}", cluster.layout.share, theirs.hosts.join(", ")))
}

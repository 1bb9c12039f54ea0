//! What must be true before a folder is shared over NFS. Each error names the node and the way out, and comes before anything
//! is changed.

use std::net::IpAddr;

use super::{FSTAB, UNIT, hidden, left_behind, mount, own_exports};
use crate::{
    changes::block,
    error::{Error, Result},
    facts::{
        Facts,
        exports::{self, Export},
        nfs::Nfs,
        share::Mount,
    },
    spec::{NodeName, NodeSpec, ShareKind, Spec},
    steps::{Layout, common, hosts_file, packages},
};

const SYNC: &str =
    "Or use `kind = \"sync\"` in [share]: mpiup mirrors the folder, and it needs neither root nor a server.";

/// The machine that exports, as the others need to know it. By default it is none.
#[derive(Debug, Default)]
pub struct Server {
    name: String,
    /// What it calls itself.
    host_name: String,
    addresses: Vec<IpAddr>,
    /// uid and gid that files in the share have.
    owner: (u32, u32),
    /// What it exports now.
    exports: Vec<Export>,
    /// A node that still mounts another folder from it, and which.
    serves_before: Option<(NodeName, String)>,
}

impl Server {
    pub fn new(spec: &Spec, home: &str, seen: &[(NodeSpec, Facts)]) -> Server {
        let head = seen.iter().find(|(node, _)| spec.is_head(&node.name)).map(|(_, facts)| facts);
        let addresses = head.into_iter().flat_map(|facts| &facts.addresses).map(|own| own.address).collect();
        let account = head.and_then(|facts| facts.user.as_ref());
        // An account that is still to be made gets one number for both.
        let owner = account.map_or_else(
            || {
                let id = common::free_id(seen);
                (id, id)
            },
            |account| (account.uid, account.gid),
        );
        let exports = head.and_then(|facts| facts.nfs.as_ref()).map(|nfs| nfs.exports.clone()).unwrap_or_default();
        let share = Layout::new(spec, home).share;
        let serves_before =
            seen.iter().find_map(|(node, facts)| Some((node.name.clone(), before(spec, &share, facts)?.to_owned())));
        let host_name = head.map(|facts| facts.host_name.clone()).unwrap_or_default();
        Server { name: spec.head.to_string(), host_name, addresses, owner, exports, serves_before }
    }

    /// Whether it exports the share, and not to any address that this node has now.
    fn shuts_out(&self, share: &str, node: &NodeName, facts: &Facts) -> bool {
        let mut own = facts.addresses.iter().filter(|own| !own.is_local());
        self.of(share).next().is_some() && !own.any(|own| exports::admit(self.of(share), node.as_str(), own.address))
    }

    /// What it exports of the share.
    fn of<'a>(&'a self, share: &'a str) -> impl Iterator<Item = &'a Export> {
        self.exports.iter().filter(move |export| export.path == share)
    }

    /// Whether the source names this folder of it as mpiup does, or by an address.
    fn exports(&self, source: &str, share: &str, facts: &Facts) -> bool {
        let is_address = |host: &str| host.parse().is_ok_and(|address| self.has(address, facts));
        parts(source, share).is_some_and(|host| host.eq_ignore_ascii_case(&self.name) || is_address(host))
    }

    /// Whether this is its share for that node, by whatever name. `asks` is where the kernel asks for what is mounted already.
    fn shares(&self, source: &str, share: &str, asks: Option<IpAddr>, facts: &Facts) -> bool {
        let knows = |host: &str| asks.map_or_else(|| self.is_called(host, facts), |asked| self.has(asked, facts));
        self.exports(source, share, facts) || parts(source, share).is_some_and(knows)
    }

    /// Whether that node means it by this name.
    fn is_called(&self, host: &str, facts: &Facts) -> bool {
        let hosts = facts.text("/etc/hosts").unwrap_or_default();
        if let Some(address) = hosts_file::meaning_of(hosts, host) {
            return address.parse().is_ok_and(|address| self.has(address, facts));
        }
        let (name, domain) = host.split_at_checked(self.name.len()).unwrap_or_default();
        let is_whole_name = name.eq_ignore_ascii_case(&self.name) && domain.starts_with('.');
        let is_own_name = host.eq_ignore_ascii_case(&self.host_name) && self.host_name != facts.host_name;
        is_whole_name || is_own_name
    }

    /// An address that both have, 127.0.0.1 or that of a bridge, is the other node's own there.
    fn has(&self, address: IpAddr, facts: &Facts) -> bool {
        self.addresses.contains(&address) && facts.addresses.iter().all(|own| own.address != address)
    }
}

/// The host that serves this folder by that source.
fn parts<'a>(source: &'a str, share: &str) -> Option<&'a str> {
    let (host, path) = source.rsplit_once(':')?;
    (path.trim_end_matches('/') == share).then_some(host.trim_matches(['[', ']']))
}

/// Whether this node can have its part in the share.
pub fn check(spec: &Spec, home: &str, server: &Server, node: &NodeName, facts: &Facts) -> Result<()> {
    let share = Layout::new(spec, home).share;
    taken_back(spec, &share, server, node, facts)?;
    if spec.share.kind != ShareKind::Nfs {
        return Ok(());
    }
    let nfs = facts.nfs.clone().unwrap_or_default();
    name(&share)?;
    kernel(spec, node, &nfs)?;
    programs(spec, node, facts)?;
    numbers(spec, server, node, facts)?;
    if spec.is_head(node) {
        begins_at_the_top(&share, node, facts, &nfs)?;
        exported(&share, node, facts, &nfs)?;
        whole(&share, node, facts, &nfs)
    } else {
        mounted(spec, &share, server, node, facts)
    }
}

/// What mpiup mounted here by `kind = "nfs"` and is not the share of now: of another `path`, or of a time before another `kind`.
fn before<'a>(spec: &Spec, share: &str, facts: &'a Facts) -> Option<&'a str> {
    let is_now = |path: &str| spec.share.kind == ShareKind::Nfs && (path == share || path == facts.share.path);
    facts.journal.iter().filter_map(|entry| entry.key.strip_prefix("mount ")).find(|path| !is_now(path))
}

/// A share that came over NFS is taken back before one comes another way or from another folder: the files of both have the
/// same names on the nodes, so the former would be exported no more while programs use it, and its mounts forgotten.
fn taken_back(spec: &Spec, share: &str, server: &Server, node: &NodeName, facts: &Facts) -> Result<()> {
    let own = own_exports(spec);
    let is_nfs = spec.share.kind == ShareKind::Nfs;
    let exported = server.exports.iter().find(|export| is_nfs && export.file == own && export.path != share);
    let what = if !spec.is_head(node) {
        before(spec, share, facts).map(|path| format!("{path} is still mounted there from {}", spec.head))
    } else if let Some(export) = exported {
        Some(format!("it still exports {} to the other nodes", export.path))
    } else if let Some((other, path)) = &server.serves_before {
        Some(format!("{other} still mounts {path} from it"))
    } else {
        // Of another kind nobody asks what stands in the file.
        let is_noted = facts.journal.iter().any(|entry| entry.key == format!("file {own}"));
        (is_noted && !is_nfs).then(|| "it still exports the share to the other nodes".to_owned())
    };
    what.map_or(Ok(()), |what| {
        Err(Error::failed(format!("{what}, by {}", if is_nfs { "another `path`" } else { "`kind = \"nfs\"`" }))
            .on(node)
            .hinted("First `mpiup down`, which keeps what is in the share, then `mpiup up`."))
    })
}

/// Neither exports(5) nor fstab(5) needs to be escaped, and a source has one colon before its path.
fn name(share: &str) -> Result<()> {
    match share.chars().find(|c| c.is_whitespace() || matches!(c, '\\' | '"' | '\'' | '#' | ':')) {
        None => Ok(()),
        Some(bad) => Err(Error::usage(format!(
            "the folder {share} cannot be shared over NFS: its path has {}",
            crate::spec::names::character(bad)
        ))
        .hinted("Choose another `path` in [share], such as \"MPI\".")
        .hinted(SYNC)),
    }
}

fn kernel(spec: &Spec, node: &NodeName, nfs: &Nfs) -> Result<()> {
    let does = if spec.is_head(node) { "export" } else { "mount" };
    if let Some(container) = &nfs.container {
        return Err(Error::failed(format!(
            "it cannot {does} the share: it is a container ({container}), and has no kernel of its own for NFS"
        ))
        .on(node)
        .hinted(SYNC.replacen("Or use", "Use", 1)));
    }
    if !nfs.has_systemd {
        return Err(Error::failed(format!(
            "it cannot {does} the share: it was not started by systemd, by which mpiup sets up NFS"
        ))
        .on(node)
        .hinted(SYNC.replacen("Or use", "Use", 1)));
    }
    let (has, module) = if spec.is_head(node) { (nfs.serves, "nfsd") } else { (nfs.mounts, "nfsv4") };
    if !has {
        return Err(Error::failed(format!("it cannot {does} the share: its kernel has no NFS (module {module})"))
            .on(node)
            .hinted(format!("Was the kernel updated since {node} started? Then a reboot brings its modules: `modprobe -n {module}` says nothing when all is well."))
            .hinted(SYNC));
    }
    if spec.is_head(node) && nfs.enabled == "masked" {
        return Err(Error::failed(format!("it cannot export the share: somebody has masked the service {UNIT}"))
            .on(node)
            .hinted(format!("On {node}: `systemctl unmask {UNIT}`."))
            .hinted(SYNC));
    }
    Ok(())
}

/// Where packages cannot be installed, the programs are there already.
fn programs(spec: &Spec, node: &NodeName, facts: &Facts) -> Result<()> {
    let program = if spec.is_head(node) { "exportfs" } else { "mount.nfs" };
    let can_install = packages::family(facts).is_some_and(|family| family.nfs.is_some());
    if can_install || facts.tools.contains(program) {
        return Ok(());
    }
    Err(Error::failed(format!(
        "the program {program} is missing, and this version of mpiup cannot install packages of {}",
        facts.os.short()
    ))
    .on(node)
    .hinted(format!("Install there what {} has for NFS.", facts.os.short()))
    .hinted(SYNC))
}

/// NFS knows people by their numbers.
fn numbers(spec: &Spec, server: &Server, node: &NodeName, facts: &Facts) -> Result<()> {
    let ((uid, gid), user, head) = (server.owner, &spec.user, &spec.head);
    let (what, mend) = match &facts.user {
        Some(account) if (account.uid, account.gid) == (uid, gid) => return Ok(()),
        Some(account) => (
            format!("{user} has the numbers {}:{} there, and {uid}:{gid} on {head}", account.uid, account.gid),
            format!("As root on {node}: `usermod -u {uid} {user}` and `groupmod -g {gid} {user}`, and give it its files outside of the home."),
        ),
        None if uid != gid => (
            format!("{user} is missing there, and has two numbers on {head} ({uid}:{gid})"),
            format!("As root on {node}: `groupadd -g {gid} {user} && useradd -m -u {uid} -g {gid} {user}`."),
        ),
        None if facts.ids_in_use.contains(&uid) => (
            format!("{user} has the number {uid} on {head}, which is somebody else's there"),
            "Choose another account for the cluster: `user` in [cluster]; one that no node has gets a number that is free on all.".to_owned(),
        ),
        None => return Ok(()),
    };
    Err(Error::failed(format!("the files in the share would belong to somebody else: {what}"))
        .on(node)
        .hinted(mend)
        .hinted(SYNC))
}

/// File systems that the kernel does not export, or only with a number that somebody has to choose (`fsid=`).
fn is_unfit(holder: &Mount) -> bool {
    matches!(holder.kind.as_str(), "overlay" | "aufs" | "tmpfs" | "ramfs" | "squashfs")
        || holder.kind.starts_with("fuse")
}

/// The others mount the share by its whole path. With an `fsid=0`, NFS 4 looks that up below another folder, also where that is
/// the share itself, which would have to be mounted as `/` then.
fn begins_at_the_top(share: &str, node: &NodeName, facts: &Facts, nfs: &Nfs) -> Result<()> {
    // Below the real root it finds what is on the same file system, and what is exported along.
    let is_on_root = facts.share.holder.as_ref().is_none_or(|holder| holder.at == "/");
    let finds = |export: &&Export| export.path == "/" && (is_on_root || export.crosses_mounts());
    let elsewhere = nfs.exports.iter().filter(|export| !finds(export));
    let Some((export, option)) = elsewhere.filter_map(|export| Some((export, export.root_of_v4()?))).next() else {
        return Ok(());
    };
    Err(Error::failed(format!(
        "NFS 4 begins at {} there, by `{option}` in {}: the other nodes would look for {share} below that, and not find it",
        export.path,
        export.place()
    ))
    .on(node)
    .hinted(format!("Take `{option}` away there, then `exportfs -ra`. What is mounted as `{node}:/…` by NFS 4 until then has to be mounted anew, by its whole path."))
    .hinted(SYNC))
}

fn exported(share: &str, node: &NodeName, facts: &Facts, nfs: &Nfs) -> Result<()> {
    let Some(holder) = &facts.share.holder else { return Ok(()) };
    let is_exported = nfs.exports.iter().any(|export| export.path == share);
    let (why, mend) = if holder.is_nfs() || facts.share.silent.is_some() {
        let other = holder.source.split(':').next().unwrap_or_default();
        (
            format!("it is mounted there itself, from {}", holder.source),
            format!(
                "The head exports a folder of its own. Where {other} was the head before: first `mpiup down`, with `head = \"{other}\"`."
            ),
        )
    } else if is_unfit(holder) && !is_exported {
        (
            format!(
                "it is on a file system of kind {} (at {}), which the kernel does not export",
                holder.kind, holder.at
            ),
            "Choose a `path` in [share] that is on a disk of its own.".to_owned(),
        )
    } else {
        return Ok(());
    };
    Err(Error::failed(format!("the head node cannot export {share}: {why}")).on(node).hinted(mend).hinted(SYNC))
}

/// A folder that is whole on the head alone would be found out by programs. Where it is exported already, people work with what
/// they see: then it is told (see `steps/adopted.rs`), and nobody is kept from it.
fn whole(share: &str, node: &NodeName, facts: &Facts, nfs: &Nfs) -> Result<()> {
    let is_exported = nfs.exports.iter().any(|export| export.path == share);
    let Some(mount) = hidden(share, facts).next().filter(|_| !is_exported) else { return Ok(()) };
    let Mount { at, source, kind, .. } = mount;
    let error = Error::failed(format!("{source} ({kind}) is mounted there at {at}, which would be an empty folder on the other nodes: an export ends where another file system is mounted"))
        .on(node);
    let can_be_exported = !is_unfit(mount) && !mount.is_of_the_network() && kind != "autofs";
    Err(if can_be_exported {
        error
            .hinted(format!("Export it as well, by a line of its own in /etc/exports, such as `{at} client1(rw,sync,no_subtree_check)`, and the others see it within the share."))
            .hinted(format!("Or mount it outside of {share}."))
    } else {
        error.hinted(format!("Mount it outside of {share}."))
    })
}

fn mounted(spec: &Spec, share: &str, server: &Server, node: &NodeName, facts: &Facts) -> Result<()> {
    let head = &spec.head;
    let holder = facts.share.holder.as_ref();
    let old = holder.and_then(|mount| left_behind(mount, &server.addresses));
    // Mounted by the head's name, it is mounted anew where that has another address now. And a node whose own address has changed
    // is answered once the export names the new one.
    let is_mended = old.is_some() && holder.is_some_and(|mount| server.exports(&mount.source, share, facts))
        || server.shuts_out(share, node, facts);
    if let Some(silent) = facts.share.silent.as_ref().filter(|_| !is_mended) {
        let source = holder.map_or("", |holder| holder.source.as_str());
        let source = if source.contains(':') { source.to_owned() } else { format!("{head}:{share}") };
        let said = Error::failed(format!("{share} does not answer there: {silent}"))
            .on(node)
            .because(format!("it is mounted from {source}"));
        if let Some(old) = old {
            return Err(said
                .because(format!("{head} does not have the address {old}"))
                .hinted(format!("If {head} had it before: `umount {share}` on {node}, take its line out of {FSTAB} where there is one, and `mpiup up` mounts it by name.")));
        }
        return Err(said.hinted(format!("Is {head} on, and does it export it? On {head}: `systemctl status {UNIT}` and `exportfs -v`. What waits for it on {node} goes on when {head} is back.")));
    }
    let is_share = |mount: &&Mount| mount.is_nfs() && server.shares(&mount.source, share, mount.asks, facts);
    if let Some(other) = facts.share.mounted().filter(|mount| !is_share(mount)) {
        return Err(Error::failed(format!(
            "something else is mounted at {share} there: {}, and not {head}:{share}",
            other.source
        ))
        .on(node)
        .hinted(format!(
            "On {node}: `umount {share}`, where it may go; or `kind = \"existing\"` in [share], where it is the share."
        )));
    }
    let mark = Layout::new(spec, "").mark;
    let fstab = block::without(facts.text(FSTAB).unwrap_or_default(), &mark);
    if let Some(other) = mount::entry(&fstab, share).filter(|source| !server.shares(source, share, None, facts)) {
        return Err(Error::failed(format!("{FSTAB} mounts something else at {share} there: {other}, and not {head}:{share}"))
            .on(node)
            .hinted(format!("Where it means the same, write {head} there, or an address of it. Else take that line out on {node}, or choose another `path` in [share].")));
    }
    let mut own = facts.addresses.iter().filter(|own| !own.is_local());
    // What mpiup adds would be ignored: whom a line names decides, and of two such the first (see `facts/exports.rs`).
    if let Some((export, client, _)) =
        own.find_map(|own| exports::naming(server.of(share), node.as_str(), own.address)).filter(|(.., writes)| !writes)
    {
        return Err(Error::failed(format!("{head} exports {share} to it, but not for writing: `{client}` in {}", export.place()))
            .on(node)
            .hinted(format!("On {head}: make that `{client}(rw,sync,no_subtree_check)`, without a blank before the parenthesis, which would let everybody write, then `exportfs -ra`.")));
    }
    if !facts.share.holds.is_empty() {
        return Err(Error::failed(format!("{share} holds files there, which the mount would hide: {}", facts.share.holds.join(", ")))
            .on(node)
            .hinted(format!("Where mpiup mirrored them (`kind = \"sync\"`): `mpiup down` with that first. Else move them to {head}, or aside: `mv {share} {share}.before`.")));
    }
    Ok(())
}

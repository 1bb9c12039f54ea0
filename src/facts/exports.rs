//! exports(5): which folders a node gives to whom.

use std::net::IpAddr;

/// One folder of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The file in which it stands.
    pub file: String,
    /// The line there on which it begins, from 1.
    pub line: usize,
    pub path: String,
    /// Each with its options.
    pub clients: Vec<(String, String)>,
}

/// How nfsd knows a client, in the order in which it looks: the first kind that fits decides, and no option of a later one
/// counts. So `client1 (rw)` is read-only for client1, though everybody else writes. `MCL_FQDN` (an address without a mask is
/// one, too), `MCL_SUBNETWORK`, `MCL_WILDCARD`, `MCL_NETGROUP` and `MCL_ANONYMOUS` of nfs-utils: `client_gettype` in
/// support/export/client.c, `lookup_export` in support/export/cache.c; exports(5), "Machine Name Formats".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Exact,
    Network,
    /// Patterns and netgroups. Whom they mean depends on names that nobody here knows.
    Pattern,
    Everybody,
}

/// Lines of `FILE`, a tab, and the file's line. Comments and what cannot be read are passed over.
pub fn exports(text: &str) -> Vec<Export> {
    // A backslash at its end continues a line.
    let mut whole: Vec<(String, usize, String)> = Vec::new();
    let (mut is_open, mut number, mut last_file) = (false, 0, "");
    for (file, line) in text.lines().filter_map(|line| line.split_once('\t')) {
        number = if file == last_file { number + 1 } else { 1 };
        last_file = file;
        match whole.last_mut().filter(|(known, ..)| is_open && known == file) {
            Some((.., before)) => before.push_str(line),
            None => whole.push((file.to_owned(), number, line.to_owned())),
        }
        is_open = line.ends_with('\\');
        if let Some((.., last)) = whole.last_mut().filter(|_| is_open) {
            last.pop();
        }
    }
    whole.into_iter().filter_map(|(file, number, line)| export(file, number, &line)).collect()
}

fn export(file: String, line: usize, text: &str) -> Option<Export> {
    let text = text.split('#').next()?.trim();
    let (path, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => text.split_once(char::is_whitespace).unwrap_or((text, "")),
    };
    if path.is_empty() {
        return None;
    }
    let mut default = String::new();
    let mut clients = Vec::new();
    for word in rest.split_whitespace() {
        if let Some(options) = word.strip_prefix('-') {
            options.trim_matches(',').clone_into(&mut default);
            continue;
        }
        let (client, options) =
            word.split_once('(').map_or((word, ""), |(name, rest)| (name, rest.trim_end_matches(')')));
        // Without a name it is everybody.
        let client = if client.is_empty() { "*" } else { client };
        clients.push((client.to_owned(), [default.as_str(), options].join(",").trim_matches(',').to_owned()));
    }
    // And so it is without any client.
    if clients.is_empty() {
        clients.push(("*".to_owned(), default));
    }
    let path = path.trim_end_matches('/').replace("\\040", " ");
    Some(Export { file, line, path: if path.is_empty() { "/".to_owned() } else { path }, clients })
}

impl Export {
    /// For every machine that reaches this one.
    pub fn is_for_everybody(&self) -> bool {
        self.clients.iter().any(|(client, _)| kind(client) == Kind::Everybody || is_whole_world(client))
    }

    /// Clients whose root is root in the folder.
    pub fn roots(&self) -> impl Iterator<Item = &str> {
        let is_root = |options: &str| last(options, &["root_squash", "no_root_squash"]) == 1 && !squashes_all(options);
        self.clients.iter().filter(move |(_, options)| is_root(options)).map(|(client, _)| client.as_str())
    }

    /// The option by which NFS 4 begins here instead of at `/`: it looks every path up below this folder, for all clients of all
    /// exports (exports(5), `fsid=`; `v4root_needed` in support/export/xtab.c).
    pub fn root_of_v4(&self) -> Option<&str> {
        let mut options = self.clients.iter().flat_map(|(_, options)| options.split(','));
        options.find(|option| matches!(*option, "fsid=0" | "fsid=root"))
    }

    /// What is mounted below the folder is exported along with it.
    pub fn crosses_mounts(&self) -> bool {
        self.clients.iter().any(|(_, options)| last(options, &["nocrossmnt", "crossmnt"]) == 1)
    }

    /// `/etc/exports, line 3`
    pub fn place(&self) -> String {
        format!("{}, line {}", self.file, self.line)
    }
}

/// Whether what is mounted here, below this folder, comes along with the folder. NFS 4 crosses into whatever is exported by
/// itself (exports(5), `nohide`).
pub fn bring_along(exports: &[Export], folder: &str, at: &str) -> bool {
    exports.iter().any(|export| export.path == at || export.path == folder && export.crosses_mounts())
}

/// Whether this machine may read and write by these exports of one folder.
pub fn admit<'a>(exports: impl Iterator<Item = &'a Export>, name: &str, address: IpAddr) -> bool {
    let decides = decisive(exports, name, address);
    decides.is_some_and(|(kind, _, (_, options))| kind != Kind::Pattern && writes(options))
}

/// The client by which these exports of one folder name this very machine, and where that is. exportfs ignores each later
/// one (`export_read` in support/export/export.c).
pub fn naming<'a>(
    exports: impl Iterator<Item = &'a Export>,
    name: &str,
    address: IpAddr,
) -> Option<(&'a Export, &'a str, bool)> {
    let (_, export, (client, options)) = decisive(exports, name, address).filter(|(kind, ..)| *kind == Kind::Exact)?;
    Some((export, client, writes(options)))
}

/// A client with its options, how it is known, and where it stands.
type Named<'a> = (Kind, &'a Export, &'a (String, String));

/// The one that counts for this machine. Of two of a kind it is the first.
fn decisive<'a>(exports: impl Iterator<Item = &'a Export>, name: &str, address: IpAddr) -> Option<Named<'a>> {
    let all = exports.flat_map(|export| export.clients.iter().map(move |client| (kind(&client.0), export, client)));
    all.filter(|(kind, _, (client, _))| may_mean(*kind, client, name, address)).min_by_key(|(kind, ..)| *kind)
}

fn kind(client: &str) -> Kind {
    match client {
        "*" => Kind::Everybody,
        _ if client.starts_with('@') || client.starts_with("gss/") => Kind::Pattern,
        _ => match client.find(['*', '?', '[', '/']) {
            Some(at) if client[at..].starts_with('/') => Kind::Network,
            Some(_) => Kind::Pattern,
            None => Kind::Exact,
        },
    }
}

/// Read-only is the default, of two that contradict each other the last one holds, and mpiup mounts without Kerberos.
fn writes(options: &str) -> bool {
    let mut security = options.split(',').filter_map(|option| option.strip_prefix("sec=")).peekable();
    let by_numbers = security.peek().is_none() || security.any(|flavours| flavours.split(':').any(|one| one == "sys"));
    by_numbers && last(options, &["ro", "rw"]) == 1 && !squashes_all(options)
}

fn squashes_all(options: &str) -> bool {
    last(options, &["no_all_squash", "all_squash"]) == 1
}

/// Which of these words comes last among the options; the first of them where none does.
fn last(options: &str, words: &[&str]) -> usize {
    options.rsplit(',').find_map(|option| words.iter().position(|word| *word == option)).unwrap_or(0)
}

fn may_mean(kind: Kind, client: &str, name: &str, address: IpAddr) -> bool {
    match kind {
        Kind::Exact => client.eq_ignore_ascii_case(name) || client.parse() == Ok(address),
        Kind::Network => holds(client, address),
        Kind::Pattern | Kind::Everybody => true,
    }
}

/// Whether a network, `10.0.0.0/24` or `10.0.0.0/255.255.255.0`, has this address.
fn holds(client: &str, address: IpAddr) -> bool {
    let Some((network, prefix)) = client.split_once('/') else { return false };
    let (IpAddr::V4(address), Ok(network)) = (address, network.parse::<std::net::Ipv4Addr>()) else { return false };
    let mask = match (prefix.parse::<u32>(), prefix.parse::<std::net::Ipv4Addr>()) {
        (Ok(bits), _) if bits <= 32 => u32::MAX.checked_shl(32 - bits).unwrap_or(0),
        (_, Ok(mask)) => u32::from(mask),
        _ => return false,
    };
    u32::from(address) & mask == u32::from(network) & mask
}

/// A network of all addresses.
fn is_whole_world(client: &str) -> bool {
    client.split_once('/').is_some_and(|(_, prefix)| prefix == "0" || prefix == "0.0.0.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Export> {
        exports(&text.lines().map(|line| format!("/etc/exports\t{line}\n")).collect::<String>())
    }

    #[test]
    fn reads_what_people_write() {
        let found = lines(
            "# /etc/exports: the access control list\n\n\
             /home/mpi/MPI client1(rw,sync,no_subtree_check) client2(rw,sync,subtree_check)\n\
             /srv/a -rw,sync 10.0.0.0/24 \\\n  pc*(ro)   # both\n\"/srv/b c\" *(rw)\n/srv/d\n/srv/e -ro,\n",
        );
        let shown: Vec<String> = found
            .iter()
            .map(|export| {
                let clients = export.clients.iter().map(|(client, options)| format!(" {client}({options})"));
                format!("{}{}", export.path, clients.collect::<String>())
            })
            .collect();
        assert_eq!(
            shown,
            [
                "/home/mpi/MPI client1(rw,sync,no_subtree_check) client2(rw,sync,subtree_check)",
                "/srv/a 10.0.0.0/24(rw,sync) pc*(rw,sync,ro)",
                "/srv/b c *(rw)",
                "/srv/d *()",
                "/srv/e *(ro)"
            ]
        );
        let places: Vec<usize> = found.iter().map(|export| export.line).collect();
        assert_eq!(places, [3, 4, 6, 7, 8]);
        assert_eq!(lines("/ *(ro)")[0].path, "/");
    }

    #[test]
    fn who_may_write() {
        let admits = |text: &str| admit(lines(text).iter(), "client1", "10.0.0.2".parse().unwrap());
        for text in [
            "/x client1(rw)",
            "/x 10.0.0.2(rw)",
            "/x 10.0.0.0/255.255.255.0(rw)",
            "/x *(rw)",
            "/x (rw)",
            "/x -rw",
            // What names it more closely decides, wherever it stands.
            "/x *(ro) 10.0.0.0/24(ro) client1(rw)",
            "/x *(ro)\n/x 10.0.0.0/24(rw)",
            "/x pc*(ro) client1(rw)",
            // The last of two options holds.
            "/x -ro client1(rw)",
            "/x client1(rw,sec=krb5:sys)",
        ] {
            assert!(admits(text), "{text}");
        }
        for text in [
            "/x client2(rw)",
            "/x client1(ro)",
            "/x client1(rw,all_squash)",
            "/x client1(rw,sec=krb5)",
            "/x 10.0.1.0/24(rw)",
            "/x @lab(rw)",
            "/x client1",
            // The blank is a slip: read-only for client1, and everybody else writes.
            "/x client1 (rw)",
            "/x 10.0.0.2(ro) *(rw)",
            "/x 10.0.0.0/24(ro) *(rw)",
            "/x *(rw)\n/x client1(ro)",
            // Who knows whether it is meant?
            "/x pc*(ro) *(rw)",
            "/x",
        ] {
            assert!(!admits(text), "{text}");
        }
        assert!(admit(lines("/x *(rw)").iter(), "client1", "fe80::1".parse().unwrap()));
    }

    #[test]
    fn whom_a_line_names_decides_over_later_ones() {
        let named = |text: &str| {
            let all = lines(text);
            naming(all.iter(), "client1", "10.0.0.2".parse().unwrap())
                .map(|(export, client, writes)| format!("{}: {client} {writes}", export.place()))
        };
        assert_eq!(named("/x client1 (rw)\n/x 10.0.0.2(rw)").as_deref(), Some("/etc/exports, line 1: client1 false"));
        assert_eq!(named("/x *(rw)\n/x 10.0.0.2(rw)").as_deref(), Some("/etc/exports, line 2: 10.0.0.2 true"));
        assert_eq!(named("/x *(rw) 10.0.0.0/24(ro)"), None);
    }

    #[test]
    fn where_nfs_4_begins() {
        let root = |line: &str| lines(line)[0].root_of_v4().map(str::to_owned);
        assert_eq!(root("/srv/nfs4 client1(rw) *(ro,fsid=0)").as_deref(), Some("fsid=0"));
        assert_eq!(root("/srv/nfs4 -fsid=root *(ro)").as_deref(), Some("fsid=root"));
        assert_eq!(root("/srv/nfs4 *(ro,fsid=07,no_root_squash)"), None);
    }

    #[test]
    fn what_is_open_to_all_and_to_root() {
        let open = |line: &str| {
            let export = &lines(line)[0];
            (export.is_for_everybody(), export.roots().map(str::to_owned).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(open("/x client1 (rw,no_root_squash)"), (true, "*".into()));
        assert_eq!(open("/x client1(rw,no_root_squash) client2(rw)"), (false, "client1".into()));
        assert_eq!(open("/x ::/0(rw,no_root_squash,root_squash)"), (true, String::new()));
        assert_eq!(open("/x 10.0.0.0/24(rw)"), (false, String::new()));
    }
}

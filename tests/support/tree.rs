//! A machine as it is seen from outside: every path with type, mode, owner and content, packages, and who listens.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
    os::unix::fs::MetadataExt as _,
    thread,
};

use super::TestLab;

/// One path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As `find` calls it: f, d, l …
    pub kind: char,
    pub mode: String,
    pub owner: String,
    /// The hash of a file (size and time below `/usr` and `/opt`), the target of a link.
    pub content: String,
}

/// One machine at one moment.
pub struct Snapshot {
    pub entries: BTreeMap<String, Entry>,
    /// `/usr`, `/opt` and the like as `find` listed them: a hundred thousand lines that are compared before they are read.
    usr: String,
    /// Versions by name.
    pub packages: BTreeMap<String, String>,
    /// `tcp 00000000:0016`
    pub listening: BTreeSet<String>,
    /// Of a machine that boots.
    pub unit_files: BTreeSet<String>,
    pub units: BTreeSet<String>,
    pub mounts: BTreeSet<String>,
}

/// A path that is not the same in two snapshots.
pub struct Difference {
    pub path: String,
    pub before: Option<Entry>,
    pub after: Option<Entry>,
}

/// What anybody's login by ssh leaves, and the tests log in all the time.
const LOGIN: [&str; 6] =
    ["/run/motd.dynamic", "/run/sshd.log", "/run/utmp", "/var/log/btmp", "/var/log/lastlog", "/var/log/wtmp"];

const LOOK: &str = r#"
LC_ALL=C; export LC_ALL
places='/etc /home /root /var /srv /mnt /media /boot /tmp /run /dev/shm'
echo "== usr"
find /usr /opt /bin /sbin /lib* \( -type d -printf '%p\t%y\t%m\t%U:%G\t\n' \) -o \( -type l -printf '%p\t%y\t%m\t%U:%G\t%l\n' \) -o -printf '%p\t%y\t%m\t%U:%G\t%s@%T@\n'
echo "== places"
find $places -printf '%p\t%y\t%m\t%U:%G\t%l\n'
echo "== hashes"
find $places -type f -print0 | xargs -0 sha256sum
echo "== packages"
dpkg-query -W -f '${binary:Package}\t${db:Status-Abbrev}${Version}\n'
echo "== listening"
awk 'FNR == 1 { split(FILENAME, name, "/"); next } $4 == "0A" || (name[4] ~ /udp/ && $4 == "07") { print name[4], $2 }' /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6
"#;

/// What else there is of a machine that boots: which units are enabled, which run, and what is mounted. A machine that is busy
/// may not answer systemctl in time: then it is asked again, or its disk is. Units that are not there are listed once
/// another one has named them, as that of a session names systemd-oomd. The size of /run is a share of the memory that a boot found,
/// and that differs by some pages.
const LOOK_FURTHER: &str = r#"
echo "== unit files"
systemctl --root=/ list-unit-files --no-legend --no-pager | awk '{ print $1, $2 }' | sort
echo "== units"
until units=$(systemctl list-units --all --plain --no-legend --no-pager --type=service,socket,mount,automount,timer,path); do sleep 2; done
printf '%s\n' "$units" | awk '$2 != "not-found" { print $1, $3, $4 }' | sort
echo "== mounts"
findmnt --list --noheadings --output TARGET,SOURCE,FSTYPE,OPTIONS | sed -E 's/,(pipe_ino|size)=[0-9]+k?//' | sort
"#;

/// All machines of a lab, side by side, in its order.
pub fn look(lab: &TestLab) -> Vec<Snapshot> {
    let look = |node: &str| match lab.boots {
        // Its root does not log in, and a log-in would be seen.
        true => Snapshot::parse(&lab.inside(node, &format!("{LOOK}{LOOK_FURTHER}"))),
        false => Snapshot::parse(&lab.script(node, LOOK)),
    };
    thread::scope(|scope| {
        let looks: Vec<_> = lab.nodes().into_iter().map(|node| scope.spawn(move || look(&node))).collect();
        looks.into_iter().map(|look| look.join().expect("the machine can be looked at")).collect()
    })
}

/// The time on a node, to ask later what was touched since. Every folder is looked at before: the first look at one that
/// the lab laid over this computer's is noted by the overlay file system in the folder, which touches it.
pub fn now(lab: &TestLab, node: &str) -> String {
    lab.says(node, "find /etc /var -type d >/dev/null; date +%s.%N")
}

/// Every path of a node whose content, owner, mode, name or entries were touched since then; records of logins aside.
/// A file that is gone is seen by its folder.
pub fn touched_since(lab: &TestLab, node: &str, since: &str) -> Vec<String> {
    let all = "/etc /home /root /var /opt /srv /mnt /media /boot /tmp /run /dev/shm /usr /bin /sbin /lib*";
    let found = lab.script(node, &format!("LC_ALL=C find {all} -newerct @{since} -printf '%C@ %p\\n'"));
    let touched = found.lines().map(|line| line.split_once(' ').expect("a time and a path"));
    touched
        .filter(|(time, path)| !is_login(path) && !is_scratch(path) && !is_of_this_computer(time, path))
        .map(|(_, path)| path.to_owned())
        .collect()
}

/// What nobody wrote in the node is this computer's own file, and so it was this computer that touched it.
fn is_of_this_computer(changed: &str, path: &str) -> bool {
    let Ok(own) = std::fs::symlink_metadata(path) else { return false };
    let own = format!("{}.{:09}", own.ctime(), own.ctime_nsec());
    changed.starts_with(&own)
}

fn is_login(path: &str) -> bool {
    LOGIN.contains(&path)
}

/// What systemd has for somebody who is logged in, or was a moment ago.
fn is_of_a_session(line: &str) -> bool {
    ["user@", "user-runtime-dir@", "/run/user/", "run-user-"].iter().any(|mine| line.starts_with(mine))
}

/// What changes on a machine that boots by its running alone, by a start, or by somebody's logging in: the state of systemd
/// and of NFS's servers, the journal, numbers of processes.
pub fn is_of_a_running_machine(path: &str) -> bool {
    let folders = [
        "/run/credentials",
        "/run/dbus",
        "/run/lock",
        "/run/log",
        // libmount's notes, which stay as empty files.
        "/run/mount",
        "/run/rpcbind",
        "/run/sudo",
        "/run/systemd",
        "/run/udev",
        "/run/user",
        "/var/lib/dbus",
        "/var/lib/private",
        "/var/lib/sudo",
        "/var/lib/systemd",
        "/var/log/journal",
        "/var/log/private",
    ];
    let below = |folder: &&str| path.strip_prefix(*folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // The folder itself is the package's.
    let starts = ["/var/lib/nfs/", "/tmp/systemd-private-", "/var/tmp/systemd-private-"];
    let is_pid = path.strip_prefix("/run/").is_some_and(|name| name.ends_with(".pid") && !name.contains('/'));
    let files = ["/run/motd", "/home/admin/.sudo_as_admin_successful"];
    folders.iter().any(below) || starts.iter().any(|start| path.starts_with(start)) || is_pid || files.contains(&path)
}

/// Folders in which programs make and remove temporary files: what stays in them is seen, that they were used is not.
fn is_scratch(path: &str) -> bool {
    ["/tmp", "/run", "/dev/shm"].contains(&path)
}

impl Snapshot {
    fn parse(text: &str) -> Self {
        let section = |name: &str| {
            let (_, rest) = text.split_once(&format!("== {name}\n")).unwrap_or_else(|| panic!("no section {name}"));
            rest.split("\n== ").next().unwrap_or_default()
        };
        let mut entries: BTreeMap<String, Entry> = section("places").lines().map(entry).collect();
        for line in section("hashes").lines() {
            let (hash, path) = line.split_once("  ").unwrap_or_else(|| panic!("no hash: {line}"));
            if let Some(entry) = entries.get_mut(path) {
                entry.content = hash.to_owned();
            }
        }
        entries.retain(|path, _| !is_login(path));
        let lines = |name: &str| -> BTreeSet<String> {
            let there = text.contains(&format!("\n== {name}\n"));
            let lines = if there { section(name) } else { "" };
            lines.lines().filter(|line| !is_of_a_session(line)).map(str::to_owned).collect()
        };
        let pair = |line: &str| line.split_once('\t').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a package");
        Self {
            entries,
            usr: section("usr").to_owned(),
            packages: section("packages").lines().map(pair).collect(),
            listening: match text.contains("\n== units\n") {
                true => without_random_ports(section("listening")),
                false => section("listening").lines().map(str::to_owned).collect(),
            },
            unit_files: lines("unit files"),
            units: lines("units"),
            mounts: lines("mounts"),
        }
    }

    /// What stands at this path.
    pub fn entry(&self, path: &str) -> Option<Entry> {
        let of_usr = || self.usr.lines().find(|line| line.split('\t').next() == Some(path)).map(|line| entry(line).1);
        self.entries.get(path).cloned().or_else(of_usr)
    }

    /// Paths that are not the same in `after`, in order.
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let mut before: BTreeMap<&str, Entry> = self.entries.iter().map(|(p, e)| (p.as_str(), e.clone())).collect();
        let mut now: BTreeMap<&str, Entry> = after.entries.iter().map(|(p, e)| (p.as_str(), e.clone())).collect();
        if self.usr != after.usr {
            let old: HashSet<&str> = self.usr.lines().collect();
            let new: HashSet<&str> = after.usr.lines().collect();
            let path = |line: &&'_ str| line.split('\t').next().unwrap_or_default().len();
            before.extend(old.difference(&new).map(|line| (&line[..path(line)], entry(line).1)));
            now.extend(new.difference(&old).map(|line| (&line[..path(line)], entry(line).1)));
        }
        let paths: BTreeSet<&str> = before.keys().chain(now.keys()).copied().collect();
        let differ = paths.into_iter().filter(|path| before.get(path) != now.get(path));
        differ
            .map(|path| Difference {
                path: path.to_owned(),
                before: before.get(path).cloned(),
                after: now.get(path).cloned(),
            })
            .collect()
    }

    /// Fails unless everything is as it was, but for the paths that are expected to differ.
    #[track_caller]
    pub fn assert_restored(&self, node: &str, after: &Self, expected: impl Fn(&str) -> bool) {
        let all = self.all_differences(after, expected);
        assert!(all.is_empty(), "{node} is not as it was:\n{all}");
    }

    /// A line for each path, package, listener, unit and mount that is not the same, but for the paths that are expected to be.
    pub fn all_differences(&self, after: &Self, expected: impl Fn(&str) -> bool) -> String {
        let left: Vec<Difference> =
            self.differences(after).into_iter().filter(|difference| !expected(&difference.path)).collect();
        let packages = |look: &Self| look.packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let sets = [
            ("package", packages(self), packages(after)),
            ("listens", self.listening.clone(), after.listening.clone()),
            ("unit file", self.unit_files.clone(), after.unit_files.clone()),
            ("unit", self.units.clone(), after.units.clone()),
            ("mount", self.mounts.clone(), after.mounts.clone()),
        ];
        let mut all = lines(&left);
        for (what, before, after) in sets {
            let before: BTreeSet<String> = before;
            before.difference(&after).for_each(|line| all.push_str(&format!("  {what} gone: {line}\n")));
            after.difference(&before).for_each(|line| all.push_str(&format!("  {what} more: {line}\n")));
        }
        all
    }
}

/// Servers of RPC take any port that is free, another one at each start: they count, but not by number. Linux gives the upper
/// ones (ip(7), ip_local_port_range), bindresvport(3) the lower.
fn without_random_ports(listening: &str) -> BTreeSet<String> {
    let mut random: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lines = BTreeSet::new();
    for line in listening.lines() {
        let (protocol, address) =
            line.split_once(' ').unwrap_or_else(|| panic!("not a protocol and an address: {line}"));
        let port = address.rsplit_once(':').and_then(|(_, port)| u16::from_str_radix(port, 16).ok());
        match port.unwrap_or_else(|| panic!("no port: {line}")) {
            512..=1023 | 32768..=60999 => *random.entry(protocol).or_default() += 1,
            _ => drop(lines.insert(line.to_owned())),
        }
    }
    lines.extend(random.iter().map(|(protocol, count)| format!("{protocol} at {count} random ports")));
    lines
}

fn entry(line: &str) -> (String, Entry) {
    let words: Vec<&str> = line.splitn(5, '\t').collect();
    let [path, kind, mode, owner, content] = words[..] else { panic!("not a line of find: {line:?}") };
    let kind = kind.chars().next().unwrap_or('?');
    let entry = Entry { kind, mode: mode.to_owned(), owner: owner.to_owned(), content: content.to_owned() };
    (path.to_owned(), entry)
}

/// What apt and dpkg leave of any installation that was taken back, and what no owner of a machine misses.
pub fn stays_after_apt(path: &str) -> bool {
    // The records of what was done to the machine's packages: to remove lines of them would be to lie.
    let records = ["/var/log/apt/", "/var/log/dpkg.log", "/var/log/alternatives.log"];
    // Caches, made again from what is installed whenever dpkg runs: equal in meaning, not in bytes.
    let caches = [
        "/var/cache/ldconfig/aux-cache",
        "/var/cache/man/index.db",
        "/var/cache/apt/pkgcache.bin",
        "/var/cache/apt/srcpkgcache.bin",
        // Empty, and of the account as which apt fetches.
        "/var/cache/apt/archives/partial",
        "/var/lib/apt/lists/auxfiles",
        "/var/cache/debconf/tmp.ci",
        // What a kernel starts from is made anew when packages bring or take its modules.
        "/boot/initrd.img-",
    ];
    // The last versions that dpkg, debconf and ucf keep of their own data, and the files that dpkg locks.
    let dpkg = [
        "/var/lib/dpkg/status-old",
        "/var/lib/dpkg/diversions-old",
        "/var/lib/dpkg/lock",
        "/var/lib/dpkg/triggers/Lock",
        "/var/cache/debconf/templates.dat-old",
        "/var/lib/ucf/hashfile.",
    ];
    // Debian's adduser, which packages call, locks this one.
    let adduser = ["/run/adduser"];
    let folders = |list: &[&str]| list.iter().any(|known| known.ends_with(['/', '-', '.']) && path.starts_with(known));
    let whole = |list: &[&str]| list.contains(&path);
    [&records[..], &caches, &dpkg, &adduser].iter().any(|list| folders(list) || whole(list))
}

/// For the message of a test that fails.
pub fn lines(differences: &[Difference]) -> String {
    differences.iter().map(|difference| format!("  {difference}\n")).collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |entry: &Option<Entry>| match entry {
            None => "nothing".to_owned(),
            Some(Entry { kind, mode, owner, content }) => format!("{kind} {mode} {owner} {content}"),
        };
        write!(f, "{}: {} → {}", self.path, shown(&self.before), shown(&self.after))
    }
}

//! Nodes as `gather.sh` reported them from real machines (`tests/fixtures/facts`), with what a case changes about them,
//! and what they would report after a plan was made true.
#![allow(dead_code, clippy::expect_used, reason = "each test file uses what it needs; a test may panic")]

use std::{fmt::Write as _, fs, path::Path};

use mpiup::{
    changes::{Change, Primitive, Wave, block, text::PublicKeys},
    error::Result,
    facts::{Facts, frame},
    spec::{NodeSpec, Spec, file},
    steps::{Cluster, Layout, Plan},
};

/// What one node reports: frames of name and content, in order.
#[derive(Debug, Clone)]
pub struct Report(Vec<(String, String)>);

/// As it was recorded.
pub fn recorded(name: &str) -> Report {
    let path = format!("{}/tests/fixtures/facts/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    Report(frame::frames(&bytes).expect("a fixture is whole"))
}

/// master, client1 and client2 with nothing of mpiup on them: three computers, though they were recorded on one.
pub fn bare() -> Vec<Report> {
    apart(["bare-master", "bare-client1", "bare-client2"].map(recorded).into())
}

/// The same three after somebody has followed a guide: accounts with different numbers, one RSA key for all, names,
/// a hostfile on the head node, Open MPI and mpi4py.
pub fn by_hand() -> Vec<Report> {
    let key = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 mpi@master\n";
    let names = "\n# the cluster\n10.77.0.1 master\n10.77.0.2\tclient1\n10.77.0.3 client2\n";
    let by_hand = |(number, report): (usize, Report)| {
        let hosts = report.text("/etc/hosts").expect("it is there") + names;
        let (bashrc, profile) = (report.text("/etc/skel/.bashrc"), report.text("/etc/skel/.profile"));
        report
            .with("passwd_user", &format!("mpi:x:{0}:{0}:MPI,,,:/home/mpi:/bin/bash", 1000 + number % 2))
            .with("mpi", "/usr/bin/mpiexec.openmpi mpiexec (OpenRTE) 4.1.4  Report bugs to x")
            .with("modules", "/usr/local/lib/python3.11/dist-packages/mpi4py-4.0.1.dist-info")
            .file("/etc/hosts", "644", "root", &hosts)
            .file("~/.bashrc", "644", "mpi", &bashrc.unwrap_or_default())
            .file("~/.profile", "644", "mpi", &profile.unwrap_or_default())
            .folder("~/.ssh", "700", "mpi")
            .folder("~/MPI", "755", "mpi")
            .file("~/.ssh/id_rsa.pub", "644", "mpi", key)
            .file("~/.ssh/authorized_keys", "600", "mpi", key)
    };
    let mut reports: Vec<Report> = bare().into_iter().enumerate().map(by_hand).collect();
    reports[0] = reports[0].clone().file("~/MPI/hosts", "644", "mpi", HOSTS_BY_HAND);
    reports
}

/// With blanks, in another order, and with other slots than mpiup would give.
pub const HOSTS_BY_HAND: &str = "client1 slots=1\nmaster   slots=1  # this one\n10.77.0.3 slots=1\n";

/// The spec that `init` makes of them.
pub fn spec_by_hand() -> Spec {
    Spec { requirements: vec![], ..spec("[mpi]\nsource = \"existing\"\n") }
}

/// Gives every node a kernel of its own.
pub fn apart(reports: Vec<Report>) -> Vec<Report> {
    let number = |(number, report): (usize, Report)| report.with("boot_id", &format!("boot-{number}"));
    reports.into_iter().enumerate().map(number).collect()
}

impl Report {
    /// With another content of this frame; one that is not there comes first.
    #[must_use]
    pub fn with(mut self, name: &str, content: &str) -> Self {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => content.clone_into(old),
            None => self.0.insert(0, (name.to_owned(), content.to_owned())),
        }
        self
    }

    /// Without this frame.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// With text at the end of this frame.
    #[must_use]
    pub fn plus(self, name: &str, more: &str) -> Self {
        let content = format!("{}{more}", self.get(name));
        self.with(name, &content)
    }

    /// With one text for another in this frame.
    #[must_use]
    pub fn replacing(self, name: &str, from: &str, to: &str) -> Self {
        assert!(self.get(name).contains(from), "{from:?} is in {name}");
        let content = self.get(name).replace(from, to);
        self.with(name, &content)
    }

    /// With this file, `path` as the steps ask for it (`~/…` below the user's home).
    #[must_use]
    pub fn file(mut self, path: &str, mode: &str, owner: &str, content: &str) -> Self {
        self.forget(path);
        self.0.insert(0, (format!("file {mode} {owner} {path}"), format!("{content}x")));
        self
    }

    /// With this folder.
    #[must_use]
    pub fn folder(mut self, path: &str, mode: &str, owner: &str) -> Self {
        self.forget(path);
        self.0.insert(0, (format!("dir {mode} {owner} {path}"), String::new()));
        self
    }

    /// Without this file or folder.
    #[must_use]
    pub fn gone(mut self, path: &str) -> Self {
        self.forget(path);
        self
    }

    /// What a file holds.
    pub fn text(&self, path: &str) -> Option<String> {
        let (_, content) = self.0.iter().find(|(name, _)| name.starts_with("file ") && ends_in(name, path))?;
        Some(content.strip_suffix('x').unwrap_or(content).to_owned())
    }

    /// What the node's steps are given.
    pub fn facts(&self) -> Facts {
        Facts::parse(&self.bytes()).expect("a report is whole")
    }

    /// As `gather.sh` prints it. An account has a home of its own, unless a case says `no home` or another one.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = String::new();
        let account = self.get("passwd_user");
        let has_other = self.0.iter().any(|(name, _)| name == "no home" || ends_in(name, "~/."));
        let home = (!account.is_empty() && !has_other)
            .then(|| (format!("dir 755 {} ~/.", account.split(':').next().unwrap_or_default()), String::new()));
        for (name, content) in home.iter().chain(&self.0) {
            write!(text, "== {name} {}\n{content}\n", content.len()).expect("text grows");
        }
        text.into_bytes()
    }

    /// A machine that systemd started, with a kernel that knows NFS.
    #[must_use]
    pub fn machine(self) -> Self {
        self.with("nfs", "systemd yes\ncontainer none\nserves yes\nmounts yes\nenabled \nactive inactive")
            .with("share_path", "/home/mpi/MPI")
            .with("share_mounts", "ext4\t/\t/dev/vda1")
            .file("/etc/fstab", "644", "root", "UUID=0a3407de / ext4 errors=remount-ro 0 1\n")
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, content)| content)
    }

    fn forget(&mut self, path: &str) {
        self.0.retain(|(name, _)| !((name.starts_with("file ") || name.starts_with("dir ")) && ends_in(name, path)));
    }
}

fn ends_in(frame: &str, path: &str) -> bool {
    frame.splitn(4, ' ').nth(3) == Some(path)
}

/// A cluster `aula` of master, client1 and client2 at the recorded addresses, changed by `rest` (further sections, or
/// keys of `[cluster]`, which comes last before it).
pub fn spec(rest: &str) -> Spec {
    spec_of(&[("master", "10.77.0.1"), ("client1", "10.77.0.2"), ("client2", "10.77.0.3")], rest)
}

pub fn spec_of(nodes: &[(&str, &str)], rest: &str) -> Spec {
    let nodes: String = nodes.iter().map(|(name, address)| format!("{name} = \"{address}\"\n")).collect();
    let text =
        format!("[python]\nrequirements = [\"mpi4py\", \"numpy\"]\n[nodes]\n{nodes}[cluster]\nname = \"aula\"\n{rest}");
    file::parse(&text, "mpiup.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Spec and reports, in the same order, as the steps are given them.
pub fn seen(spec: &Spec, reports: &[Report]) -> Vec<(NodeSpec, Facts)> {
    assert_eq!(spec.nodes.len(), reports.len(), "one report a node");
    spec.nodes.iter().cloned().zip(reports.iter().map(Report::facts)).collect()
}

pub fn agree(spec: &Spec, reports: &[Report]) -> Result<Cluster> {
    Cluster::agree(spec, seen(spec, reports), None)
}

/// What the nodes would report when every change of the plan was made, in the order of the waves.
pub fn after(cluster: &Cluster, plan: &Plan, reports: &[Report]) -> Vec<Report> {
    let mut reports = reports.to_vec();
    let mut keys = PublicKeys::new();
    for wave in [Wave::Ground, Wave::Mesh] {
        for (node, report) in plan.nodes.iter().zip(&mut reports) {
            for change in node.changes.iter().filter(|change| change.wave == wave) {
                if let Primitive::KeyPair { comment, .. } = &change.primitive {
                    keys.insert(node.node.to_string(), format!("ssh-ed25519 KEY-OF-{} {comment}", node.node));
                }
                *report = made(&cluster.layout, change, &keys, report.clone());
            }
        }
    }
    reports
}

fn made(layout: &Layout, change: &Change, keys: &PublicKeys, report: Report) -> Report {
    let asked = |path: &str| layout.asked(path);
    let report = match &change.primitive {
        Primitive::User { name, id, shell, home } => {
            let skel = |file: &str| report.text(&format!("/etc/skel/{file}")).unwrap_or_default();
            let (bashrc, profile) = (skel(".bashrc"), skel(".profile"));
            report
                .with("passwd_user", &format!("{name}:x:{id}:{id}::{home}:{shell}"))
                .file("~/.bashrc", "644", name, &bashrc)
                .file("~/.profile", "644", name, &profile)
        }
        Primitive::HostName { name } => report.with("host_name", name),
        Primitive::Packages { names, .. } => {
            report.plus("packages", &names.iter().map(|name| format!("\nii  {name} 1.0-1")).collect::<String>())
        }
        Primitive::Dir { path, mode, owner } => report.with(&format!("dir {mode} {owner} {}", asked(path)), ""),
        Primitive::KeyPair { path, owner, comment } => {
            let key = keys.values().find(|key| key.ends_with(comment)).expect("the key was just made");
            report.file(&format!("{}.pub", asked(path)), "644", owner, &format!("{key}\n"))
        }
        Primitive::File { path, mode, owner, content, .. } => {
            let content = content.resolve(keys).unwrap_or_else(|error| panic!("{error}"));
            // A drop-in of sshd's holds from then on.
            let sshd = report.get("sshd").replace("pubkeyauthentication no", "pubkeyauthentication yes");
            let report = if path.contains("/sshd_config.d/") { report.with("sshd", &sshd) } else { report };
            report.file(&asked(path), mode, owner, &content)
        }
        Primitive::Block { path, mark, place, mode, owner, content } => {
            let before = report.text(&asked(path)).unwrap_or_default();
            let content = content.resolve(keys).unwrap_or_else(|error| panic!("{error}"));
            report.file(&asked(path), mode, owner, &block::with(&before, mark, *place, &content))
        }
        Primitive::Tree { key, .. } => report.with("env_stamp", key),
        Primitive::Service { .. } => {
            report.clone().with("nfs", &format!("enabled enabled\nactive active\n{}", report.get("nfs")))
        }
        Primitive::Mount { path, source, .. } => {
            let mounted = format!("nfs4\t{path}\t{source}");
            report.with("share_mounts", &mounted).with("share_holds", "").with("share_silent", "")
        }
        Primitive::Firewall { firewall, mark, addresses, .. } => {
            let marked = |line: &&str| !line.contains("comment=6d70697570") && !line.contains("\"mpiup aula\"");
            let others: String = report.get(firewall).lines().filter(marked).map(|line| format!("{line}\n")).collect();
            let report = report.with(firewall, &others);
            addresses.iter().fold(report, |report, address| let_in(report, firewall, mark, &address.to_string()))
        }
    };
    noted(change, report)
}

/// The rule as the firewall tells it.
fn let_in(report: Report, firewall: &str, mark: &str, address: &str) -> Report {
    let first = |name: &str, before: &str, rule: &str| {
        let text = report.get(name);
        let at = text.find(before).expect("there is a place for it") + before.len();
        format!("{}{rule}{}", &text[..at], &text[at..])
    };
    let (name, text) = match firewall {
        "ufw" => {
            let comment: String = mark.bytes().map(|byte| format!("{byte:02x}")).collect();
            let rule = format!("### tuple ### allow any any 0.0.0.0/0 any {address} in comment={comment}\n");
            ("ufw", first("ufw", "\n", &rule))
        }
        "firewalld" => {
            let rule = format!("\trule family=\"ipv4\" source address=\"{address}\" accept\n");
            ("firewalld", first("firewalld", "rich rules:\n", &rule))
        }
        "iptables" => {
            let rule = format!("-A INPUT -s {address}/32 -m comment --comment \"{mark}\" -j ACCEPT\n");
            ("iptables", first("iptables", "\n", &rule))
        }
        _ => ("nft", first("nft", "policy drop;\n", &format!("ip saddr {address} accept comment \"{mark}\"\n"))),
    };
    report.with(name, &text)
}

/// The change in the node's journal, done.
fn noted(change: &Change, report: Report) -> Report {
    let (key, what) = (change.key(), change.what());
    let journal: Vec<String> = report.get("journal").lines().map(str::to_owned).collect();
    let known = journal.iter().any(|line| line.split('\t').nth(2) == Some(&key));
    let journal = journal.into_iter().map(|line| match line.split('\t').nth(2) == Some(&key) {
        true => line.replacen("\tno\t", "\tyes\t", 1),
        false => line,
    });
    let mut lines: Vec<String> = journal.collect();
    if !known {
        lines.push(format!("{:04}\tyes\t{key}\t{what}", lines.len() + 1));
    }
    report.with("journal", &lines.join("\n"))
}

/// A fixture's folder, for tests that look at all of them.
pub fn fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/facts");
    let names = fs::read_dir(folder)
        .expect("fixtures are there")
        .filter_map(|entry| entry.expect("readable").file_name().to_str()?.strip_suffix(".txt").map(str::to_owned));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

//! The real shell of `changes/sh`, run in a folder of a test's own, by every shell and with every set of tools that this
//! machine has.
#![allow(dead_code, clippy::expect_used, reason = "each test file uses what it needs; a test may panic")]

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use mpiup::changes::{Change, Guard, Primitive, Wave, script, text::PublicKeys};

/// A shell, and the folders in which it finds its tools.
#[derive(Debug, Clone)]
pub struct World {
    pub name: String,
    shell: Vec<String>,
    /// Programs that stand before those of PATH: name, and what it is a link to.
    tools: Vec<(String, PathBuf)>,
    /// Its `cp -a` keeps times to the second.
    whole_seconds: bool,
}

/// `sh` first; then what else is installed: dash, bash, busybox with all its tools, and every awk.
pub fn worlds() -> Vec<World> {
    let world = |name: &str, shell: &[&str], tools: Vec<(String, PathBuf)>| World {
        name: name.to_owned(),
        shell: shell.iter().map(|&word| word.to_owned()).collect(),
        tools,
        whole_seconds: name == "busybox",
    };
    let mut worlds = vec![world("sh", &["sh"], vec![])];
    // Most of them hide behind `sh` and `awk` already.
    let other = |name: &str, than: &str| {
        find(name).filter(|path| fs::canonicalize(path).ok() != find(than).and_then(|path| fs::canonicalize(path).ok()))
    };
    for shell in ["dash", "bash"] {
        worlds.extend(other(shell, "sh").map(|_| world(shell, &[shell], vec![])));
    }
    for awk in ["mawk", "gawk", "original-awk"] {
        worlds.extend(other(awk, "awk").map(|path| world(awk, &["sh"], vec![("awk".to_owned(), path)])));
    }
    if let Some(busybox) = find("busybox") {
        let all = ["awk", "cat", "chmod", "cmp", "cp", "head", "id", "ls", "mkdir", "mktemp", "mv", "readlink", "rm"];
        let more = ["rmdir", "sha256sum", "sh", "stat", "tail", "touch", "tr"];
        let tools = all.iter().chain(&more).map(|&name| (name.to_owned(), busybox.clone())).collect();
        worlds.push(world("busybox", &["busybox", "sh"], tools));
    }
    worlds
}

fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A place with a tree that changes are made in, and a journal beside it.
pub struct Sandbox {
    folder: tempfile::TempDir,
    world: World,
    /// The machine's own folders stand in the tree.
    is_machine: bool,
}

/// Folders of a machine that a sandbox can have in its tree.
const MACHINE: [&str; 4] = ["/etc/", "/var/lib/", "/var/mail/", "/var/spool/"];

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        Self {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What it said for a person.
    pub fn said(&self) -> Vec<&str> {
        self.stdout
            .lines()
            .filter_map(|line| {
                let line = line.strip_prefix("@ ")?;
                let waits = || line.split_once(' ').map(|(_, text)| text).filter(|text| text.starts_with("waits "));
                let text = |word| line.split_once(word).map(|(_, text)| text);
                text(" say ").or_else(|| text(" held ")).or_else(waits)
            })
            .collect()
    }

    /// Whether something waits that is mpiup's own to take back.
    pub fn is_held(&self) -> bool {
        self.stdout
            .lines()
            .any(|line| line.strip_prefix("@ ").is_some_and(|line| line.split(' ').nth(1) == Some("held")))
    }

    /// The result words: `done`, `same`, `kept` …
    pub fn results(&self) -> Vec<&str> {
        self.stdout
            .lines()
            .filter_map(|line| line.strip_prefix("@ ")?.split(' ').nth(1))
            .filter(|word| !["begin", "say", "held", "waits", "value", "confirm"].contains(word))
            .collect()
    }
}

/// What a kill at some moment would have left.
#[derive(Debug, Clone)]
pub struct Shot(PathBuf);

impl Sandbox {
    pub fn new(world: &World) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sandbox = Self { folder, world: world.clone(), is_machine: false };
        fs::create_dir(sandbox.tree()).expect("made");
        fs::create_dir(sandbox.own("bin")).expect("made");
        for (name, target) in &world.tools {
            symlink(target, sandbox.own("bin").join(name)).expect("made");
        }
        sandbox
    }

    /// One whose scripts take its tree for the machine: what they do to `/etc` they do there.
    pub fn machine(world: &World) -> Self {
        let sandbox = Self { is_machine: true, ..Self::new(world) };
        for folder in MACHINE {
            fs::create_dir_all(sandbox.path(folder.trim_matches('/'))).expect("made");
        }
        sandbox
    }

    /// A script or tool as it is written for a machine, for this tree.
    pub fn placed(&self, script: &str) -> String {
        let mut placed = script.to_owned();
        for folder in MACHINE.iter().filter(|_| self.is_machine) {
            for before in ["\"", " ", "(", ">", "<"] {
                placed = placed.replace(
                    &format!("{before}{folder}"),
                    &format!("{before}{}{folder}", self.path("").trim_end_matches('/')),
                );
            }
        }
        placed
    }

    /// Where changes are made: all of it must be as before in the end.
    pub fn tree(&self) -> PathBuf {
        self.own("tree")
    }

    pub fn path(&self, name: &str) -> String {
        self.tree().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// A file that was there before, old enough that a new time is seen.
    pub fn file(&self, name: &str, mode: u32, content: &[u8]) {
        let path = self.tree().join(name);
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        let nanoseconds = if self.world.whole_seconds { 0 } else { 123_456_789 };
        let then = std::time::UNIX_EPOCH + std::time::Duration::new(1_600_000_000, nanoseconds);
        fs::File::options().write(true).open(&path).expect("opened").set_modified(then).expect("set");
    }

    /// A program of the test's own, which the shell finds before any other of that name.
    pub fn tool(&self, name: &str, script: &str) {
        let path = self.own("bin").join(name);
        // Where a world has a link to a program of this machine, that is what would be written.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{}: {error}", path.display()),
            _ => {}
        }
        fs::write(&path, self.placed(script)).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
    }

    /// Runs any script, and returns every state on the way that a kill could leave.
    pub fn sh_shots(&self, script: &str) -> Vec<Shot> {
        self.shots(script)
    }

    /// Runs any script where the sandbox's own tools come first.
    pub fn sh(&self, script: &str) -> Ran {
        self.run(script, false)
    }

    /// Makes the changes as `up` does.
    pub fn up(&self, changes: &[Primitive]) -> Ran {
        self.run(&self.script(changes), false)
    }

    /// Makes the changes, and returns every state on the way that a kill could leave.
    pub fn up_shots(&self, changes: &[Primitive]) -> Vec<Shot> {
        self.shots(&self.script(changes))
    }

    /// Begins to make a change under guard, whose switch waits for so many seconds.
    #[allow(clippy::disallowed_methods, reason = "a test starts a shell as the node does")]
    pub fn start_guarded(&self, primitive: &Primitive, patience: u32) -> Child {
        let change = Change {
            primitive: primitive.clone(),
            wave: Wave::Ground,
            guard: Some(if matches!(primitive, Primitive::Firewall { .. }) { Guard::Firewall } else { Guard::Login }),
            why: String::new(),
            before: None,
        };
        let calls = script::calls(&self.state(), "", [(0, &change)], None).unwrap_or_else(|error| panic!("{error}"));
        self.command(&patient(&format!("{}{calls}", script::prelude()), patience)).spawn().expect("the shell starts")
    }

    /// Begins to take everything back.
    #[allow(clippy::disallowed_methods, reason = "a test starts a shell as the node does")]
    pub fn start_down(&self, patience: u32) -> Child {
        self.command(&patient(&script::undo(&self.state(), false, ""), patience)).spawn().expect("the shell starts")
    }

    /// What stands under guard now.
    pub fn guard(&self) -> PathBuf {
        Path::new(&self.state()).join("guard")
    }

    /// The processes that run for this sandbox.
    pub fn processes(&self) -> Vec<nix::unistd::Pid> {
        let mark = format!("{}/", self.folder.path().display());
        let is_ours = |line: String| line.contains(&mark);
        let processes = fs::read_dir("/proc").expect("readable").flatten();
        let ours = processes.filter(|process| fs::read_to_string(process.path().join("cmdline")).is_ok_and(is_ours));
        let number = |process: fs::DirEntry| process.file_name().to_string_lossy().parse().ok();
        ours.filter_map(number).map(nix::unistd::Pid::from_raw).collect()
    }

    /// Takes everything back.
    pub fn down(&self) -> Ran {
        self.run(&script::undo(&self.state(), false, ""), false)
    }

    pub fn purge(&self) -> Ran {
        self.run(&script::undo(&self.state(), true, ""), false)
    }

    /// Takes everything back, and returns every state on the way that a kill could leave.
    pub fn down_shots(&self) -> Vec<Shot> {
        self.shots(&script::undo(&self.state(), false, ""))
    }

    /// Brings back the state of a shot.
    pub fn restore(&self, shot: &Shot) {
        for part in ["tree", "var"] {
            if self.own(part).exists() {
                fs::remove_dir_all(self.own(part)).expect("removed");
            }
        }
        copy(&shot.0.join("tree"), &self.own(""));
        if shot.0.join("var").exists() {
            copy(&shot.0.join("var"), &self.own(""));
        }
    }

    /// The folder of the journal's entry.
    pub fn entry(&self, number: &str) -> PathBuf {
        Path::new(&self.state()).join("journal").join(number)
    }

    /// The keys of the journal's entries, with `?` where one was interrupted.
    pub fn journal(&self) -> Vec<String> {
        let mut entries: Vec<PathBuf> = match fs::read_dir(Path::new(&self.state()).join("journal")) {
            Ok(entries) => entries.map(|entry| entry.expect("readable").path()).collect(),
            Err(_) => return vec![],
        };
        entries.sort();
        let tree = format!("{}/", self.path(""));
        let key = |entry: PathBuf| {
            let key = fs::read_to_string(entry.join("key")).expect("every entry has a key");
            let mark = if entry.join("done").exists() { "" } else { "?" };
            format!("{}{mark}", key.trim_end_matches('\n').replace(tree.trim_end_matches('/'), ""))
        };
        entries.into_iter().map(key).collect()
    }

    /// Everything in the tree: kind, mode, owner, time and content by path. The times of folders are left out: they
    /// change when a file in them is replaced.
    pub fn picture(&self) -> BTreeMap<String, String> {
        picture(&self.tree())
    }

    /// Whether the journal and every folder that was made for it are gone.
    pub fn is_clean(&self) -> bool {
        !self.own("var").exists()
    }

    /// Whether nothing but empty folders is left of the journal. What a kill leaves in the moment when they are made or
    /// taken away is no more.
    pub fn is_empty(&self) -> bool {
        self.is_clean() || picture(&self.own("var")).values().all(|seen| seen.starts_with("folder "))
    }

    /// The node's state, two folders below what was there before.
    pub fn state(&self) -> String {
        self.own("var/mpiup/aula").to_str().expect("UTF-8").to_owned()
    }

    fn own(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn script(&self, changes: &[Primitive]) -> String {
        let changes: Vec<Change> = changes
            .iter()
            .map(|primitive| Change {
                primitive: primitive.clone(),
                wave: Wave::Ground,
                guard: None,
                why: String::new(),
                before: None,
            })
            .collect();
        let calls = script::calls(&self.state(), "", changes.iter().enumerate(), Some(&PublicKeys::new()));
        format!("{}{}", script::prelude(), calls.unwrap_or_else(|error| panic!("{error}")))
    }

    /// How the world's shell runs the script, with its outputs piped.
    #[allow(clippy::disallowed_methods, reason = "a test starts a shell as the node does")]
    fn command(&self, script: &str) -> Command {
        let path = env::var("PATH").expect("PATH is set");
        let file = self.own("script");
        // What a machine has one of, the sandbox has for itself.
        let system = [
            "/run/systemd/system",
            "/proc/self/mountinfo",
            "/proc/fs/nfsd",
            "/sys/kernel/sunrpc",
            "/etc/fstab",
            "/etc/exports",
        ];
        let script = system.iter().fold(self.placed(script), |script, path| {
            let own = self.path(path.trim_start_matches('/'));
            script.replace(&own, path).replace(path, &own)
        });
        // The rules of a firewall that this machine may have are not a test's.
        let script = ["ufw", "firewalld"]
            .iter()
            .fold(script, |script, name| script.replace(&format!("/etc/{name}/"), &format!("{}/", self.path(name))));
        fs::write(&file, script).expect("written");
        let mut command = Command::new(&self.world.shell[0]);
        command.args(&self.world.shell[1..]).arg(&file).env("PATH", format!("{}:{path}", self.own("bin").display()));
        command.env("LANG", "es_ES.UTF-8").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, script: &str, watched: bool) -> Ran {
        let mut command = self.command(script);
        if watched {
            let path = env::var("PATH").expect("PATH is set");
            command.env("PATH", format!("{}:{}:{path}", self.own("watchers").display(), self.own("bin").display()));
        }
        Ran::of(command.output().expect("the shell starts"))
    }

    /// Runs the script with a watcher around each tool, and returns the states that were seen, each once.
    fn shots(&self, script: &str) -> Vec<Shot> {
        self.watchers();
        self.run(script, true);
        let count: usize = fs::read_to_string(self.own("count")).expect("there").trim().parse().expect("a number");
        let mut shots: Vec<(Shot, BTreeMap<String, String>)> = Vec::new();
        for number in 1..=count {
            let shot = self.own("shots").join(number.to_string());
            let mut seen = picture(&shot);
            // What stands in the state's own drafts is written anew by whoever needs it.
            seen.retain(|name, _| {
                !["wanted", "others", "whole"].iter().any(|draft| name.ends_with(&format!("aula/{draft}")))
            });
            if shots.last().is_none_or(|(_, last)| *last != seen) {
                shots.push((Shot(shot), seen));
            }
        }
        assert!(shots.len() > 5, "there was something to see: {}", shots.len());
        shots.into_iter().map(|(shot, _)| shot).collect()
    }

    /// In place of each tool that alters something, one that keeps a copy of everything before and after it. A kill at
    /// that moment would have left just this, since everything else waits.
    fn watchers(&self) {
        let (watchers, shots, count) = (self.own("watchers"), self.own("shots"), self.own("count"));
        fs::create_dir(&watchers).expect("made once");
        fs::create_dir(&shots).expect("made once");
        fs::write(&count, "0\n").expect("written");
        let (cp, mkdir) = (find("cp").expect("there"), find("mkdir").expect("there"));
        let step = format!(
            "step() {{ read n < {0}; n=$((n + 1)); echo $n > {0}; {1} {2}/$n; {3} -a {4}tree {4}var {2}/$n 2>/dev/null; }}",
            count.display(),
            mkdir.display(),
            shots.display(),
            cp.display(),
            self.own("").display(),
        );
        for tool in ALTERING {
            // The sandbox's own come first, where it is no set of links.
            let own = Some(self.own("bin").join(tool)).filter(|path| path.is_file() && !path.is_symlink());
            let Some(real) = own.or_else(|| find(tool)) else { continue };
            let text = format!("#!/bin/sh\n{step}\nstep\n{} \"$@\"\nr=$?\nstep\nexit $r\n", real.display());
            fs::write(watchers.join(tool), text).expect("written");
            fs::set_permissions(watchers.join(tool), fs::Permissions::from_mode(0o755)).expect("set");
        }
    }
}

/// The tools that alter something, and the commands of a machine that do.
const ALTERING: [&str; 18] = [
    "cat",
    "chmod",
    "chown",
    "cp",
    "dd",
    "groupadd",
    "groupdel",
    "hostname",
    "ln",
    "mkdir",
    "mv",
    "rm",
    "rmdir",
    "ssh-keygen",
    "tar",
    "touch",
    "useradd",
    "userdel",
];

/// The script with another patience of its switch.
fn patient(script: &str, seconds: u32) -> String {
    assert!(script.contains("mpiup_patience=25 "));
    script.replace("mpiup_patience=25 ", &format!("mpiup_patience={seconds} "))
}

#[allow(clippy::disallowed_methods, reason = "cp keeps times and owners")]
fn copy(from: &Path, into: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(into).status().expect("cp starts").success());
}

/// Kind, mode, owner, time and content by path below `root`.
fn picture(root: &Path) -> BTreeMap<String, String> {
    let mut picture = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            let about = fs::symlink_metadata(&path).expect("there");
            let owner = format!("{:o} {}:{}", about.mode(), about.uid(), about.gid());
            let time = format!("{}.{:09}", about.mtime(), about.mtime_nsec());
            let seen = if about.is_dir() {
                folders.push(path.clone());
                format!("folder {owner}")
            } else if about.is_symlink() {
                format!("link {owner} → {}", fs::read_link(&path).expect("a link").display())
            } else {
                let content = fs::read(&path).expect("readable");
                format!("file {owner} {time} {:?}", String::from_utf8_lossy(&content))
            };
            let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
            picture.insert(name, seen);
        }
    }
    picture
}

/// The account that runs the tests.
pub fn me() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).expect("passwd is readable").expect("has an account");
    user.name
}

pub fn link(sandbox: &Sandbox, name: &str, target: &str) {
    symlink(target, sandbox.tree().join(name)).expect("made");
}

pub fn bytes(sandbox: &Sandbox, name: &str) -> Vec<u8> {
    let path = sandbox.tree().join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", Path::new(path.as_os_str()).display()))
}

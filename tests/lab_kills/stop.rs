//! Stops a node's scripts at a boundary of its journal: between two of the commands that alter the folder of the cluster.
//!
//! In place of each such command stands one that counts, and on demand waits there for the test. Nothing of mpiup knows of it.

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::support::{Ran, TestLab};

/// Where the stops lie on a node; `tree::look` does not look there.
const PLACE: &str = "/kill";

/// `label` is what will be done or was done, and how far the journal is: `after mv …/new …/journal/0003 | 3 entries, 2 done`.
const WRAPPER: &str = r#"#!/bin/sh
PATH=/usr/bin:/bin
tool=${0##*/}
case "$*" in */var/lib/mpiup/aula*) ;; *) exec "$tool" "$@" ;; esac
point() {
    [ -e /kill/armed ] || return
    journal=/var/lib/mpiup/aula/journal
    entries=$(ls "$journal" 2>/dev/null | wc -l) dones=$(ls "$journal"/*/done 2>/dev/null | wc -l)
    label="$1 $tool $2 | $entries entries, $dones done"
    # Beside the journal's own renames, one of all that are made while the journal stands so.
    key="$entries entries, $dones done"
    case "$1 $tool $2" in "after mv"*|"before mv"*/gone*|"before rm"*/wanted*) key=$label ;; esac
    printf '%s\t%s\n' "$key" "$label" >> /kill/passed
    case $(cat /kill/armed) in
        new) ! grep -qxF "$key" /kill/seen || return ;;
        *) [ "$label" = "$(cat /kill/armed)" ] || return ;;
    esac
    rm /kill/armed
    printf '%s\n' "$key" >> /kill/seen
    group=$(ps -o pgid= -p $$ | tr -d ' ')
    printf '%s\n%s\n%s\n%s\n' "$label" "$group" "$(ps -o ppid= -p "$group" | tr -d ' ')" $$ > /kill/writing
    mv /kill/writing /kill/stopped
    read -r _ < /kill/go
}
words=$(printf '%s' "$*" | tr '\n' ' ')
point before "$words"
"$tool" "$@"
status=$?
point after "$words"
exit $status
"#;

/// A stop on one node.
pub struct Stop<'a> {
    lab: &'a TestLab,
    node: String,
    place: PathBuf,
}

/// Where a script stands still.
#[derive(Debug, Clone)]
pub struct Stopped {
    pub label: String,
    /// The process group of the node's shell and of what it runs.
    group: String,
    /// The sshd process of the connection.
    sshd: String,
    /// What stands still.
    process: String,
}

/// What ends at the boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// mpiup itself, with SIGKILL.
    Mpiup,
    /// The connection: the node's sshd of it.
    Connection,
    /// The connection: mpiup's own ssh.
    Ssh,
    /// The node's shell with all that it runs.
    Shell,
    /// apt and dpkg, and the package's script that stands still.
    Manager,
}

pub const KILLS: [Kill; 4] = [Kill::Mpiup, Kill::Connection, Kill::Shell, Kill::Ssh];

const PATIENCE: Duration = Duration::from_secs(120);

impl<'a> Stop<'a> {
    pub fn on(lab: &'a TestLab, node: &str) -> Self {
        let state = fs::read_to_string(lab.state().join("state.json")).unwrap();
        let state: serde_json::Value = serde_json::from_str(&state).unwrap();
        let machine = state["machines"].as_array().unwrap().iter().find(|machine| machine["name"] == node).unwrap();
        let place = PathBuf::from(format!("/proc/{}/root{PLACE}", machine["init"]["pid"]));
        lab.inside(node, &format!("mkdir -p {PLACE} && cd {PLACE} && mkfifo go && : > seen && : > passed"));
        for tool in ["mv", "rm", "rmdir", "mkdir"] {
            let file = format!("/usr/local/sbin/{tool}");
            lab.inside(node, &format!("cat > {file} <<'WRAPPER'\n{WRAPPER}WRAPPER\nchmod 755 {file}"));
        }
        Self { lab, node: node.to_owned(), place }
    }

    pub fn node(&self) -> &str {
        &self.node
    }

    /// Puts the node's own commands back.
    pub fn away(&self) {
        self.lab.inside(&self.node, "cd /usr/local/sbin && rm -f rm mv rmdir mkdir");
    }

    /// From here on scripts stop at the first boundary at which none has stopped yet.
    pub fn at_the_next(&self) {
        self.arm("new");
    }

    /// Forgets where scripts have stopped.
    pub fn forget(&self) {
        fs::write(self.place.join("seen"), "").unwrap();
    }

    /// From here on scripts stop at this boundary.
    pub fn at(&self, label: &str) {
        self.arm(label);
    }

    /// From here on scripts pass every boundary, and leave their labels.
    pub fn nowhere(&self) {
        self.arm("-");
    }

    /// The boundaries that were passed since the last time, each once: those at which `at_the_next` stops.
    pub fn passed(&self) -> Vec<String> {
        let passed = fs::read_to_string(self.place.join("passed")).unwrap();
        fs::write(self.place.join("passed"), "").unwrap();
        let mut seen = BTreeSet::new();
        passed
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .filter(|(key, _)| seen.insert(*key))
            .map(|(_, label)| label.to_owned())
            .collect()
    }

    fn arm(&self, how: &str) {
        fs::write(self.place.join("arming"), how).unwrap();
        fs::rename(self.place.join("arming"), self.place.join("armed")).unwrap();
    }

    /// Waits for a script to stop; none when mpiup came to its end first.
    pub fn wait(&self, mpiup: &mut Child) -> Option<Stopped> {
        let begun = Instant::now();
        loop {
            let ended = mpiup.try_wait().unwrap().is_some();
            if let Ok(text) = fs::read_to_string(self.place.join("stopped")) {
                fs::remove_file(self.place.join("stopped")).unwrap();
                let mut lines = text.lines().map(str::to_owned);
                let mut next = || lines.next().unwrap();
                return Some(Stopped { label: next(), group: next(), sshd: next(), process: next() });
            }
            if ended {
                let _ = fs::remove_file(self.place.join("armed"));
                return None;
            }
            assert!(begun.elapsed() < PATIENCE, "neither stopped nor ended");
            sleep(Duration::from_millis(5));
        }
    }

    /// Kills there, and lets go what is left.
    pub fn kill(&self, kill: Kill, stopped: &Stopped, mpiup: &mut Child) {
        match kill {
            Kill::Mpiup => mpiup.kill().unwrap(),
            Kill::Connection => drop(self.lab.inside(&self.node, &format!("kill -KILL {}", stopped.sshd))),
            Kill::Ssh => kill_ssh(mpiup, &self.node),
            Kill::Shell => drop(self.lab.inside(&self.node, &format!("kill -s KILL -- -{}", stopped.group))),
            Kill::Manager => {
                let managers = "$(ps -eo pid=,comm= | awk '$2 == \"apt-get\" || $2 == \"dpkg\" { print $1 }')";
                self.lab.inside(&self.node, &format!("kill -s KILL {managers} {}", stopped.process));
            }
        }
        if ![Kill::Shell, Kill::Manager].contains(&kill) {
            self.let_go();
        }
    }

    /// Lets the script go on that stands still.
    pub fn let_go_without_waiting(&self) {
        self.lab.inside(&self.node, &format!("timeout 30 sh -c 'echo > {PLACE}/go'"));
    }

    /// Lets the script go on that stands still, and waits until it has come to its end: it may not be the one to stop next.
    pub fn let_go(&self) {
        let busy = "/run/mpiup.lock.busy";
        let ends = format!("echo > {PLACE}/go; while [ -e {busy} ] && ! flock -n {busy} true; do sleep 0.01; done");
        self.lab.inside(&self.node, &format!("timeout 30 sh -c '{ends}'"));
    }
}

/// The ssh process among mpiup's own that goes to this node.
fn kill_ssh(mpiup: &Child, node: &str) {
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", mpiup.id())).unwrap();
    for child in children.split_whitespace() {
        let words = fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap_or_default();
        if words.trim_end_matches('\0').ends_with(&format!("--\0{node}")) {
            let pid = nix::unistd::Pid::from_raw(child.parse().unwrap());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
            return;
        }
    }
    panic!("mpiup has no ssh to {node}: {children}");
}

/// What became of mpiup: a kill ends it without an exit code.
pub fn end(child: Child) -> Option<Ran> {
    let begun = Instant::now();
    Ran::of_killed(crate::support::child::finish(child, "mpiup", PATIENCE), begun)
}

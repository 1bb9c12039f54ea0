//! What a lab leaves on the computer while it runs: one directory below `/run/mpiup/lab`, for root alone, which a
//! reboot empties. A process is known by its number and its start, so that a number used again is never taken for it.

use std::{
    fs::{self, DirBuilder},
    io::ErrorKind,
    net::Ipv4Addr,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use super::vm::Sockets;
use crate::error::{Context, Error, Result};

/// Where all labs of this computer are.
const LABS: &str = "/run/mpiup/lab";
const FILE: &str = "state.json";

/// A process that may have ended meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pub pid: i32,
    /// Ticks from the computer's start to the process's (proc(5), field 22 of stat).
    pub start: u64,
}

impl Process {
    pub(super) fn of(pid: i32) -> Option<Self> {
        let start = parse_start(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        Some(Self { pid, start })
    }

    pub(super) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    pub(super) fn send(self, signal: Signal) {
        if self.is_alive() {
            // It may end between the look and the signal: then there is nothing to do.
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }
}

/// None for a zombie as well: it has no memory, files or namespaces any more, and whether its parent takes notice is
/// not the lab's business. The program's name in parentheses may hold anything, so fields are counted from its end.
fn parse_start(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MachineState {
    pub name: String,
    pub address: Ipv4Addr,
    /// Public host key, `ssh-ed25519 AAAA…`.
    pub host_key: String,
    /// Its process 1, or the QEMU that runs it.
    pub init: Process,
    /// What a machine that boots has beside its network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm: Option<Sockets>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub name: String,
    pub keeper: Process,
    /// False while the lab is coming up.
    pub ready: bool,
    pub relay: Option<Process>,
    pub machines: Vec<MachineState>,
}

impl State {
    /// None when there is no such lab, or its state cannot be read (then its keeper did not live to write it).
    pub(super) fn read(name: &str) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(directory(name).join(FILE)).ok()?).ok()
    }

    /// Replaces the file at once, so that a reader sees the old or the new one.
    pub(super) fn write(&self) -> Result<()> {
        write_into(&directory(&self.name), self)
    }

    /// Makes the lab's directory with this state in it, all at once.
    ///
    /// # Errors
    /// Also when there is a lab of this name, or the remains of one.
    pub(super) fn claim(&self) -> Result<()> {
        let failed = || format!("cannot make {}", directory(&self.name).display());
        let draft = Path::new(LABS).join(format!(".{}.{}", self.name, self.keeper.pid));
        let make = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        // The parent goes when the last lab does, which may be just now.
        make(&draft).or_else(|_| make(&draft)).context(failed)?;
        let claimed = write_into(&draft, self).and_then(|()| {
            fs::rename(&draft, directory(&self.name)).map_err(|error| match error.kind() {
                ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => runs_already(&self.name),
                _ => Error::failed(failed()).because(error),
            })
        });
        if claimed.is_err() {
            let _ = fs::remove_dir_all(&draft);
        }
        claimed
    }
}

fn write_into(directory: &Path, state: &State) -> Result<()> {
    let failed = || format!("cannot write {}", directory.join(FILE).display());
    let text = serde_json::to_vec_pretty(state).context(failed)?;
    let draft = directory.join(format!(".{FILE}"));
    fs::write(&draft, text).and_then(|()| fs::rename(&draft, directory.join(FILE))).context(failed)
}

pub(super) fn directory(name: &str) -> PathBuf {
    Path::new(LABS).join(name)
}

/// Names of all labs, running or not, in order.
pub(super) fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(LABS)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

/// Takes a lab's directory away, and those above it when they are empty.
pub(super) fn remove(name: &str) -> Result<()> {
    let directory = directory(name);
    if let Err(error) = fs::remove_dir_all(&directory)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(Error::failed(format!("cannot remove {}", directory.display())).because(error));
    }
    for empty in [LABS, "/run/mpiup"] {
        // Other labs, or another part of mpiup, may still be in it.
        let _ = fs::remove_dir(empty);
    }
    Ok(())
}

pub(super) fn runs_already(name: &str) -> Error {
    let (mpiup, option) = (super::mpiup(), name_option(name));
    Error::failed(format!("a lab of the name {name} runs already"))
        .hinted(format!("See it with: {mpiup} lab status{option}"))
        .hinted(format!("Take it down with: {mpiup} lab down{option}"))
        .hinted(format!("Or start another one beside it: {mpiup} lab up 3 --name OTHER"))
}

/// What has to be added to a command so that it means this lab.
pub(super) fn name_option(name: &str) -> String {
    if name == super::DEFAULT_NAME { String::new() } else { format!(" --name {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_found_behind_any_program_name() {
        let stat = "812 (a) b (c) S 1 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1234 5 6";
        assert_eq!(parse_start(stat), Some(98765));
        assert_eq!(parse_start(&stat.replace(") S ", ") Z ")), None);
    }

    #[test]
    fn this_process_is_alive_and_an_earlier_one_of_its_number_is_not() {
        let me = Process::of(std::process::id().cast_signed()).unwrap();
        assert!(me.is_alive());
        assert!(!Process { start: me.start + 1, ..me }.is_alive());
    }
}

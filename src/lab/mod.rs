//! The lab: virtual machines for trying, teaching and testing, on one computer, out of Linux namespaces.
//!
//! Each machine has a network, host name, processes and root file system of its own, and the system's real OpenSSH
//! server; it is bare: no cluster user, no keys among machines, no MPI set-up. Nothing of the computer changes but
//! its state below `/run` and the cached base layer. Machines are no security boundary: their root is the
//! computer's root with its accidents kept away.
//!
//! `lab up` starts a keeper, which starts a relay for packages and one init for each machine; `lab down`
//! ends the keeper, and the kernel the rest.

mod accounts;
mod apt_progress;
mod base;
mod base_build;
mod builder;
mod call;
mod child;
mod connect;
mod down;
mod host;
mod host_mounts;
mod init;
mod keeper;
mod kernel_mounts;
mod neighbours;
mod netlink;
mod network;
mod node_files;
mod relay;
mod rootfs;
mod running;
mod ssh_files;
mod start;
mod state;
mod support;
mod up;
mod vm;
mod watch;
mod wire;

use std::{net::Ipv4Addr, path::PathBuf, process::Output};

pub use call::{mpiup, sudo};
pub use connect::connect;
pub use down::DownReport;
pub use keeper::run as run_keeper;
pub use running::Wanted;
pub use support::{support, support_vms};
pub use vm::{Debian, Power};

use crate::error::{Error, Result};
use state::{Process, State};
use vm::Sockets;

/// The lab that is meant when none is named.
pub const DEFAULT_NAME: &str = "lab";

/// A running lab.
#[derive(Debug, Clone)]
pub struct Lab {
    name: String,
    keeper: Process,
    machines: Vec<Machine>,
}

/// One virtual machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its host name: master, client1, client2 …
    pub name: String,
    /// Its address on the lab's network, which only the lab's machines and `ssh -F` of [`Lab::ssh_config`] reach.
    pub address: Ipv4Addr,
    /// Its public host key, `ssh-ed25519 AAAA…`.
    pub host_key: String,
    /// Its process 1, or the QEMU that runs it.
    init: Process,
    vm: Option<Sockets>,
}

impl Lab {
    /// The running lab of this name.
    ///
    /// # Errors
    /// When the name cannot be a lab's, or this is not root.
    pub fn find(name: &str) -> Result<Option<Self>> {
        check_name(name)?;
        need_root()?;
        Ok(State::read(name).filter(|state| state.ready && state.keeper.is_alive()).map(Self::from))
    }

    /// All running labs, by name.
    ///
    /// # Errors
    /// When this is not root.
    pub fn all() -> Result<Vec<Self>> {
        need_root()?;
        Ok(state::names().iter().filter_map(|name| Self::find(name).ok().flatten()).collect())
    }

    /// Which labs run, in words with the option that names them; nothing where none does.
    pub fn running() -> Option<String> {
        running(Self::all().unwrap_or_default().iter().map(Self::name))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// master first, then the clients in order.
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// The machine of this name.
    ///
    /// # Errors
    /// When the lab has none; the hint lists those that it has.
    pub fn machine(&self, name: &str) -> Result<&Machine> {
        self.machines.iter().find(|machine| machine.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.machines.iter().map(|machine| machine.name.as_str()).collect();
            Error::usage(format!("the lab {} has no machine {name}", self.name))
                .hinted(format!("Its machines are: {}", names.join(", ")))
        })
    }

    /// A configuration for `ssh -F`, with which each machine is reached by name or address, as root or any other user.
    pub fn ssh_config(&self) -> PathBuf {
        ssh_files::config(&self.name)
    }

    /// Where the password of the account `admin` is, in a lab of machines that boot: root cannot log in to those, and `admin`
    /// becomes root by sudo with that password.
    pub fn password_file(&self) -> Option<PathBuf> {
        let boots = self.machines.iter().any(|machine| machine.vm.is_some());
        boots.then(|| vm::password_file(&self.name))
    }

    /// Runs a program in a machine as its root, from this computer and without ssh; for tests that need to alter what
    /// ssh depends on. A status other than 0 is an error.
    ///
    /// # Errors
    /// When there is no such machine, or the program cannot be started or fails.
    pub fn run_in_node(&self, machine: &str, argv: &[&str]) -> Result<Output> {
        let machine = self.machine(machine)?;
        if !machine.is_running() {
            return Err(Error::failed("the machine does not run any more").on(&machine.name));
        }
        if let Some(sockets) = &machine.vm {
            return vm::run(sockets, argv).map_err(|error| error.on(&machine.name));
        }
        let mut enter = host::command("nsenter");
        enter.args(["--target", &machine.init.pid.to_string()]);
        enter.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--"]).args(argv);
        enter.env_clear().env("HOME", "/root").env("LC_ALL", "C");
        enter.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        host::run(&mut enter).map_err(|error| error.on(&machine.name))
    }

    /// Gives every machine an interface with the same address, as docker0 has on every machine with Docker:
    /// `add_same_bridge("docker0", "172.17.0.1/16")`.
    ///
    /// # Errors
    /// When a machine refuses, for instance because it has the interface already.
    pub fn add_same_bridge(&self, interface: &str, address: &str) -> Result<()> {
        for Machine { name, .. } in &self.machines {
            self.run_in_node(name, &["ip", "link", "add", interface, "type", "bridge"])?;
            self.run_in_node(name, &["ip", "address", "add", address, "dev", interface])?;
            self.run_in_node(name, &["ip", "link", "set", interface, "up"])?;
        }
        Ok(())
    }
}

impl Machine {
    /// Whether it runs; a machine that was powered off from inside does not.
    pub fn is_running(&self) -> bool {
        self.process_lives() && self.vm.as_ref().is_none_or(vm::runs)
    }

    /// Whether its sshd listens.
    pub fn answers_ssh(&self) -> bool {
        match self.vm {
            _ if !self.is_running() => false,
            Some(_) => connect::answers(self.init, self.address, 22),
            None => init::listens(&format!("/proc/{}/net", self.init.pid)),
        }
    }

    fn process_lives(&self) -> bool {
        self.init.is_alive()
    }
}

impl From<State> for Lab {
    fn from(state: State) -> Self {
        let machines = state.machines.into_iter().map(|machine| Machine {
            name: machine.name,
            address: machine.address,
            host_key: machine.host_key,
            init: machine.init,
            vm: machine.vm,
        });
        Self { name: state.name, keeper: state.keeper, machines: machines.collect() }
    }
}

/// The error of a command that needs a running lab.
pub fn no_such_lab(name: &str) -> Error {
    let error = Error::failed(format!("no lab of the name {name} runs"));
    let error = match Lab::running() {
        Some(text) => error.hinted(text),
        None => error,
    };
    error.hinted(format!("Start it with: {} lab up 3{}", mpiup(), state::name_option(name)))
}

/// The labs that run, for whoever named another one.
fn running<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<&str> = names.into_iter().collect();
    let first = names.first()?;
    Some(format!("Running: {} (`--name {first}`; of `init` and `down`, `--lab {first}`)", names.join(", ")))
}

/// A name becomes a directory, part of a configuration and of a command.
fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if first && name.chars().all(plain) && name.len() <= 40 {
        return Ok(());
    }
    Err(Error::usage(format!("{name:?} cannot be the name of a lab"))
        .hinted("A name has letters, digits, - and _, begins with a letter or digit, and has at most 40 of them."))
}

fn need_root() -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    Err(Error::failed("the lab needs root, since only root may make virtual machines and enter them")
        .hinted(format!("Type the same with sudo, for instance: {} lab up 3", mpiup())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_of_another_name_is_told() {
        assert_eq!(running([]), None);
        let said = "Running: review2, b (`--name review2`; of `init` and `down`, `--lab review2`)";
        assert_eq!(running(["review2", "b"]).as_deref(), Some(said));
    }

    #[test]
    fn a_name_is_safe_in_a_path_and_a_command() {
        for good in ["lab", "test-17", "a_b", "7"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "..", "a/b", "a b", "-x", ".x", "ñ", &"a".repeat(41)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}

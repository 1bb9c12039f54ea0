//! How the operator reaches the machines by plain ssh: a key pair of the lab's own, a configuration for `ssh -F`, and
//! the machines' host keys, pinned.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    host::{self, command},
    state::{self, MachineState},
    vm,
};
use crate::{
    error::{Context, Result},
    quote,
};

pub(super) fn config(name: &str) -> PathBuf {
    state::directory(name).join("ssh_config")
}

/// Makes the lab's key pair and returns the public line.
pub(super) fn make_key(name: &str) -> Result<String> {
    let key = state::directory(name).join("key");
    let comment = format!("mpiup-lab-{name}");
    host::run(command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", &comment, "-f"]).arg(&key))?;
    let public = key.with_extension("pub");
    fs::read_to_string(&public).context(|| format!("cannot read {}", public.display()))
}

/// Writes `ssh_config` and `known_hosts`. `program` is mpiup itself, which makes the connections.
pub(super) fn write(name: &str, program: &Path, machines: &[MachineState]) -> Result<()> {
    let directory = state::directory(name);
    let put = |file: &str, text: String| {
        let path = directory.join(file);
        fs::write(&path, text).context(|| format!("cannot write {}", path.display()))
    };
    put("known_hosts", machines.iter().map(known_host).collect())?;
    put("ssh_config", config_text(name, program, &directory, machines))
}

fn known_host(machine: &MachineState) -> String {
    format!("{},{} {}\n", machine.name, machine.address, machine.host_key)
}

fn config_text(name: &str, program: &Path, directory: &Path, machines: &[MachineState]) -> String {
    // The command is first read by ssh, to which % is special, then by a shell.
    let program = quote::sh(&program.to_string_lossy()).replace('%', "%%");
    let directory = directory.display();
    let mut text = format!("# The lab {name}: written by mpiup lab up, gone after mpiup lab down.\n");
    for MachineState { name: machine, address, vm, .. } in machines {
        let user = if vm.is_some() { vm::ADMIN } else { "root" };
        // The faster key exchange: on one computer, nobody records today what a quantum computer opens tomorrow.
        text += &format!(
            "\nHost {machine} {address}\n\
             \x20 HostName {address}\n\
             \x20 User {user}\n\
             \x20 IdentityFile {directory}/key\n\
             \x20 IdentitiesOnly yes\n\
             \x20 UserKnownHostsFile {directory}/known_hosts\n\
             \x20 GlobalKnownHostsFile none\n\
             \x20 StrictHostKeyChecking yes\n\
             \x20 KexAlgorithms ^curve25519-sha256\n\
             \x20 ProxyCommand {program} lab connect --name {name} %h %p\n\
             \x20 ProxyUseFdpass yes\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::state::Process;

    #[test]
    fn a_machine_is_found_by_name_and_address_with_its_key_pinned() {
        let machine = MachineState {
            name: "client1".into(),
            address: [10, 77, 0, 2].into(),
            host_key: "ssh-ed25519 AAAAC3".into(),
            init: Process { pid: 1, start: 1 },
            vm: None,
        };
        assert_eq!(known_host(&machine), "client1,10.77.0.2 ssh-ed25519 AAAAC3\n");
        let text =
            config_text("lab", Path::new("/opt/my tools/100%/mpiup"), Path::new("/run/mpiup/lab/lab"), &[machine]);
        assert!(text.contains("\nHost client1 10.77.0.2\n  HostName 10.77.0.2\n  User root\n"), "{text}");
        assert!(text.contains("  ProxyCommand '/opt/my tools/100%%/mpiup' lab connect --name lab %h %p\n"), "{text}");
        assert!(text.contains("StrictHostKeyChecking yes") && !text.contains("StrictHostKeyChecking no"), "{text}");
    }
}

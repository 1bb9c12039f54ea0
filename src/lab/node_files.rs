//! The files that make a node a machine of its own, as an installation of Debian would leave them: names, identity,
//! accounts, sshd's settings, empty directories. All of it is written below the node's own `/`.

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use super::{
    accounts,
    host::{self, command},
    rootfs::make_dir,
};
use crate::error::{Context, Result};

/// What one node's files say.
pub(super) struct Identity<'a> {
    pub name: &'a str,
    /// The line of the lab's public key.
    pub operator_key: &'a str,
    /// Where apt finds the relay, as `address:port`.
    pub relay: &'a str,
}

const HOST_KEY: &str = "/etc/ssh/ssh_host_ed25519_key";
/// Where Debian's openssh-server keeps the settings that it ships.
const SHIPPED_SETTINGS: &str = "/usr/share/openssh/sshd_config";

/// Writes everything and returns the node's public host key as one line, `ssh-ed25519 AAAA…`.
pub(super) fn write(identity: &Identity<'_>) -> Result<String> {
    make_directories()?;
    write_names(identity.name)?;
    write_accounts()?;
    put("/root/.ssh/authorized_keys", identity.operator_key, 0o600)?;
    if Path::new("/etc/apt").is_dir() {
        put("/etc/apt/apt.conf.d/99mpiup-lab", &apt_settings(identity.relay), 0o644)?;
    }
    if let Ok(shipped) = fs::read_to_string(SHIPPED_SETTINGS) {
        put("/etc/ssh/sshd_config", &shipped, 0o644)?;
    }
    make_host_key(identity.name)
}

fn make_directories() -> Result<()> {
    for directory in ["/boot", "/home", "/media", "/mnt", "/srv", "/etc/ssh/sshd_config.d", "/run/sshd", "/var/log/apt"]
    {
        make_dir(directory, 0o755)?;
    }
    for directory in ["/tmp", "/var/tmp", "/run/lock"] {
        make_dir(directory, 0o1777)?;
    }
    make_dir("/var/log", 0o755)?;
    make_dir("/root", 0o700)?;
    make_dir("/root/.ssh", 0o700)?;
    for record in ["/run/utmp", "/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog"] {
        put(record, "", 0o664)?;
    }
    Ok(())
}

fn write_names(name: &str) -> Result<()> {
    nix::unistd::sethostname(name).context(|| "cannot set the host name")?;
    put("/etc/hostname", &format!("{name}\n"), 0o644)?;
    put("/etc/hosts", &hosts(name), 0o644)?;
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid").context(|| "cannot make a machine id")?;
    put("/etc/machine-id", &id.replace('-', ""), 0o444)?;
    put("/etc/fstab", "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n", 0o644)?;
    if Path::new("/etc/exports").exists() {
        put("/etc/exports", "", 0o644)?;
    }
    Ok(())
}

/// As Debian's installer writes it: the own name stands at 127.0.1.1, not at the address that other machines know.
pub(super) fn hosts(name: &str) -> String {
    format!(
        "127.0.0.1\tlocalhost\n127.0.1.1\t{name}\n\n\
         # The following lines are desirable for IPv6 capable hosts\n\
         ::1     localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n"
    )
}

/// The relay resolves names on this computer (`socks5h`), since a node reaches no name server.
pub(super) fn apt_settings(relay: &str) -> String {
    format!("Acquire::http::Proxy \"socks5h://{relay}\";\nAcquire::https::Proxy \"socks5h://{relay}\";\n")
}

fn write_accounts() -> Result<()> {
    let users = fs::read_to_string("/etc/passwd").map(|text| accounts::people(&text)).unwrap_or_default();
    let groups = fs::read_to_string("/etc/group").map(|text| accounts::people(&text)).unwrap_or_default();
    for file in ["/etc/passwd", "/etc/subuid", "/etc/subgid"] {
        alter(file, |text| accounts::without_lines(text, &users))?;
    }
    alter("/etc/shadow", |text| accounts::root_without_password(&accounts::without_lines(text, &users)))?;
    for file in ["/etc/group", "/etc/gshadow"] {
        alter(file, |text| without_groups(text, &groups, &users))?;
    }
    // Older copies of the same files, which `passwd` and `useradd` keep.
    for file in ["/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-"] {
        let _ = fs::remove_file(file);
    }
    Ok(())
}

fn without_groups(text: &str, groups: &BTreeSet<String>, users: &BTreeSet<String>) -> String {
    accounts::without_members(&accounts::without_lines(text, groups), users)
}

fn make_host_key(name: &str) -> Result<String> {
    let comment = format!("root@{name}");
    host::run(command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", &comment, "-f", HOST_KEY]))?;
    let public = format!("{HOST_KEY}.pub");
    let line = fs::read_to_string(&public).context(|| format!("cannot read {public}"))?;
    Ok(line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

/// Rewrites a file in place, so that owner and mode stay. A file that is not there stays away.
fn alter(path: &str, new: impl Fn(&str) -> String) -> Result<()> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(()) };
    let new = new(&text);
    if new == text { Ok(()) } else { fs::write(path, new).context(|| format!("cannot write {path}")) }
}

fn put(path: &str, text: &str, mode: u32) -> Result<()> {
    let failed = || format!("cannot write {path}");
    fs::write(path, text).context(failed)?;
    fs::set_permissions(path, Permissions::from_mode(mode)).context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_is_what_debians_installer_writes() {
        let text = hosts("client1");
        assert!(text.starts_with("127.0.0.1\tlocalhost\n127.0.1.1\tclient1\n\n# The following"), "{text}");
        assert_eq!(text.lines().count(), 7);
    }
}

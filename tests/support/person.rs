//! The operator's ssh as a person has it: a configuration of their own, without any key, and a terminal to be asked at.

use std::{fs, path::PathBuf};

use super::{Operator, Terminal, child};

/// A configuration of ssh's as a person has it: no keys, and `more` above what the lab says.
pub fn ssh_config(operator: &Operator<'_>, more: &str) -> PathBuf {
    let lab = fs::read_to_string(operator.lab.lab.ssh_config()).unwrap();
    let key = |line: &&str| !line.contains("IdentityFile");
    let lab: String = lab.lines().filter(key).map(|line| format!("{line}\n")).collect();
    let path = operator.folder().join("ssh_config");
    let known = operator.lab.state().join("known_hosts");
    let rest = format!("Host *\n  IdentityFile none\n  UserKnownHostsFile {}\n", known.display());
    fs::write(&path, format!("{more}\n{lab}\n{rest}")).unwrap();
    path
}

/// A home for root with the operator's `~/.ssh/config`. ssh goes by the password file and not by `$HOME`: `at_home` has one
/// of its own.
pub fn ssh_home(operator: &Operator<'_>) {
    let home = operator.folder().join("home");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::rename(ssh_config(operator, ""), home.join(".ssh/config")).unwrap();
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = |line: &str| match line.starts_with("root:") {
        true => format!("root:x:0:0:root:{}:/bin/sh\n", home.display()),
        false => format!("{line}\n"),
    };
    fs::write(operator.folder().join("passwd"), passwd.lines().map(line).collect::<String>()).unwrap();
}

/// Types a command at a terminal, with that home's ssh.
pub fn at_home(operator: &Operator<'_>, args: &[&str]) -> Terminal {
    let inner = operator.command(args);
    let mut command = child::program("unshare");
    let script = "mount --bind \"$0\" /etc/passwd && exec \"$@\"";
    command
        .args(["--mount", "sh", "-c", script])
        .arg(operator.folder().join("passwd"))
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(operator.work());
    Terminal::start(&command)
}

/// Types a command at a terminal.
pub fn at_terminal(operator: &Operator<'_>, args: &[&str]) -> Terminal {
    Terminal::start(&operator.command(args))
}

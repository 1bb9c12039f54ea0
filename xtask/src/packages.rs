//! What the tests need beyond Rust's toolchain, on Debian and Ubuntu.
//!
//! openssh-server is not among it, and must not be: nodes of the lab have their own, in a layer of their own, and a
//! developer's machine does not begin to listen because somebody ran its tests.

use crate::{Stop, run};

/// Package and reason. A line goes when its reason goes.
const NEEDED: &[(&str, &str)] = &[
    ("openssh-client", "the transport: ssh and ssh-keygen"),
    ("iproute2", "the lab: looking at addresses and bridges"),
    ("python3", "Python environments and the examples"),
    ("sudo", "the lab: a node's root by sudo's password"),
    ("zsh", "login shells other than bash"),
    ("fish", "login shells other than bash"),
    ("tcsh", "login shells other than bash"),
    ("busybox", "the shell and tools of small systems"),
    ("acl", "files in a home that have access lists"),
    ("attr", "files that have attributes"),
    ("gcc", "the example in C"),
    ("libc6-dev", "the example in C"),
    ("mmdebstrap", "the machines that boot: their disk"),
    ("e2fsprogs", "the machines that boot: their disk"),
    ("libclang-dev", "the example in Rust: the mpi crate reads MPI's headers with it"),
];

/// `cargo xtask packages`.
pub fn main(arguments: &[String]) -> Result<(), Stop> {
    if let Some(argument) = arguments.first() {
        return Err(Stop::Usage(format!("`cargo xtask packages` takes no argument; `{argument}` was given.")));
    }
    if install() { Ok(()) } else { Err(Stop::Failed) }
}

/// Installs what is missing; whether there is nothing that failed. Where it may not install, it says what to type and
/// goes on: tests that need more than there is are skipped, and counted.
pub fn install() -> bool {
    let Some(listed) = installed() else {
        run::say("This is neither Debian nor Ubuntu: please see to these yourself.");
        NEEDED.iter().for_each(|(package, reason)| run::say(&format!("  {package}: {reason}")));
        return true;
    };
    let missing = missing(&listed);
    if missing.is_empty() {
        run::say("Everything is there.");
        return true;
    }
    for (package, reason) in NEEDED.iter().filter(|(package, _)| missing.contains(package)) {
        run::say(&format!("missing: {package} ({reason})"));
    }
    let as_root: &[&str] = if is_root() {
        &[]
    } else if run::succeeds(&["sudo", "-n", "true"]) {
        &["sudo", "-n"]
    } else {
        run::say(&format!("To install them: sudo apt-get install {}", missing.join(" ")));
        return true;
    };
    let apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"];
    let update = [as_root, &apt, &["update"]].concat();
    let install = [as_root, &apt, &["install", "--no-install-recommends"], &missing].concat();
    // Lists that are only partly fresh may do; whether they did is what the installation says.
    run::run(&update);
    run::run(&install)
}

/// Whether this process may do everything on this machine.
pub fn is_root() -> bool {
    run::output(&["id", "-u"]).is_some_and(|id| id.trim() == "0")
}

/// What dpkg says about the packages; nothing where there is no dpkg.
fn installed() -> Option<String> {
    let mut argv = vec!["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n"];
    argv.extend(NEEDED.iter().map(|(package, _)| package));
    run::output(&argv)
}

/// The needed packages that dpkg does not list as installed.
fn missing(listed: &str) -> Vec<&'static str> {
    let there = |package: &str| listed.lines().any(|line| line.split_once(' ') == Some((package, "installed")));
    NEEDED.iter().map(|(package, _)| *package).filter(|package| !there(package)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_fully_installed_counts() {
        let listed = "gcc installed\nlibc6-dev installed\niproute2 config-files\nopenssh-client installed\n";
        assert_eq!(
            missing(listed),
            [
                "iproute2",
                "python3",
                "sudo",
                "zsh",
                "fish",
                "tcsh",
                "busybox",
                "acl",
                "attr",
                "mmdebstrap",
                "e2fsprogs",
                "libclang-dev"
            ]
        );
    }

    #[test]
    fn no_server_is_installed_on_a_developers_machine() {
        assert!(NEEDED.iter().all(|(package, reason)| !package.ends_with("-server") && !reason.is_empty()));
    }
}

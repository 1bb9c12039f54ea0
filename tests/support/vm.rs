//! Machines that boot: what tests of them share. `docs/vm-tests.md` says how to write one.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    ops::Deref,
    time::{Duration, Instant},
};

use mpiup::lab::Debian;

use super::{Operator, Terminal, TestLab, child::wait_until, person, tree, turn};

/// What a classroom's machines have once the packages of a cluster are there, so that no test waits for a package archive.
pub const WITH_MPI: &[&str] =
    &["acl", "libopenmpi-dev", "nfs-common", "nfs-kernel-server", "nftables", "openmpi-bin", "python3-mpi4py", "ufw"];

/// A Debian that was just installed.
pub const BARE: &[&str] = &[];

/// What mpiup asks at the terminal.
pub const LOG_IN: &str = "Log-in password for the nodes:";
pub const SUDO: &str = "sudo's password on the nodes";

/// A start takes half a minute for one machine without KVM, and several have to share this computer.
const BOOT: Duration = Duration::from_secs(900);

/// A lab of machines that boot; otherwise like any [`TestLab`].
pub struct Vms {
    lab: TestLab,
    /// Of the account `admin`.
    pub password: String,
}

impl Deref for Vms {
    type Target = TestLab;
    fn deref(&self) -> &TestLab {
        &self.lab
    }
}

impl Vms {
    pub fn up(count: usize, packages: &[&str], debian: &[Debian]) -> Self {
        let turn = turn::take();
        let lab = part(&format!("{count} machines are there"), || TestLab::of_vms(turn, count, packages, debian));
        let file = lab.lab.password_file().expect("machines that boot have a password");
        let password = fs::read_to_string(file).expect("the password").trim().to_owned();
        Self { lab, password }
    }

    /// Lets `admin` become root without a password, for tests that look at something else: then every helper of
    /// [`Operator`] works as on other labs.
    pub fn without_sudo_password(self) -> Self {
        for node in self.nodes() {
            self.inside(&node, "umask 337; echo 'admin ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/90-test");
        }
        self
    }

    /// Somebody who knows the password of `admin`, and has no key anywhere.
    pub fn person(&self) -> Person<'_> {
        let operator = Operator::without_spec(&self.lab);
        person::ssh_home(&operator);
        Person { operator, password: self.password.clone() }
    }

    /// Files, packages, units, ports and mounts of all machines are those from before.
    #[track_caller]
    pub fn assert_restored(&self, before: &[tree::Snapshot]) {
        self.assert_restored_but_for(before, tree::is_of_a_running_machine);
    }

    /// The same where packages came and went.
    #[track_caller]
    pub fn assert_restored_but_for(&self, before: &[tree::Snapshot], may_differ: fn(&str) -> bool) {
        let mut all = String::new();
        for ((node, before), after) in self.nodes().iter().zip(before).zip(tree::look(self)) {
            let differences = before.all_differences(&after, may_differ);
            all.push_str(&if differences.is_empty() { String::new() } else { format!("{node}:\n{differences}") });
        }
        assert!(all.is_empty(), "it is not as it was:\n{all}");
    }

    /// The number of this start of a machine.
    pub fn boot_id(&self, node: &str) -> String {
        self.inside(node, "cat /proc/sys/kernel/random/boot_id")
    }

    /// Restarts machines at once, as a person would, and waits until all their services are up.
    pub fn reboot(&self, nodes: &[&str]) {
        let before: Vec<String> = nodes.iter().map(|node| self.boot_id(node)).collect();
        for node in nodes {
            // It may go down before it has answered.
            let _ = self.lab.lab.run_in_node(node, &["systemctl", "--no-block", "reboot"]);
        }
        for (node, before) in nodes.iter().zip(before) {
            self.wait_for_new_boot(node, &before);
        }
    }

    /// Waits until a machine whose earlier start had this number is up again.
    pub fn wait_for_new_boot(&self, node: &str, before: &str) {
        wait_until(&format!("{node} has started anew"), BOOT, || {
            let now = self.lab.lab.run_in_node(node, &["cat", "/proc/sys/kernel/random/boot_id"]);
            now.is_ok_and(|now| String::from_utf8_lossy(&now.stdout).trim() != before)
        });
        self.lab.lab.wait_for_boot(node).unwrap_or_else(|error| panic!("{error}: {:?}", error.reasons()));
    }
}

/// A person at the operator's machine.
pub struct Person<'a> {
    pub operator: Operator<'a>,
    password: String,
}

impl Person<'_> {
    /// Types a command of mpiup's with `-k -K`, gives the password when it is asked for, and answers what else is asked.
    /// It must succeed; its whole screen.
    pub fn types(&self, args: &[&str], answers: &[(&str, &str)]) -> String {
        let (code, screen) = self.tries(args, answers);
        assert_eq!(code, 0, "{args:?}: {screen}");
        screen
    }

    /// The same for a command that may fail; its exit code too.
    pub fn tries(&self, args: &[&str], answers: &[(&str, &str)]) -> (i32, String) {
        let (verb, rest) = args.split_first().expect("a verb");
        let args = [&[*verb, "-k", "-K"], rest].concat();
        let terminal: Terminal = person::at_home(&self.operator, &args);
        let mut terminal = terminal.patient(self.operator.lab.patience);
        // The same password for sudo: an empty line says so.
        terminal.expect(LOG_IN).type_line(&self.password).expect(SUDO).type_line("");
        for (question, answer) in answers {
            terminal.expect(question).type_line(answer);
        }
        terminal.end()
    }
}

/// Part of a scenario, with a name and a time in the report of `cargo xtask vm-test`.
pub fn part<T>(name: &str, body: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = body();
    let line = format!("{:>7.1} s  {name}\n", begun.elapsed().as_secs_f64());
    std::io::stderr().write_all(line.as_bytes()).expect("standard error");
    if let Some(path) = std::env::var_os("MPIUP_VM_REPORT") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the report can be written");
    }
    result
}

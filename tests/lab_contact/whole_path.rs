//! A teacher's first day: machines with one account that has a password, and no key anywhere. Meanwhile and afterwards
//! the password is looked for on both ends, in every process and in every file that is new.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use super::{
    passwords::{LOG_IN, NODES, SUDO},
    people::{self, PASSWORD, accounts},
};
use crate::support::{Operator, child, skip::skip, tree};

/// The part of the password that no quoting alters.
const KERNEL: &str = "Kern-9f2Q-el";

#[test]
fn with_one_password_from_init_to_down_and_nobody_else_sees_it() {
    let lab = lab!(3);
    if !people::has_sudo() {
        return skip("there is no sudo, or no chpasswd");
    }
    let operator = Operator::without_spec(&lab);
    let password = format!("{PASSWORD}{KERNEL} ");
    accounts(&lab, &NODES, &password, "ana ALL=(ALL) ALL");
    people::ssh_home(&operator);
    for node in NODES {
        lab.inside(node, "touch /run/began; sleep 0.01");
    }
    let before = tree::look(&lab);
    let began = SystemTime::now();

    let mut screens = String::new();
    let watch = Watch::start();
    let mut types = |args: &[&str], more: &[(&str, &str)]| {
        let mut terminal = people::at_home(&operator, args);
        terminal.expect(LOG_IN).type_line(&password).expect(SUDO).type_line("");
        for (question, answer) in more {
            terminal.expect(question).type_line(answer);
        }
        let (code, screen) = terminal.end();
        assert_eq!(code, 0, "{args:?}: {screen}");
        screens.push_str(&screen);
        screen
    };
    let machines = NODES.map(|node| format!("ana@{node}"));
    let [master, client1, client2] = machines.each_ref().map(String::as_str);
    types(&["-v", "init", "-k", "-K", "--source", "wheels", "--name", "aula", master, client1, client2], &[]);
    types(&["-v", "up", "-k", "-K"], &[("Make these changes?", "y")]);
    let ran = types(
        &["-v", "run", "-k", "-K", "--by-node", "-n", "3", "sh", "-c", "echo rank on $(hostname) as $(id -un)"],
        &[],
    );
    for node in NODES {
        assert!(ran.contains(&format!("rank on {node} as mpi")), "{ran}");
    }
    // Nobody gains a way in: the keys of the cluster's user are its nodes', and ana had none to give.
    for node in NODES {
        let keys = lab.inside(node, "grep -v '^from=' /home/mpi/.ssh/authorized_keys | grep -c ^ssh- || true");
        assert_eq!(keys, "0", "{node}");
    }
    types(&["-v", "down", "-k", "-K"], &[("?", "y")]);
    let seen = watch.end();

    assert!(screens.contains("sudo -S"), "-v shows what runs");
    assert!(seen.iter().any(|text| text.contains("sudo\n-S")), "sudo was seen");
    assert!(!screens.contains(KERNEL), "on the screen");
    let leak = seen.iter().find(|text| text.contains(KERNEL));
    assert_eq!(leak, None, "in the arguments or the environment of a process");
    for node in NODES {
        let places = "/tmp /var/tmp /run /dev/shm /var /etc /home /root";
        let found = format!(
            "find {places} -xdev -type f -newer /run/began -size -20M -exec grep -l -F '{KERNEL}' {{}} + 2>/dev/null || true"
        );
        assert_eq!(lab.inside(node, &found), "", "in a file on {node}");
    }
    in_no_file_here(&operator, began);
    for ((node, before), after) in NODES.iter().zip(before).zip(tree::look(&lab)) {
        assert_eq!(before.listening, after.listening, "who listens on {node}");
    }
}

fn in_no_file_here(operator: &Operator<'_>, began: SystemTime) {
    let age = began.elapsed().unwrap().as_secs() / 60 + 1;
    let mut find = child::program("find");
    find.arg(operator.folder()).args(["/tmp", "/run", "/var/log", "/var/tmp", "/root"]);
    find.args(["-xdev", "-type", "f", "-mmin", &format!("-{age}"), "-size", "-20M", "-not", "-path", "*/target/*"]);
    find.args(["-exec", "grep", "-l", "-F", "-e", KERNEL, "{}", "+"]);
    let found = child::run(&mut find, b"", Duration::from_secs(120));
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "in a file of the operator's");
}

/// Looks at the arguments and environments of all processes, those of the lab's machines among them, until it is ended.
struct Watch {
    over: &'static AtomicBool,
    watcher: thread::JoinHandle<BTreeSet<String>>,
}

impl Watch {
    fn start() -> Self {
        let over: &AtomicBool = Box::leak(Box::default());
        let watcher = thread::spawn(|| {
            let mut seen = BTreeSet::new();
            while !over.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    look(&entry.path(), &mut seen);
                }
                thread::sleep(Duration::from_millis(15));
            }
            seen
        });
        Self { over, watcher }
    }

    fn end(self) -> BTreeSet<String> {
        self.over.store(true, Ordering::Relaxed);
        self.watcher.join().unwrap()
    }
}

fn look(process: &Path, seen: &mut BTreeSet<String>) {
    if process.file_name().is_none_or(|name| !name.as_encoded_bytes().iter().all(u8::is_ascii_digit)) {
        return;
    }
    for name in ["cmdline", "environ"] {
        if let Ok(bytes) = fs::read(process.join(name)) {
            seen.insert(String::from_utf8_lossy(&bytes).replace('\0', "\n"));
        }
    }
}

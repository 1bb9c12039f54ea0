//! Promise 5: host keys are pinned, private keys stay where they were made, and a key opens no more than it has to.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::support::{
    Operator, TestLab,
    child::{self, wait_until},
    plan::array,
    tree,
};

#[test]
fn host_keys_are_pinned_and_a_node_with_another_one_is_refused() {
    let lab = lab!(3);
    let operator = Operator::new(&lab, "wheels");
    // ssh as a person has it: nothing known yet, and a question for each new machine.
    let known = operator.folder().join("known_hosts");
    let config = operator.folder().join("ssh_config");
    fs::write(&config, asking_config(&lab, &known)).unwrap();
    let lab_config = lab.lab.ssh_config();
    operator.set_spec(&operator.spec().replace(lab_config.to_str().unwrap(), config.to_str().unwrap()));

    let began = tree::now(&lab, "client1");
    let unknown = operator.mpiup(&["up", "--yes", "--json"]);
    assert_eq!(unknown.code, 1, "{}", unknown.stderr);
    assert!(unknown.stderr.contains("SHA256:") && unknown.stderr.contains("--accept-new"), "{}", unknown.stderr);
    assert_eq!(tree::touched_since(&lab, "client1", &began), [""; 0]);
    assert_eq!(keys(&known), BTreeSet::new());

    operator.mpiup(&["up", "--yes", "--accept-new"]).succeeded();
    let real: BTreeSet<String> = lab.lab.machines().iter().map(|machine| machine.host_key.clone()).collect();
    assert_eq!(keys(&known), real);
    operator.mpiup(&["exec", "true"]).succeeded();

    let new_key = "cd /etc/ssh && rm ssh_host_ed25519_key* && ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key";
    lab.inside("client1", &format!("{new_key} && service ssh restart"));
    wait_until("sshd of client1", Duration::from_secs(20), || lab.lab.machine("client1").unwrap().answers_ssh());

    let exec = operator.mpiup(&["exec", "echo reached"]);
    assert_eq!((exec.code, exec.stdout.as_str()), (1, "master,client2: reached\n"), "{}", exec.stderr);
    assert!(exec.stderr.contains("client1") && exec.stderr.contains("host key"), "{}", exec.stderr);
    // Nobody's wish to accept what is new makes what has changed acceptable.
    let up = operator.mpiup(&["up", "--yes", "--json", "--accept-new"]);
    assert_eq!(up.code, 1, "{}", up.stderr);
    assert_eq!(*array(&up.json()["ready"]), ["master", "client2"]);
    assert_eq!(keys(&known), real);

    let inside = lab.ssh("mpi@master", "ssh -o BatchMode=yes client1 true");
    let said = String::from_utf8_lossy(&inside.stderr);
    assert!(!inside.status.success() && said.contains("Host key verification failed"), "{said}");
}

/// The lab's configuration without the machines' keys, which the lab knows and a person would not.
fn asking_config(lab: &TestLab, known: &Path) -> String {
    let text = fs::read_to_string(lab.lab.ssh_config()).unwrap();
    let stays = |line: &&str| !line.contains("StrictHostKeyChecking") && !line.contains("UserKnownHostsFile");
    let rest: String = text.lines().filter(stays).map(|line| format!("{line}\n")).collect();
    format!("{rest}\nHost *\n  UserKnownHostsFile {}\n", known.display())
}

/// Kind and key of each line.
fn keys(known_hosts: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(known_hosts).unwrap_or_default();
    text.lines().filter_map(|line| line.split_once(' ')).map(|(_, key)| key.to_owned()).collect()
}

#[test]
fn private_keys_stay_where_they_were_made_and_open_no_more_than_they_have_to() {
    let lab = lab!(3);
    let operator = Operator::new(&lab, "wheels");
    let before = tree::look(&lab);
    let seen = watched(&lab, || {
        operator.up();
    });
    let after = tree::look(&lab);
    for ((node, before), after) in lab.nodes().iter().zip(&before).zip(&after) {
        assert_eq!(before.listening, after.listening, "who listens on {node}");
        let mode = |path: &str| after.entry(path).map(|entry| format!("{} {} {}", entry.kind, entry.mode, entry.owner));
        let owner = lab.says(node, "echo $(id -u mpi):$(id -g mpi)");
        for (path, wanted) in
            [("", "d 700"), ("/authorized_keys", "f 600"), ("/config", "f 600"), ("/mpiup_aula", "f 600")]
        {
            assert_eq!(mode(&format!("/home/mpi/.ssh{path}")), Some(format!("{wanted} {owner}")), "{path} on {node}");
        }
        assert_eq!(mode("/var/lib/mpiup/aula/journal").unwrap(), "d 700 0:0");
        assert!(
            !lab.ssh(&format!("mpi@{node}"), "ls /var/lib/mpiup/aula /var/lib/mpiup/aula/journal").status.success()
        );
        assert_eq!(lab.says(node, "getent shadow mpi | cut -d: -f2"), "*", "the account has no password");
    }

    assert_weakened_nowhere(&seen);
    private_keys_are_nowhere_else(&operator, &seen);
    keys_are_limited(&lab);
}

/// The command lines and environments of mpiup's own processes, of ssh below it, and of all processes of the machines
/// while `action` runs.
fn watched(lab: &TestLab, action: impl FnOnce()) -> BTreeSet<String> {
    let state: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(lab.state().join("state.json")).unwrap()).unwrap();
    let mut roots: BTreeSet<i64> =
        array(&state["machines"]).iter().map(|m| m["init"]["pid"].as_i64().unwrap()).collect();
    roots.insert(i64::from(std::process::id()));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !over.load(Ordering::Relaxed) {
                look_at_processes(&roots, &mut seen);
                thread::sleep(Duration::from_millis(20));
            }
            seen
        });
        let over = End(&over);
        action();
        drop(over);
        watcher.join().unwrap()
    })
}

/// Ends the watch also when what is watched panics: the scope would wait for the watcher for ever.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn look_at_processes(roots: &BTreeSet<i64>, seen: &mut BTreeSet<String>) {
    let mut parents = std::collections::BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i64>() else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse::<i64>().ok());
        parents.insert(pid, parent.unwrap_or(0));
    }
    for pid in parents.keys() {
        let mut above = Some(pid);
        while let Some(one) = above.filter(|one| !roots.contains(one)) {
            above = parents.get(one);
        }
        if above.is_some() {
            let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
            for bytes in [read("cmdline"), read("environ")] {
                seen.insert(String::from_utf8_lossy(&bytes).replace('\0', "\n"));
            }
        }
    }
}

fn assert_weakened_nowhere(seen: &BTreeSet<String>) {
    let of_ssh = |to: &str| {
        seen.iter().any(|line| {
            line.starts_with("ssh\n") && line.contains(to) || line.starts_with("/usr/bin/ssh\n") && line.contains(to)
        })
    };
    assert!(of_ssh("ssh_config"), "the operator's ssh was seen: {seen:#?}");
    assert!(of_ssh("prted"), "the launcher's ssh was seen: {seen:#?}");
    let weak = |line: &&String| {
        let line = line.to_lowercase().replace([' ', '\n'], "=");
        ["stricthostkeychecking=no", "stricthostkeychecking=off", "userknownhostsfile=/dev/null"]
            .iter()
            .any(|word| line.contains(word))
    };
    assert_eq!(seen.iter().find(weak), None);
}

/// Promise 5: what makes a key private is found in one file of one node, and nowhere else.
fn private_keys_are_nowhere_else(operator: &Operator<'_>, seen: &BTreeSet<String>) {
    let lab = operator.lab;
    let mut secrets = BTreeSet::new();
    for node in lab.nodes() {
        // Of the lines of base64, the fourth lies wholly in the private half.
        let secret = lab.says(&node, "sed -n 5p /home/mpi/.ssh/mpiup_aula");
        assert_eq!(secret.len(), 70, "{node}: {secret}");
        for other in lab.nodes() {
            let found = lab.says(
                &other,
                &format!("grep -rlsF -D skip -e '{secret}' /etc /home /root /var /tmp /run /dev/shm || true"),
            );
            assert_eq!(
                found,
                if other == node { "/home/mpi/.ssh/mpiup_aula" } else { "" },
                "the key of {node} on {other}"
            );
        }
        let mut grep = child::program("grep");
        grep.args(["-rlsF", "-D", "skip", "-e", &secret]).arg(operator.folder()).arg(lab.state());
        let found = child::run(&mut grep, b"", Duration::from_secs(60));
        assert_eq!(String::from_utf8_lossy(&found.stdout), "", "the key of {node} at the operator's");
        assert!(!seen.iter().any(|line| line.contains(&secret)), "the key of {node} in a process");
        secrets.insert(secret);
    }
    assert_eq!(secrets.len(), lab.nodes().len(), "each node has a key of its own");
}

/// What `from=` and `restrict` say is what sshd does.
fn keys_are_limited(lab: &TestLab) {
    for machine in lab.lab.machines() {
        let lines = lab.says(&machine.name, "grep mpiup:aula: /home/mpi/.ssh/authorized_keys");
        assert_eq!(lines.lines().count(), 3, "{lines}");
        for line in lines.lines() {
            let (_, from) = line.rsplit_once("mpiup:aula:").unwrap();
            let address = lab.lab.machine(from).unwrap().address;
            assert!(line.starts_with(&format!("from=\"{address},")) && line.contains("\",restrict,"), "{line}");
        }
    }
    let tunnel = "ssh -o BatchMode=yes -o ExitOnForwardFailure=yes -R 7777:localhost:22 client1 true";
    assert!(!lab.ssh("mpi@master", tunnel).status.success(), "a key of the mesh opens a tunnel");
    // Somebody took master's key away; from another machine it opens nothing.
    let stolen = lab.says("master", "cat /home/mpi/.ssh/mpiup_aula") + "\n";
    let mut put = lab.ssh_command("client1", "umask 077; cat > /root/stolen");
    assert!(child::run(&mut put, stolen.as_bytes(), Duration::from_secs(60)).status.success());
    let with = |key: &str| {
        let known = "-o UserKnownHostsFile=/home/mpi/.ssh/mpiup_aula.known_hosts";
        lab.ssh("client1", &format!("ssh -o BatchMode=yes -o IdentitiesOnly=yes {known} -i {key} mpi@client2 true"))
    };
    assert!(with("/home/mpi/.ssh/mpiup_aula").status.success(), "client1's own key, from client1");
    let refused = with("/root/stolen");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("Permission denied"), "{said}");
}

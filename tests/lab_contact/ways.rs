//! Ways to machines as people have them in ~/.ssh/config: jump hosts, aliases of aliases, other ports, another user on each
//! machine, a key with a passphrase, and host keys that nobody has seen before.

use std::fs;

use super::{
    passwords::{LOG_IN, NODES, answering},
    people::{self, PASSWORD, accounts},
};
use crate::support::{Operator, TestLab, child, skip::skip};

const WHO: [&str; 2] = ["exec", "echo $(id -un)@$(hostname)"];
const WHO_BY_PASSWORD: [&str; 3] = ["exec", "-k", "echo $(id -un)@$(hostname)"];

#[test]
fn the_users_own_ways_lead_there() {
    let lab = lab!(3);
    if !people::has_sudo() {
        return skip("there is no sudo, or no chpasswd");
    }
    let operator = Operator::without_spec(&lab);
    accounts(&lab, &NODES, PASSWORD, "ana ALL=(ALL) ALL");
    through_a_jump_host_with_another_password(&operator);
    a_chain_of_aliases_another_port_and_another_user(&operator);
    a_key_with_a_passphrase_is_opened_once(&operator);
    a_host_key_is_asked_about(&operator);
}

fn address(lab: &TestLab, node: &str) -> std::net::Ipv4Addr {
    lab.lab.machine(node).unwrap().address
}

/// client1 and client2 are behind master, where the account has another password.
fn through_a_jump_host_with_another_password(operator: &Operator<'_>) {
    accounts(operator.lab, &["master"], "of the jump host", "ana ALL=(ALL) ALL");
    let behind = |name: &str, node: &str| {
        format!("Host {name}\n  HostName {}\n  ProxyJump ana@master\n  User ana\n", address(operator.lab, node))
    };
    people::ssh_config(operator, &format!("{}{}", behind("inner1", "client1"), behind("inner2", "client2")));
    people::spec(operator, &[("master", "inner1"), ("client2", "inner2")]);
    // A jump host's own ssh knows nothing of what this one was told: it asks, and gets no empty password for an answer.
    let unasked = operator.mpiup(&WHO);
    let both = "error: master,client2: ana@10.77.0.1 wants a password";
    assert!(unasked.code == 1 && unasked.stderr.contains(both), "{}", unasked.stderr);
    assert!(!operator.lab.inside("master", "cat /run/sshd.log").contains("Failed password"));
    let again = "does not accept that password. Another one for ana@";
    let answers = [(LOG_IN, PASSWORD), (again, "of the jump host")];
    let (code, screen) = answering(operator, &WHO_BY_PASSWORD, &answers);
    assert_eq!((code, screen.matches(again).count()), (0, 1), "{screen}");
    assert!(screen.contains("ana@client1") && screen.contains("ana@client2"), "{screen}");
    accounts(operator.lab, &["master"], PASSWORD, "ana ALL=(ALL) ALL");
}

/// aula3 → aula2 → aula1, each an alias in the file; aula2 listens on port 2222, and knows berta only.
fn a_chain_of_aliases_another_port_and_another_user(operator: &Operator<'_>) {
    let lab = operator.lab;
    lab.inside("client1", "/usr/sbin/sshd -p 2222 -o PidFile=/run/sshd2.pid");
    lab.inside("client1", "useradd -m -s /bin/sh berta && usermod -p \"$(getent shadow ana | cut -d: -f2)\" berta");
    let into_the_lab: String = {
        let text = fs::read_to_string(lab.lab.ssh_config()).unwrap();
        text.lines().filter(|line| line.contains("  Proxy")).take(2).map(|line| format!("{line}\n")).collect()
    };
    let config = format!(
        "Host aula1\n  HostName {}\n  User ana\n{into_the_lab}Host aula2\n  HostName {}\n  Port 2222\n  User berta\n  HostKeyAlias client1\n\
         \x20 ProxyJump aula1\nHost aula3\n  HostName {}\n  ProxyJump aula2\n  User ana\n",
        address(lab, "master"),
        address(lab, "client1"),
        address(lab, "client2")
    );
    people::ssh_config(operator, &config);
    people::spec(operator, &[("master", "aula1"), ("client1", "aula2"), ("client2", "aula3")]);
    let (code, screen) = answering(operator, &WHO_BY_PASSWORD, &[(LOG_IN, PASSWORD)]);
    assert_eq!(code, 0, "{screen}");
    for who in ["ana@master", "berta@client1", "ana@client2"] {
        assert!(screen.contains(who), "{who}: {screen}");
    }
    // The same in the spec's own words.
    people::ssh_config(operator, "Host client1\n  HostKeyAlias client1\n");
    people::spec(operator, &[("master", "ana@master"), ("client1", "berta@client1:2222")]);
    let (code, screen) = answering(operator, &WHO_BY_PASSWORD, &[(LOG_IN, PASSWORD)]);
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("ana@master") && screen.contains("berta@client1"), "{screen}");
}

fn a_key_with_a_passphrase_is_opened_once(operator: &Operator<'_>) {
    let lab = operator.lab;
    let key = operator.folder().join("key");
    let mut make = child::program("ssh-keygen");
    make.args(["-q", "-t", "ed25519", "-a", "1", "-N", PASSWORD, "-f"]).arg(&key);
    assert!(make.status().unwrap().success());
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    for node in NODES {
        let put = "install -d -m 700 -o ana -g ana ~ana/.ssh; cat >~ana/.ssh/authorized_keys";
        lab.inside(node, &format!("{put} <<'END'\n{public}END"));
    }
    let config = people::ssh_config(operator, "");
    let text =
        fs::read_to_string(&config).unwrap().replace("IdentityFile none", &format!("IdentityFile {}", key.display()));
    fs::write(&config, &text).unwrap();
    people::spec(operator, &[("master", "ana@master"), ("client1", "ana@client1"), ("client2", "ana@client2")]);
    // Without `--ask-pass`: a passphrase is not a password.
    let question = "Enter passphrase for key";
    let (code, screen) = answering(operator, &WHO, &[(question, "slip"), ("That is not it. Enter", PASSWORD)]);
    assert_eq!((code, screen.matches(question).count()), (0, 2), "{screen}");
    // Without a terminal there is nobody to ask, and no key.
    let alone = operator.mpiup(&WHO);
    assert_eq!(alone.code, 1, "{}", alone.stderr);
    // An agent has it open.
    let with_agent = Agent::start(operator, &key);
    let mut command = operator.command(&WHO);
    command.env("SSH_AUTH_SOCK", &with_agent.socket);
    let output = child::run(&mut command, b"", std::time::Duration::from_secs(60));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

struct Agent {
    socket: std::path::PathBuf,
    process: std::process::Child,
}

impl Agent {
    fn start(operator: &Operator<'_>, key: &std::path::Path) -> Self {
        let socket = operator.folder().join("agent");
        let process = child::program("ssh-agent").arg("-D").arg("-a").arg(&socket).spawn().unwrap();
        child::wait_until("the agent", std::time::Duration::from_secs(20), || socket.exists());
        // ssh-add asks its own askpass program, a script with the passphrase in a file of the test's.
        let answer = operator.folder().join("answer");
        fs::write(operator.folder().join("passphrase"), PASSWORD).unwrap();
        fs::write(&answer, format!("#!/bin/sh\ncat {}\n", operator.folder().join("passphrase").display())).unwrap();
        fs::set_permissions(&answer, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let mut add = child::program("ssh-add");
        add.arg(key).env("SSH_AUTH_SOCK", &socket).env("SSH_ASKPASS", answer).env("SSH_ASKPASS_REQUIRE", "force");
        assert!(child::run(&mut add, b"", std::time::Duration::from_secs(20)).status.success());
        Self { socket, process }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A no pins nothing and is said; a yes pins the machine's own key, once.
fn a_host_key_is_asked_about(operator: &Operator<'_>) {
    let known = operator.folder().join("known_hosts");
    let config = people::ssh_config(operator, &format!("Host *\n  UserKnownHostsFile {}\n", known.display()));
    let text = fs::read_to_string(&config).unwrap().replace("StrictHostKeyChecking yes", "");
    fs::write(&config, text).unwrap();
    people::spec(operator, &[("master", "ana@master")]);
    let question = "Is that the machine's own key?";
    let (code, screen) = answering(operator, &WHO_BY_PASSWORD, &[(LOG_IN, PASSWORD), (question, "n")]);
    assert_eq!(code, 1, "{screen}");
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("is not known yet and was not accepted"), "{screen}");
    assert!(!known.exists());
    let (code, screen) = answering(operator, &WHO_BY_PASSWORD, &[(LOG_IN, PASSWORD), (question, "y")]);
    assert_eq!(code, 0, "{screen}");
    let pinned = fs::read_to_string(&known).unwrap();
    assert!(pinned.contains(operator.lab.lab.machine("master").unwrap().host_key.trim()), "{pinned}");
    let (code, screen) = answering(operator, &WHO_BY_PASSWORD, &[(LOG_IN, PASSWORD)]);
    assert_eq!((code, screen.matches(question).count()), (0, 0), "{screen}");
}

//! The lab's own promises: machines that are apart from each other and from this computer, reached by plain ssh, and
//! nothing left of them however they end.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use mpiup::lab::Lab;
use support::{
    child::program,
    test_lab::{self, MPIUP},
};

fn state(name: &str) -> PathBuf {
    Path::new("/run/mpiup/lab").join(name)
}

fn state_json(name: &str) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(state(name).join("state.json")).unwrap()).unwrap()
}

fn number(value: &serde_json::Value) -> i32 {
    i32::try_from(value.as_i64().unwrap()).unwrap()
}

fn kill_hard(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "still not: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// Processes whose environment or command line names this lab; zombies have neither.
fn processes_of(name: &str) -> Vec<String> {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok())
        .filter(|line| line.split('\0').any(|word| word == name))
        .collect()
}

#[test]
fn three_machines_answer_plain_ssh_by_name_and_address() {
    let lab = lab!(3);
    let names: Vec<&str> = lab.lab.machines().iter().map(|machine| machine.name.as_str()).collect();
    assert_eq!(names, ["master", "client1", "client2"]);
    for machine in lab.lab.machines() {
        assert_eq!(
            lab.says(&machine.name, "hostname; cat /etc/hostname; id -un"),
            format!("{0}\n{0}\nroot", machine.name)
        );
        assert_eq!(lab.says(&machine.address.to_string(), "hostname"), machine.name);
        assert!(machine.is_running() && machine.answers_ssh());
    }
    let tty = program("ssh").arg("-F").arg(lab.lab.ssh_config()).args(["-tt", "master", "tty"]).output().unwrap();
    assert!(String::from_utf8_lossy(&tty.stdout).starts_with("/dev/pts/"), "{tty:?}");
}

#[test]
fn lab_ssh_gives_the_commands_own_exit_code_and_names_the_machines_there_are() {
    let lab = lab!(2);
    let ssh = |words: &[&str]| program(MPIUP).args(["lab", "ssh", "--name", &lab.name]).args(words).output().unwrap();
    let seven = ssh(&["client1", "hostname; exit 7"]);
    assert_eq!((seven.status.code(), seven.stdout.as_slice()), (Some(7), &b"client1\n"[..]));
    let unknown = ssh(&["client9"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("master, client1"), "{unknown:?}");
}

#[test]
fn a_machine_with_another_key_is_refused() {
    let lab = lab!(1);
    let known = state(&lab.name).join("known_hosts");
    let other = fs::read_to_string(state(&lab.name).join("key.pub")).unwrap();
    let other = other.split(' ').take(2).collect::<Vec<_>>().join(" ");
    fs::write(known, format!("master,{} {other}\n", lab.lab.machines()[0].address)).unwrap();
    let refused = lab.ssh("master", "true");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Host key verification failed"), "{refused:?}");
}

#[test]
fn machines_reach_each_other_and_not_this_computer() {
    let lab = lab!(3);
    let addresses: Vec<String> = lab.lab.machines().iter().map(|machine| machine.address.to_string()).collect();
    for from in ["master", "client1", "client2"] {
        for to in &addresses {
            let banner = lab.says(from, &format!("exec 3<>/dev/tcp/{to}/22; head -c 7 <&3"));
            assert_eq!(banner, "SSH-2.0", "{from} to {to}");
        }
    }
    let routes = lab.says("master", "cat /proc/net/route");
    assert_eq!(routes.lines().count(), 2, "one route, to the lab's own network: {routes}");
    let interfaces = |text: String| text.lines().filter(|line| line.contains(':')).count();
    assert_eq!(interfaces(lab.says("master", "cat /proc/net/dev")), 2, "lo and eth0");
}

#[test]
fn what_is_written_in_one_machine_is_seen_nowhere_else() {
    let lab = lab!(2);
    let file = format!("/etc/{}", lab.name);
    lab.says(
        "master",
        &format!("echo mine > {file}; mkdir /home/x; useradd -m onlyhere; rm -rf /usr/share/doc; mv /opt /opt2"),
    );
    assert_eq!(lab.says("master", &format!("cat {file}; test -d /usr/share/doc || echo gone")), "mine\ngone");
    assert!(!Path::new(&file).exists() && Path::new("/opt").exists() && !Path::new("/opt2").exists());
    assert!(!fs::read_to_string("/etc/passwd").unwrap().contains("onlyhere"));
    assert_eq!(lab.says("client1", &format!("ls {file} /home/x 2>&1 >/dev/null | wc -l; ls -A /home | wc -l")), "2\n0");
    assert_eq!(lab.says("client1", "getent passwd onlyhere || echo nobody"), "nobody");
}

#[test]
fn a_machine_is_bare_and_holds_nothing_of_this_computers_people() {
    let lab = lab!(2);
    assert_eq!(lab.says("master", "awk -F: '$3 >= 1000 && $3 < 60000' /etc/passwd /etc/group"), "");
    assert_eq!(
        lab.says("master", "ls -A /root /home /mnt /srv /tmp"),
        "/home:\n\n/mnt:\n\n/root:\n.ssh\n\n/srv:\n\n/tmp:"
    );
    assert_eq!(lab.says("master", "ls -A /root/.ssh"), "authorized_keys");
    let own = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let ids: Vec<String> = ["master", "client1"].iter().map(|node| lab.says(node, "cat /etc/machine-id")).collect();
    assert!(ids.iter().all(|id| id.len() == 32) && ids[0] != ids[1] && ids[0] != own.trim(), "{ids:?}");
    let keys: Vec<&str> = lab.lab.machines().iter().map(|machine| machine.host_key.as_str()).collect();
    assert!(keys[0].starts_with("ssh-ed25519 ") && keys[0] != keys[1], "{keys:?}");
    assert_eq!(lab.says("master", "ls /etc/ssh | grep -c ssh_host_"), "2", "one key pair, the machine's own");
    assert!(lab.says("master", "cat /etc/hosts").starts_with("127.0.0.1\tlocalhost\n127.0.1.1\tmaster\n"));
    assert_eq!(
        lab.says("master", "sshd -T | grep -E '^(permitrootlogin|port) '"),
        "port 22\npermitrootlogin without-password"
    );
}

#[test]
fn a_machines_root_does_not_change_this_computers_kernel() {
    let lab = lab!(1);
    let before = fs::read_to_string("/proc/sys/kernel/panic").unwrap();
    assert!(!lab.ssh("master", "echo 77 > /proc/sys/kernel/panic").status.success());
    assert_eq!(fs::read_to_string("/proc/sys/kernel/panic").unwrap(), before);
    assert!(!lab.ssh("master", "date -s '2001-01-01'").status.success());
    assert!(!lab.ssh("master", "mknod /tmp/disk b 8 0").status.success());
    assert!(!lab.ssh("master", "echo h > /proc/sysrq-trigger").status.success());
    // Its own network's settings are its own.
    lab.says("master", "echo 1 > /proc/sys/net/ipv4/ip_forward; grep 1 /proc/sys/net/ipv4/ip_forward");
}

#[test]
fn sshd_can_be_reloaded_and_restarted_and_orphans_are_taken_in() {
    let lab = lab!(1);
    // sshd closes its socket and starts itself again, so a connection may be refused for a moment.
    for order in ["reload", "restart"] {
        lab.says("master", &format!("service ssh {order}"));
        wait_until("sshd answers again", || lab.ssh("master", "true").status.success());
    }
    lab.says("master", "for i in 1 2 3; do setsid -f true; done");
    wait_until("no zombies", || lab.says("master", "ps -e -o stat= | grep -c '^Z' || true") == "0");
}

#[test]
fn every_machine_can_have_the_same_docker0() {
    let lab = lab!(2);
    lab.lab.add_same_bridge("docker0", "172.17.0.1/16").unwrap();
    for node in ["master", "client1"] {
        assert!(lab.says(node, "ip -brief address show docker0").contains("172.17.0.1/16"));
    }
    let error = lab.lab.run_in_node("client1", &["false"]).unwrap_err();
    assert_eq!(error.node(), Some("client1"));
    assert!(lab.lab.run_in_node("client9", &["true"]).unwrap_err().hints()[0].contains("master, client1"));
}

#[test]
fn a_machine_that_died_is_shown_as_off() {
    let lab = lab!(2);
    kill_hard(number(&state_json(&lab.name)["machines"][1]["init"]["pid"]));
    wait_until("client1 is off", || !lab.lab.machine("client1").unwrap().is_running());
    let status = program(MPIUP).args(["lab", "status", "--name", &lab.name]).output().unwrap();
    let shown = String::from_utf8(status.stdout).unwrap();
    assert!(shown.lines().any(|line| line.starts_with("client1") && line.ends_with("off")), "{shown}");
    assert!(shown.lines().any(|line| line.starts_with("master") && line.ends_with("up")), "{shown}");
}

#[test]
fn nothing_is_left_after_down_and_down_again_is_fine() {
    let lab = lab!(3);
    let error = Lab::up_by(Path::new(MPIUP), &lab.name, 1, &mut |_| {}).unwrap_err();
    assert!(error.message().contains("runs already") && error.hints()[1].contains("lab down --name"), "{error}");
    let network = fs::read_link(format!("/proc/{}/ns/net", state_json(&lab.name)["keeper"]["pid"])).unwrap();
    assert_ne!(network, fs::read_link("/proc/self/ns/net").unwrap());
    let first = Lab::down(&lab.name).unwrap();
    assert!(first.found && first.machines == 3, "{first:?}");
    assert!(!state(&lab.name).exists());
    assert_eq!(processes_of(&lab.name), [""; 0]);
    assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains(&lab.name));
    assert!(Lab::find(&lab.name).unwrap().is_none());
    let second = Lab::down(&lab.name).unwrap();
    assert!(!second.found && second.machines == 0, "{second:?}");
}

#[test]
fn a_killed_keeper_takes_the_machines_with_it_and_down_clears_up() {
    let lab = lab!(3);
    let state_of_lab = state_json(&lab.name);
    let inits: Vec<i32> = (0..3).map(|place| number(&state_of_lab["machines"][place]["init"]["pid"])).collect();
    kill_hard(number(&state_of_lab["keeper"]["pid"]));
    wait_until("the machines are gone", || lab.lab.machines().iter().all(|machine| !machine.is_running()));
    wait_until("their processes are gone", || processes_of(&lab.name).is_empty());
    assert_eq!(inits.len(), 3);
    assert!(Lab::find(&lab.name).unwrap().is_none());
    assert!(state(&lab.name).exists());
    assert!(Lab::down(&lab.name).unwrap().found);
    assert!(!state(&lab.name).exists());
}

#[test]
fn up_that_is_interrupted_at_any_time_leaves_nothing() {
    let _turn = turn!();
    for delay in [5, 20, 40, 60, 80, 120] {
        let name = test_lab::unused_name();
        let mut up = program(MPIUP)
            .args(["lab", "up", "6", "--name", &name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(delay));
        kill_hard(up.id().cast_signed());
        let finished = up.wait().unwrap().success();
        if finished {
            Lab::down(&name).unwrap();
        }
        wait_until("the interrupted lab is gone", || !state(&name).exists() && processes_of(&name).is_empty());
    }
}

#[test]
fn packages_install_in_a_machine_and_only_there() {
    let lab = lab!(2);
    if !Path::new("/usr/bin/apt-get").exists() {
        return support::skip::skip("there is no apt-get");
    }
    // Small, without dependencies, and not what anybody has: from the archive through the relay.
    lab.says(
        "master",
        "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends hello",
    );
    assert_eq!(lab.says("master", "LC_ALL=C hello"), "Hello, world!");
    assert!(!lab.ssh("client1", "command -v hello").status.success());
    assert!(!Path::new("/usr/bin/hello").exists());
}

//! Promise 4: nobody is locked out. What somebody wrote into sshd's configuration and sshd has not read yet does not come
//! into force by mpiup's hand, and a change that nobody confirmed goes back by itself. Each is looked at by plain ssh, over
//! new connections, and by what stands on the machines.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

use std::{fs, time::Duration};

use support::{Operator, TestLab, child::wait_until, door::held_config, plan::array};

/// What the switch promises, and time for a machine with other work.
const BY_ITSELF: Duration = Duration::from_secs(45);

const SSHD: &str = "cd /etc/ssh && find . -type f -exec sha256sum {} + | sort && stat -c '%n %a %U %Y' sshd_config";

/// Keys are refused to all but root: so mpiup wants to write its file, and the operator still gets in by key.
const ROOT_ALONE: &str =
    "printf 'PubkeyAuthentication no\nMatch User root\n  PubkeyAuthentication yes\n' >> /etc/ssh/sshd_config";
const READ: &str = "kill -HUP $(cat /run/sshd.pid)";

fn reads_anew(lab: &TestLab, node: &str) {
    let stamp = || lab.inside(node, "stat -c '%i %z' /run/sshd.pid 2>/dev/null || true");
    let before = stamp();
    lab.inside(node, READ);
    wait_until("sshd has read its configuration", Duration::from_secs(20), || {
        !["", &before].contains(&stamp().as_str())
    });
}

/// The operator gets in, and nothing of a switch is left.
fn is_open(lab: &TestLab, node: &str) {
    assert_eq!(lab.says(node, "whoami"), "root", "{node}");
    let left = "ls -d /var/lib/mpiup/*/guard* 2>/dev/null; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o '[s]h [^ ]*/guard/switch' || true";
    assert_eq!(lab.says(node, left), "", "{node}");
}

#[test]
fn what_sshd_has_not_read_yet_does_not_come_into_force() {
    let lab = lab!(6);
    let latent = [
        ("client1", "AllowUsers ana", "AllowUsers ana"),
        ("client2", "Port 2222", "ListenAddress [::]:2222"),
        ("client3", "MaxSessions 0", "MaxSessions 0"),
        // Nothing of it says that root would be kept out, and the file looks old: but sshd has not read it.
        ("client4", "AuthenticationMethods password", "/etc/ssh/sshd_config was edited since sshd last read it"),
    ];
    for (node, line, _) in latent {
        let add = format!("printf 'PubkeyAuthentication no\n{line}\n' >> /etc/ssh/sshd_config");
        lab.inside(node, &format!("{add}; touch -d @1600000000 /etc/ssh/sshd_config"));
    }
    // What sshd would not even read: then nobody can say whether it refuses keys, and it is left as it is.
    lab.inside("client5", "printf 'Includ /etc/ssh/nothing\nPubkeyAuthentication no\n' > /etc/ssh/broken; sed -i '1i Include /etc/ssh/broken' /etc/ssh/sshd_config");
    let before: Vec<String> = lab.nodes().iter().map(|node| lab.inside(node, SSHD)).collect();
    let operator = Operator::new(&lab, "wheels");

    let up = operator.mpiup(&["up", "--yes", "--json"]);
    assert_eq!(up.code, 1, "{}", up.stderr);
    assert_eq!(*array(&up.json()["ready"]), ["master", "client5"], "{}", up.stderr);
    let said = up.said();
    for (node, _, reason) in latent {
        assert!(
            said.contains(&format!("{node}: could not be made: file /etc/ssh/sshd_config.d/10-mpiup.conf")),
            "{said}"
        );
        assert!(said.contains(reason), "{node}: {reason} is not in: {said}");
    }
    for (node, before) in lab.nodes().iter().zip(&before) {
        is_open(&lab, node);
        assert_eq!(lab.inside(node, SSHD), *before, "{node}");
    }
}

/// Who becomes root by sudo has to get in as themselves, and by the way that they came.
#[test]
fn what_would_keep_a_user_of_sudo_out_does_not_come_into_force() {
    if !fs::exists("/usr/bin/sudo").unwrap() {
        return support::skip::skip("there is no sudo");
    }
    let lab = lab!(2);
    let make = "useradd -m -s /bin/bash ana && install -d -m 700 -o ana -g ana ~ana/.ssh && install -m 600 -o ana -g ana /root/.ssh/authorized_keys ~ana/.ssh/authorized_keys && umask 337 && echo 'ana ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ana";
    lab.inside("client1", make);
    lab.inside("client1", "printf 'PubkeyAuthentication no\nAllowUsers root mpi\nPort 2222\n' >> /etc/ssh/sshd_config");
    let before = lab.inside("client1", SSHD);
    let operator = Operator::new(&lab, "wheels");
    operator.set_spec(&operator.spec().replace("address = \"client1\"", "address = \"ana@client1\""));

    let up = operator.mpiup(&["up", "--yes", "--json"]);
    let said = up.said();
    assert_eq!((up.code, array(&up.json()["ready"]).len()), (1, 1), "{said}");
    let address = lab.lab.machine("client1").unwrap().address;
    for reason in ["AllowUsers root mpi (mpiup logs in as ana)", &format!("(mpiup came to {address} port 22)")] {
        assert!(said.contains(reason), "{reason} is not in: {said}");
    }
    assert_eq!(lab.says("ana@client1", "whoami"), "ana");
    assert_eq!(lab.inside("client1", SSHD), before);
}

#[test]
fn sshds_file_comes_and_goes_and_stays_where_a_log_in_depends_on_it() {
    let lab = lab!(2);
    lab.inside("client1", ROOT_ALONE);
    reads_anew(&lab, "client1");
    let before = lab.inside("client1", SSHD);
    let operator = Operator::new(&lab, "wheels");
    operator.up();
    is_open(&lab, "client1");
    assert_eq!(lab.says("mpi@client1", "whoami"), "mpi", "sshd has read that keys are good");
    assert_eq!(operator.up()["changes"], 0);
    let file = lab.inside("client1", "cat /etc/ssh/sshd_config.d/10-mpiup.conf");

    // Each of these would lock the operator out as soon as sshd read it, and then our file would go in vain.
    let keep = lab.inside("client1", "cp -a /etc/ssh/sshd_config /root/good; cat /etc/ssh/sshd_config");
    for (edit, reason) in [
        ("sed -i '1i AllowUsers ana' /etc/ssh/sshd_config", "AllowUsers ana"),
        ("sed -i '1i DenyGroups ro*' /etc/ssh/sshd_config", "DenyGroups ro*"),
        (
            "sed -i '1i Include /etc/ssh/broken' /etc/ssh/sshd_config; echo Nonsense > /etc/ssh/broken",
            "/etc/ssh/broken line 1",
        ),
        // sshd has read this one, and with our file it lets root in: only a new log-in shows that it does not without.
        (
            "sed -i '/^Match User root/,$d' /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid); sleep 1",
            "no new log-in got through",
        ),
    ] {
        lab.inside("client1", edit);
        let down = operator.mpiup(&["down", "--yes", "--json"]);
        let said = down.said();
        assert!(said.contains("10-mpiup.conf stays: ") && said.contains(reason), "{edit}: {said}");
        assert_eq!(lab.inside("client1", "cat /etc/ssh/sshd_config.d/10-mpiup.conf"), file, "{edit}");
        is_open(&lab, "client1");
        lab.inside("client1", "cp -a /root/good /etc/ssh/sshd_config; rm -f /etc/ssh/broken");
        reads_anew(&lab, "client1");
        assert_eq!(lab.inside("client1", "cat /etc/ssh/sshd_config"), keep);
    }
    operator.down(&[]);
    assert_eq!(lab.inside("client1", SSHD), before);
    is_open(&lab, "client1");
    assert!(!lab.ssh("mpi@client1", "true").status.success());
    assert_eq!(lab.says("client1", "ls -d /var/lib/mpiup 2>/dev/null || true"), "");
}

#[test]
fn killed_before_it_confirms_it_goes_back_by_itself() {
    let lab = lab!(2);
    lab.inside("client1", ROOT_ALONE);
    reads_anew(&lab, "client1");
    let before = lab.inside("client1", SSHD);
    let operator = Operator::new(&lab, "wheels");
    held_config(&operator);
    let address = lab.lab.machine("client1").unwrap().address;
    let flag = |name: &str| operator.folder().join(format!("{name}-{address}"));

    // The new log-in does not get through: it goes back at once, the node is left out, and says why.
    fs::write(flag("shut"), "").unwrap();
    let up = operator.mpiup(&["up", "--yes", "--json"]);
    let said = up.said();
    assert_eq!((up.code, array(&up.json()["ready"]).len()), (1, 1), "{said}");
    assert!(said.contains("10-mpiup.conf was taken back: no new log-in got through: "), "{said}");
    assert_eq!(lab.inside("client1", SSHD), before);
    is_open(&lab, "client1");
    fs::remove_file(flag("shut")).unwrap();
    fs::remove_file(flag("seen")).unwrap();

    // mpiup is killed while it waits for the new log-in, and with it every connection of its own.
    fs::write(flag("hold"), "").unwrap();
    let mut up = operator.start(&["up", "--yes"]);
    let told = "test ! -e /var/lib/mpiup/aula/guard/told || echo told";
    wait_until("sshd has read it", BY_ITSELF, || lab.inside("client1", told) == "told");
    up.kill().unwrap();
    up.wait().unwrap();
    assert_ne!(lab.inside("client1", SSHD), before);
    wait_until("it goes back by itself", BY_ITSELF, || lab.inside("client1", SSHD) == before);
    wait_until("sshd has read that too", BY_ITSELF, || {
        !lab.inside("client1", "ls /var/lib/mpiup/aula/guard/ended || true").is_empty()
    });
    assert_eq!(lab.says("client1", "whoami"), "root");
    let journal = lab.inside("client1", "cat /var/lib/mpiup/aula/journal/*/key");
    assert!(!journal.contains("sshd_config") && journal.contains("user mpi"), "{journal}");
    fs::remove_file(flag("hold")).unwrap();

    assert_eq!(operator.up()["ready"].as_array().unwrap().len(), 2);
    is_open(&lab, "client1");
    operator.down(&[]);
    assert_eq!(lab.inside("client1", SSHD), before);
    is_open(&lab, "client1");
}

#[test]
fn the_login_users_own_keys_go_back_too() {
    let lab = lab!(2);
    let make = "useradd -m -s /bin/bash ana && install -d -m 700 -o ana -g ana ~ana/.ssh && install -m 600 -o ana -g ana /root/.ssh/authorized_keys ~ana/.ssh/authorized_keys && printf '# the last line has no end' >> ~ana/.ssh/authorized_keys && touch -d @1600000000 ~ana/.ssh/authorized_keys";
    for node in lab.nodes() {
        lab.inside(&node, make);
    }
    let home = "cd /home/ana && for file in .ssh/authorized_keys .bashrc .profile; do sha256sum $file; stat -c '%a %U %Y' $file; done";
    let before = lab.inside("client1", home);
    let operator = Operator::new(&lab, "wheels");
    held_config(&operator);
    let spec = operator.spec().replace("user = \"mpi\"", "user = \"ana\"");
    operator.set_spec(
        &spec
            .replace("address = \"master\"", "address = \"ana@master\"")
            .replace("address = \"client1\"", "address = \"ana@client1\""),
    );
    let address = lab.lab.machine("client1").unwrap().address;
    let flag = |name: &str| operator.folder().join(format!("{name}-{address}"));

    fs::write(flag("hold"), "").unwrap();
    let mut up = operator.start(&["up", "--yes"]);
    wait_until("a start-up file is changed", BY_ITSELF, || lab.inside("client1", home) != before);
    up.kill().unwrap();
    up.wait().unwrap();
    wait_until("it goes back by itself", BY_ITSELF, || lab.inside("client1", home) == before);
    fs::remove_file(flag("hold")).unwrap();

    operator.up();
    assert_ne!(lab.inside("client1", home), before);
    assert_eq!(lab.says("ana@client1", "ls -d ~/.local/state/mpiup/aula/guard 2>/dev/null; whoami"), "ana");
    operator.down(&[]);
    assert_eq!(lab.inside("client1", home), before);
    assert_eq!(lab.says("ana@client1", "whoami"), "ana");
}

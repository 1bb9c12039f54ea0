//! Passwords for the log-in and for sudo: typed once, again where a machine has another one, never tried too often.

use super::people::{self, PASSWORD, accounts, at_terminal};
use crate::support::{Operator, Ran, TestLab, skip::skip};

const LOG_IN: &str = "Log-in password for the nodes:";
const SUDO: &str = "sudo's password on the nodes";
const NODES: [&str; 3] = ["master", "client1", "client2"];

/// How often sudo on the machine was given a wrong password, by its own log.
fn sudo_failures(lab: &TestLab, node: &str) -> usize {
    lab.inside(node, "cat /var/log/sudo.log 2>/dev/null || true").matches("incorrect password attempt").count()
}

/// How often sshd refused a password, by its own log.
fn log_in_failures(lab: &TestLab, node: &str) -> usize {
    lab.inside(node, "cat /var/log/messages 2>/dev/null || true").matches("Failed password").count()
}

const SUDOERS: &str = "Defaults logfile=/var/log/sudo.log\nana ALL=(ALL) ALL";

#[test]
fn each_way_in_is_one_question_or_one_sentence() {
    let lab = lab!(3);
    if !people::has_sudo() {
        return skip("there is no sudo, or no chpasswd");
    }
    let operator = Operator::without_spec(&lab);
    people::ssh_config(&operator, "");
    people::spec(
        &operator,
        &NODES.map(|node| (node, "ana@NODE".replace("NODE", node))).each_ref().map(|(n, a)| (*n, a.as_str())),
    );
    for node in NODES {
        lab.inside(node, "busybox syslogd -O /var/log/messages");
    }
    accounts(&lab, &NODES, PASSWORD, SUDOERS);
    a_node_that_wants_a_password_names_the_option(&operator);
    one_password_for_all(&operator);
}

fn a_node_that_wants_a_password_names_the_option(operator: &Operator<'_>) {
    let Ran { code, stderr, .. } = operator.mpiup(&["exec", "true"]);
    assert_eq!(code, 1, "{stderr}");
    assert_eq!(stderr.matches("Add `--ask-pass` (`-k`)").count(), 3, "{stderr}");
    let Ran { code, stderr, .. } = operator.mpiup(&["exec", "-k", "true"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("There is no terminal to ask on: Log-in password"), "{stderr}");
}

fn one_password_for_all(operator: &Operator<'_>) {
    let mut terminal = at_terminal(operator, &["exec", "-k", "id -un"]);
    let (code, screen) = {
        terminal.expect(LOG_IN).type_line(PASSWORD);
        terminal.end()
    };
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("master,client[1-2]: ana"), "{screen}");
    let mut terminal = at_terminal(operator, &["exec", "-k", "-K", "--root", "id -un"]);
    terminal.expect(LOG_IN).type_line(PASSWORD).expect(SUDO).type_line("");
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("master,client[1-2]: root"), "{screen}");
    for node in NODES {
        assert_eq!((log_in_failures(operator.lab, node), sudo_failures(operator.lab, node)), (0, 0));
    }
}

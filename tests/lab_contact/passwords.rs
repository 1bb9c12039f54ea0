//! Passwords for the log-in and for sudo: typed once, again where a machine has another one, never tried too often.

use super::people::{self, PASSWORD, accounts, at_terminal};
use crate::support::{Operator, Ran, TestLab, skip::skip};

pub const LOG_IN: &str = "Log-in password for the nodes:";
pub const SUDO: &str = "sudo's password on the nodes";
pub const NODES: [&str; 3] = ["master", "client1", "client2"];

/// How often sudo on the machine was given a wrong password, by its own log.
fn sudo_failures(lab: &TestLab, node: &str) -> usize {
    lab.inside(node, "cat /var/log/sudo.log 2>/dev/null || true").matches("incorrect password attempt").count()
}

/// How often sshd refused a password, by its own log.
fn log_in_failures(lab: &TestLab, node: &str) -> usize {
    let log = lab.inside(node, "cat /run/sshd.log");
    ["Failed password for", "PAM: Authentication failure for"].iter().map(|text| log.matches(text).count()).sum()
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
    // Two ways of asking: ssh's own, and sshd's (keyboard-interactive), which some distributions have.
    let asks =
        "printf 'KbdInteractiveAuthentication yes\\nPasswordAuthentication no\\n' >/etc/ssh/sshd_config.d/asks.conf";
    lab.inside("client1", &format!("{asks}; kill -HUP $(cat /run/sshd.pid)"));
    accounts(&lab, &NODES, PASSWORD, SUDOERS);
    a_node_that_wants_a_password_names_the_option(&operator);
    one_password_for_all(&operator);
    a_slip_costs_one_failure_and_not_one_on_each_node(&operator);
    a_node_with_another_password_is_asked_for_by_name(&operator);
    a_node_whose_password_nobody_knows_is_left_out(&operator);
    what_sudo_wants_is_told_apart(&operator);
    ctrl_c_at_a_question_gives_the_terminal_back(&operator);
}

fn a_node_that_wants_a_password_names_the_option(operator: &Operator<'_>) {
    let Ran { code, stderr, .. } = operator.mpiup(&["exec", "true"]);
    assert_eq!(code, 1, "{stderr}");
    assert_eq!(stderr.matches("Add `--ask-pass` (`-k`)").count(), 3, "{stderr}");
    let Ran { code, stderr, .. } = operator.mpiup(&["exec", "-k", "true"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("there is no terminal to ask on (\"Log-in password"), "{stderr}");
}

/// Types `mpiup` with these arguments, and what each question is answered with.
pub fn answering(operator: &Operator<'_>, args: &[&str], answers: &[(&str, &str)]) -> (i32, String) {
    let mut terminal = at_terminal(operator, args);
    for (question, answer) in answers {
        terminal.expect(question).type_line(answer);
    }
    terminal.end()
}

const AS_ROOT: [&str; 5] = ["exec", "-k", "-K", "--root", "id -un"];

fn one_password_for_all(operator: &Operator<'_>) {
    let (code, screen) = answering(operator, &["exec", "-k", "id -un"], &[(LOG_IN, PASSWORD)]);
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("master,client[1-2]: ana"), "{screen}");
    let (code, screen) = answering(operator, &AS_ROOT, &[(LOG_IN, PASSWORD), (SUDO, "")]);
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("master,client[1-2]: root"), "{screen}");
    for node in NODES {
        assert_eq!((log_in_failures(operator.lab, node), sudo_failures(operator.lab, node)), (0, 0), "{node}");
    }
}

fn failures(operator: &Operator<'_>) -> usize {
    NODES.iter().map(|node| log_in_failures(operator.lab, node) + sudo_failures(operator.lab, node)).sum()
}

fn a_slip_costs_one_failure_and_not_one_on_each_node(operator: &Operator<'_>) {
    let again = "does not accept that password. Another one for ana@";
    let (code, screen) = answering(operator, &["exec", "-k", "id -un"], &[(LOG_IN, "slip"), (again, PASSWORD)]);
    assert_eq!(code, 0, "{screen}");
    assert_eq!(screen.matches(again).count(), 1, "{screen}");
    assert_eq!(failures(operator), 1);
    let again = "sudo does not accept that password. Another one for ana:";
    let answers = [(LOG_IN, PASSWORD), (SUDO, "slip"), (again, PASSWORD)];
    let (code, screen) = answering(operator, &AS_ROOT, &answers);
    assert_eq!(code, 0, "{screen}");
    assert_eq!((screen.matches(again).count(), failures(operator)), (1, 2), "{screen}");
}

fn a_node_with_another_password_is_asked_for_by_name(operator: &Operator<'_>) {
    accounts(operator.lab, &["client2"], "other", SUDOERS);
    let log_in = "client2: does not accept that password. Another one for ana@10.77.0.3:";
    let sudo = "client2: sudo does not accept that password. Another one for ana:";
    let answers = [(LOG_IN, PASSWORD), (SUDO, ""), (log_in, "other"), (sudo, "other")];
    let (code, screen) = answering(operator, &AS_ROOT, &answers);
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("master,client[1-2]: root"), "{screen}");
}

fn a_node_whose_password_nobody_knows_is_left_out(operator: &Operator<'_>) {
    let before = log_in_failures(operator.lab, "client2");
    let again = "client2: does not accept that password. Another one for ana@10.77.0.3:";
    let answers = [(LOG_IN, PASSWORD), (again, "guess"), (again, "guess again")];
    let (code, screen) = answering(operator, &["exec", "-k", "id -un"], &answers);
    assert_eq!(code, 1, "{screen}");
    assert!(screen.contains("master,client1: ana"), "{screen}");
    let sentence = "client2: the password of ana@10.77.0.3 was not accepted\n  it was tried 3 times";
    assert!(screen.contains(sentence), "{screen}");
    assert_eq!(log_in_failures(operator.lab, "client2") - before, 3);
    // Typed once more, a wrong one is not sent.
    let (code, screen) = answering(operator, &["exec", "-k", "id -un"], &[(LOG_IN, PASSWORD), (again, PASSWORD)]);
    assert_eq!((code, log_in_failures(operator.lab, "client2") - before), (1, 4), "{screen}");
    accounts(operator.lab, &["client2"], PASSWORD, SUDOERS);
}

fn what_sudo_wants_is_told_apart(operator: &Operator<'_>) {
    accounts(operator.lab, &["master"], PASSWORD, "ana ALL=(ALL) NOPASSWD: ALL");
    accounts(operator.lab, &["client1"], PASSWORD, "# ana may do nothing");
    accounts(operator.lab, &["client2"], PASSWORD, "Defaults requiretty\nana ALL=(ALL) ALL");
    let (code, screen) = answering(operator, &AS_ROOT, &[(LOG_IN, PASSWORD), (SUDO, "")]);
    assert_eq!(code, 1, "{screen}");
    assert!(
        screen.contains("client1: ana may not use sudo")
            && screen.contains("leave `--ask-become-pass` out, with `user = \"ana\"`"),
        "{screen}"
    );
    assert!(screen.contains("client2: root") || screen.contains("master,client2: root"), "{screen}");
    // Without the option, it is named.
    accounts(operator.lab, &NODES, PASSWORD, SUDOERS);
    let (code, screen) = answering(operator, &["exec", "-k", "--root", "id -un"], &[(LOG_IN, PASSWORD)]);
    assert_eq!((code, screen.matches("--ask-become-pass").count()), (1, 3), "{screen}");
}

fn ctrl_c_at_a_question_gives_the_terminal_back(operator: &Operator<'_>) {
    let mut terminal = at_terminal(operator, &["exec", "-k", "true"]);
    terminal.expect(LOG_IN);
    assert!(!terminal.echoes());
    terminal.press("half a password\x03");
    let echoes = terminal.after_end(|terminal| terminal.echoes());
    assert!(echoes);
}

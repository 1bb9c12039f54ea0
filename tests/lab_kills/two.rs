//! Two operators on the same machines: the second is told who is there, waits for what a killed one left running, and has
//! the nodes when one that froze was silent for long enough.

use std::{process::Child, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    DOWN, UP, is_as_before, is_whole,
    stop::{Stop, Stopped, end},
    support::{Operator, Ran, child, tree},
};

const LOCK: &str = "/run/mpiup.lock";

#[test]
fn one_operator_at_a_time() {
    let lab = lab!(2);
    let (ana, ben) = (Operator::new(&lab, "wheels"), Operator::new(&lab, "wheels"));
    let stop = Stop::on(&lab, "client1");
    let before = tree::look(&lab);

    // While one is at work, the other may look, and not alter.
    let (mut mpiup, stopped) = stopped_in(&ana, &stop);
    let who = lab.says("client1", &format!("sed -n 2p {LOCK} | cut -f1-3"));
    assert_eq!(lab.says("client1", &format!("stat -c %a {LOCK} {LOCK}.busy")), "600\n600");
    for command in [UP, DOWN] {
        is_told_who(&ben.mpiup(command), &who);
    }
    assert_eq!(ben.mpiup(&["plan"]).code, 3);
    ben.mpiup(&["exec", "true"]).succeeded();

    // It is killed, and its script still at work: who comes next waits for that.
    mpiup.kill().unwrap();
    end(mpiup);
    let waiting = ben.start(UP);
    child::wait_until("the next one has the lock", Duration::from_secs(60), || {
        lab.says("client1", &format!("head -n 1 {LOCK} 2>/dev/null; sleep 0.5")).starts_with("mpiup")
    });
    stop.let_go();
    let ran = ben.finish(waiting).succeeded();
    assert!(ran.stderr.contains("waits for what `mpiup up` of "), "{}", ran.stderr);
    is_whole(&ben);
    assert_eq!(stopped.label.split(' ').next(), Some("before"));
    ben.down(&[]);
    is_as_before(&lab, &before);

    // It freezes: its connection stays, without a sign of life.
    let (mpiup, _) = stopped_in(&ana, &stop);
    freeze(&mpiup, Signal::SIGSTOP);
    stop.let_go_without_waiting();
    is_told_who(&ben.mpiup(UP), &who);
    child::wait_until("it is silent for too long", Duration::from_secs(120), || {
        lab.says("client1", &format!("test -e {LOCK} || echo free; sleep 1")) == "free"
    });
    ben.up();
    // When it comes to itself it does nothing more.
    freeze(&mpiup, Signal::SIGCONT);
    let ran = end(mpiup).unwrap();
    assert_eq!(ran.code, 1, "{ran:?}");
    is_whole(&ben);
    ben.down(&[]);
    is_as_before(&lab, &before);
    nothing_of_mpiup_is_left(&ana);
}

/// An `up` that stands still where an entry is about to be written.
fn stopped_in(operator: &Operator<'_>, stop: &Stop<'_>) -> (Child, Stopped) {
    stop.forget();
    stop.at_the_next();
    let mut mpiup = operator.start(UP);
    let stopped = stop.wait(&mut mpiup).unwrap();
    (mpiup, stopped)
}

fn is_told_who(ran: &Ran, who: &str) {
    let fields: Vec<&str> = who.split('\t').collect();
    let told = format!("in use by {} from {}: `mpiup {}`, since ", fields[0], fields[1], fields[2]);
    // The sentence is broken into lines.
    let said = ran.said();
    assert!(ran.code == 1 && said.contains(&told), "{told}: {said}");
}

/// mpiup and the ssh processes under it.
fn freeze(mpiup: &Child, signal: Signal) {
    let id = mpiup.id();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    for process in children.split_whitespace().map(|child| child.parse().unwrap()).chain([i32::try_from(id).unwrap()]) {
        kill(Pid::from_raw(process), signal).unwrap();
    }
}

/// What SIGKILL left on the operator's machine is swept by the operator's next command.
fn nothing_of_mpiup_is_left(operator: &Operator<'_>) {
    operator.mpiup(&["exec", "true"]).succeeded();
    for place in ["run", "tmp"] {
        let left: Vec<_> =
            std::fs::read_dir(operator.folder().join(place)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    let ours = operator.folder().join("run");
    let masters = std::fs::read_dir("/proc").unwrap().flatten().filter(|process| {
        let words = std::fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        words.starts_with("ssh\0") && words.contains(ours.to_str().unwrap())
    });
    assert_eq!(masters.count(), 0, "ssh processes of mpiup still run");
}

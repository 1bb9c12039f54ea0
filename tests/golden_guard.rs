//! The dead man's switch, by every shell that is here: what is confirmed stays, and what is refused, forgotten or cut off goes
//! back to the byte, with nothing left of the switch.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/child.rs"]
#[allow(dead_code, reason = "only the wait and the end are needed here")]
mod child;
#[path = "support/shell.rs"]
mod shell;

use std::{collections::BTreeMap, fs, io::Read as _, os::unix::fs::symlink, process::Child, time::Duration};

use child::wait_until;
use mpiup::{
    changes::{Place, Primitive, Text},
    facts::{
        Question, frame,
        journal::{self, Unconfirmed},
    },
};
use shell::{Ran, Sandbox, World, me, worlds};

/// Long enough for a machine with other work.
const SOON: Duration = Duration::from_secs(30);
/// Of a switch that is not to decide.
const PATIENT: u32 = 60;

const KEYS: &[u8] = b"ssh-ed25519 AAAA ana\nlast line without end";

/// A file that was there, and how everything looked.
fn stage(world: &World) -> (Sandbox, BTreeMap<String, String>) {
    let s = Sandbox::new(world);
    s.file("authorized_keys", 0o600, KEYS);
    let before = s.picture();
    (s, before)
}

/// A change of that file that waits for a new log-in, in the first of the worlds.
fn waiting() -> (Sandbox, BTreeMap<String, String>, Child) {
    let (s, before) = stage(&worlds()[0]);
    let change = asked(s.start_guarded(&block(&s, "first\n"), PATIENT));
    (s, before, change)
}

/// The shell ends, and with it whoever would confirm.
fn cut_off(mut shell: Child) {
    shell.kill().unwrap();
    shell.wait().unwrap();
}

/// The power fails: shell and switch end at once.
fn power_fails(s: &Sandbox, shell: Child) {
    cut_off(shell);
    for process in s.processes() {
        // It may have ended since it was seen.
        let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL);
    }
    wait_until("nothing runs", SOON, || s.processes().is_empty());
}

/// What the next command is told, as it sees it.
fn unconfirmed(s: &Sandbox) -> Option<Unconfirmed> {
    let question = Question { state: s.state(), ..Question::default() };
    let mut frames = frame::frames(s.sh(&question.script()).stdout.as_bytes()).unwrap();
    frames.retain(|(name, _)| name == "unconfirmed");
    journal::unconfirmed(&frames.pop()?.1)
}

fn block(s: &Sandbox, text: &str) -> Primitive {
    let (path, content) = (s.path("authorized_keys"), Text::new(text));
    Primitive::Block { path, mark: "mpiup aula".into(), place: Place::Bottom, mode: "600", owner: me(), content }
}

/// The script asks for a new log-in.
fn asked(mut script: Child) -> Child {
    let stdout = script.stdout.as_mut().unwrap();
    let (mut line, mut byte) = (Vec::new(), [0]);
    while !String::from_utf8_lossy(&line).contains(" confirm ln -s confirmed ") {
        stdout.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&line)));
        line.push(byte[0]);
    }
    script
}

fn holds(s: &Sandbox, text: &str) -> bool {
    fs::read_to_string(s.tree().join("authorized_keys")).unwrap_or_default().contains(text)
}

fn decide(s: &Sandbox, decision: &str) {
    symlink(decision, s.guard().join("decision")).unwrap();
}

#[track_caller]
fn ended(child: Child) -> Ran {
    Ran::of(child::finish(child, "the script", SOON))
}

#[track_caller]
fn nothing_is_left(s: &Sandbox) {
    assert!(!s.guard().exists());
    wait_until("the switch has ended", SOON, || s.processes().is_empty());
}

/// A block that was confirmed, in a file that was there.
fn confirmed(s: &Sandbox, text: &str) {
    let change = asked(s.start_guarded(&block(s, text), PATIENT));
    decide(s, "confirmed");
    let ran = ended(change);
    assert!(ran.success, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.results(), ["done"]);
    assert_eq!(s.journal(), ["block /authorized_keys"]);
    assert_eq!(unconfirmed(s), None);
    nothing_is_left(s);
}

#[test]
fn what_a_new_log_in_confirms_stays() {
    for world in worlds() {
        let (s, before) = stage(&world);
        confirmed(&s, "first\n");
        assert!(holds(&s, "first\n"), "{}", world.name);

        decide_down(&s);
        assert_eq!(s.picture(), before, "{}", world.name);
        assert!(s.is_clean(), "{}", world.name);
        nothing_is_left(&s);
    }
}

#[test]
fn what_is_refused_goes_back_at_once_and_the_reason_is_said() {
    for world in worlds() {
        let (s, before) = stage(&world);
        let change = asked(s.start_guarded(&block(&s, "first\n"), PATIENT));
        fs::write(s.guard().join("reason"), "Connection refused").unwrap();
        decide(&s, "refused");
        let ran = ended(change);
        assert_eq!((ran.success, ran.results()), (false, vec!["failed"]), "{}", world.name);
        assert!(ran.stderr.contains("no new log-in got through: Connection refused"), "{}: {}", world.name, ran.stderr);
        assert_eq!(s.picture(), before, "{}", world.name);
        assert_eq!((s.journal(), unconfirmed(&s)), (vec![], None), "{}", world.name);
        nothing_is_left(&s);
    }
}

/// Not what stood there before mpiup: what it had made, and what had been confirmed.
#[test]
fn a_refused_update_goes_back_to_the_last_one_that_was_confirmed() {
    let (s, _) = stage(&worlds()[0]);
    confirmed(&s, "first\n");
    let before = s.picture();
    let change = asked(s.start_guarded(&block(&s, "second\n"), PATIENT));
    decide(&s, "refused");
    assert_eq!(ended(change).results(), ["failed"]);
    assert_eq!((s.picture(), s.journal()), (before, vec!["block /authorized_keys".to_owned()]));
}

#[test]
fn what_a_log_in_depends_on_stays_when_it_is_taken_back() {
    let (s, old) = stage(&worlds()[0]);
    confirmed(&s, "first\n");
    let before = s.picture();
    let down = asked(s.start_down(PATIENT));
    fs::write(s.guard().join("reason"), "Permission denied").unwrap();
    decide(&s, "refused");
    let ran = ended(down);
    assert_eq!(ran.results(), ["kept"], "{}", ran.stderr);
    assert!(
        ran.said()[0].ends_with("authorized_keys stays: no new log-in got through: Permission denied"),
        "{:?}",
        ran.said()
    );
    assert!(ran.is_held());
    assert_eq!((s.picture(), s.journal()), (before, vec!["block /authorized_keys".to_owned()]));
    nothing_is_left(&s);

    let down = s.start_down(1);
    assert_eq!(ended(down).results(), ["kept"], "nobody said anything");
    let told = unconfirmed(&s).unwrap();
    assert_eq!((told.undo, told.is_back, told.path()), (true, true, s.path("authorized_keys").as_str()));
    decide_down(&s);
    assert_eq!(s.picture(), old);
    assert!(s.is_clean());
}

/// The shell is killed, with it whoever would confirm: the switch is a process of its own. The next command is told.
#[test]
fn the_switch_outlives_its_shell() {
    for world in worlds() {
        let (s, before) = stage(&world);
        cut_off(asked(s.start_guarded(&block(&s, "first\n"), 2)));
        wait_until("the switch takes it back", SOON, || s.guard().join("ended").exists());
        assert_eq!(s.picture(), before, "{}", world.name);
        assert_eq!(s.journal(), [""; 0], "{}", world.name);
        let told = unconfirmed(&s).unwrap();
        assert_eq!(
            (told.undo, told.is_back, told.key),
            (false, true, format!("block {}", s.path("authorized_keys"))),
            "{}",
            world.name
        );
        // Another change is no answer to that.
        let other = Primitive::Dir { path: s.path("other"), mode: "755", owner: me() };
        assert!(s.up(&[other]).success);
        assert!(unconfirmed(&s).is_some() && !s.guard().exists(), "{}", world.name);
        assert!(s.down().success && s.is_clean(), "{}", world.name);
        nothing_is_left(&s);
    }
}

#[test]
fn what_went_back_by_itself_is_forgotten_when_it_is_confirmed() {
    let (s, _) = stage(&worlds()[0]);
    assert_eq!(ended(s.start_guarded(&block(&s, "first\n"), 1)).results(), ["failed"]);
    assert!(unconfirmed(&s).is_some());
    confirmed(&s, "first\n");
}

/// A reboot ends the switch too: the next command finds what nobody confirmed, and takes it back first.
#[test]
fn what_lost_its_switch_goes_back_with_the_next_command() {
    for goes_on in [false, true] {
        let (s, before, change) = waiting();
        wait_until("the switch is there", SOON, || fs::read(s.guard().join("pid")).is_ok_and(|pid| !pid.is_empty()));
        assert_eq!(unconfirmed(&s), None, "it will decide");
        power_fails(&s, change);
        assert!(holds(&s, "mpiup aula"), "nobody was there to take it back");
        assert!(unconfirmed(&s).is_some_and(|told| !told.is_back));
        if goes_on {
            confirmed(&s, "second\n");
            decide_down(&s);
        } else {
            assert!(s.down().success);
        }
        assert_eq!(s.picture(), before);
        assert!(s.is_clean());
    }
}

/// A power cut at any moment, switch and shell at once: the next `down` gives back what was there, and the next `up` goes on.
#[test]
fn cut_off_anywhere_it_goes_back_or_on() {
    for moment in 0..15 {
        let (s, before) = stage(&worlds()[0]);
        let change = s.start_guarded(&block(&s, "first\n"), PATIENT);
        std::thread::sleep(Duration::from_millis(moment * 16));
        power_fails(&s, change);
        if moment % 3 == 0 {
            confirmed(&s, "second\n");
            decide_down(&s);
        } else {
            assert!(s.down().success, "{moment}");
        }
        assert_eq!(s.picture(), before, "{moment}");
        assert!(s.is_empty(), "{moment}");
    }
}

/// `down` that a new log-in confirms.
fn decide_down(s: &Sandbox) {
    let down = asked(s.start_down(PATIENT));
    decide(s, "confirmed");
    assert_eq!(ended(down).results(), ["done"]);
}

/// The log-in said so, and then everything else ended: it counts.
#[test]
fn what_was_confirmed_stays_though_nobody_waits_for_it() {
    let (s, before, change) = waiting();
    cut_off(change);
    decide(&s, "confirmed");
    wait_until("the switch has heard it", SOON, || s.guard().join("ended").exists());
    assert!(holds(&s, "first\n"));
    assert_eq!(s.journal(), ["block /authorized_keys"]);
    decide_down(&s);
    assert_eq!(s.picture(), before);
    nothing_is_left(&s);
}

/// The switch has looked before the change was there: it goes back all the same, and takes no effect.
#[test]
fn a_change_that_outlasts_its_switch_goes_back() {
    let s = Sandbox::new(&worlds()[0]);
    let (path, content) = (s.path("late"), Text::new("late\n"));
    let slow = Primitive::File { path, mode: "644", owner: me(), content, check: Some("sleep 3".into()) };
    let ran = ended(s.start_guarded(&slow, 1));
    assert_eq!((ran.success, ran.results()), (false, vec!["failed"]), "{}", ran.stderr);
    assert!(ran.stderr.contains("it took longer than 1 s") && !ran.stdout.contains("confirm"), "{}", ran.stderr);
    assert!(s.picture().is_empty() && s.journal().is_empty());
    nothing_is_left(&s);
}

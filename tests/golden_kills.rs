//! Killed anywhere, goes on: from every state that a script leaves before and after each tool that alters something,
//! `down` gives back what was there, and `up` ends with the same as without the kill.

#![allow(clippy::unwrap_used, reason = "a test that cannot look has failed")]

#[path = "support/shell.rs"]
mod shell;

use std::collections::BTreeMap;

use mpiup::changes::{Place, Primitive, Text};
use shell::{Sandbox, Shot, link, me, worlds};

struct Case {
    before: fn(&Sandbox),
    /// What was made before, in full.
    earlier: fn(&Sandbox) -> Vec<Primitive>,
    /// What is killed.
    changes: fn(&Sandbox) -> Vec<Primitive>,
}

fn nothing(_: &Sandbox) -> Vec<Primitive> {
    vec![]
}

fn file(s: &Sandbox, name: &str, text: &str, check: Option<&str>) -> Primitive {
    let check = check.map(|check| format!("{check} '{}'", s.path(name)));
    Primitive::File { path: s.path(name), mode: "640", owner: me(), content: Text::new(text), check }
}

fn block(s: &Sandbox, name: &str, place: Place, text: &str) -> Primitive {
    let (path, content) = (s.path(name), Text::new(text));
    Primitive::Block { path, mark: "mpiup aula".into(), place, mode: "600", owner: me(), content }
}

fn folder(s: &Sandbox) -> Primitive {
    Primitive::Dir { path: s.path("folder"), mode: "750", owner: me() }
}

fn key(s: &Sandbox) -> Primitive {
    Primitive::KeyPair { path: s.path("id"), owner: me(), comment: "mpiup:aula:n1".into() }
}

/// Stops `changes` everywhere; then takes all back, and the other time goes on.
fn survives(case: &Case) {
    let s = Sandbox::new(&worlds()[0]);
    (case.before)(&s);
    let before = s.picture();
    let earlier = (case.earlier)(&s);
    assert!(earlier.is_empty() || s.up(&earlier).success);
    let changes = (case.changes)(&s);
    let shots = s.up_shots(&changes);
    let whole = (plain(&s), s.journal());
    for (number, shot) in shots.into_iter().enumerate() {
        s.restore(&shot);
        taken_back(&s, &before, &shot);

        s.restore(&shot);
        let ran = s.up(&changes);
        assert!(ran.success, "up after a kill at {shot:?}: {}{}", ran.stdout, ran.stderr);
        assert_eq!((plain(&s), s.journal()), whole, "up after a kill at {shot:?}");
        if number % 3 == 0 {
            taken_back(&s, &before, &shot);
        }
    }
}

fn taken_back(s: &Sandbox, before: &BTreeMap<String, String>, shot: &Shot) {
    let ran = s.down();
    assert!(ran.success, "down after a kill at {shot:?}: {}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.said(), Vec::<&str>::new(), "down after a kill at {shot:?}");
    assert_eq!(s.picture(), *before, "down after a kill at {shot:?}");
    assert!(s.is_empty(), "down after a kill at {shot:?}");
}

/// The tree without times and keys.
fn plain(s: &Sandbox) -> Vec<String> {
    let words = |seen: String| {
        let kept: Vec<&str> = seen.split(' ').filter(|word| !word.contains(".") && word.len() < 40).collect();
        kept.join(" ")
    };
    s.picture().into_iter().map(|(name, seen)| format!("{name} {}", words(seen))).collect()
}

/// Stops `down` everywhere; the next one ends it.
fn undone(before: fn(&Sandbox), changes: fn(&Sandbox) -> Vec<Primitive>) {
    let s = Sandbox::new(&worlds()[0]);
    before(&s);
    let before = s.picture();
    assert!(s.up(&changes(&s)).success);
    for shot in s.down_shots() {
        s.restore(&shot);
        taken_back(&s, &before, &shot);
    }
}

fn old_file(s: &Sandbox) {
    s.file("old", 0o604, b"one\r\nlast line");
}

#[test]
fn file_and_folder() {
    survives(&Case { before: |_| {}, earlier: nothing, changes: |s| vec![file(s, "new", "a\n", None), folder(s)] });
}

#[test]
fn file_over_another() {
    survives(&Case { before: old_file, earlier: nothing, changes: |s| vec![file(s, "old", "a\n", Some("grep -q a"))] });
}

#[test]
fn file_of_ours_anew() {
    survives(&Case {
        before: old_file,
        earlier: |s| vec![file(s, "old", "a\n", None)],
        changes: |s| vec![file(s, "old", "b\n", Some("grep -q b"))],
    });
}

#[test]
fn block_in_another_ones_file() {
    survives(&Case { before: old_file, earlier: nothing, changes: |s| vec![block(s, "old", Place::Top, "a\n")] });
}

#[test]
fn block_of_ours_anew() {
    survives(&Case {
        before: old_file,
        earlier: |s| vec![block(s, "old", Place::Bottom, "a\n")],
        changes: |s| vec![block(s, "old", Place::Bottom, "b\n")],
    });
}

#[test]
fn key_pair() {
    survives(&Case { before: |_| {}, earlier: nothing, changes: |s| vec![key(s)] });
}

#[test]
fn taking_back() {
    undone(old_file, |s| vec![file(s, "new", "a\n", None), block(s, "old", Place::Top, "a\n"), key(s)]);
}

#[test]
fn taking_back_what_replaced_something() {
    let before = |s: &Sandbox| {
        old_file(s);
        link(s, "link", "old");
    };
    undone(before, |s| {
        let inside = block(s, "folder/b", Place::Top, "a\n");
        vec![folder(s), file(s, "old", "a\n", None), file(s, "link", "a\n", None), inside]
    });
}

/// A refused text that was in place when everything stopped is not what the next `up` goes back to.
#[test]
fn a_refused_file() {
    let s = Sandbox::new(&worlds()[0]);
    old_file(&s);
    let before = s.picture();
    let refused = vec![file(&s, "old", "bad\n", Some("! grep -q bad"))];
    for shot in s.up_shots(&refused) {
        s.restore(&shot);
        let ran = s.up(&refused);
        assert!(!ran.success && ran.results() == ["failed"], "{}", ran.stderr);
        assert_eq!(s.picture(), before, "after a kill at {shot:?}");
        assert!(s.journal().is_empty());
    }
}

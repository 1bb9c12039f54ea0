//! Killed anywhere, goes on: from every state that a script leaves before and after each tool that alters something,
//! `down` gives back what was there, and `up` ends with the same as without the kill.

#![allow(clippy::unwrap_used, reason = "a test that cannot look has failed")]

#[path = "support/machine.rs"]
mod machine;
#[path = "support/shell.rs"]
mod shell;

use std::{collections::BTreeMap, fs, process::Command};

use mpiup::{
    changes::{Place, Primitive, Text},
    python,
};
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
    survives_in(Sandbox::new(&worlds()[0]), case, &|s| s.script(&(case.changes)(s)));
}

fn survives_in(s: Sandbox, case: &Case, script: &dyn Fn(&Sandbox) -> String) {
    (case.before)(&s);
    let before = s.picture();
    let earlier = (case.earlier)(&s);
    assert!(earlier.is_empty() || s.up(&earlier).success);
    let script = script(&s);
    let shots = s.sh_shots(&script);
    let whole = (plain(&s), s.journal());
    for (number, shot) in shots.into_iter().enumerate() {
        s.restore(&shot);
        taken_back(&s, &before, &shot);

        s.restore(&shot);
        let ran = s.sh(&script);
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
    let progress = |line: &&&str| line.starts_with("Setting up ") || line.starts_with("Removing ");
    assert_eq!(ran.said().iter().filter(|line| !progress(line)).count(), 0, "down after a kill at {shot:?}: {ran:?}");
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
    undone_in(Sandbox::new(&worlds()[0]), before, changes);
}

/// On a machine, both ways, with the figures of it.
fn on_a_machine(before: fn(&Sandbox), changes: fn(&Sandbox) -> Vec<Primitive>) {
    let case = Case { before, earlier: nothing, changes };
    survives_in(Sandbox::machine(&worlds()[0]), &case, &|s| s.script(&changes(s)));
    undone_in(Sandbox::machine(&worlds()[0]), before, changes);
}

fn undone_in(s: Sandbox, before: fn(&Sandbox), changes: fn(&Sandbox) -> Vec<Primitive>) {
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

/// It is overwritten, since it would lose its second name.
#[test]
fn block_in_a_file_with_two_names() {
    let before = |s: &Sandbox| {
        old_file(s);
        fs::hard_link(s.path("old"), s.path("second")).unwrap();
    };
    let long = |s: &Sandbox| vec![block(s, "old", Place::Top, "a\nand more\n")];
    survives(&Case { before, earlier: nothing, changes: long });
    survives(&Case { before, earlier: long, changes: |s| vec![block(s, "old", Place::Bottom, "b\n")] });
    undone(before, long);
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

/// useradd and userdel, stopped within as well: an account without its home, a home without its account.
#[test]
fn account() {
    on_a_machine(machine::accounts, |s| {
        vec![Primitive::User { name: "mpi".into(), id: 1000, shell: "/bin/sh".into(), home: s.path("home/mpi") }]
    });
}

#[test]
fn host_name() {
    let before = |s: &Sandbox| {
        machine::name(s, "debian");
        s.file("etc/hostname", 0o644, b"debian\n");
    };
    on_a_machine(before, |_| vec![Primitive::HostName { name: "client1".into() }]);
    // One whose name stands in no file.
    on_a_machine(|s| machine::name(s, "debian"), |_| vec![Primitive::HostName { name: "client1".into() }]);
}

/// apt and dpkg, stopped within as well: dpkg's database in the middle, packages half-installed and half-configured.
#[test]
fn packages() {
    on_a_machine(machine::apt, |_| {
        vec![Primitive::Packages { manager: "apt", names: vec!["openmpi".into()], brings: None }]
    });
}

/// The same with what a purge takes along: it comes back.
#[test]
fn packages_of_nfs() {
    let before = |s: &Sandbox| {
        machine::apt(s);
        s.file("etc/exports", 0o640, b"# theirs\n");
        s.file("etc/exports.bak", 0o604, b"/srv pc7(ro)\n");
    };
    on_a_machine(before, |_| {
        vec![Primitive::Packages { manager: "apt", names: vec!["nfs-kernel-server".into()], brings: None }]
    });
}

/// The environment comes over a stream of its own: unpacked beside its place, put there, and noted as complete.
#[test]
fn environment() {
    let key = "key";
    let tree = |s: &Sandbox| Primitive::Tree { path: s.path("env"), owner: me(), key: key.into() };
    let case = Case { before: |_| {}, earlier: nothing, changes: |_| unreachable!("it is more than changes") };
    survives_in(Sandbox::new(&worlds()[0]), &case, &|s| {
        let tar = s.tree().with_file_name("env.tar.gz");
        archive(key, &tar);
        let (path, state) = (s.path("env"), s.state());
        format!(
            "{}\n( {} ) < '{}' || exit 1\nbegin '{state}' && find_entry 'tree {path}' && finish_entry\n",
            s.script(&[tree(s)]),
            python::install_script(&path, key),
            tar.display()
        )
    });
}

/// What the environment's archive has at least.
#[allow(clippy::disallowed_methods, reason = "a test makes an archive")]
fn archive(key: &str, tar: &std::path::Path) {
    let folder = tempfile::tempdir().unwrap();
    let ask = "import sys; print('python%d.%d' % sys.version_info[:2])";
    let version = Command::new("python3").args(["-c", ask]).output().unwrap().stdout;
    fs::create_dir_all(folder.path().join("lib").join(String::from_utf8(version).unwrap().trim())).unwrap();
    fs::write(folder.path().join(python::STAMP), format!("{key}\n")).unwrap();
    let made = Command::new("tar").arg("-czf").arg(tar).arg("-C").arg(folder.path()).arg(".").status().unwrap();
    assert!(made.success());
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

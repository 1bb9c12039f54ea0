//! The plan shows a block as Rust puts it into a file, and the node puts it there by awk: both must write the same,
//! whatever stands in the file.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/shell.rs"]
mod shell;

use std::{fs, process::Command};

use mpiup::changes::{Place, Primitive, Text, block, script};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use shell::{Sandbox, me, worlds};

const MARK: &str = "mpiup aula";

/// A file of somebody's: lines of any text, among them markers whole and broken, with and without a last line end.
fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => "[ -~áñ€\t\r]{0,12}",
        1 => Just("# >>> mpiup aula >>>".to_owned()),
        1 => Just("# <<< mpiup aula <<<".to_owned()),
        1 => Just("# >>> mpiup other >>>".to_owned()),
        1 => Just(" # >>> mpiup aula >>>".to_owned()),
        1 => Just("\\n %s & $0 \\".to_owned()),
        1 => Just(String::new()),
    ];
    (proptest::collection::vec(line, 0..9), any::<bool>()).prop_map(|(lines, end)| {
        let text = lines.join("\n");
        if end && !text.is_empty() { text + "\n" } else { text }
    })
}

/// The same cases every time: a test that fails now and then helps nobody.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Many at once in one run of the shell, since each start of it costs more than the comparison.
#[test]
fn the_shell_writes_what_the_plan_shows() {
    for world in worlds() {
        let mut runner = runner(4);
        let cases = proptest::collection::vec((text(), any::<bool>(), "[a-z #<>=%\\\\\n]{0,20}"), 12);
        let outcome = runner.run(&cases, |cases| {
            let s = Sandbox::new(&world);
            let mut wanted = Vec::new();
            let mut changes = Vec::new();
            for (number, (before, top, content)) in cases.iter().enumerate() {
                let (name, place) = (number.to_string(), if *top { Place::Top } else { Place::Bottom });
                let content = Text::new(content.as_str());
                s.file(&name, 0o644, before.as_bytes());
                wanted.push(block::with(before, MARK, place, &content.to_string()));
                let path = s.path(&name);
                changes.push(Primitive::Block { path, mark: MARK.into(), place, mode: "644", owner: me(), content });
            }
            let before = s.picture();
            let ran = s.up(&changes);
            prop_assert!(ran.success, "{}", ran.stderr);
            for (change, wanted) in changes.iter().zip(&wanted) {
                let Primitive::Block { path, .. } = change else { continue };
                prop_assert_eq!(&fs::read_to_string(path).unwrap(), wanted, "by {}", world.name);
            }
            prop_assert!(s.down().success);
            prop_assert_eq!(s.picture(), before);
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", world.name));
    }
}

/// What is cut out when somebody else has edited the file.
#[test]
fn the_shell_cuts_out_what_the_plan_knows_as_the_block() {
    let mut runner = runner(24);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let program = format!("{}\nwithout_block \"$1\" '{MARK}'\n", script::prelude());
    let outcome = runner.run(&text(), |text| {
        fs::write(&path, &text).unwrap();
        prop_assert_eq!(said(&program, &path), block::without(&text, MARK));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));

    // A line longer than any buffer that an old awk has.
    let long = format!("{}\n# >>> {MARK} >>>\n{}\n# <<< {MARK} <<<\nend", "x".repeat(100_000), "y".repeat(100_000));
    fs::write(&path, &long).unwrap();
    assert_eq!(said(&program, &path), block::without(&long, MARK));
}

#[allow(clippy::disallowed_methods, reason = "a test starts a shell as the node does")]
fn said(program: &str, path: &std::path::Path) -> String {
    let output = Command::new("sh").args(["-c", program, "sh"]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

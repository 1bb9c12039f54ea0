//! What must hold for any input: the checks of `fuzz/`, fed with texts that have the right shape more often than chance
//! would give them, and what needs a real shell.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::process::Command;

use mpiup::{quote, ui::visible};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

#[allow(dead_code, reason = "the list of all checks is for another file")]
#[path = "../fuzz/src/lib.rs"]
mod checks;

/// The same cases every time: a test that fails now and then helps nobody.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Texts of lines, each drawn from `lines`; the last one ends, or does not.
fn text_of(lines: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    let ends = prop_oneof![Just("\n"), Just("\r\n")];
    (proptest::collection::vec((lines, ends), 0..12), any::<bool>()).prop_map(|(lines, ended)| {
        let text: String = lines.into_iter().map(|(line, end)| line + end).collect();
        if ended { text } else { text.trim_end().to_owned() }
    })
}

/// A pattern that was put together, as a strategy.
fn pattern(text: String) -> &'static str {
    text.leak()
}

fn holds(cases: u32, texts: impl Strategy<Value = String>, check: checks::Check) {
    runner(cases)
        .run(&texts, |text| {
            check(text.as_bytes());
            Ok(())
        })
        .unwrap();
}

/// ClusterShell's operators, groups and wildcards are not part of the notation: each is refused, at its place.
#[test]
fn what_clustershell_knows_beyond_ours_is_refused() {
    for (set, at) in [
        ("node[0-5]!node3", 9),
        ("node[0-10]&node[8-13]", 10),
        ("node[1-7]^node8", 9),
        ("node*", 4),
        ("node[1-2]?", 9),
        ("node[1-5/2,a]", 11),
        ("node[-1-2]", 5),
        ("node1 node2", 5),
        ("@gpu:*", 5),
    ] {
        let error = mpiup::spec::nodeset::expand(set).unwrap_err();
        assert_eq!(error.offset, at, "{set}: {error}");
    }
    // A group by its name alone is refused as what it would be: a node's name.
    for group in ["@gpu", "@*", "@source:group"] {
        let error = mpiup::spec::file::parse(&format!("[nodes]\n\"{group}\" = \"10.0.0.1\"\n"), "f").unwrap_err();
        assert!(error.message().starts_with("f:2:"), "{error}");
    }
}

#[test]
fn node_sets() {
    let bracket = "\\[([0-9]{1,3}(-[0-9]{1,3}(/[1-9])?)?)(,[0-9]{1,2}(-[0-9]{2})?)?\\]";
    holds(
        400,
        pattern(format!("([a-z]{{0,3}}({bracket})?[a-z.-]{{0,2}}(\\[[0-3]-[4-9]\\])?(, ?)?){{1,4}}")),
        checks::nodeset::check,
    );
    holds(400, "([n0-9\\[\\],/ -]|\\PC){0,24}", checks::nodeset::check);
}

#[test]
fn hostfiles() {
    let host = "(ana@)?(n[1-4]|N1|10\\.0\\.0\\.[1-3]|fe80::1|rank|\\+n0|\\^n2)";
    let line = prop_oneof![
        4 => pattern(format!("{host}( slots ?= ?[0-9]{{1,5}})?( max_slots=[1-9])?")),
        4 => pattern(format!("{host}(:[0-9]{{1,2}})?( user=ana| binding=core)?")),
        1 => "#[ -~]{0,9}|/\\*|\\*/|// x|",
        1 => "\\PC{0,12}",
    ];
    holds(400, text_of(line.boxed()), checks::hostfile::check);
}

#[test]
fn hosts_files() {
    let line = prop_oneof![
        4 => "(10\\.77\\.0\\.[1-3]|127\\.0\\.[01]\\.1|::1|1\\.2\\.3\\.4)[ \t]{1,2}((master|client1|Client1|lan)[ \t]?){1,2}(# x)?",
        1 => "# >>> mpiup aula >>>|# <<< mpiup aula <<<|# >>> mpiup other >>>| # >>> mpiup aula >>>",
        1 => "\\PC{0,12}",
    ];
    holds(300, text_of(line.boxed()), checks::hosts::check);
}

#[test]
fn ssh_configs() {
    let line = prop_oneof![
        3 => "(Host|host|HOST)[ =]\"?(master|client1|\\*|!a)( b)?\"?",
        3 => "  (HostName|User|Include|Match all)[ =](10\\.77\\.0\\.[1-9]|\\*|\"a b\")",
        1 => "# >>> mpiup aula >>>|# <<< mpiup aula <<<|Host master 10\\.77\\.0\\.1",
        1 => "\\PC{0,12}",
    ];
    holds(200, text_of(line.boxed()), checks::ssh_config::check);
}

#[test]
fn specs() {
    let line = prop_oneof![
        6 => "(n[1-3]|\"n\\[[4-9]\\]\"|\"n\\[11-12\\]\") = (\"10\\.0\\.0\\.[1-9]\"|\"10\\.0\\.0\\.\\[21-22\\]\"|\\{ address = \"u@h[1-9]\", slots = [0-9] \\})( # why)?",
        2 => "\\[(nodes|cluster|mpi|share|python|ssh)\\]",
        2 => "(name|user|head|kind|path|source|flavour|config) = \"(aula|mpi|n1|sync|existing|wheels|mpich|MPI|/srv/x)\"",
        1 => "\\PC{0,12}",
    ];
    let whole = text_of(line.boxed()).prop_map(|text| format!("[nodes]\n{text}"));
    holds(300, whole, checks::spec::check);
    // Whole specs of every size, which the lines above seldom are.
    let nodes = proptest::collection::vec(("[a-z]{1,6}", proptest::option::of(1u32..70_000), "[ \t]{0,3}"), 1..12);
    let spec = (nodes, "(|user = \"ana\"\n|set_host_names = true\n)").prop_map(|(nodes, rest)| {
        let line = |(at, (name, slots, blank)): (usize, (String, Option<u32>, String))| match slots {
            Some(slots) => format!("{blank}{name}{at} = {{ address = \"10.0.0.{at}\", slots = {slots} }} # c\n"),
            None => format!("{name}{at}{blank} = \"10.0.0.{at}\"\n"),
        };
        format!("[nodes]\n{}[cluster]\n{rest}", nodes.into_iter().enumerate().map(line).collect::<String>())
    });
    holds(60, spec, checks::spec::check);
}

#[test]
fn answers_of_a_shell() {
    let piece = prop_oneof![Just(b"\nm.7 ".to_vec()), Just(b"\nm.".to_vec()), Just(b"\n".to_vec()), any::<Vec<u8>>()];
    let data = (any::<u8>(), proptest::collection::vec(1u8..9, 7), proptest::collection::vec(piece, 0..9));
    let data = data.prop_map(|(count, sizes, pieces)| [vec![count], sizes, pieces.concat()].concat());
    runner(300)
        .run(&data, |data| {
            checks::channel::check(&data);
            Ok(())
        })
        .unwrap();
}

#[test]
fn reports_of_nodes() {
    let line = prop_oneof![
        3 => "== (id|os|python|addresses|mpi|packages|dnf|zypper|pacman|apt|journal|passwd_user|sshd|file 644 root /etc/hosts)",
        2 => "[0-9]: eth0    inet6? (10\\.0\\.0\\.1|fe80::1)/[0-9]{1,3} x|ID=(fedora|arch|debian)|VERSION_ID=[0-9]{1,12}|[0-9]{1,12} root 0",
        1 => "(3\\.[0-9]{1,4}|glibc 2\\.[0-9]{1,12}|/usr/bin/mpiexec \\(Open MPI\\) [0-9.]{1,6}|Installing:| a b c d e|root:x:0:0::/root:/bin/sh)",
        1 => "\\PC{0,20}",
    ];
    holds(150, text_of(line.boxed()), checks::facts::check);
}

/// Words of any characters reach a program as they were, through every POSIX shell that is here.
#[test]
fn quoted_words() {
    let mut runner = runner(1);
    let word = prop_oneof![r#"[ -~]{0,12}"#, r#"['"\\$`!*~# \n\t\r;&|<>(){}\[\]?=%^-]{0,12}"#, "\\PC{0,9}"];
    let words = proptest::collection::vec(word, 600);
    runner
        .run(&words, |words| {
            let script = format!("printf '%s\\0' {}", quote::words(&words));
            for shell in [&["sh"][..], &["dash"], &["bash"], &["busybox", "sh"], &["zsh"]] {
                #[allow(clippy::disallowed_methods, reason = "the shells themselves are under test")]
                let Ok(output) = Command::new(shell[0]).args(&shell[1..]).args(["-c", &script]).output() else {
                    continue;
                };
                let found: Vec<&[u8]> = output.stdout.split(|&byte| byte == 0).collect();
                let expected: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).chain([&b""[..]]).collect();
                let wrong = found.iter().zip(&expected).find(|(found, expected)| found != expected);
                prop_assert!(
                    found == expected,
                    "{:?} reads something else: {:?} {} {}",
                    shell,
                    wrong,
                    found.len(),
                    String::from_utf8_lossy(&output.stderr)
                );
            }
            Ok(())
        })
        .unwrap();
}

/// Nothing that a node prints moves the cursor, and what is harmless stays.
#[test]
fn shown_text() {
    let piece = prop_oneof![
        3 => "\\PC{0,6}",
        2 => "\u{1b}(\\[[0-9;]{0,4}[A-Za-z]|\\][0-9];[a-z]{0,4}(\u{7}|\u{1b}\\\\)|[a-zA-Z78=>]|)",
        1 => any::<String>(),
        1 => "[\u{0}-\u{1f}\u{7f}-\u{9f}]{1,3}",
    ];
    let text = proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    runner(1000)
        .run(&text, |text| {
            let shown = visible(&text);
            prop_assert!(!shown.contains(|c: char| c.is_control() && !"\n\t".contains(c)), "{:?} → {:?}", text, shown);
            prop_assert_eq!(visible(&shown), shown.clone(), "what is visible stays as it is");
            if !text.contains(char::is_control) {
                prop_assert_eq!(shown, text);
            }
            Ok(())
        })
        .unwrap();
}

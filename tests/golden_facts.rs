//! What real nodes reported (`tests/fixtures/facts`), as the parsers read it.

#![allow(clippy::unwrap_used, reason = "a test that cannot look has failed")]
#![allow(clippy::disallowed_methods, reason = "a shell is under test")]

#[path = "support/nodes.rs"]
mod nodes;

use std::{fmt::Write as _, fs, process::Command};

use mpiup::facts::{Facts, Question};
use nodes::{fixtures, recorded};

#[test]
fn reports_of_real_nodes() {
    let mut text = String::new();
    for name in fixtures() {
        let facts = recorded(&name).facts();
        writeln!(text, "{name}\n{}", indented(&facts)).unwrap();
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("reports_of_real_nodes", text);
    });
}

#[test]
fn files_of_this_machine_come_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // Endings, lines that look like the report's own, bytes that mean something to awk, what is large, and what is not there.
    let large = "host 10.0.0.1\n".repeat(20_000);
    let files = [
        ("ends", "one\n\n\n"),
        ("no end", "one"),
        ("empty", ""),
        ("frames", "== end 0\n\n"),
        ("odd", "\u{1}a\u{1}\u{1}b\\n%s&"),
        ("ñ and 'quotes'", "señal\ttab\r\n"),
        ("large", &large),
    ];
    for (name, content) in files {
        fs::write(path(name), content).unwrap();
    }
    fs::create_dir(path("folder")).unwrap();
    std::os::unix::fs::symlink(path("ends"), path("link")).unwrap();
    let asked = files.iter().map(|(name, _)| *name).chain(["folder", "link", "missing"]).map(path).collect();
    let question = Question { user: "nobody".into(), state: path("state"), files: asked, ..Question::default() };
    for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
        let Ok(output) = Command::new(shell[0]).args(&shell[1..]).args(["-c", &question.script()]).output() else {
            continue;
        };
        let facts = Facts::parse(&output.stdout).unwrap();
        for (name, content) in files {
            assert_eq!(facts.text(&path(name)), Some(content), "{shell:?}: {name}");
        }
        assert_eq!(facts.text(&path("link")), Some("one\n\n\n"), "{shell:?}");
        let kind = |name: &str| facts.file(&path(name)).map(|file| file.content.is_some());
        assert_eq!((kind("folder"), kind("missing")), (Some(false), None), "{shell:?}");
        assert!(facts.memory_mib > 0 && facts.cores > 0 && !facts.boot_id.is_empty() && facts.python.is_some());
    }
}

fn indented(facts: &Facts) -> String {
    let account = |account: &mpiup::facts::accounts::Account| {
        format!("{} {}:{} {} {}", account.name, account.uid, account.gid, account.home, account.shell)
    };
    let python = facts.python.as_ref().map(|python| format!("{} {:?} {:?}", python.path, python.version, python.glibc));
    let mpi: Vec<String> =
        facts.mpi.iter().map(|mpi| format!("{} {:?} {}", mpi.path, mpi.flavour, mpi.version)).collect();
    let addresses: Vec<String> = facts
        .addresses
        .iter()
        .map(|at| {
            format!("{} {} {}{}", at.interface, at.address, at.network(), if at.is_local() { " local" } else { "" })
        })
        .collect();
    let files: Vec<String> = facts
        .files
        .iter()
        .map(|(name, file)| format!("{name} {} {} {:?}", file.mode, file.owner, file.content.as_ref().map(String::len)))
        .collect();
    let lines = [
        format!("login {}, root {}", account(&facts.login), facts.is_root),
        format!("user {:?}", facts.user.as_ref().map(account)),
        format!("system {} ({}), {} cores, {} MiB", facts.os.short(), facts.arch(), facts.cores, facts.memory_mib),
        format!("host name {}, free {:?}", facts.host_name, facts.disk_free_kib.map(|kib| kib > 1 << 20)),
        format!("python {python:?}"),
        format!("mpi {mpi:?}"),
        format!("packages {:?}", facts.packages),
        format!("addresses {addresses:#?}"),
        format!("files {files:#?}"),
        format!("sshd {:?}", facts.sshd.as_ref().map(|sshd| &sshd["pubkeyauthentication"])),
        format!("environment {}", facts.env_stamp.is_some()),
        format!("journal {} entries", facts.journal.len()),
    ];
    lines.join("\n").lines().map(|line| format!("    {line}\n")).collect()
}

/// A fixture is a report of a node and nothing of the machine on which it was recorded.
#[test]
fn fixtures_are_clean() {
    for name in fixtures() {
        let text = String::from_utf8(recorded(&name).bytes()).unwrap();
        for word in ["/tmp/", "http://127", "mpiup-lab-"] {
            assert!(!text.contains(word), "{name} holds {word}");
        }
    }
}

/// A node that speaks Spanish reports the same in the same words: the script asks in the C locale.
#[test]
fn a_spanish_node_reports_as_any_other() {
    let (spanish, other) = (recorded("spanish-client2").facts(), recorded("bare-client2").facts());
    assert_eq!(spanish.os, other.os);
    assert_eq!(spanish.addresses, other.addresses);
    assert_eq!(spanish.python, other.python);
    assert_eq!(spanish.sshd, other.sshd);
    assert!(spanish.text("/etc/hosts").unwrap().contains("\n# máquinas del aula\n10.77.0.1\tmaster\n"));
    assert_eq!(spanish.user.unwrap().home, "/home/mpi");
}

//! How packages come to a node: the real shell, with an apt that reaches its mirrors, or not, and says so as apt 2.6 does.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/shell.rs"]
mod shell;

use std::fs;

use mpiup::changes::{Primitive, script};
use shell::{Ran, Sandbox, worlds};

/// What stands in `SEEN` decides: `lists` are there, `old` ones name what the mirrors have no more, `offline` is the node but for
/// a proxy. Who was asked, and by which proxy, goes to `SEEN/calls`.
const APT: &str = r#"#!/bin/sh
proxy=${http_proxy-}
if [ "$1" = -c ]; then
    stat -c '%a %U' "$2" >> SEEN/modes
    proxy=$(sed -n 's/^Acquire::http::Proxy "\(.*\)";/\1/p' "$2")
    shift 2
fi
case " $* " in *" -s "*) ;; *) echo "$1 by '$proxy', $DEBIAN_FRONTEND, $NEEDRESTART_SUSPEND" >> SEEN/calls ;; esac
reaches() { [ ! -f SEEN/offline ] || [ -n "$proxy" ]; }
no_way="Temporary failure resolving 'deb.debian.org'"
case " $* " in
*" -s "*) [ -f SEEN/lists ] || { echo "E: Unable to locate package openmpi-bin" >&2; exit 100; }; echo "Inst openmpi-bin (4.1.4 Debian [amd64])" ;;
*" update "*)
    if reaches; then touch SEEN/lists; rm -f SEEN/old
    else echo "W: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  $no_way" >&2; fi ;;
*" install "*)
    case $* in *--force-confold*) ;; *) exit 2 ;; esac
    [ -f SEEN/lists ] || { echo "E: Unable to locate package openmpi-bin" >&2; exit 100; }
    why=; reaches || why=$no_way
    [ ! -f SEEN/old ] || why="404  Not Found [IP: 151.101.2.132 80]"
    if [ -n "$why" ]; then echo "E: Failed to fetch http://deb.debian.org/debian/pool/o.deb  $why" >&2; exit 100; fi
    echo "Setting up openmpi-bin (4.1.4) ..."; touch SEEN/installed ;;
*" purge "*) rm -f SEEN/installed ;;
esac
"#;
const DPKG_QUERY: &str = r#"#!/bin/sh
case $* in
*" openmpi-bin") [ ! -f SEEN/installed ] || echo "ii " ;;
*) echo "ii libc6 2.36"; [ ! -f SEEN/installed ] || echo "ii openmpi-bin 4.1.4" ;;
esac
"#;

/// A node of which this is true.
fn node(is: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new(&worlds()[0]);
    let seen = sandbox.path("../seen");
    fs::create_dir(&seen).unwrap();
    for (name, text) in [("apt-get", APT), ("dpkg-query", DPKG_QUERY)] {
        sandbox.tool(name, &text.replace("SEEN", &seen));
    }
    is.iter().for_each(|name| fs::write(format!("{seen}/{name}"), "").unwrap());
    sandbox
}

fn packages() -> Vec<Primitive> {
    vec![Primitive::Packages { manager: "apt", names: vec!["openmpi-bin".into()], brings: None }]
}

fn calls(sandbox: &Sandbox) -> Vec<String> {
    fs::read_to_string(sandbox.path("../seen/calls")).unwrap().lines().map(str::to_owned).collect()
}

const ALONE: &str = "noninteractive, 1";

#[test]
fn lists_are_read_when_there_are_none_or_they_are_old() {
    let empty = node(&[]);
    let up = empty.up(&packages());
    assert!(up.success, "{up:?}");
    assert_eq!(up.said(), ["reading the package lists", "Setting up openmpi-bin (4.1.4) ..."]);
    assert_eq!(calls(&empty), ["update", "install"].map(|what| format!("{what} by '', {ALONE}")));

    let old = node(&["lists", "old"]);
    assert!(old.up(&packages()).success);
    assert_eq!(calls(&old), ["install", "update", "install"].map(|what| format!("{what} by '', {ALONE}")));
}

#[test]
fn a_node_without_a_way_to_its_mirrors_says_what_helps() {
    for is in [vec!["offline"], vec!["offline", "lists"], vec!["offline", "lists", "old"]] {
        let node = node(&is);
        let up = node.up(&packages());
        assert!(!up.success, "{is:?}");
        for part in
            ["Temporary failure resolving 'deb.debian.org'", "`mpiup up --via-operator`", "`source = \"wheels\"`"]
        {
            let other = if part.starts_with("Temp") && is.contains(&"old") { "404  Not Found" } else { part };
            assert!(up.stderr.contains(other), "{is:?}: {}", up.stderr);
        }
        assert!(node.down().success && node.is_clean());
    }
}

#[test]
fn through_the_operator_with_a_word_that_nobody_else_reads() {
    let node = node(&["offline"]);
    let through = |node: &Sandbox| -> Ran {
        let script = node.script(&packages());
        node.sh(&format!("mpiup_relay='http://mpiup:w0rd@127.0.0.1:40001/'\n{script}"))
    };
    let up = through(&node);
    assert!(up.success, "{up:?}");
    let by = format!("by 'http://mpiup:w0rd@127.0.0.1:40001/', {ALONE}");
    assert_eq!(calls(&node), [format!("update {by}"), format!("install {by}")]);
    let modes = fs::read_to_string(node.path("../seen/modes")).unwrap();
    assert_eq!(modes, format!("600 {0}\n600 {0}\n", shell::me()));
    assert!(!up.stdout.contains("w0rd") && !up.stderr.contains("w0rd"));
    // Nothing of it is left, beside the journal.
    let left = node.sh(&format!("grep -r w0rd {} || echo none", node.path("../var")));
    assert_eq!(left.stdout.trim(), "none");
    assert!(node.down().success && node.is_clean());
    assert!(script::prelude().contains("Acquire::http::Pipeline-Depth"));
}

/// sudo keeps a proxy from root that everybody on the node is told of.
#[test]
fn the_proxy_of_the_node_is_used() {
    let node = node(&["offline"]);
    fs::write(node.path("environment"), "PATH=/bin\nhttp_proxy=\"http://proxy.lan:3128\"\n").unwrap();
    let script = node.script(&packages()).replace("/etc/environment", &node.path("environment"));
    let up = node.sh(&format!("unset http_proxy\n{script}"));
    assert!(up.success, "{up:?}");
    assert_eq!(calls(&node)[0], format!("update by 'http://proxy.lan:3128', {ALONE}"));
}

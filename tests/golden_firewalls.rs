//! Rules of firewalls: the real shell, with firewalls that keep their rules in files and answer as the real ones do (ufw 0.36,
//! firewalld 1.3, nftables 1.0 and iptables 1.8 of Debian 12).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/child.rs"]
#[allow(dead_code, reason = "only the wait and the end are needed here")]
mod child;
#[path = "support/shell.rs"]
mod shell;

use std::{fs, io::Read as _, os::unix::fs::symlink, time::Duration};

use mpiup::changes::{Primitive, Text, script};
use shell::{Ran, Sandbox, worlds};

const FIREWALLS: [(&str, &str); 4] =
    [("ufw", ""), ("firewalld", "public"), ("nft", "inet filter input"), ("iptables", "INPUT")];

/// `LIVE` holds the rules in force, one a line, and `TREE` those of the files.
const UFW: &str = r#"#!/bin/sh
case $* in
"show added") echo "Added user rules (see 'ufw status' for running firewall):"; cat TREE/ufw/user.rules ;;
"prepend allow from "*" comment "*) { echo "ufw allow from $4 comment '$6'"; cat TREE/ufw/user.rules; } > LIVE.new ;;
"delete allow from "*) grep -v "^ufw allow from $4 " TREE/ufw/user.rules > LIVE.new ;;
*) echo "ERROR: Invalid syntax: $*" >&2; exit 1 ;;
esac
[ ! -f LIVE.new ] || { cat LIVE.new > TREE/ufw/user.rules; cat LIVE.new > LIVE; rm LIVE.new; }
"#;
/// Without LIVE it is not running.
const FIREWALL_CMD: &str = r#"#!/bin/sh
rules=LIVE
case $0 in
*offline*) rules=TREE/firewalld/zones/public.xml ;;
*) [ -f LIVE ] || { echo "FirewallD is not running" >&2; exit 252; } ;;
esac
for word; do
    case $word in
    --permanent) rules=TREE/firewalld/zones/public.xml ;;
    --zone=public) ;;
    --list-rich-rules) [ ! -f $rules ] || cat $rules ;;
    --add-rich-rule=*) echo "${word#*=}" >> $rules ;;
    --remove-rich-rule=*) grep -vxF "${word#*=}" $rules > LIVE.new; cat LIVE.new > $rules; rm LIVE.new ;;
    *) echo "unrecognized arguments: $word" >&2; exit 2 ;;
    esac
done
"#;
const NFT: &str = r##"#!/bin/sh
case $* in
"list chain inet filter input") ;;
"-a list chain inet filter input") cat LIVE ;;
"-f -")
    while read -r verb what family table chain rest; do
        case $verb in
        insert) echo "$((100 + $(grep -c . LIVE)))" > LIVE.handle
            { echo "		$rest # handle $(cat LIVE.handle)"; cat LIVE; } > LIVE.new ;;
        delete) grep -v " # $rest\$" LIVE > LIVE.new ;;
        *) echo "syntax error" >&2; exit 1 ;;
        esac
        cat LIVE.new > LIVE; rm -f LIVE.new LIVE.handle
    done ;;
*) echo "syntax error: $*" >&2; exit 1 ;;
esac
"##;
const IPTABLES: &str = r#"#!/bin/sh
verb=$1 chain=$2; shift 2
rule() { echo "-A INPUT -s $2/32 -m comment --comment \"$6\" -j ACCEPT"; }
case $verb in
-S) cat LIVE ;;
-I) { rule "$@"; cat LIVE; } > LIVE.new; cat LIVE.new > LIVE; rm LIVE.new ;;
-D) grep -vxF -- "$(rule "$@")" LIVE > LIVE.new; cat LIVE.new > LIVE; rm LIVE.new ;;
esac
"#;

/// A node behind this firewall, in which somebody has a rule already.
fn behind(firewall: &str, sandbox: &Sandbox) {
    let live = sandbox.path("../live");
    let (tool, text, rule) = match firewall {
        "ufw" => ("ufw", UFW, "ufw allow 22/tcp\n"),
        "firewalld" => ("firewall-cmd", FIREWALL_CMD, "rule service name=\"http\" accept\n"),
        "nft" => ("nft", NFT, "\t\ttcp dport 22 accept # handle 3\n"),
        _ => ("iptables", IPTABLES, "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"),
    };
    fs::write(&live, rule).unwrap();
    if firewall == "ufw" {
        fs::create_dir(sandbox.path("ufw")).unwrap();
        sandbox.file("ufw/user.rules", 0o640, rule.as_bytes());
    }
    if firewall == "firewalld" {
        fs::create_dir_all(sandbox.path("firewalld/zones")).unwrap();
    }
    if firewall == "iptables" {
        sandbox.tool("ip6tables", "#!/bin/sh\n");
    }
    let text = text.replace("LIVE", &live).replace("TREE", sandbox.path("").trim_end_matches('/'));
    if firewall == "firewalld" {
        sandbox.tool("firewall-offline-cmd", &text);
    }
    sandbox.tool(tool, &text);
}

fn live(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.path("../live")).unwrap()
}

fn rule(firewall: &'static str, place: &str, addresses: &[&str]) -> Primitive {
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Primitive::Firewall { firewall, place: place.into(), mark: "mpiup aula".into(), addresses }
}

fn everywhere(case: impl Fn(&Sandbox, &'static str, &'static str)) {
    for world in worlds() {
        for (firewall, place) in FIREWALLS {
            let sandbox = Sandbox::new(&world);
            behind(firewall, &sandbox);
            case(&sandbox, firewall, place);
        }
    }
}

#[track_caller]
fn good(ran: &Ran) {
    assert!(ran.success, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn what_is_let_in_is_let_out_again_and_nothing_else() {
    everywhere(|s, firewall, place| {
        let (before, stood) = (s.picture(), live(s));
        good(&s.up(&[rule(firewall, place, &["10.77.0.1", "10.77.0.3"])]));
        assert_eq!(s.journal(), [format!("firewall {firewall} {place}").trim_end()]);
        let now = live(s);
        assert!(now.contains("10.77.0.1") && now.contains("10.77.0.3") && now.contains(&stood), "{firewall}: {now}");

        // Made again, and for other nodes: one has left, another has come.
        good(&s.up(&[rule(firewall, place, &["10.77.0.1", "10.77.0.3"])]));
        let sorted = |text: &str| {
            let mut lines: Vec<String> =
                text.lines().map(|line| line.split(" # ").next().unwrap().to_owned()).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&live(s)), sorted(&now), "{firewall}");
        good(&s.up(&[rule(firewall, place, &["10.77.0.3", "10.77.0.4"])]));
        let now = live(s);
        assert!(!now.contains("10.77.0.1") && now.contains("10.77.0.4") && now.contains(&stood), "{firewall}: {now}");

        let down = s.down();
        good(&down);
        assert_eq!(down.results(), ["done"]);
        assert_eq!((live(s), s.picture()), (stood, before), "{firewall}");
        assert!(s.is_clean());
    });
}

/// What is read at its next start is given back all the same.
#[test]
fn a_firewalld_that_was_stopped_meanwhile_forgets_too() {
    for world in worlds() {
        let sandbox = Sandbox::new(&world);
        behind("firewalld", &sandbox);
        let theirs = "rule service name=\"http\" accept\n";
        sandbox.file("firewalld/zones/public.xml", 0o644, theirs.as_bytes());
        good(&sandbox.up(&[rule("firewalld", "public", &["10.77.0.1"])]));
        let later = || fs::read_to_string(sandbox.path("firewalld/zones/public.xml")).unwrap();
        assert!(later().contains("10.77.0.1"));
        fs::remove_file(sandbox.path("../live")).unwrap();
        let down = sandbox.down();
        good(&down);
        assert_eq!(down.results(), ["done"]);
        assert_eq!(later(), theirs);
        assert!(sandbox.is_clean());
    }
}

/// The share is still mounted somewhere: without the rule its user would hang at the next connection.
#[test]
fn who_has_the_share_mounted_is_let_in_on() {
    everywhere(|s, firewall, place| {
        let stood = live(s);
        fs::create_dir_all(s.path("nftables.d")).unwrap();
        let at_boot = Primitive::File {
            path: s.path("nftables.d/zz-mpiup-aula-inet-filter-input.nft"),
            mode: "644",
            owner: shell::me(),
            content: Text::new("# rules\n"),
            check: None,
        };
        good(&s.up(&[rule(firewall, place, &["10.77.0.3"]), at_boot]));
        let now = live(s);
        let down = s.sh(&script::undo(&s.state(), true, "client2"));
        assert_eq!(down.results(), ["kept", "kept"], "{firewall}: {down:?}");
        assert!(down.is_held());
        let said = "the firewall goes on letting the other nodes in, because the share is still mounted on client2";
        assert_eq!(down.said(), [said, said]);
        assert_eq!(live(s), now);
        assert!(fs::exists(s.path("nftables.d/zz-mpiup-aula-inet-filter-input.nft")).unwrap());
        assert_eq!(s.down().results(), ["done", "done"]);
        assert_eq!(live(s), stood);
        assert!(s.is_clean());
    });
}

#[test]
fn what_somebody_changed_since_stays() {
    everywhere(|s, firewall, place| {
        good(&s.up(&[rule(firewall, place, &["10.77.0.1"])]));
        let theirs = match firewall {
            "firewalld" => "rule service name=\"nfs\" accept\n",
            "nft" => "\t\ttcp dport 80 accept # handle 9\n",
            _ => "their rule\n",
        };
        for file in ["../live", "ufw/user.rules", "firewalld/zones/public.xml"].map(|name| s.path(name)) {
            if let Ok(text) = fs::read_to_string(&file) {
                fs::write(&file, text + theirs).unwrap();
            }
        }
        good(&s.down());
        let now = live(s);
        assert!(now.contains(theirs) && !now.contains("10.77.0.1"), "{firewall}: {now}");
        if firewall == "ufw" {
            assert_eq!(fs::read_to_string(s.path("ufw/user.rules")).unwrap(), now);
        }
    });
}

/// Under guard: nobody gets through any more, so the rule goes; and what was let in before stays so.
#[test]
fn a_rule_that_nobody_confirms_goes() {
    let refused = |s: &Sandbox, rule: &Primitive| {
        let mut script = s.start_guarded(rule, 60);
        let (mut said, mut byte) = (Vec::new(), [0]);
        while !String::from_utf8_lossy(&said).contains(" confirm ln -s confirmed ") {
            script.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
            said.push(byte[0]);
        }
        symlink("refused", s.guard().join("decision")).unwrap();
        let ran = Ran::of(child::finish(script, "the script", Duration::from_secs(60)));
        assert!(!ran.success && ran.stderr.contains("was taken back"), "{}{}", ran.stdout, ran.stderr);
        child::wait_until("the switch has ended", Duration::from_secs(30), || s.processes().is_empty());
    };
    everywhere(|s, firewall, place| {
        let (before, stood) = (s.picture(), live(s));
        refused(s, &rule(firewall, place, &["10.77.0.1"]));
        assert_eq!((live(s), s.picture(), s.journal()), (stood, before, vec![]), "{firewall}");

        good(&s.up(&[rule(firewall, place, &["10.77.0.1"])]));
        refused(s, &rule(firewall, place, &["10.77.0.3"]));
        let now = live(s);
        assert!(now.contains("10.77.0.1") && !now.contains("10.77.0.3"), "{firewall}: {now}");
        assert_eq!(s.journal(), [format!("firewall {firewall} {place}").trim_end()]);
    });
}

/// A firewall that refuses a rule is named, and nothing is left of the attempt but its entry, which `down` takes.
#[test]
fn ufw_that_knows_better_is_told() {
    let s = Sandbox::new(&worlds()[0]);
    behind("ufw", &s);
    s.tool("ufw", "#!/bin/sh\ncase $1 in show) ;; *) echo 'Skipping inserting existing rule' ;; esac\n");
    let up = s.up(&[rule("ufw", "", &["10.77.0.1"])]);
    assert!(!up.success && up.stderr.contains("ufw has a rule of its own about 10.77.0.1"), "{}", up.stderr);
    good(&s.down());
    assert!(s.is_clean());
}

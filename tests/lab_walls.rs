//! Firewalls: on nodes that drop what they do not know, each with another firewall, `up` ends in a cluster, what is not of the
//! cluster stays out, and `down` leaves every rule as it was. Looked at by plain connections, and by the firewalls' own words.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

use std::sync::atomic::{AtomicU16, Ordering};

use support::{Operator, TestLab, walls};

const INSTALL: &str =
    "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends";

/// ufw, with a file that nobody wrote yet; and log-ins for everybody, but not too many.
const UFW: &str = "ufw limit 22/tcp && ufw --force enable && ufw status | grep -q 'Status: active'";

/// firewalld without systemd, as its package leaves it: log-ins alone are let in.
const FIREWALLD: &str = "mkdir -p /run/dbus && dbus-daemon --system --fork && { setsid firewalld --nofork --nopid >/dev/null 2>&1 </dev/null & }; \
     n=0; until [ \"$(firewall-cmd --state 2>/dev/null)\" = running ]; do n=$((n+1)); [ $n -lt 60 ] || exit 1; sleep 1; done";

/// What nobody keeps: rules of iptables alone.
const IPTABLES: &str = "iptables -A INPUT -i lo -j ACCEPT && iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT && \
     iptables -A INPUT -p tcp --dport 22 -j ACCEPT && iptables -P INPUT DROP";

const RULES: &str = "nft -s list ruleset 2>/dev/null; iptables -S 2>/dev/null; cd /etc && find ufw firewalld nftables.d nftables.conf -type f -exec sha256sum {} + \
     -exec stat -c '%n %a %U %Y' {} + 2>/dev/null | sort";

/// Whether a port that a node opens is reached by another one that comes from this address.
fn reaches(lab: &TestLab, from: &str, source: &str, to: &str, address: &str) -> bool {
    static PORT: AtomicU16 = AtomicU16::new(20_000);
    let port = PORT.fetch_add(1, Ordering::Relaxed);
    let listen = format!("import socket; socket.create_server((\"{address}\", {port})).accept()");
    lab.inside(to, &format!("timeout 30 python3 -c '{listen}' >/dev/null 2>&1 & sleep 1"));
    let connect = format!("import socket; socket.create_connection((\"{address}\", {port}), 5, (\"{source}\", 0))");
    lab.inside(from, &format!("python3 -c '{connect}' 2>/dev/null && echo yes || echo no")) == "yes"
}

#[test]
fn nodes_that_drop_each_others_packets_become_a_cluster() {
    let lab = lab!(5);
    let walled = ["master", "client1", "client3", "client4"];
    let set_up = [
        format!(
            "{INSTALL} nftables && {}nft -f /etc/nftables.conf",
            walls::nftables("ip saddr 10.77.0.1-10.77.0.5 counter drop")
        ),
        format!("{INSTALL} ufw nftables && {UFW}"),
        format!("{INSTALL} firewalld dbus && {FIREWALLD}"),
        format!("{INSTALL} iptables && {IPTABLES}"),
    ];
    walled.iter().zip(&set_up).for_each(|(node, script)| drop(lab.inside(node, script)));
    let rules = || walled.map(|node| lab.inside(node, RULES));
    let before = rules();
    assert!(before[0].contains("policy drop") && before[1].contains("policy drop"), "{before:?}");
    let addresses = ["10.77.0.1", "10.77.0.2", "10.77.0.4", "10.77.0.5"];
    let reached = |source: &str| {
        let ways = walled.iter().zip(addresses);
        ways.filter(|(node, address)| reaches(&lab, "client2", source, node, address)).count()
    };
    assert_eq!(reached("10.77.0.3"), 0);

    let operator = Operator::new(&lab, "wheels");
    let plan = operator.plan();
    let of_firewalls = |node: &str| -> Vec<String> {
        let what = plan.node(node).what().into_iter();
        what.filter(|what| what.contains("firewall") || what.contains(".nft")).map(str::to_owned).collect()
    };
    assert_eq!(
        of_firewalls("master"),
        [
            "firewall nft (inet filter input): a rule that lets in the other nodes",
            "file /etc/nftables.d/zz-mpiup-aula-inet-filter-input.nft"
        ]
    );
    assert_eq!(of_firewalls("client1"), ["firewall ufw: a rule that lets in the other nodes"]);
    assert_eq!(of_firewalls("client2"), [""; 0]);
    assert_eq!(of_firewalls("client3"), ["firewall firewalld (public): a rule that lets in the other nodes"]);
    assert_eq!(of_firewalls("client4"), ["firewall iptables (INPUT): a rule that lets in the other nodes"]);
    assert_eq!(rules(), before, "a plan changes nothing");

    operator.up();
    assert_eq!(operator.plan().changes, 0);
    let job = "cd MPI && mpiexec -n 5 --map-by ppr:1:node -hostfile hosts python ~/.mpiup/verify.py";
    let ranks = lab.says("master", &format!("runuser -u mpi -- ssh master '{job}'"));
    assert_eq!(ranks.matches("mpiup-verify ").count(), 5, "{ranks}");
    assert_eq!(reached("10.77.0.3"), 4);
    // What is no node is kept out as before.
    lab.inside("client2", "ip addr add 10.77.9.9/16 dev eth0");
    assert_eq!(reached("10.77.9.9"), 0);
    lab.inside("client2", "ip addr del 10.77.9.9/16 dev eth0");

    // As at the next boot; what nobody keeps is told in the plan, and stays while the node runs.
    lab.inside("master", "nft -f /etc/nftables.conf");
    lab.inside("client1", "/lib/ufw/ufw-init restart");
    lab.inside("client3", "firewall-cmd --reload");
    assert_eq!(reached("10.77.0.3"), 4);
    assert_eq!(operator.plan().changes, 0);

    operator.down(&[]);
    assert_eq!(rules(), before);
}

/// A rule that is stronger than any that lets in, or a firewall between the nodes, is named.
#[test]
fn a_firewall_that_mpiup_cannot_open_is_named() {
    let lab = lab!(3);
    lab.inside("client2", &format!("{INSTALL} nftables"));
    let wall = "add table ip far\nadd chain ip far wall { type filter hook input priority -10 ; }\n\
                add rule ip far wall ip saddr { 10.77.0.1, 10.77.0.2 } tcp dport != 22 drop\n";
    lab.inside("client2", &format!("printf '%s' '{wall}' | nft -f -"));
    let operator = Operator::new(&lab, "wheels");
    let up = operator.mpiup(&["up", "--yes"]);
    assert_eq!(up.code, 1, "{up:?}");
    let said = up.said();
    assert!(said.contains("client2: a firewall keeps out what master sends"), "{}", up.stderr);
    assert!(said.contains("2 of 3 nodes can be used; left out: client2"), "{}", up.stderr);
    lab.inside("client2", "nft delete table ip far");
    operator.up();
    operator.down(&[]);
}

//! A node that has another address: found by its pinned host key alone, and a machine with another key stays refused.

use std::fs;

use crate::{
    members::reaches,
    support::{Operator, TestLab, child, test_lab::MPIUP},
};

/// An operator who reaches the nodes by their addresses, and has pinned their keys.
fn by_addresses(lab: &TestLab) -> Operator<'_> {
    let operator = Operator::without_spec(lab);
    let known = operator.folder().join("known_hosts");
    let pins: String =
        lab.lab.machines().iter().map(|machine| format!("{} {}\n", machine.address, machine.host_key)).collect();
    fs::write(&known, pins).unwrap();
    let config = operator.folder().join("ssh_config");
    let state = lab.state();
    let text = format!(
        "Host *.*.*.*\n    User root\n    IdentityFile {state}/key\n    IdentitiesOnly yes\n    UserKnownHostsFile {known}\n    GlobalKnownHostsFile none\n    ProxyCommand {MPIUP} lab connect --name {name} %h %p\n    ProxyUseFdpass yes\n",
        state = state.display(),
        known = known.display(),
        name = lab.name
    );
    fs::write(&config, text).unwrap();
    let nodes: String = lab
        .lab
        .machines()
        .iter()
        .map(|machine| format!("{} = \"{}\"  # {}\n", machine.name, machine.address, machine.name))
        .collect();
    operator.set_spec(&format!(
        "[cluster]\nname = \"aula\"\n[ssh]\nconfig = \"{}\"\n[nodes]\n{nodes}[python]\nrequirements = [\"mpi4py\"]\n",
        config.display()
    ));
    operator
}

#[test]
fn a_node_is_found_at_another_address_by_its_pinned_host_key() {
    let lab = lab!(3);
    let operator = by_addresses(&lab);
    operator.up();
    let old = lab.lab.machines()[1].address.to_string();
    let beside = |last: u8| format!("{}.{last}", old.rsplit_once('.').unwrap().0);
    let (first, second) = (&beside(114), &beside(115));
    moves(&lab, &old, first);

    // Somebody else has the old address: nothing is sent to that machine, and it is nobody's but named.
    lab.inside("client2", &format!("ip address add {old}/16 dev eth0"));
    forget(&lab);
    let status = operator.mpiup(&["status"]);
    assert_eq!(status.code, 1, "{status:?}");
    assert!(status.stderr.contains(&format!("the host key of {old} is not the one that is pinned")), "{status:?}");
    assert!(status.stderr.contains("Or has its address changed?"), "{}", status.stderr);
    lab.inside("client2", &format!("ip address del {old}/16 dev eth0"));

    // Nobody has heard of the new address: it takes a search, which is offered.
    let ran = operator.mpiup(&["up", "--yes", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.json()["left_out"]["client1"].is_string(), "{}", ran.stderr);
    assert!(ran.stderr.contains("`mpiup up --find` looks for its host key"), "{}", ran.stderr);
    let spec = operator.spec();
    let ran = operator.mpiup(&["up", "--yes", "--find", "--json"]).succeeded();
    assert!(ran.stderr.contains(&format!("client1 answers at {first} now, not at {old}")), "{}", ran.stderr);
    assert_eq!(operator.spec(), spec.replace(&old, first), "one address changed, and no comment");
    all_reach(&lab, &operator, first, &old);

    // A node that others have talked to is found without a search, and `plan` shows what follows and writes nothing.
    moves(&lab, first, second);
    lab.says("master", &format!("ping -c 1 -W 5 {second} >/dev/null || ssh-keyscan {second} >/dev/null 2>&1"));
    let plan = operator.mpiup(&["plan"]);
    assert_eq!(plan.code, 3, "{plan:?}");
    assert!(plan.stderr.contains(&format!("client1 answers at {second} now, not at {first}")), "{plan:?}");
    assert!(operator.spec().contains(first), "only `up` writes");

    // The same key pinned for nobody is no proof: the operator's own pin is gone.
    let known = operator.folder().join("known_hosts");
    let pins = fs::read_to_string(&known).unwrap();
    let others = pins.lines().filter(|line| ![first, &old].contains(&&line.split(' ').next().unwrap().to_owned()));
    fs::write(&known, others.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let plan = operator.mpiup(&["plan"]);
    assert_eq!(plan.code, 1, "{plan:?}");
    assert!(!plan.stderr.contains("answers at"), "{plan:?}");
    fs::write(&known, pins).unwrap();
    operator.mpiup(&["up", "--yes"]).succeeded();
    all_reach(&lab, &operator, second, first);
    operator.down(&[]);
}

/// As a room full of machines does when its router forgot them: found without a search, for they are where others were.
#[test]
fn nodes_that_took_each_other_s_addresses_are_told_apart() {
    let lab = lab!(3);
    let operator = by_addresses(&lab);
    operator.up();
    let [client1, client2] = [1, 2].map(|at| lab.lab.machines()[at].address.to_string());
    lab.inside("client2", &format!("ip address del {client2}/16 dev eth0"));
    lab.inside("client1", &format!("ip address del {client1}/16 dev eth0 && ip address add {client2}/16 dev eth0"));
    forget(&lab);
    // Where the other one went is not known yet.
    let plan = operator.mpiup(&["plan"]);
    assert_eq!(plan.code, 1, "{plan:?}");
    let said = format!("A machine with its host key was seen at {client2}, the address of client2 in mpiup.toml");
    assert!(plan.stderr.split_whitespace().collect::<Vec<_>>().join(" ").contains(&said), "{}", plan.stderr);

    lab.inside("client2", &format!("ip address add {client1}/16 dev eth0"));
    forget(&lab);
    let (spec, known) = (operator.spec(), operator.folder().join("known_hosts"));
    let pins =
        || fs::read_to_string(&known).unwrap().lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let before = pins();
    operator.mpiup(&["up", "--yes", "--json"]).succeeded();
    let swap = |text: &str| text.replace(&client1, "THERE").replace(&client2, &client1).replace("THERE", &client2);
    assert_eq!(operator.spec(), swap(&spec), "each line keeps its place and its comment");
    assert_eq!(pins(), before.iter().map(|line| swap(line)).collect(), "no machine keeps the other's pin");
    for (name, address) in [("client1", &client2), ("client2", &client1)] {
        assert_eq!(lab.says("master", &format!("getent hosts {name} | cut -d ' ' -f 1")), **address);
        assert_eq!(lab.says("master", &format!("runuser -l mpi -c 'ssh {name} hostname'")), name);
    }
    assert_eq!(lab.says("master", "wc -l < /home/mpi/.ssh/mpiup_aula.known_hosts"), "3");
    operator.mpiup(&["status"]).succeeded();
    assert_eq!(operator.plan().changes, 0);
    operator.down(&[]);
}

fn moves(lab: &TestLab, from: &str, to: &str) {
    lab.inside("client1", &format!("ip address del {from}/16 dev eth0 && ip address add {to}/16 dev eth0"));
    forget(lab);
}

/// Nobody remembers whose address is whose: neither the nodes nor the operator's computer.
fn forget(lab: &TestLab) {
    for node in lab.nodes() {
        lab.inside(&node, "ip neigh flush all");
    }
    let state = fs::read_to_string(lab.state().join("state.json")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    let network = format!("--net=/proc/{}/ns/net", state["keeper"]["pid"]);
    let mut flush = child::program("nsenter");
    assert!(flush.args([&network, "ip", "neigh", "flush", "all"]).status().unwrap().success());
}

/// Every node has the new address and not the old one, the guide's command works, and the next command asks nobody.
fn all_reach(lab: &TestLab, operator: &Operator<'_>, new: &str, old: &str) {
    for node in ["master", "client2"] {
        let places =
            "/etc/hosts /home/mpi/.ssh/config /home/mpi/.ssh/authorized_keys /home/mpi/.ssh/mpiup_aula.known_hosts";
        let count = |address: &str| lab.says(node, &format!("grep -lwF {address} {places} | wc -l"));
        assert_eq!((count(new).as_str(), count(old).as_str()), ("4", "0"), "{node}");
    }
    reaches(lab, &["master", "client1", "client2"]);
    operator.mpiup(&["status"]).succeeded();
}

//! Promises 1, 2, 3 and 7 over the whole way of a cluster: plan, up, up again, plain commands, down.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    plain,
    support::{
        Operator, TestLab,
        plan::{self, NodePlan, Plan, array},
        tree::{self, Snapshot},
    },
};

#[test]
fn with_wheels_the_plan_tells_all_up_is_idempotent_and_down_gives_everything_back() {
    let lab = lab!(3);
    plain::add_other_networks(&lab);
    whole(&lab, "wheels", |_| false);
}

#[test]
fn with_packages_too() {
    let lab = lab!(3);
    plain::add_other_networks(&lab);
    keep_what_apt_keeps(&lab);
    let openmpi = lab.says("client1", "dpkg-query -W 2>/dev/null | grep -c openmpi || true");
    assert_eq!(openmpi, "0", "this computer has Open MPI itself, so that nothing would be installed");
    whole(&lab, "distro", tree::stays_after_apt);
}

/// apt as Debian installs it. Images for containers tell it to throw away caches and downloads, which would hide what is
/// left of them.
fn keep_what_apt_keeps(lab: &TestLab) {
    for node in lab.nodes() {
        lab.inside(&node, "rm -f /etc/apt/apt.conf.d/docker-*");
    }
}

fn whole(lab: &TestLab, source: &str, expected: impl Fn(&str) -> bool) {
    let operator = Operator::new(lab, source);
    let before = tree::look(lab);

    let began = tree::now(lab, "client1");
    let plan = operator.plan();
    assert_eq!(tree::touched_since(lab, "client1", &began), [""; 0], "`plan` changed something");
    let report = operator.up();
    assert_eq!(report["changes"], plan.changes);
    assert_eq!(*array(&report["ready"]), lab.nodes());

    let after = tree::look(lab);
    for ((node, before), after) in plan.nodes.iter().zip(&before).zip(&after) {
        journal_is_the_plan(lab, node);
        nothing_else_changed(lab, node, before, after);
    }
    contents_are_the_plans(lab, &plan);
    plain::only_the_shared_network_is_used(lab);

    let again = lab.nodes().iter().map(|node| tree::now(lab, node)).collect::<Vec<_>>();
    let log_ins = log_ins(lab);
    assert_eq!(operator.plan().changes, 0);
    assert_eq!(operator.up()["changes"], 0);
    let more: Vec<usize> = self::log_ins(lab).iter().zip(log_ins).map(|(now, before)| now - before).collect();
    // One for `plan`, one for `up`; and one on the head node, since the proof is made over a fresh connection.
    assert_eq!(more, [3, 2, 2], "log-ins of the operator's on each node");
    for (node, since) in lab.nodes().iter().zip(&again) {
        assert_eq!(tree::touched_since(lab, node, since), [""; 0], "the second `up` touched {node}");
    }

    operator.mpiup(&["sync"]).succeeded();
    plain::commands_work(lab);

    operator.down(&[]);
    for ((node, before), after) in lab.nodes().iter().zip(&before).zip(&tree::look(lab)) {
        before.assert_restored(node, after, &expected);
    }
    assert_eq!(operator.plan().changes, plan.changes, "the machines are bare again");
}

/// How often root, as whom the operator comes, has logged in on each node; read without a log-in.
fn log_ins(lab: &TestLab) -> Vec<usize> {
    let count = |node: &String| lab.inside(node, "grep -c 'Accepted [a-z]* for root ' /run/sshd.log").parse().unwrap();
    lab.nodes().iter().map(count).collect()
}

/// Promise 1: the plan shown is the journal written, in its order.
fn journal_is_the_plan(lab: &TestLab, plan: &NodePlan) {
    let journal = lab.says(&plan.node, "for entry in /var/lib/mpiup/aula/journal/*; do cat $entry/what; done");
    assert_eq!(journal.lines().collect::<Vec<_>>(), plan.what(), "the journal of {}", plan.node);
}

/// Promise 1: every path that is not what it was stands in the plan.
fn nothing_else_changed(lab: &TestLab, plan: &NodePlan, before: &Snapshot, after: &Snapshot) {
    let new: BTreeSet<&str> =
        after.packages.keys().filter(|name| !before.packages.contains_key(*name)).map(|name| bare(name)).collect();
    assert_eq!(new, plan.new_packages().into_iter().collect(), "packages that came to {}", plan.node);
    let newer =
        after.packages.iter().filter(|(name, version)| before.packages.get(*name).is_some_and(|v| v != *version));
    let newer: BTreeSet<&str> = newer.map(|(name, _)| bare(name)).collect();
    assert_eq!(newer, plan.newer_packages().into_iter().collect(), "packages that became newer on {}", plan.node);
    let changed: Vec<&str> = new.into_iter().chain(newer).collect();
    let files = match changed[..] {
        [] => BTreeSet::new(),
        _ => lab.says(&plan.node, &format!("dpkg -L {}", changed.join(" "))).lines().map(str::to_owned).collect(),
    };
    // Debian's /lib is /usr/lib, and dpkg knows either name. Links like /usr/bin/mpicc are dpkg's alternatives, and the
    // installation script of the headers makes links for compilers of Fortran.
    let alternatives =
        |path: &str| after.entry(path).is_some_and(|entry| entry.content.starts_with("/etc/alternatives/"));
    let of_packages = |path: &str| {
        let named = files.contains(path) || files.contains(path.strip_prefix("/usr").unwrap_or(path));
        named || path.contains("/fortran/x86_64-linux-gnu-gfortran-") || alternatives(path)
    };
    let unexplained = plan::unexplained(plan, before.differences(after), of_packages);
    assert!(unexplained.is_empty(), "the plan of {} says nothing of:\n{}", plan.node, tree::lines(&unexplained));
    assert_eq!(before.listening, after.listening, "who listens on {}", plan.node);
}

/// `libevent-2.1-7:amd64` without the architecture, as a plan names it.
fn bare(name: &str) -> &str {
    name.split(':').next().unwrap_or_default()
}

/// Promise 1: files and blocks hold the lines that the plan showed, with the mode and owner that it showed.
fn contents_are_the_plans(lab: &TestLab, plan: &Plan) {
    let keys: BTreeMap<String, String> = lab
        .nodes()
        .into_iter()
        .map(|node| (node.clone(), lab.says(&node, "cat /home/mpi/.ssh/mpiup_aula.pub")))
        .collect();
    for node in &plan.nodes {
        let changes: Vec<&Value> = node.of_kind("file").chain(node.of_kind("block")).collect();
        let paths: Vec<&str> = changes.iter().map(|change| plan::text(&change["path"])).collect();
        let show = format!("for file in {}; do stat -c '%a %U' $file; cat $file; echo == end; done", paths.join(" "));
        let shown = lab.script(&node.node, &show) + "\n";
        for (change, shown) in changes.into_iter().zip(shown.split("== end\n")) {
            let (path, content) = (plan::text(&change["path"]), node.content(plan::text(&change["key"]), &keys));
            let (attributes, text) = shown.split_once('\n').unwrap();
            if change["primitive"] == "file" {
                assert_eq!(text, content, "{path} on {}", node.node);
                let wanted = format!("{} {}", plan::text(&change["mode"]), plan::text(&change["owner"]));
                assert_eq!(attributes, wanted, "{path} on {}", node.node);
            } else {
                let block = format!("# >>> mpiup aula >>>\n{content}# <<< mpiup aula <<<\n");
                assert!(text.contains(&block), "{path} on {}: {block}is not in:\n{text}", node.node);
            }
        }
    }
}

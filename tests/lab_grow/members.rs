//! A node joins, leaves, cannot be reached when it leaves, and the head node leaves.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Operator, TestLab, plan::array, tree};

/// What the nodes that are there already learn of another one: nothing else changes on them.
const LEARNED: [&str; 5] = [
    "block in /etc/hosts",
    "block in /home/mpi/.ssh/authorized_keys",
    "file /home/mpi/.ssh/mpiup_aula.known_hosts",
    "block in /home/mpi/.ssh/config",
    "file /home/mpi/MPI/hosts",
];

#[test]
fn nodes_join_and_leave_and_the_others_change_where_it_is_due() {
    let lab = lab!(3);
    let operator = Operator::new(&lab, "wheels");
    let (three, two) = (operator.spec(), without(&operator.spec(), "client2"));
    let before = tree::look(&lab);
    operator.set_spec(&two);
    operator.up();

    joins(&operator);
    leaves_by_another_operator(&lab, &two);
    before[2].assert_restored("client2", &tree::look(&lab)[2], |_| false);
    knows_only(&lab, &["master", "client1"]);

    // It joins again, and is away when it leaves.
    operator.set_spec(&three);
    operator.up();
    lab.inside("client2", "service ssh stop");
    operator.set_spec(&two);
    let ran = operator.mpiup(&["up", "--yes", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(ran.json()["not_taken_back"], serde_json::json!(["client2"]), "{}", ran.stderr);
    assert!(ran.stderr.contains("`mpiup down --cluster aula client2` takes it back"), "{}", ran.stderr);
    knows_only(&lab, &["master", "client1"]);
    operator.mpiup(&["up", "--yes"]).succeeded();
    lab.inside("client2", "service ssh start");
    operator.mpiup(&["down", "--cluster", "aula", "client2", "--yes"]).succeeded();
    // sshd began anew.
    before[2].assert_restored("client2", &tree::look(&lab)[2], |path| path.starts_with("/run/"));

    // The head node leaves, and client1 is all that stays; then nothing.
    operator.set_spec(&without(&two, "master").replace("head = \"master\"", "head = \"client1\""));
    let ran = operator.mpiup(&["up", "--yes"]).succeeded();
    assert!(ran.stderr.contains("master was the head node until now, and client1 becomes it"), "{}", ran.stderr);
    assert!(ran.stderr.contains("only client1 stays in the cluster"), "{}", ran.stderr);
    before[0].assert_restored("master", &tree::look(&lab)[0], |_| false);
    knows_only(&lab, &["client1"]);
    operator.down(&[]);
    before[1].assert_restored("client1", &tree::look(&lab)[1], |_| false);
}

fn joins(operator: &Operator<'_>) {
    let lab = operator.lab;
    let environment = |node: &str| lab.says(node, "stat -c '%i %Z' /home/mpi/.mpiup/env");
    let environments = ["master", "client1"].map(environment);
    let two = operator.spec();
    operator.mpiup(&["init", "--add", "client2"]).succeeded();
    assert_eq!(without(&operator.spec(), "client2"), two, "one line more, and nothing else");
    let plan = operator.plan();
    for node in ["master", "client1"] {
        assert_eq!(plan.node(node).what(), LEARNED, "{node}");
    }
    operator.up();
    assert_eq!(["master", "client1"].map(environment), environments, "no environment was unpacked again");
    knows_only(lab, &["master", "client1", "client2"]);
    assert_eq!(operator.plan().changes, 0);
}

/// Who removes the node has never seen the cluster before, and has nothing but the new mpiup.toml.
fn leaves_by_another_operator(lab: &TestLab, two: &str) {
    let other = Operator::without_spec(lab);
    other.set_spec(two);
    let shown = other.mpiup(&["plan"]);
    assert_eq!(shown.code, 3, "{shown:?}");
    let first = shown.stdout.lines().next().unwrap();
    assert_eq!(first, "client2 (client2), which is no longer in mpiup.toml: taken back first");
    assert!(shown.stdout.contains("  - account mpi (uid"), "{}", shown.stdout);
    let plan = other.mpiup(&["plan", "--json"]).json();
    assert_eq!(plan["leaving"][0]["node"], "client2", "{plan}");
    for node in array(&plan["nodes"]) {
        let what: Vec<&Value> = array(&node["changes"]).iter().map(|change| &change["what"]).collect();
        assert_eq!(what, LEARNED, "{node}");
    }
    let status = other.mpiup(&["status"]);
    assert_eq!(status.code, 3, "{status:?}");
    assert_eq!(lab.says("client2", "id -un mpi"), "mpi", "nothing was changed yet");
    other.mpiup(&["up", "--yes"]).succeeded();
    assert_eq!(other.plan().changes, 0);
    assert_eq!(array(&other.mpiup(&["plan", "--json"]).json()["leaving"]), &Vec::<Value>::new());
}

/// The guide's command, typed on the first of these nodes, reaches all of them and no other.
pub fn reaches(lab: &TestLab, nodes: &[&str]) {
    let program = "from mpi4py import MPI; import platform; print(MPI.COMM_WORLD.gather(platform.node()) or \"\")";
    let ranks = nodes.len();
    let head = nodes[0];
    let typed = format!("cd MPI && mpiexec -hostfile hosts -n {ranks} --map-by ppr:1:node python -c '{program}'");
    let said = lab.says(&format!("mpi@{head}"), &typed);
    let seen: BTreeSet<&str> = said.split('\'').filter(|word| lab.nodes().iter().any(|node| node == word)).collect();
    assert_eq!(seen, nodes.iter().copied().collect(), "{said}");
}

/// The same, and no file of theirs names another one.
fn knows_only(lab: &TestLab, nodes: &[&str]) {
    reaches(lab, nodes);
    let others: Vec<String> = lab.nodes().into_iter().filter(|node| !nodes.contains(&node.as_str())).collect();
    for node in nodes {
        for other in &others {
            let names = format!("grep -rlw {other} /etc/hosts /home/mpi/.ssh /home/mpi/MPI/hosts || true");
            assert_eq!(lab.says(node, &names), "", "{node} still names {other}");
        }
    }
}

fn without(spec: &str, node: &str) -> String {
    let is_its = |line: &&str| line.split_once('=').is_some_and(|(key, _)| key.trim() == node);
    spec.lines().filter(|line| !is_its(line)).map(|line| format!("{line}\n")).collect()
}

//! Promise 6: "ready" is said only of nodes over which a job ran; who cannot take part is named, and comes in when it can.

use serde_json::Value;

use crate::support::{Operator, Ran, TestLab, plan::array};

#[test]
fn who_cannot_take_part_is_named_the_others_are_proved_and_it_comes_in_later() {
    let lab = lab!(3);
    let operator = Operator::new(&lab, "wheels");
    operator.up();
    operator.mpiup(&["sync"]).succeeded();
    processes_over(&lab, &["master", "client1", "client2"]);

    // It can be reached and looks as it should, but the launcher's daemon does not start there.
    let daemon = "/home/mpi/.mpiup/env/bin/prted";
    lab.inside("client2", &format!("mv {daemon} {daemon}.away"));
    is_left_out(&operator, "client2");
    lab.inside("client2", &format!("mv {daemon}.away {daemon}"));
    all_are_ready(&operator);

    lab.inside("client2", "ip link set eth0 down");
    is_left_out(&operator, "client2");
    lab.inside("client2", "ip link set eth0 up");
    all_are_ready(&operator);

    lab.inside("client1", "service ssh stop");
    is_left_out(&operator, "client1");
    lab.inside("client1", "service ssh start");
    all_are_ready(&operator);

    lab.inside("master", "service ssh stop");
    let ran = operator.mpiup(&["up", "--yes", "--json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("master") && ran.stderr.contains("the head node cannot be used"), "{}", ran.stderr);
    assert!(!is_called_ready(&ran), "{}", ran.stderr);
}

/// What was said; `up` fails and names the node; the other two are called ready, and over them the plain command runs.
pub fn is_left_out(operator: &Operator<'_>, node: &str) -> String {
    was_left_out(operator, node, operator.mpiup(&["up", "--yes", "--json"]))
}

/// The same of an `up` that has ended.
pub fn was_left_out(operator: &Operator<'_>, node: &str, ran: Ran) -> String {
    let others: Vec<String> = operator.lab.nodes().into_iter().filter(|name| name != node).collect();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let report = ran.json();
    let left_out: Vec<&str> = report["left_out"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((left_out, names(&report["ready"])), (vec![node], others.clone()), "{}", ran.stderr);
    assert_eq!(names(&report["proof"]["nodes"]), others);
    let last = ran.stderr.lines().filter(|line| line.contains(node) && line.contains("left out")).count();
    assert_eq!(last, 1, "one line says who is left out: {}", ran.stderr);
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    processes_over(operator.lab, &others);
    ran.stderr
}

pub fn all_are_ready(operator: &Operator<'_>) {
    let ran = operator.mpiup(&["up", "--yes", "--json"]).succeeded();
    assert_eq!(names(&ran.json()["ready"]), operator.lab.nodes());
    assert!(is_called_ready(&ran), "{}", ran.stderr);
    processes_over(operator.lab, &["master", "client1", "client2"]);
}

fn is_called_ready(ran: &Ran) -> bool {
    ran.stderr.contains(" is ready")
}

/// The guide's command over plain ssh reaches these machines and no others.
fn processes_over(lab: &TestLab, machines: &[&str]) {
    let said = lab.says("mpi@master", "cd MPI && mpiexec -hostfile hosts python ejemplo.py");
    let mut sorted = machines.to_vec();
    sorted.sort_unstable();
    let wanted = format!("machines: {}", sorted.join(", "));
    assert!(said.lines().last().is_some_and(|line| line.ends_with(&wanted)), "{wanted}: {said}");
}

fn names(value: &Value) -> Vec<String> {
    array(value).iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

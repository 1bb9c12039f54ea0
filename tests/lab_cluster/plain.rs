//! Promise 7: what a person types over plain ssh, with no flag and with no mpiup in the way.

use std::collections::BTreeSet;

use crate::support::TestLab;

/// The guide's own command on each node, and logins from each node to each.
pub fn commands_work(lab: &TestLab) {
    for from in lab.nodes() {
        let login = format!("mpi@{from}");
        let said = lab.says(&login, "cd MPI && mpiexec -hostfile hosts python ejemplo.py");
        assert_eq!(machines_of(&said), lab.nodes().into_iter().collect(), "from {from}: {said}");
        let mut visits = String::from("set -e\n");
        for to in lab.nodes() {
            visits += &format!("ssh -o BatchMode=yes {to} hostname </dev/null\n");
        }
        assert_eq!(lab.script(&login, &visits).lines().collect::<Vec<_>>(), lab.nodes(), "from {from}");
    }
}

/// The machines on which `ejemplo.py` says that its processes were, when the message went through all of them.
pub fn machines_of(said: &str) -> BTreeSet<String> {
    let machine = |line: &str| {
        let (rank, machine) = line.strip_prefix("Hola, soy el proceso ")?.split_once(" en ")?;
        rank.contains(" de 6").then(|| machine.to_owned())
    };
    let machines: BTreeSet<String> = said.lines().filter_map(machine).collect();
    let ranks = said.lines().filter_map(machine).count();
    assert_eq!(ranks, 6, "two slots on each of three machines: {said}");
    assert!(said.contains("6 procesos en 3 máquinas"), "{said}");
    machines
}

/// docker0 with the same address everywhere, as Docker makes it, and a VPN that looks like a network of all nodes, and
/// over which none of them reaches another.
pub fn add_other_networks(lab: &TestLab) {
    lab.lab.add_same_bridge("docker0", "172.17.0.1/16").unwrap();
    for (number, node) in (1..).zip(lab.nodes()) {
        let link = "ip link add vpn0 type veth peer name vpn0-end && ip link set vpn0-end up && ip link set vpn0 up";
        lab.inside(&node, &format!("{link} && ip address add 10.8.0.{number}/24 dev vpn0"));
    }
}

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

/// docker0 with the same address everywhere, as Docker makes it, and a VPN that looks like a network of all nodes, stands
/// before the real one, and over which none of them reaches another.
pub fn add_other_networks(lab: &TestLab) {
    lab.lab.add_same_bridge("docker0", "172.17.0.1/16").unwrap();
    for (number, machine) in (1..).zip(lab.lab.machines()) {
        // eth0 is away for a moment, in another network namespace, and comes back behind the VPN that took its number.
        let script = format!(
            "set -e
            unshare --net sleep 60 & away=$!
            until [ $(readlink /proc/$away/ns/net) != $(readlink /proc/self/ns/net) ]; do sleep 0.01; done
            number=$(cat /sys/class/net/eth0/ifindex)
            ip link set eth0 netns $away
            ip link add vpn0 index $number type veth peer name vpn0-end
            ip link set vpn0-end up && ip link set vpn0 up
            ip address add 10.8.0.{number}/24 dev vpn0
            nsenter --target $away --net ip link set eth0 netns $$
            kill $away
            ip link set eth0 up
            ip address add {}/16 dev eth0",
            machine.address
        );
        lab.inside(&machine.name, &script);
        let order = lab.says(&machine.name, "ip -o -4 address show | awk '{ print $2 }' | tr '\n' ' '");
        assert_eq!(order, "lo vpn0 docker0 eth0 ");
    }
}

/// What the launcher and the library read names the network of the machines' cables, and no other.
pub fn only_the_shared_network_is_used(lab: &TestLab) {
    for node in lab.nodes() {
        let network = lab.says(&node, "ip -o -4 route show dev eth0 scope link | cut -d' ' -f1");
        let named = lab.says(
            &node,
            "grep -h _if_ /home/mpi/.openmpi/mca-params.conf /home/mpi/.prte/mca-params.conf 2>/dev/null; true",
        );
        assert!(named.lines().count() >= 2, "the launcher's and the library's, on {node}: {named}");
        for line in named.lines() {
            assert!(line.ends_with(&format!("_if_include = {network}")), "{line} on {node}, not {network}");
        }
    }
}

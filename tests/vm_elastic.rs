//! A cluster with NFS that grows, moves and shrinks, on machines that boot.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

mod full {
    use std::fs;

    use crate::support::{
        Operator,
        plan::array,
        test_lab::MPIUP,
        tree,
        vm::{self, Vms, part},
    };

    /// An operator who reaches the machines by their addresses, and has pinned their keys.
    fn by_addresses(vms: &Vms) -> Operator<'_> {
        let operator = Operator::without_spec(vms);
        let known = operator.folder().join("known_hosts");
        let pins = vms.lab.machines().iter().map(|machine| format!("{} {}\n", machine.address, machine.host_key));
        fs::write(&known, pins.collect::<String>()).unwrap();
        let text = format!(
            "Host *.*.*.*\n    User admin\n    IdentityFile {state}/key\n    IdentitiesOnly yes\n    UserKnownHostsFile {known}\n    GlobalKnownHostsFile none\n    KexAlgorithms ^curve25519-sha256\n    ProxyCommand {MPIUP} lab connect --name {name} %h %p\n    ProxyUseFdpass yes\n",
            state = vms.state().display(),
            known = known.display(),
            name = vms.name
        );
        fs::write(operator.work().join("ssh_config"), text).unwrap();
        operator
    }

    fn spec(nodes: &[(&str, &str)]) -> String {
        let nodes: String = nodes.iter().map(|(name, address)| format!("{name} = \"{address}\"\n")).collect();
        format!(
            "[cluster]\nname = \"aula\"\n[ssh]\nconfig = \"ssh_config\"\n[share]\nkind = \"nfs\"\n[mpi]\nsource = \"distro\"\n[python]\nrequirements = []\n[nodes]\n{nodes}"
        )
    }

    /// A job over these nodes by the plain command, and a file that each of them sees.
    fn works_on(vms: &Vms, nodes: &[&str]) {
        let typed = "su - mpi -c 'cd MPI && mpiexec -hostfile hosts --map-by ppr:1:node sh -c \"cat nonce; hostname\"'";
        vms.inside("master", "su mpi -c 'echo seen > /home/mpi/MPI/nonce'");
        let said = vms.inside("master", typed);
        assert_eq!(said.matches("seen").count(), nodes.len(), "{said}");
        assert!(nodes.iter().all(|node| said.contains(node)), "{said}");
    }

    /// Gives the machine another address of its network in place of this one.
    fn moves(vms: &Vms, node: &str, from: &str) -> String {
        let (network, number) = from.rsplit_once('.').unwrap();
        let to = format!("{network}.{}", number.parse::<u8>().unwrap() + 100);
        let script = format!(
            "set -- $(ip -o -4 address show | awk '/ {from}\\//{{ sub(/.*\\//, \"\", $4); print $2, $4 }}')
            ip address add {to}/$2 dev $1 && ip address del {from}/$2 dev $1"
        );
        vms.inside(node, &script);
        to
    }

    /// `up --find` finds the node where it is now, and writes that into the spec.
    fn finds(operator: &Operator<'_>, node: &str, from: &str, to: &str, spec: &str) {
        let ran = operator.mpiup(&["up", "--yes", "--find", "--json"]).succeeded();
        let told = format!("{node} answers at {to} now, not at {from}");
        assert!(ran.stderr.contains(&told), "{}", ran.stderr);
        assert_eq!(operator.spec(), spec);
    }

    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn a_cluster_with_nfs_grows_moves_and_shrinks() {
        let vms = vms!(3, vm::WITH_MPI).without_sudo_password();
        let operator = by_addresses(&vms);
        let addresses: Vec<String> = vms.lab.machines().iter().map(|machine| machine.address.to_string()).collect();
        let [master, client1, client2] = [&addresses[0], &addresses[1], &addresses[2]].map(String::as_str);
        let two = spec(&[("master", master), ("client1", client1)]);
        let three = spec(&[("master", master), ("client1", client1), ("client2", client2)]);
        let before = tree::look(&vms);
        operator.set_spec(&two);
        part("up with two nodes", || operator.up());
        part("a third one joins", || {
            operator.set_spec(&three);
            let plan = operator.plan();
            let learned: Vec<&str> = plan.node("client1").what();
            assert!(learned.iter().all(|what| what.contains("hosts") || what.contains(".ssh/")), "{learned:?}");
            operator.up();
            works_on(&vms, &["master", "client1", "client2"]);
        });
        let mut moved = three.clone();
        part("it has another address", || {
            let at = moves(&vms, "client2", client2);
            moved = moved.replace(client2, &at);
            finds(&operator, "client2", client2, &at, &moved);
            let exports = vms.inside("master", "exportfs -s");
            assert!(exports.contains(&at) && !exports.contains(&format!("{client2}(")), "{exports}");
            works_on(&vms, &["master", "client1", "client2"]);
        });
        part("the head has another address, under live mounts", || {
            let at = moves(&vms, "master", master);
            moved = moved.replace(&format!("\"{master}\""), &format!("\"{at}\""));
            finds(&operator, "master", master, &at, &moved);
            for client in ["client1", "client2"] {
                let mounts = vms.inside(client, "grep ' nfs4 ' /proc/self/mountinfo");
                assert!(mounts.contains(&format!(",addr={at}")) && mounts.lines().count() == 1, "{mounts}");
            }
            works_on(&vms, &["master", "client1", "client2"]);
        });
        part("it leaves, and is as it was", || {
            let two: String =
                moved.lines().filter(|line| !line.starts_with("client2")).flat_map(|line| [line, "\n"]).collect();
            operator.set_spec(&two);
            let plan = operator.mpiup(&["plan", "--json"]);
            assert_eq!(plan.code, 3, "{plan:?}");
            assert_eq!(array(&plan.json()["leaving"]).len(), 1, "{plan:?}");
            operator.up();
            works_on(&vms, &["master", "client1"]);
            assert_eq!(vms.inside("client2", "grep -c ' nfs4 ' /proc/self/mountinfo || true"), "0");
            before[2].assert_restored("client2", &tree::look(&vms)[2], tree::is_of_a_running_machine);
        });
        part("down", || {
            operator.down(&["--purge"]);
            vms.assert_restored(&before);
        });
    }
}

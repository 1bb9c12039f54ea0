//! Promise 10 on machines that boot: the guide's whole cluster, with its NFS export and its mounts, is taken over as it is.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

mod full {
    use crate::support::{
        Operator,
        plan::{array, text},
        tree,
        vm::{self, Vms, part},
    };

    /// What the guide lets everybody type: the account (with one number, or NFS would not let it write), and the names.
    const EVERYWHERE: &str = "set -e
        adduser --quiet --disabled-password --gecos MPI --uid 1234 mpi
        printf '\\n# nuestro cluster\\n%s\\n' \"$names\" >> /etc/hosts
        su - mpi -c 'mkdir .ssh MPI && chmod 700 .ssh'";

    const MASTER: &str = "set -e
        su - mpi -c 'cd .ssh && ssh-keygen -q -t rsa -N \"\" -f id_rsa && cp id_rsa.pub authorized_keys'
        su - mpi -c \"for node in master client1 client2; do ssh-keyscan -t ed25519 \\$node; done > .ssh/known_hosts 2>/dev/null\"
        echo '/home/mpi/MPI client1(rw,sync,no_subtree_check) client2(rw,sync,subtree_check)' >> /etc/exports
        systemctl restart nfs-kernel-server
        systemctl enable nfs-kernel-server 2>/dev/null || systemctl enable nfs-server
        printf 'master\\nclient1\\nclient2\\n' > /home/mpi/MPI/hosts
        chown mpi:mpi /home/mpi/MPI/hosts";

    const TYPED: &str = "su - mpi -c 'cd MPI && mpiexec -hostfile hosts python3 ejemplo.py'";

    fn build(vms: &Vms) {
        let machines = vms.lab.machines().iter();
        let names: Vec<String> = machines.map(|machine| format!("{} {}", machine.address, machine.name)).collect();
        for node in vms.nodes() {
            vms.inside(&node, &format!("names='{}'\n{EVERYWHERE}", names.join("\n")));
        }
        vms.inside("master", MASTER);
        let program = std::fs::read_to_string("examples/ejemplo.py").unwrap();
        vms.inside("master", &format!("su mpi -c 'cat > /home/mpi/MPI/ejemplo.py' <<'END'\n{program}END"));
        let keys = vms.inside("master", "tar -C /home/mpi -cf - .ssh | base64 -w 0");
        for node in ["client1", "client2"] {
            vms.inside(node, &format!("echo {keys} | base64 -d | tar -C /home/mpi -xpf -"));
        }
        // One mounts by hand, as the guide does, and one has learnt of fstab.
        vms.inside("client1", "mount master:/home/mpi/MPI /home/mpi/MPI");
        let line = "master:/home/mpi/MPI /home/mpi/MPI nfs defaults,_netdev 0 0";
        vms.inside(
            "client2",
            &format!("echo '{line}' >> /etc/fstab && systemctl daemon-reload && mount /home/mpi/MPI"),
        );
    }

    fn works_by_hand(vms: &Vms) {
        let said = vms.inside("master", TYPED);
        assert!(said.contains("3 procesos en 3 máquinas"), "{said}");
        let own = "su - mpi -c 'ssh -i .ssh/id_rsa -o IdentitiesOnly=yes -o BatchMode=yes master hostname'";
        assert_eq!(vms.inside("client2", own), "master");
    }

    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn the_guides_cluster_with_its_nfs_is_taken_over_and_given_back() {
        let vms = vms!(3, vm::WITH_MPI).without_sudo_password();
        part("a cluster by the guide's own commands", || build(&vms));
        part("plain mpiexec over it", || works_by_hand(&vms));
        let before = tree::look(&vms);
        let operator = Operator::without_spec(&vms);
        part("init recognises it", || {
            let init = operator.mpiup(&["init", "--lab", &vms.name, "--name", "aula"]).succeeded();
            let said = init.said();
            for recognised in [
                "all 3 nodes: account mpi (uid 1234, home /home/mpi)",
                "all 3 nodes: names in /etc/hosts: master, client1, client2",
                "all 3 nodes: key ~/.ssh/id_rsa, which master, client1, client2 let in",
                "client[1-2]: /home/mpi/MPI, mounted from master:/home/mpi/MPI (nfs4)",
                "master: export of /home/mpi/MPI in /etc/exports",
                "all 3 nodes: hostfile /home/mpi/MPI/hosts, which names master, client1, client2",
            ] {
                assert!(said.contains(recognised), "{recognised}: {}", init.stderr);
            }
            let spec = operator.spec();
            for line in ["kind = \"existing\"", "source  = \"existing\"", "requirements = []"] {
                assert!(spec.contains(line), "{line}: {spec}");
            }
        });
        part("the plan leaves alone what works", || {
            for node in array(&operator.mpiup(&["plan", "--json"]).json()["nodes"]) {
                for change in array(&node["changes"]) {
                    let primitive = text(&change["primitive"]);
                    assert!(["dir", "file", "block", "keypair", "tree"].contains(&primitive), "{change}");
                    let path = text(&change["path"]);
                    let is_theirs = path.starts_with("/etc/") || path.starts_with("/home/mpi/MPI");
                    assert!(!is_theirs, "{change}");
                }
            }
        });
        part("up", || assert_eq!(array(&operator.up()["ready"]).len(), 3));
        part("their own words still work, and run too", || {
            works_by_hand(&vms);
            let run = operator.mpiup(&["run", "-n", "3", "python3", "ejemplo.py"]).succeeded();
            assert!(run.stdout.contains("3 procesos en 3 máquinas"), "{run:?}");
            assert_eq!(operator.plan().changes, 0);
        });
        part("down, and nothing is left of it", || {
            operator.down(&[]);
            works_by_hand(&vms);
            vms.assert_restored(&before);
        });
    }
}

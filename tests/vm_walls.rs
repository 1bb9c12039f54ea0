//! Firewalls and packages on machines that boot: ufw as its service loads it, through reboots; and a Debian that was just
//! installed, without a way to the world.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

mod full {
    use crate::support::{
        Operator,
        vm::{self, part},
    };

    const UFW: &str =
        "ufw allow OpenSSH 2>/dev/null || ufw allow 22/tcp; ufw --force enable && systemctl is-enabled ufw";

    /// What ufw keeps, and the rules in force without their counters.
    const RULES: &str = "ufw status verbose; nft -s list ruleset | sort; cd /etc/ufw && sha256sum *.rules && stat -c '%n %a %U %Y' *.rules";

    const JOB: &str = "cd MPI && mpiexec -n 2 --map-by ppr:1:node -hostfile hosts python ~/.mpiup/verify.py";

    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn machines_with_ufw_are_a_cluster_after_each_start() {
        let vms = vms!(2, vm::WITH_MPI).without_sudo_password();
        let nodes = ["master", "client1"];
        for node in nodes {
            vms.inside(node, UFW);
        }
        let before = nodes.map(|node| vms.inside(node, RULES));
        let operator = Operator::new(&vms, "distro");
        part("up", || operator.up());
        let job = || {
            let ranks = vms.inside("master", &format!("runuser -l mpi -c 'ssh master \"{JOB}\"'"));
            assert_eq!(ranks.matches("mpiup-verify ").count(), 2, "{ranks}");
        };
        part("both start anew, and a job runs", || {
            vms.reboot(&nodes);
            for node in nodes {
                assert!(vms.inside(node, "ufw status").contains("Status: active"));
            }
            job();
            assert_eq!(operator.plan().changes, 0);
        });
        part("down", || operator.down(&[]));
        let after = nodes.map(|node| vms.inside(node, RULES));
        assert_eq!(after, before);
    }

    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn a_machine_without_internet_gets_packages_through_the_operator() {
        let vms = vms!(1, vm::BARE).without_sudo_password();
        let packages = || vms.inside("master", "dpkg-query -W -f '${Package} ${db:Status-Abbrev}\\n'");
        vms.inside("master", "rm -rf /etc/apt/apt.conf.d/99mpiup-lab /var/lib/apt/lists/*");
        let before = packages();
        assert!(!before.contains("openmpi-bin"));
        let operator = Operator::new(&vms, "distro");
        part("it says what helps", || {
            let up = operator.mpiup(&["up", "--yes"]);
            assert_eq!(up.code, 1, "{up:?}");
            assert!(up.stderr.contains("mpiup up --via-operator"), "{}", up.stderr);
        });
        part("up through the operator's machine", || {
            operator.mpiup(&["up", "--yes", "--via-operator"]).succeeded();
        });
        assert!(vms.inside("master", "ompi_info --version").contains("Open MPI v"));
        part("down", || operator.down(&[]));
        assert_eq!(packages(), before);
    }
}

//! Firewalls and packages on machines that boot: each as its service loads it, through reboots; and a Debian that was just
//! installed, without a way to the world.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

mod full {
    use crate::support::{
        Operator,
        vm::{self, part},
        walls,
    };

    const UFW: &str =
        "ufw allow OpenSSH 2>/dev/null || ufw allow 22/tcp; ufw --force enable && systemctl is-enabled ufw";

    /// As its package sets it up: log-ins alone are let in.
    const FIREWALLD: &str = "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq firewalld >/dev/null && \
         firewall-cmd --state && systemctl is-enabled firewalld";

    /// What each firewall keeps, and the rules in force without their counters.
    const RULES: &str = "! command -v ufw >/dev/null || ufw status verbose; nft -s list ruleset | sort; \
         find /etc/ufw /etc/firewalld /etc/nftables.d /etc/nftables.conf -type f 2>/dev/null -exec sha256sum {} + -exec stat -c '%n %a %U %Y' {} + | sort";

    const JOB: &str = "cd MPI && mpiexec -n 3 --map-by ppr:1:node -hostfile hosts python ~/.mpiup/verify.py";

    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn machines_with_firewalls_are_a_cluster_after_each_start() {
        let vms = vms!(3, vm::WITH_MPI).without_sudo_password();
        let nodes = ["master", "client1", "client2"];
        part("ufw, firewalld and nftables are set up", || {
            let nftables =
                format!("{}systemctl enable --now nftables && systemctl is-active nftables", walls::nftables(""));
            nodes.iter().zip([UFW, FIREWALLD, &nftables]).for_each(|(node, script)| drop(vms.inside(node, script)));
        });
        let rules = || nodes.map(|node| vms.inside(node, RULES));
        let before = rules();
        let operator = Operator::new(&vms, "distro");
        part("up", || operator.up());
        let job = || {
            let ranks = vms.inside("master", &format!("runuser -l mpi -c 'ssh master \"{JOB}\"'"));
            assert_eq!(ranks.matches("mpiup-verify ").count(), 3, "{ranks}");
        };
        part("all start anew, and a job runs", || {
            vms.reboot(&nodes);
            assert!(vms.inside("master", "ufw status").contains("Status: active"));
            assert_eq!(vms.inside("client1", "firewall-cmd --state"), "running");
            assert!(vms.inside("client2", "nft list ruleset").contains("policy drop"));
            job();
            assert_eq!(operator.plan().changes, 0);
        });
        part("down", || operator.down(&[]));
        assert_eq!(rules(), before);
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

//! A share over NFS on machines with kernels and systemd of their own: set up, used as the guide says, rebooted in any order,
//! in use while it is to go, and given back. What counts is what plain ssh shows.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

mod full {
    use std::time::{Duration, Instant};

    use mpiup::lab::Power;

    use crate::support::{
        Operator, Vms, child, share, tree,
        vm::{self, part},
    };

    /// What the guide types, on the node in the folder.
    fn guide(vms: &Vms) {
        let said = vms.says("mpi@master", "cd MPI && mpiexec -hostfile hosts python3 ejemplo.py");
        for node in vms.nodes() {
            assert!(said.contains(&node), "{node} is in: {said}");
        }
    }

    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn a_share_over_nfs_outlives_reboots_and_power_cuts() {
        let vms = vms!(3, vm::WITH_MPI).without_sudo_password();
        let operator = Operator::new(&vms, "distro");
        share::over_nfs(&operator);
        let before = tree::look(&vms);
        part("up, with a share over NFS", || {
            operator.up();
            share::bring_program(&vms);
        });
        part("a second up changes nothing, and status shows the mounts", || {
            assert_eq!(operator.plan().changes, 0);
            let status = operator.mpiup(&["status"]).succeeded();
            assert_eq!(status.stdout.matches(" mounted").count(), 2, "{}", status.stdout);
        });
        for nodes in [&["client1"][..], &["master"], &["master", "client1", "client2"]] {
            part(&format!("{} restarted, and the guide's command again", nodes.join(", ")), || {
                vms.reboot(nodes);
                guide(&vms);
            });
        }
        part("the head is off for a minute: a client waits, and loses nothing", || {
            let write =
                "for i in $(seq 60); do echo line $i; sleep 1; done > /home/mpi/MPI/written; echo $? > /home/mpi/ended";
            vms.inside(
                "client2",
                &format!("setsid runuser -u mpi -- sh -c {} >/dev/null 2>&1 </dev/null &", mpiup::quote::sh(write)),
            );
            std::thread::sleep(Duration::from_secs(5));
            vms.lab.power("master", Power::Cut).unwrap();
            std::thread::sleep(Duration::from_secs(60));
            vms.lab.power("master", Power::On).unwrap();
            child::wait_until("the client goes on", Duration::from_secs(600), || {
                vms.inside("client2", "cat /home/mpi/ended 2>/dev/null || true") == "0"
            });
            let lines: Vec<String> = (1..=60).map(|number| format!("line {number}")).collect();
            assert_eq!(vms.inside("master", "cat /home/mpi/MPI/written"), lines.join("\n"));
            guide(&vms);
        });
        part("down keeps what is in use, and names who uses it; up brings the rest back", || {
            vms.inside("client1", "cd /home/mpi/MPI && (setsid runuser -u mpi -- sleep 5000 >/dev/null 2>&1 &)");
            let down = operator.mpiup(&["down", "--yes"]);
            let said = down.said();
            for sentence in [
                "client1: /home/mpi/MPI stays mounted, because it is in use by sleep (",
                " of mpi): end that on this node, then `mpiup down` goes on",
                "client1: its line stays in /etc/fstab, because /home/mpi/MPI stays mounted",
                "master: the share stays exported, because it is still mounted on client1",
            ] {
                assert!(said.contains(sentence), "{}", down.stderr);
            }
            assert!(share::is_mounted(&vms, "client1") && !share::is_mounted(&vms, "client2"));
            assert!(vms.inside("client1", "cat /home/mpi/MPI/ejemplo.py").contains("MPI"), "it still answers");
            vms.inside("client1", "pkill -u mpi sleep");
            operator.up();
            guide(&vms);
        });
        part("a client that is off is named, and the others run", || {
            vms.lab.power("client2", Power::Cut).unwrap();
            let status = operator.mpiup(&["status"]);
            assert!(status.code == 1 && status.stderr.contains("client2"), "{status:?}");
            let run = operator.mpiup(&["run", "-n", "2", "--by-node", "python", "ejemplo.py"]);
            assert!(run.code == 0 && run.stderr.contains("client2") && run.stdout.contains("client1"), "{run:?}");
        });
        part("the head does not wait for a client that is off", || {
            let begun = Instant::now();
            let down = operator.mpiup(&["down", "--yes", "--purge"]);
            assert!(down.code == 1 && down.stderr.contains("client2"), "{down:?}");
            assert!(begun.elapsed() < Duration::from_secs(300), "{:?}", begun.elapsed());
            assert_eq!(vms.inside("master", "exportfs -v"), "");
        });
        part("and that client gives its mount back later", || {
            vms.lab.power("client2", Power::On).unwrap();
            operator.mpiup(&["down", "--yes", "--purge"]).succeeded();
            vms.assert_restored(&before);
        });
        part("with the head off, the clients give theirs back", || {
            operator.up();
            vms.lab.power("master", Power::Cut).unwrap();
            let begun = Instant::now();
            let down = operator.mpiup(&["down", "--yes", "--purge"]);
            assert!(down.code == 1 && down.stderr.contains("master"), "{down:?}");
            assert!(begun.elapsed() < Duration::from_secs(400), "{:?}", begun.elapsed());
            assert!(!share::is_mounted(&vms, "client1") && !share::is_mounted(&vms, "client2"), "{down:?}");
            vms.lab.power("master", Power::On).unwrap();
            operator.mpiup(&["down", "--yes", "--purge"]).succeeded();
            vms.assert_restored(&before);
        });
    }

    /// The server is of Debian 12, the client of 13.
    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn packages_of_nfs_come_and_go_with_their_units() {
        let vms = vms!(2, vm::BARE, [Bookworm, Trixie]).without_sudo_password();
        let operator = Operator::new(&vms, "wheels");
        share::over_nfs(&operator);
        let before = tree::look(&vms);
        part("up, with packages of NFS beside MPI out of wheels", || {
            operator.up();
            assert!(vms.inside("master", "cat /proc/fs/nfsd/versions").contains("+4.2"));
            assert!(share::is_mounted(&vms, "client1"));
        });
        part("down, and packages, accounts, units, mounts and ports are as before", || {
            operator.down(&[]);
            // Where the pipes of RPC were mounted there is an empty folder until a restart.
            vms.assert_restored_but_for(&before, |path| {
                tree::is_of_a_running_machine(path) || tree::stays_after_apt(path) || path == "/run/rpc_pipefs"
            });
        });
    }
}

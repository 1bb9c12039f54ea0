//! A share over NFS on machines with kernels and systemd of their own: set up, used as the guide says, rebooted in any order,
//! in use while it is to go, and given back. What counts is what plain ssh shows.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use mpiup::lab::Power;
use support::{
    Operator, Vms,
    vm::{self, part},
};

/// The cluster's spec, with the share over NFS.
fn operator<'a>(vms: &'a Vms, source: &str) -> Operator<'a> {
    let operator = Operator::new(vms, source);
    let spec = operator.spec();
    assert!(spec.contains("kind = \"sync\""), "{spec}");
    operator.set_spec(&spec.replace("kind = \"sync\"", "kind = \"nfs\""));
    operator
}

/// What must be the same before and after: a line for each path, package, unit, mount and open port.
fn picture(vms: &Vms, node: &str) -> BTreeSet<String> {
    // Sessions come and go, and the test's own log-ins leave a note.
    let script = r#"LC_ALL=C; export LC_ALL
        find /etc /home /srv -printf '%p %y %m %U:%G %l\n'
        find /etc /home /srv -type f -exec sha256sum {} +
        dpkg-query -W -f 'package ${binary:Package} ${db:Status-Abbrev} ${Version}\n'
        systemctl --root=/ list-unit-files --no-legend --no-pager --plain | awk '{ print "unit file", $1, $2 }'
        until units=$(systemctl list-units --no-legend --no-pager --plain --full --state=active,failed); do sleep 2; done
        printf '%s\n' "$units" | awk '{ print "unit", $1, $3 }'
        awk '{ for (i = 7; $i != "-"; i++) ; print "mount", $5, $(i + 1) }' /proc/self/mountinfo
        awk 'FNR == 1 { split(FILENAME, name, "/"); next } $4 == "0A" || (name[4] ~ /udp/ && $4 == "07") { print "port", name[4], $2 }' /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6"#;
    let passing =
        ["session-", "user@", "user-", "run-user", "/run/user", ".sudo_as_admin_successful", "run-r", "qemu-guest"];
    let lines = vms.inside(node, script);
    lines.lines().filter(|line| !passing.iter().any(|word| line.contains(word))).map(str::to_owned).collect()
}

fn pictures(vms: &Vms) -> Vec<BTreeSet<String>> {
    vms.nodes().iter().map(|node| picture(vms, node)).collect()
}

#[track_caller]
fn is_as_before(vms: &Vms, before: &[BTreeSet<String>]) {
    let mut differences = String::new();
    for (node, before) in vms.nodes().iter().zip(before) {
        let after = picture(vms, node);
        before.difference(&after).for_each(|line| differences.push_str(&format!("{node} - {line}\n")));
        after.difference(before).for_each(|line| differences.push_str(&format!("{node} + {line}\n")));
    }
    assert_eq!(differences, "", "nothing is left and nothing is missing");
}

/// A command of the cluster's user, over plain ssh.
fn as_mpi(vms: &Vms, node: &str, command: &str) -> String {
    vms.says(&format!("mpi@{node}"), command)
}

/// What the guide types, on the node in the folder.
fn guide(vms: &Vms) {
    let said = as_mpi(vms, "master", "cd MPI && mpiexec -hostfile hosts python3 ejemplo.py");
    for node in vms.nodes() {
        assert!(said.contains(&node), "{node} is in: {said}");
    }
}

fn bring_program(vms: &Vms) {
    let program = std::fs::read_to_string("examples/ejemplo.py").unwrap();
    as_mpi(vms, "client1", &format!("printf %s {} > MPI/ejemplo.py", mpiup::quote::sh(&program)));
}

fn is_mounted(vms: &Vms, node: &str) -> bool {
    vms.inside(node, "cat /proc/self/mountinfo").contains(" /home/mpi/MPI ")
        && vms.inside(node, "cat /proc/mounts").contains("master:/home/mpi/MPI /home/mpi/MPI nfs4 ")
}

#[test]
#[ignore = "boots virtual machines: cargo xtask vm-test"]
fn a_share_over_nfs_comes_and_goes() {
    let vms = vms!(3, vm::WITH_MPI).without_sudo_password();
    let operator = operator(&vms, "distro");
    let before = pictures(&vms);
    part("up, with a share over NFS", || {
        let report = operator.up();
        assert_eq!(report["ready"], serde_json::json!(["master", "client1", "client2"]), "{report}");
    });
    part("the export is for the nodes alone, the mounts are hard and of version 4.2", || {
        let exports = vms.says("master", "sudo exportfs -v | tr -s ' \\t\\n' '   '");
        let of_share: Vec<&str> = exports.split("/home/mpi/MPI ").skip(1).collect();
        assert_eq!(of_share.len(), 2, "{exports}");
        for export in of_share {
            let address = export.split('(').next().unwrap();
            assert!(vms.lab.machines().iter().any(|machine| machine.address.to_string() == address), "{export}");
            assert!(
                export.contains("root_squash") && !export.contains("no_root_squash") && export.contains("(sync,"),
                "{export}"
            );
        }
        for node in ["client1", "client2"] {
            let mount = vms.says(node, "grep ' /home/mpi/MPI nfs4 ' /proc/mounts");
            assert!(mount.contains("vers=4.2") && mount.contains(",hard,"), "{mount}");
        }
        let root = vms.ssh("client1", "sudo touch /home/mpi/MPI/by-root");
        assert!(!root.status.success(), "root on a client is nobody on the head");
        assert!(!vms.inside("master", "ls -A /home/mpi/MPI").contains(".mpiup-trial"), "the trial's files are gone");
    });
    part("the guide's command in the folder, and a second up", || {
        bring_program(&vms);
        assert!(as_mpi(&vms, "master", "ls -l MPI/ejemplo.py").contains(" mpi mpi "));
        guide(&vms);
        assert_eq!(operator.plan().changes, 0);
        let status = operator.mpiup(&["status"]).succeeded();
        assert_eq!(status.stdout.matches(" mounted").count(), 2, "{}", status.stdout);
    });
    part("all restarted at once, and the guide's command again", || {
        vms.reboot(&["master", "client1", "client2"]);
        guide(&vms);
    });
    part("down keeps what is in use, and names who uses it", || {
        vms.inside("client1", "cd /home/mpi/MPI && (setsid runuser -u mpi -- sleep 5000 >/dev/null 2>&1 &)");
        let down = operator.mpiup(&["down", "--yes"]);
        assert!(
            down.stderr.contains("client1: /home/mpi/MPI stays mounted, because it is in use by "),
            "{}",
            down.stderr
        );
        assert!(down.stderr.contains("sleep (") && down.stderr.contains(" of mpi)"), "{}", down.stderr);
        assert!(
            down.stderr.contains("master: the share stays exported, because it is still mounted on client1"),
            "{}",
            down.stderr
        );
        assert!(is_mounted(&vms, "client1") && !is_mounted(&vms, "client2"));
        assert!(vms.inside("client1", "cat /home/mpi/MPI/ejemplo.py").contains("MPI"), "it still answers");
        vms.inside("client1", "pkill -u mpi sleep");
    });
    part("down, and all is as before", || {
        operator.down(&[]);
        // What was written into the share is its people's.
        assert!(vms.inside("master", "cat /home/mpi/MPI/ejemplo.py").contains("MPI"));
        operator.mpiup(&["down", "--yes", "--purge"]).succeeded();
        is_as_before(&vms, &before);
    });
}

/// What takes longer.
mod full {
    use super::*;

    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn a_share_over_nfs_outlives_reboots_and_power_cuts() {
        let vms = vms!(3, vm::WITH_MPI).without_sudo_password();
        let operator = operator(&vms, "distro");
        let before = pictures(&vms);
        part("up, with a share over NFS", || {
            operator.up();
            bring_program(&vms);
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
            support::child::wait_until("the client goes on", Duration::from_secs(600), || {
                vms.inside("client2", "cat /home/mpi/ended 2>/dev/null || true") == "0"
            });
            let lines: Vec<String> = (1..=60).map(|number| format!("line {number}")).collect();
            assert_eq!(vms.inside("master", "cat /home/mpi/MPI/written"), lines.join("\n"));
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
            is_as_before(&vms, &before);
        });
        part("with the head off, the clients give theirs back", || {
            operator.up();
            vms.lab.power("master", Power::Cut).unwrap();
            let begun = Instant::now();
            let down = operator.mpiup(&["down", "--yes", "--purge"]);
            assert!(down.code == 1 && down.stderr.contains("master"), "{down:?}");
            assert!(begun.elapsed() < Duration::from_secs(400), "{:?}", begun.elapsed());
            assert!(!is_mounted(&vms, "client1") && !is_mounted(&vms, "client2"), "{down:?}");
            vms.lab.power("master", Power::On).unwrap();
            operator.mpiup(&["down", "--yes", "--purge"]).succeeded();
            is_as_before(&vms, &before);
        });
    }

    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn packages_of_nfs_come_and_go_with_their_units() {
        let vms = vms!(2, vm::BARE).without_sudo_password();
        let operator = operator(&vms, "wheels");
        let before = pictures(&vms);
        part("up, with packages of NFS beside MPI out of wheels", || {
            operator.up();
            assert!(vms.says("master", "cat /proc/fs/nfsd/versions").contains("+4.2"));
            assert!(is_mounted(&vms, "client1"));
        });
        part("down, and packages, accounts, units, mounts and ports are as before", || {
            operator.down(&[]);
            is_as_before(&vms, &before);
        });
    }
}

//! The guide's whole story on machines that boot: from a password to a cluster that works after any reboot with nothing typed,
//! says who is missing, and goes without a trace. Looked at by plain ssh, and by what stands on the machines.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

use std::collections::BTreeSet;

use mpiup::lab::Power;
use support::{
    Operator, Vms, share, tree,
    vm::{self, part},
};

const NODES: [&str; 3] = ["master", "client1", "client2"];

/// The machines on which the program says that its processes were.
fn machines_of(said: &str) -> BTreeSet<&str> {
    said.lines()
        .filter_map(|line| line.split_once("Hola, soy el proceso ")?.1.split_once(" en "))
        .map(|(_, on)| on)
        .collect()
}

/// What a student types on the head node, over plain ssh as the cluster's user.
fn all_take_part(vms: &Vms, python: &str) {
    let said = vms.says("mpi@master", &format!("cd MPI && mpiexec -hostfile hosts {python} ejemplo.py"));
    assert_eq!(machines_of(&said), NODES.into(), "{said}");
}

#[test]
#[ignore = "boots virtual machines: cargo xtask vm-test"]
fn the_guide_with_nfs_by_password_and_it_works_again_after_every_start() {
    let vms = vms!(3, vm::WITH_MPI);
    let before = part("look at every file", || tree::look(&vms));
    let person = vms.person();
    let machines = NODES.map(|node| format!("admin@{node}"));
    let init = ["init", "--source", "distro", "--name", "aula"];
    let init: Vec<&str> = init.into_iter().chain(machines.iter().map(String::as_str)).collect();
    part("init, with a password", || person.types(&init, &[]));
    share::over_nfs(&person.operator);
    part("up, with packages that are there and a share over NFS", || {
        person.types(&["up"], &[("Make these changes?", "y")])
    });
    part("the export is for the nodes alone, the mounts are hard and of version 4.2", || share::assert_narrow(&vms));
    part("mpiexec by hand, in the folder that a client wrote into", || {
        share::bring_program(&vms);
        all_take_part(&vms, "python3");
    });
    part("a program of the operator's: run says what is missing, sync brings it, and run runs it", || {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ejemplo.py");
        std::fs::copy(program, person.operator.work().join("mine.py")).unwrap();
        let (code, screen) = person.tries(&["run", "--", "python3", "mine.py"], &[]);
        let screen = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(code != 0 && screen.contains("the nodes share: `mpiup sync` copies the folder there"), "{screen}");
        person.types(&["sync"], &[]);
        let screen = person.types(&["run", "--", "python3", "mine.py"], &[]);
        assert_eq!(machines_of(&screen), NODES.into(), "{screen}");
    });
    part("all start anew", || {
        vms.reboot(&NODES);
        all_take_part(&vms, "python3");
    });
    part("a client without power is named, the others run", || {
        vms.lab.power("client2", Power::Cut).unwrap();
        let (code, screen) = person.tries(&["status"], &[]);
        assert_ne!(code, 0, "{screen}");
        assert!(screen.contains("client2"), "{screen}");
        let (code, screen) = person.tries(&["run", "--", "python3", "ejemplo.py"], &[]);
        assert_eq!(machines_of(&screen), ["master", "client1"].into(), "{screen}");
        assert!(code == 0 && screen.contains("client2"), "{code}: {screen}");
        vms.lab.power("client2", Power::On).unwrap();
        all_take_part(&vms, "python3");
    });
    part("down, with the data of its people", || person.types(&["down", "--purge"], &[("?", "y")]));
    part("every file is as before", || vms.assert_restored(&before));
}

mod full {
    use super::*;

    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn wheels_on_a_debian_without_mpi_and_each_start_alone() {
        let vms = vms!(3, vm::BARE).without_sudo_password();
        let before = tree::look(&vms);
        let operator = Operator::new(&vms, "wheels");
        part("up, with wheels", || operator.up());
        part("sync", || operator.mpiup(&["sync"]).succeeded());
        part("mpiexec by hand", || all_take_part(&vms, "python"));
        for node in ["master", "client1"] {
            part(&format!("{node} starts anew, alone"), || {
                vms.reboot(&[node]);
                all_take_part(&vms, "python");
            });
        }
        part("a second up changes nothing", || assert_eq!(operator.up()["changes"], 0));
        part("down", || operator.down(&[]));
        part("every file is as before", || vms.assert_restored(&before));
    }
}

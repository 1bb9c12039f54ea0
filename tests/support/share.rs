//! A share over NFS between machines that boot, as plain ssh and the kernel's own tables show it.

use super::{Operator, Vms};

/// Rewrites the operator's spec.
pub fn over_nfs(operator: &Operator<'_>) {
    let spec = operator.spec();
    assert!(spec.contains("kind = \"sync\""), "{spec}");
    operator.set_spec(&spec.replace("kind = \"sync\"", "kind = \"nfs\""));
}

/// The guide's program, written by the cluster's user on a client.
pub fn bring_program(vms: &Vms) {
    let program = std::fs::read_to_string("examples/ejemplo.py").expect("the program is there");
    let write = format!("printf %s {} > MPI/ejemplo.py", mpiup::quote::sh(&program));
    vms.says("mpi@client1", &write);
    assert!(vms.says("mpi@master", "ls -l MPI/ejemplo.py").contains(" mpi mpi "));
}

/// The folder is exported to the other nodes and to nobody else, root squashed; mounts are hard and of NFS 4.2; a trial of it
/// has left nothing.
pub fn assert_narrow(vms: &Vms) {
    let exports = vms.inside("master", "exportfs -v | tr -s ' \\t\\n' '   '; ls -A /home/mpi/MPI");
    let of_share: Vec<&str> = exports.split("/home/mpi/MPI ").skip(1).collect();
    let clients: Vec<String> = vms.lab.machines()[1..].iter().map(|machine| machine.address.to_string()).collect();
    let mut exported_to: Vec<&str> = of_share.iter().filter_map(|export| export.split('(').next()).collect();
    exported_to.sort_unstable();
    assert_eq!(exported_to, clients, "{exports}");
    for export in of_share {
        let is_squashed = export.contains("root_squash") && !export.contains("no_root_squash");
        assert!(is_squashed && export.contains("(sync,"), "{export}");
    }
    assert!(!exports.contains(".mpiup-trial"), "{exports}");
    for client in &vms.nodes()[1..] {
        let seen = vms.inside(client, "touch /home/mpi/MPI/by-root 2>&1 || grep ' /home/mpi/MPI nfs4 ' /proc/mounts");
        assert!(seen.contains("master:/home/mpi/MPI ") && seen.contains("vers=4.2"), "{seen}");
        assert!(seen.contains(",hard,") && seen.contains("Permission denied"), "{seen}");
    }
}

/// Whether the share is mounted on a node now.
pub fn is_mounted(vms: &Vms, node: &str) -> bool {
    vms.inside(node, "cat /proc/mounts").contains("master:/home/mpi/MPI /home/mpi/MPI nfs4 ")
}

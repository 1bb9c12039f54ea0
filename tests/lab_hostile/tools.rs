//! Machines on which something is missing or another thing than usual.

use crate::support::{Operator, TestLab, skip::skip, tree};

/// busybox in the place of sh and of every tool that it has, in front of the others.
const BUSYBOX: &str = r"
ln -sfn /usr/bin/busybox /usr/bin/sh
for tool in awk cat chmod cmp cp cut date df find grep head hostname id ls mkdir mkfifo mktemp mv nproc od ps readlink rm rmdir sed sha256sum sleep sort stat tail tee timeout touch tr uname xargs; do
    busybox --list | grep -qx $tool && ln -s /usr/bin/busybox /usr/local/bin/$tool
done
test $(readlink -f /bin/sh) = /usr/bin/busybox && test $(ls /usr/local/bin | wc -l) -gt 25";

/// Without what finds accounts, changes to them and lists addresses.
const BARE: &str = "mkdir /away && cd /usr && for tool in bin/getent bin/setpriv bin/ip sbin/ip bin/sudo sbin/ifconfig; do [ ! -e $tool ] || mv $tool /away/$(echo $tool | tr / _); done";

#[test]
fn busybox_and_machines_without_usual_tools_take_part() {
    if !std::path::Path::new("/usr/bin/busybox").exists() {
        return skip("busybox is not installed");
    }
    let lab = lab!(4);
    lab.inside("client1", BUSYBOX);
    lab.inside("client2", BARE);
    // Nothing of a name's own, a folder for temporary files from which no program starts, and for everybody a language that
    // is not there and a path without root's programs.
    lab.inside(
        "client3",
        "hostname localhost; echo localhost > /etc/hostname; mount -t tmpfs -o noexec,mode=1777 none /tmp",
    );
    lab.inside("client3", "printf 'PATH=/usr/bin:/bin\\nLC_ALL=es_ES.UTF-8\\nCDPATH=/tmp\\n' > /etc/environment");
    assert_eq!(lab.says("client3", "command -v runuser || echo none"), "none");
    let operator = Operator::new(&lab, "wheels");
    let before = look(&lab);
    operator.up();
    operator.mpiup(&["sync"]).succeeded();
    let said = lab.says("mpi@client1", "cd MPI && mpiexec -hostfile hosts python ejemplo.py");
    assert!(said.contains("8 procesos en 4 máquinas"), "{said}");
    let run = operator.mpiup(&["run", "-n", "8", "python", "-c", "print('hola')"]).succeeded();
    assert_eq!(run.stdout, "hola\n".repeat(8));
    assert_eq!(operator.up()["changes"], 0);
    operator.down(&[]);
    let after = look(&lab);
    for ((node, before), after) in lab.nodes().iter().zip(&before).zip(&after) {
        before.assert_restored(node, after, |_| false);
    }
}

/// The look from outside needs the tools that busybox stands in front of.
fn look(lab: &TestLab) -> Vec<tree::Snapshot> {
    lab.inside("client1", "mv /usr/local/bin /usr/local/aside && mkdir /usr/local/bin");
    let seen = tree::look(lab);
    lab.inside("client1", "rmdir /usr/local/bin && mv /usr/local/aside /usr/local/bin");
    seen
}

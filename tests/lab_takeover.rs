//! Promise 10: a cluster that somebody built by hand, by the guide's own commands over plain ssh, is recognised; what works
//! goes on working, in the same words; and `down` takes away what mpiup added, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

use std::{thread, time::Duration};

use support::{
    Operator, TestLab, child,
    plan::{array, text},
    tree,
};

/// As the guide has it: an account, the names, a folder. Open MPI and mpi4py as Debian has them today.
fn by_root(lab: &TestLab) -> String {
    let names: String =
        lab.lab.machines().iter().map(|machine| format!("{}\t{}\n", machine.address, machine.name)).collect();
    format!(
        "set -e
        adduser --disabled-password --gecos MPI mpi >/dev/null
        printf '\\n# nuestro cluster\\n{names}' >> /etc/hosts
        export DEBIAN_FRONTEND=noninteractive
        {{ apt-get update && apt-get install -y --no-install-recommends openmpi-bin python3-mpi4py; }} >/tmp/apt.log 2>&1 ||
            {{ cat /tmp/apt.log; exit 1; }}
        rm /tmp/apt.log
        su - mpi -c 'mkdir MPI MPI/resultados .ssh && chmod 700 .ssh'"
    )
}

/// On the first machine, as mpi; the others get copies of all of it.
const KEYS: &str = r"
set -e
cd ~/.ssh
ssh-keygen -q -t rsa -N '' -f id_rsa
cp id_rsa.pub authorized_keys
printf 'Host *\n    ServerAliveInterval 15\n' > config
for node in $nodes; do ssh-keyscan -t ed25519 $node; done > known_hosts 2>/dev/null
chmod 600 authorized_keys config
";

const HOSTS: &str = "# las tres\nmaster slots=1\nclient1 slots=1\nclient2   slots=1\n";

/// The command with which its person has always started programs.
const TYPED: &str = "cd MPI && mpiexec -hostfile hosts python3 ejemplo.py";

fn build(lab: &TestLab) {
    let script = by_root(lab);
    thread::scope(|scope| {
        for node in lab.nodes() {
            let script = &script;
            scope.spawn(move || {
                let mut ssh = lab.ssh_command(&node, "sh -s");
                let output = child::run(&mut ssh, script.as_bytes(), Duration::from_secs(600));
                assert!(output.status.success(), "{node}: {}", String::from_utf8_lossy(&output.stdout));
            });
        }
    });
    lab.script("master", &format!("su - mpi -c {}", quoted(&format!("nodes='{}'\n{KEYS}", lab.nodes().join(" ")))));
    let keys = lab.says("master", "tar -C /home/mpi -cf - .ssh | base64 -w 0");
    for node in ["client1", "client2"] {
        lab.script(node, &format!("echo {keys} | base64 -d | su - mpi -c 'tar -xf -'"));
    }
    // The same key lets its person in to another account.
    let ana = "adduser --quiet --disabled-password --gecos Ana ana && mkdir -m 700 /home/ana/.ssh &&
        cp /home/mpi/.ssh/id_rsa.pub /home/ana/.ssh/authorized_keys && chown -R ana:ana /home/ana/.ssh";
    lab.script("client1", ana);
    let program = std::fs::read_to_string("examples/ejemplo.py").unwrap();
    for node in lab.nodes() {
        lab.script(&node, &format!("su - mpi -c {}", quoted(&format!("cat > MPI/ejemplo.py <<'END'\n{program}END"))));
    }
    lab.script("master", &format!("su - mpi -c {}", quoted(&format!("cat > MPI/hosts <<'END'\n{HOSTS}END"))));
}

fn quoted(text: &str) -> String {
    mpiup::quote::sh(text)
}

#[test]
fn a_cluster_built_by_hand_is_taken_over_and_given_back() {
    let lab = lab!(3);
    build(&lab);
    works_by_hand(&lab);
    let before = tree::look(&lab);

    let operator = Operator::without_spec(&lab);
    let init = operator.mpiup(&["init", "--lab", &lab.name, "--name", "aula"]).succeeded();
    let spec = operator.spec();
    assert!(spec.contains("source  = \"existing\"") && spec.contains("requirements = []"), "{spec}");
    for recognised in [
        "all 3 nodes: account mpi (uid 1000, home /home/mpi)",
        "all 3 nodes: names in /etc/hosts: master, client1, client2",
        "all 3 nodes: key ~/.ssh/id_rsa, which master, client1, client2 let in",
        "master: hostfile /home/mpi/MPI/hosts, which names master, client1, client2",
    ] {
        let said = init.said();
        assert!(said.contains(recognised), "{recognised}: {}", init.stderr);
    }

    let plan = operator.mpiup(&["plan", "--json"]).json();
    for node in array(&plan["nodes"]) {
        for change in array(&node["changes"]) {
            let primitive = text(&change["primitive"]);
            assert!(!["user", "packages", "hostname"].contains(&primitive), "{change}");
            let theirs = ["/etc/hosts", "/home/mpi/MPI", "/home/mpi/.ssh"];
            assert!(!change["path"].as_str().is_some_and(|path| theirs.contains(&path)), "{change}");
        }
    }
    operator.up();
    works_by_hand(&lab);
    assert_eq!(lab.says("master", "cat /home/mpi/MPI/hosts"), HOSTS.trim_end(), "their hostfile is theirs");
    let run = operator.mpiup(&["run", "-n", "3", "python", "ejemplo.py"]).succeeded();
    assert!(run.stdout.contains("3 procesos en 3 máquinas"), "{run:?}");
    assert_eq!(operator.plan().changes, 0);

    operator.down(&[]);
    works_by_hand(&lab);
    let after = tree::look(&lab);
    for (number, node) in lab.nodes().iter().enumerate() {
        before[number].assert_restored(node, &after[number], |_| false);
    }
}

/// Programs over all machines in their person's own words, and their own key between them.
fn works_by_hand(lab: &TestLab) {
    let said = lab.says("master", &format!("su - mpi -c {}", quoted(TYPED)));
    assert!(said.contains("3 procesos en 3 máquinas"), "{said}");
    for from in lab.nodes() {
        let own = "ssh -i ~/.ssh/id_rsa -o IdentitiesOnly=yes -o BatchMode=yes client1 hostname";
        assert_eq!(lab.says(&from, &format!("su - mpi -c {}", quoted(own))), "client1", "from {from}");
    }
    assert_eq!(lab.says("master", "su - mpi -c 'ssh -o BatchMode=yes ana@client1 whoami'"), "ana");
    assert_eq!(
        lab.says("client1", "su - mpi -c 'ssh -G elsewhere | grep -i ^serveraliveinterval'"),
        "serveraliveinterval 15"
    );
}

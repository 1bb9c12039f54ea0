//! Jobs: output and status come through, and however a job ends, nothing of it stays on any machine.

use std::{fs, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    plain,
    support::{Operator, Ran, TestLab, child::wait_until},
};

/// On a machine with other work, too.
const SOON: Duration = Duration::from_secs(30);

const SLEEPS: &str = "from mpi4py import MPI; import time; MPI.COMM_WORLD.barrier(); time.sleep(600)";

#[test]
fn a_job_passes_through_and_leaves_no_process_however_it_ends() {
    let lab = lab!(3);
    let operator = Operator::new(&lab, "wheels");
    operator.up();

    let hello = operator.mpiup(&["run", "-n", "6", "python", "ejemplo.py"]).succeeded();
    assert_eq!(plain::machines_of(&hello.stdout), lab.nodes().into_iter().collect());
    assert!(
        hello.stdout.starts_with("Hola, soy el proceso 0 de 6 en master\n"),
        "only the program's: {}",
        hello.stdout
    );

    let seven = "from mpi4py import MPI; import sys; MPI.COMM_WORLD.barrier(); sys.exit(7)";
    assert_eq!(operator.mpiup(&["run", "-n", "3", "--by-node", "python", "-c", seven]).code, 7);
    nobody_is_left(&lab);

    fs::write(
        operator.work().join("fails.py"),
        "from mpi4py import MPI\nc = MPI.COMM_WORLD\nc.rank == 2 and 1 / 0\nc.barrier()\n",
    )
    .unwrap();
    let raised = operator.mpiup(&["run", "-n", "3", "--by-node", "python", "fails.py"]);
    assert!(raised.code != 0 && raised.stderr.contains("ZeroDivisionError"), "{raised:?}");
    assert!(raised.took < SOON, "an exception on one rank ends the job: {:?}", raised.took);
    nobody_is_left(&lab);

    assert_eq!(signalled(&operator, Signal::SIGTERM).map(|ran| ran.code), Some(128 + 15));
    nobody_is_left(&lab);
    // The operator's machine goes without a word.
    assert!(signalled(&operator, Signal::SIGKILL).is_none());
    nobody_is_left(&lab);

    answers_are_folded(&operator);
}

/// Starts a job that would take ten minutes, and sends mpiup a signal once every machine has a rank.
fn signalled(operator: &Operator<'_>, signal: Signal) -> Option<Ran> {
    let mut run = operator.start(&["run", "-n", "6", "--no-sync", "python", "-c", SLEEPS]);
    for node in operator.lab.nodes() {
        wait_until(&format!("ranks on {node}"), SOON, || ranks(operator.lab, &node) == 2);
    }
    kill(Pid::from_raw(run.id().cast_signed()), signal).unwrap();
    if signal == Signal::SIGKILL {
        run.wait().unwrap();
        return None;
    }
    Some(operator.finish(run))
}

/// Ranks of jobs of mpiup, told from a person's own programs by the mark in their environment, and from the shells above
/// them by their name.
fn ranks(lab: &TestLab, node: &str) -> usize {
    let of_jobs = "grep -lz '^MPIUP_JOB=' /proc/[0-9]*/environ 2>/dev/null";
    let ranks = format!(
        "{of_jobs} | xargs -r grep -lsz '^OMPI_COMM_WORLD_RANK=' | sed 's/environ$/comm/' | xargs -r grep -hs '^python' | wc -l"
    );
    lab.says(node, &ranks).parse().unwrap()
}

/// No process of the cluster's user, and none with a job's mark, on any machine.
fn nobody_is_left(lab: &TestLab) {
    for node in lab.nodes() {
        let look = "ps -o pid=,args= -u mpi; grep -lz '^MPIUP_JOB=' /proc/[0-9]*/environ 2>/dev/null; true";
        let mut left = String::new();
        // Daemons and logins that were told to end take a moment.
        let begun = std::time::Instant::now();
        while begun.elapsed() < SOON {
            left = lab.says(&node, look);
            if left.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(left, "", "processes on {node}");
    }
}

/// `exec` shows equal answers once, names who failed, and fails itself then.
fn answers_are_folded(operator: &Operator<'_>) {
    let same = operator.mpiup(&["exec", "echo the same"]).succeeded();
    assert_eq!(same.stdout, "master,client[1-2]: the same\n");
    let own = operator.mpiup(&["exec", "hostname"]).succeeded();
    for node in operator.lab.nodes() {
        assert!(own.stdout.lines().any(|line| line == format!("{node}: {node}")), "{}", own.stdout);
    }
    let one = operator.mpiup(&["exec", "[ $(hostname) != client2 ]"]);
    assert_eq!(one.code, 1);
    assert!(one.stderr.contains("client2") && !one.stderr.contains("client1"), "{}", one.stderr);
}

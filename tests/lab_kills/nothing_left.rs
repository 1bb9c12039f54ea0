//! SIGKILL of mpiup, in `up` and in `run`: within a minute no node has a process, a listener or a lock that it did not have
//! before; and what mpiup keeps on a node is root's alone.

use std::{fs, time::Duration};

use crate::{
    UP,
    stop::{Stop, end},
    support::{Operator, TestLab, child::wait_until},
};

/// Longer than what is left running can take on a machine with other work, and than any heartbeat.
const SOON: Duration = Duration::from_secs(60);

/// Every process by its words, who listens, and which locks are held; the look itself aside.
const LOOK: &str = r#"
for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    [ "$pid" != $$ ] || continue
    words=$(tr '\0' ' ' < "$process/cmdline" 2>/dev/null) || continue
    [ -z "$words" ] || [ "$(cut -d' ' -f4 "$process/stat" 2>/dev/null)" = $$ ] || printf 'process %s\n' "$words"
done | sort
awk 'FNR > 1 && ($4 == "0A" || (FILENAME ~ /udp/ && $4 == "07")) { print "listens", FILENAME, $2 }' /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6
for lock in /run/mpiup.lock /run/mpiup.lock.busy; do [ ! -e $lock ] || flock -n $lock true || echo "held $lock"; done
"#;

/// What of the journal and the locks is not root's alone. Files in the journal are copies with the owner that they had; the
/// folders keep everybody else away.
const OPEN: &str = "find /var/lib/mpiup -type d \\( ! -user root -o ! -perm 700 \\) -printf '%m %u %p\\n'; \
                    find /run/mpiup.lock* \\( ! -user root -o ! -perm 600 \\) -printf '%m %u %p\\n'";

const WAITS: &str = "from mpi4py import MPI; import time; MPI.COMM_WORLD.barrier(); time.sleep(600)";

#[test]
fn a_killed_mpiup_leaves_nothing_that_runs() {
    let lab = lab!(2);
    let operator = Operator::new(&lab, "wheels");
    let before = look(&lab);
    let stop = Stop::on(&lab, "client1");
    stop.nowhere();
    operator.up();
    let labels = stop.passed();
    operator.down(&[]);
    // Where the first and the last of the journal is written.
    for label in [labels.first().unwrap(), labels.iter().rfind(|label| label.contains("/journal/00")).unwrap()] {
        stop.at(label);
        let mut mpiup = operator.start(UP);
        let Some(stopped) = stop.wait(&mut mpiup) else { panic!("{label} did not come again") };
        assert_ne!(look(&lab), before, "something is to be seen");
        for node in lab.nodes() {
            assert_eq!(lab.inside(&node, OPEN), "", "{node} at {}", stopped.label);
        }
        mpiup.kill().unwrap();
        assert!(end(mpiup).is_none());
        stop.let_go();
        nothing_is_left(&lab, &before, &format!("`up`, killed at {label}"));
    }

    operator.up();
    let before = look(&lab);
    let mut run = operator.start(&["run", "-n", "4", "--no-sync", "python", "-c", WAITS]);
    wait_until("ranks run", SOON, || look(&lab).iter().all(|seen| seen.matches("time.sleep(600)").count() >= 2));
    run.kill().unwrap();
    run.wait().unwrap();
    nothing_is_left(&lab, &before, "`run`");
    assert_eq!(fs::read_dir(operator.folder().join("work")).unwrap().count(), 2, "mpiup.toml and the example");
}

fn look(lab: &TestLab) -> Vec<String> {
    lab.nodes().iter().map(|node| lab.inside(node, LOOK)).collect()
}

fn nothing_is_left(lab: &TestLab, before: &[String], of: &str) {
    let begun = std::time::Instant::now();
    let mut now = look(lab);
    while now != before {
        assert!(begun.elapsed() < SOON, "left of {of}:\n{}\nbefore:\n{}", now.join("\n"), before.join("\n"));
        std::thread::sleep(Duration::from_millis(200));
        now = look(lab);
    }
    eprintln!("nothing is left of {of} after {:?}", begun.elapsed());
}

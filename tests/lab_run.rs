//! `mpiup run` as a person who does not trust it would type it: how ranks end, what they say and read, and who takes part.
//! With Open MPI 5, which loses output and hangs when left to itself, and with MPICH, which waits for dead ranks.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use support::{Operator, Ran, child};

/// Ends on the node client1 before MPI is there, while the others wait for it.
const DIES_EARLY: &str = "import os, socket\nif socket.gethostname() == 'client1': os._exit(5)\n\
    from mpi4py import MPI\nMPI.COMM_WORLD.barrier()\n";

/// Rank 1 ends without a word in the midst of a job.
const DIES_LATE: &str =
    "import os\nfrom mpi4py import MPI\nc = MPI.COMM_WORLD; c.barrier()\nif c.rank == 1: os._exit(7)\nc.barrier()\n";

const SEGFAULTS: &str = "import os\nfrom mpi4py import MPI\nc = MPI.COMM_WORLD; c.barrier()\n\
    if c.rank == 1: os.kill(os.getpid(), 11)\nc.barrier()\n";

const ABORTS: &str = "from mpi4py import MPI\nc = MPI.COMM_WORLD\nif c.rank == 2: c.Abort(3)\nc.barrier()\n";

const READS: &str = "import sys\nfrom mpi4py import MPI\nprint(MPI.COMM_WORLD.rank, repr(sys.stdin.read()))\n";

const WAITS: &str = "import time\nfrom mpi4py import MPI\nMPI.COMM_WORLD.barrier()\ntime.sleep(600)\n";

/// Longer than any launcher and mpiup's own grace need, shorter than patience.
const SOON: Duration = Duration::from_secs(25);

fn run(operator: &Operator<'_>, args: &[&str]) -> Ran {
    let ran = operator.mpiup(&[&["--quiet", "run"], args].concat());
    assert!(ran.took < SOON, "{args:?} took {:?}: {}", ran.took, ran.stderr);
    nothing_is_left(operator, &format!("{args:?}: {}", ran.stderr));
    ran
}

/// No process of the cluster's user is on any node, as the nodes' own /proc tells.
fn nothing_is_left(operator: &Operator<'_>, after: &str) {
    let list = "for p in /proc/[0-9]*; do [ \"$(stat -c %U \"$p\" 2>/dev/null)\" = mpi ] && tr '\\0' ' ' < \"$p/cmdline\" && echo; done; true";
    let left = || -> Vec<String> {
        let of_node =
            |node: &String| Some(operator.lab.inside(node, list).trim().to_owned()).filter(|left| !left.is_empty());
        operator.lab.nodes().iter().filter_map(|node| Some(format!("{node}: {}", of_node(node)?))).collect()
    };
    let began = std::time::Instant::now();
    while !left().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "{:?} is left of {after}", left());
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn cluster<'a>(lab: &'a support::TestLab, flavour: &str) -> Operator<'a> {
    let operator = Operator::without_spec(lab);
    operator.mpiup(&["init", "--lab", &lab.name, "--source", "wheels", "--mpi", flavour]).succeeded();
    operator.up();
    for (name, program) in [
        ("early.py", DIES_EARLY),
        ("late.py", DIES_LATE),
        ("segfault.py", SEGFAULTS),
        ("abort.py", ABORTS),
        ("reads.py", READS),
        ("waits.py", WAITS),
    ] {
        fs::write(operator.work().join(name), program).unwrap();
    }
    operator
}

/// The same under every MPI: the first failing rank's own code, its name and node, and an end within seconds.
fn ends_are_told(operator: &Operator<'_>) {
    let told = |args: &[&str], code: i32, words: &str| {
        let ran = run(operator, args);
        assert_eq!(ran.code, code, "{args:?}: {}", ran.stderr);
        assert!(ran.said().contains(words), "{args:?}: {}", ran.stderr);
    };
    told(&["-n", "6", "python", "early.py"], 5, "error: client1: rank ");
    told(&["-n", "6", "python", "late.py"], 7, "");
    told(&["-n", "6", "python", "segfault.py"], 139, "");
    told(&["-n", "6", "python", "abort.py"], 3, "");
    told(&["-n", "3", "./nope"], 127, "found no program `./nope`");
    told(&["-n", "3", "sh", "-c", "kill -9 $$"], 137, "was ended by signal 9 SIGKILL");
    fs::write(operator.work().join("a tool"), "#!/bin/sh\necho it runs\n").unwrap();
    told(&["-n", "1", "./a tool"], 126, "is not executable");
    fs::set_permissions(operator.work().join("a tool"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(run(operator, &["-n", "1", "./a tool"]).succeeded().stdout, "it runs\n");
}

fn output_and_input_are_whole(operator: &Operator<'_>) {
    let much = run(operator, &["-n", "3", "sh", "-c", "yes 0123456789abcde | head -c 8000000"]).succeeded();
    assert_eq!(much.stdout.len(), 24_000_000, "{}", much.stderr);
    assert_eq!(
        run(operator, &["-n", "1", "printf", "%s|", "a b", "", "ñ\n", "--x"]).succeeded().stdout,
        "a b||ñ\n|--x|"
    );

    let mut reads = operator.command(&["--quiet", "run", "-n", "3", "python", "reads.py"]);
    let output = child::run(&mut reads, b"one\ntwo", SOON);
    let said = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["0 'one\\ntwo'", "1 ''", "2 ''"], "{}", String::from_utf8_lossy(&output.stderr));
}

fn a_node_that_is_gone_is_left_out(operator: &Operator<'_>) {
    operator.lab.inside("client2", "kill $(ps -eo pid,ppid,comm | awk '$3 == \"sshd\" && $2 <= 1 { print $1 }')");
    let without = run(
        operator,
        &["python", "-c", "from mpi4py import MPI; MPI.COMM_WORLD.barrier(); print(MPI.Get_processor_name())"],
    );
    assert_eq!(without.code, 0, "{}", without.stderr);
    let mut nodes: Vec<&str> = without.stdout.lines().collect();
    nodes.dedup();
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes, ["client1", "master"]);
    assert!(without.stderr.contains("error: client2: "), "{}", without.stderr);
    assert!(without.stderr.contains("2 of 3 nodes are usable"), "{}", without.stderr);
}

/// Cut off without a word, as by a power failure: no launcher notices that.
fn a_node_that_dies_is_named_and_ends_the_job(operator: &Operator<'_>) {
    let lab = operator.lab;
    // Not what mirrors the file, whose name its command lines hold too.
    let count =
        "for p in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$p 2>/dev/null | grep '[m]pi4py waits.py'; done | wc -l";
    let ranks = |node: &str| lab.inside(node, count);
    let job = operator.start(&["--quiet", "run", "-n", "6", "python", "waits.py"]);
    child::wait_until("ranks run on client2", SOON, || ranks("client2").trim() != "0");
    lab.inside("client2", "ip link set eth0 down");
    let ran = operator.finish_within(job, Duration::from_secs(120));
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("error: client2: died in the middle of the job"), "{}", ran.stderr);
    for node in ["master", "client1"] {
        child::wait_until("its ranks ended", Duration::from_secs(10), || ranks(node).trim() == "0");
    }
    lab.inside("client2", "ip link set eth0 up");
}

/// What is done to client1, how it is said of it, and how it is mended.
const TAKES_NO_FILES: [(&str, &str, &str); 4] = [
    (
        "mount -t tmpfs -o size=64k tmpfs /home/mpi/MPI && chown mpi: /home/mpi/MPI",
        "files could not be written into /home/mpi/MPI",
        "umount /home/mpi/MPI",
    ),
    (
        "mount --bind /home/mpi/MPI /home/mpi/MPI && mount -o remount,bind,ro /home/mpi/MPI",
        "Read-only file system",
        "umount /home/mpi/MPI",
    ),
    // Another operator is at work there.
    (
        r#"setsid sh -c 'exec 9>>/run/mpiup.lock; flock 9; printf "word\nben@desk\t10.0.0.9\tup\t12:00:00\t1764020710\n" >&9; echo $$ >/run/ben; exec sleep 600' </dev/null >/dev/null 2>&1 &
            until [ -e /run/ben ]; do sleep 0.1; done"#,
        "in use by ben@desk from 10.0.0.9: `mpiup up`",
        "kill $(cat /run/ben); rm /run/ben /run/mpiup.lock",
    ),
    // The connection ends when the files are there, and do not have their names yet.
    (
        r#"printf '#!/bin/sh\ncase "$*" in */synced) kill -s KILL $(ps -o ppid= -p $(ps -o sid= -p $$)) ;; esac\nexec /bin/mkdir "$@"\n' >/usr/local/sbin/mkdir
            chmod 755 /usr/local/sbin/mkdir"#,
        "files could not be written into /home/mpi/MPI",
        "rm /usr/local/sbin/mkdir",
    ),
];

/// A job there would run old files: it runs without that node, and ends as the program does. `sync` says who has none.
fn who_takes_no_files_is_left_out(operator: &Operator<'_>) {
    let folded = |ran: &Ran| ran.said();
    for (make, reason, mend) in TAKES_NO_FILES {
        operator.lab.inside("client1", make);
        for command in [&["run", "sh", "-c", "uname -n; exit 5"][..], &["sync"]] {
            fs::write(operator.work().join("data"), format!("{reason} {command:?}").repeat(9000)).unwrap();
            let (ran, wanted) = (operator.mpiup(command), if command[0] == "run" { 5 } else { 1 });
            let said = folded(&ran);
            assert_eq!(ran.code, wanted, "{reason}: {said}");
            assert!(said.contains("error: client1: ") && said.contains(reason), "{reason}: {said}");
            if command[0] == "run" {
                assert!(said.contains("warning: 1 of 2 nodes are usable"), "{said}");
                assert!(ran.stdout.lines().all(|node| node == "master") && !ran.stdout.is_empty(), "{}", ran.stdout);
            } else {
                assert!(said.contains("error: client1 did not get the files"), "{said}");
            }
        }
        operator.lab.inside("client1", mend);
    }
    // Where the head node takes none, there is no job.
    operator.lab.inside("master", TAKES_NO_FILES[1].0);
    fs::write(operator.work().join("data"), "for the head node").unwrap();
    let ran = operator.mpiup(&["run", "uname", "-n"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
    assert!(folded(&ran).contains("error: master: files could not be written into /home/mpi/MPI "), "{ran:?}");
    operator.lab.inside("master", TAKES_NO_FILES[1].2);
    run(operator, &["uname", "-n"]).succeeded();
}

#[test]
fn with_open_mpi_5() {
    let lab = lab!(3);
    let operator = cluster(&lab, "openmpi");
    ends_are_told(&operator);
    output_and_input_are_whole(&operator);
    // Programs that are no MPI's, and end before all daemons stand.
    for _ in 0..3 {
        assert_eq!(run(&operator, &["-n", "6", "hostname"]).succeeded().stdout.lines().count(), 6);
    }
    a_node_that_dies_is_named_and_ends_the_job(&operator);
    a_node_that_is_gone_is_left_out(&operator);
}

#[test]
fn with_mpich() {
    let lab = lab!(3);
    let operator = cluster(&lab, "mpich");
    ends_are_told(&operator);
    output_and_input_are_whole(&operator);
    a_node_that_is_gone_is_left_out(&operator);
}

#[test]
fn mirroring_keeps_what_others_wrote_and_never_leaves_halves() {
    let lab = lab!(2);
    let operator = cluster(&lab, "mpich");
    let there = |script: &str| lab.says("client1", &format!("cd /home/mpi/MPI && {script}"));
    operator.mpiup(&["sync"]).succeeded();

    // A change of somebody else's stays, and is named.
    there("echo '# mine' >> late.py");
    fs::write(operator.work().join("late.py"), "print('new')\n").unwrap();
    let sync = operator.mpiup(&["sync"]);
    assert_eq!(sync.code, 1);
    assert!(sync.stderr.contains("client1: MPI/late.py was changed there"), "{}", sync.stderr);
    assert!(there("cat late.py").ends_with("# mine"));
    operator.mpiup(&["sync", "--force"]).succeeded();
    assert_eq!(there("cat late.py"), "print('new')");

    // No room: the old file stays whole, nothing else does, and the node and the reason are named.
    lab.inside("client1", "mount -t tmpfs -o size=64k tmpfs /home/mpi/MPI && chown mpi: /home/mpi/MPI");
    fs::write(operator.work().join("data"), vec![b'x'; 300_000]).unwrap();
    let full = operator.mpiup(&["sync"]);
    assert_eq!(full.code, 1);
    assert!(full.stderr.contains("error: client1: files could not be written"), "{}", full.stderr);
    assert!(full.stderr.contains("No space left on device"), "{}", full.stderr);
    assert_eq!(there("ls -A"), "");
    lab.inside("client1", "umount /home/mpi/MPI");
    who_takes_no_files_is_left_out(&operator);

    // What is done with is taken back by `down`; what was changed stays.
    fs::write(operator.work().join("-f"), "a name like an option\n").unwrap();
    operator.mpiup(&["sync"]).succeeded();
    there("echo '# mine' >> reads.py");
    operator.down(&[]);
    assert_eq!(there("ls -A"), "reads.py");
}

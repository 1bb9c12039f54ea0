//! Partial success: whatever is wrong with one node, the others become usable and proved, that node is named with its reason
//! by every verb, and comes in once it is mended. `honest.rs` has the nodes that cannot be reached.

use crate::{
    honest::{all_are_ready, is_left_out},
    support::Operator,
};

/// What is done to the node, how its reason is said, and how it is mended.
struct Fault {
    make: &'static str,
    reason: &'static str,
    mend: &'static str,
}

const HANGS: &str = "does not answer";
const NO_WHEEL: &str = "there is no ready-made package (wheel) of";

const FAULTS: [Fault; 6] = [
    Fault {
        make: "cd /usr/bin && for python in python3 python3.[0-9]*[0-9]; do mv $python $python.away; done",
        reason: "python3 is missing",
        mend: "cd /usr/bin && for python in *.away; do mv $python ${python%.away}; done",
    },
    // A Python for which no wheels are made any more.
    Fault {
        make: r#"printf '#!/bin/sh\ncase "$*" in *CS_GNU_LIBC*) printf "/usr/bin/python3\\n3.5\\nglibc 2.31\\n" ;; *) exec /usr/bin/python3 "$@" ;; esac\n' > /usr/local/bin/python3 && chmod +x /usr/local/bin/python3"#,
        reason: NO_WHEEL,
        mend: "rm /usr/local/bin/python3",
    },
    Fault {
        make: "printf '#!/bin/sh\\nexec /bin/date -d @$(($(/bin/date +%%s) - 10950)) \"$@\"\\n' > /usr/local/bin/date
            chmod +x /usr/local/bin/date",
        reason: "its clock is 3 h 2 min behind the clocks of the other nodes",
        mend: "rm /usr/local/bin/date",
    },
    Fault {
        make: "mkdir /full && mount -t tmpfs -o size=130m,mode=755 tmpfs /full && cp -a /home/. /full/ &&
            mount --move /full /home && rmdir /full && { cat /dev/zero > /home/fill || true; } 2>/dev/null",
        reason: "its disk is full: 0 KiB are free for the home",
        mend: "umount /home",
    },
    Fault {
        make: "mkdir /full && mount -t tmpfs -o size=8m,mode=755 tmpfs /full && cp -a /var/lib/mpiup /full/ &&
            mount --move /full /var/lib && rmdir /full && { cat /dev/zero > /var/lib/fill || true; } 2>/dev/null",
        reason: "its disk is full: 0 KiB are free for /var/lib",
        mend: "umount /var/lib",
    },
    // The kernel takes connections, and nobody answers them: as where packets are dropped on their way back.
    Fault { make: "kill -STOP $(cat /run/sshd.pid)", reason: HANGS, mend: "kill -CONT $(cat /run/sshd.pid)" },
];

#[test]
fn whatever_is_wrong_with_one_node_the_others_are_a_cluster() {
    let lab = lab!(3);
    let operator = Operator::new(&lab, "wheels");
    operator.up();
    operator.mpiup(&["sync"]).succeeded();
    for Fault { make, reason, mend } in FAULTS {
        lab.inside("client2", make);
        let said = is_left_out(&operator, "client2");
        assert!(said.lines().any(|line| line.contains("client2: ") && line.contains(reason)), "{reason}: {said}");
        // A node that hangs costs its ten seconds, once a command: that was seen, and need not be waited for again. What the
        // index does not have, only `up` asks for.
        if ![HANGS, NO_WHEEL].contains(&reason) {
            named_by_status_and_run(&operator, reason);
        }
        lab.inside("client2", mend);
    }
    all_are_ready(&operator);
}

fn named_by_status_and_run(operator: &Operator<'_>, reason: &str) {
    let status = operator.mpiup(&["status"]);
    assert_eq!(status.code, 1, "{status:?}");
    assert!(status.stderr.contains(reason), "{status:?}");
    let row = status.stdout.lines().find(|line| line.starts_with("client2 ")).unwrap();
    assert!(row.contains("left out"), "{row}");
    let run = operator.mpiup(&["run", "-n", "4", "python", "ejemplo.py"]).succeeded();
    assert!(run.stderr.contains("client2: ") && run.stderr.contains("2 of 3 nodes are usable"), "{run:?}");
    assert!(run.stdout.contains("client1") && !run.stdout.contains("client2"), "{run:?}");
}

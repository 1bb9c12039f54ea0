//! A node that has no way to its mirrors: it says what helps, and gets its packages through the operator's machine. Looked at by
//! what stands on the node before and after, and by its own apt.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

use std::{thread::sleep, time::Duration};

use support::{Operator, TestLab};

/// The way of a lab's machines to the world, taken from this one; and with its lists apt loses all that it knew.
const CUT_OFF: &str = "rm -rf /etc/apt/apt.conf.d/99mpiup-lab /var/lib/apt/lists/* && ! timeout 60 apt-get update -qq 2>&1 | grep -qv 'Failed to fetch\\|failed to download'";

/// What of mpiup's way is left: its address, its file, a port.
const LEFT: &str = "grep -rl 'http://mpiup:' /etc /run /tmp /var/lib/mpiup 2>/dev/null; find / -xdev -name 'relay.conf*' 2>/dev/null; \
    ss -Hltn | awk '{ print $4 }' | grep -v ':22$' || true";

fn installed(lab: &TestLab) -> bool {
    lab.inside("master", "dpkg-query -W openmpi-bin 2>/dev/null || true").contains("openmpi-bin")
}

#[test]
fn packages_come_through_the_operator() {
    let lab = lab!(1);
    lab.inside("master", CUT_OFF);
    let operator = Operator::new(&lab, "distro");
    let up = operator.mpiup(&["up", "--yes"]);
    assert_eq!(up.code, 1, "{up:?}");
    let said = up.said();
    for part in ["apt cannot fetch what is needed: ", "`mpiup up --via-operator`", "`source = \"wheels\"`"] {
        assert!(said.contains(part), "{part}: {}", up.stderr);
    }
    assert!(!installed(&lab));

    let up = operator.mpiup(&["up", "--yes", "--via-operator"]).succeeded();
    assert!(up.stderr.contains("is ready"), "{up:?}");
    assert!(installed(&lab));
    assert!(lab.says("master", "ompi_info --version").contains("Open MPI v"));
    // sshd closes the port when it has noticed that the connection ended.
    for _ in 0..50 {
        if lab.inside("master", LEFT).is_empty() {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    assert_eq!(lab.inside("master", LEFT), "");
    operator.down(&[]);
    assert!(!installed(&lab));
}

//! Machines of different releases of Debian: their own packages of Open MPI do not talk to each other, wheels do.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod support;

mod full {
    use std::fs;

    use super::support::{
        Operator, tree,
        vm::{self, part},
    };

    /// Each process tells its machine's release and Python to the first one, which must be able to read that.
    const WHO: &str = r#"
import sys
from mpi4py import MPI
told = MPI.COMM_WORLD.gather((open("/etc/debian_version").read()[:2], sys.version_info[:2]))
for release, python in told or []:
    print("Debian", release, "Python %d.%d" % python)
"#;

    #[test]
    #[ignore = "boots virtual machines: cargo xtask vm-test"]
    fn debian_12_and_13_become_one_cluster_by_wheels() {
        let vms = vms!(2, vm::BARE, [Bookworm, Trixie]).without_sudo_password();
        let operator = Operator::new(&vms, "distro");
        let before = part("look at every file", || tree::look(&vms));
        part("plan names the nodes whose packages differ, and proposes wheels", || {
            let ran = operator.mpiup(&["plan"]);
            let said = ran.said();
            assert!(ran.code == 1 && ran.stdout.is_empty(), "{said}");
            assert!(said.contains("client1: its MPI has version 5, but the one of master version 4"), "{said}");
            assert!(said.contains("`source = \"wheels\"` in [mpi]"), "{said}");
            vms.assert_restored(&before);
        });
        operator.set_spec(&operator.spec().replace("\"distro\"", "\"wheels\""));
        part("up, with wheels for each Python", || {
            let report = operator.up();
            assert_eq!(report["ready"].as_array().map(Vec::len), Some(2), "{report}");
        });
        fs::write(operator.work().join("who.py"), WHO).unwrap();
        part("sync", || operator.mpiup(&["sync"]).succeeded());
        part("mpiexec by hand", || {
            let typed = "cd MPI && for program in ejemplo.py who.py; do mpiexec -hostfile hosts python $program; done";
            let said = vms.says("mpi@master", typed);
            for wanted in ["en master", "en client1", "Debian 12 Python 3.11", "Debian 13 Python 3.13"] {
                assert!(said.contains(wanted), "{wanted}: {said}");
            }
        });
        part("a second up changes nothing", || assert_eq!(operator.up()["changes"], 0));
        part("down", || operator.down(&["--purge"]));
        part("every file is as before", || vms.assert_restored(&before));
    }
}

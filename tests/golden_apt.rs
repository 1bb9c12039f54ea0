//! apt and dpkg beside others: who has the lock is waited for and named, what others left half-way stays as it is, and `down`
//! takes what came with ours and nothing else. The real shell, with an apt that answers as the real one does.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/machine.rs"]
mod machine;
#[path = "support/shell.rs"]
mod shell;

use std::fs;

use machine::{apt, installed, package};
use mpiup::changes::{Primitive, script};
use shell::{Sandbox, worlds};

const BEFORE: [&str; 1] = ["ii |libc6"];
const ALL: [&str; 3] = ["ii |libc6", "ii |libfabric", "ii |openmpi"];

fn openmpi() -> Vec<Primitive> {
    vec![Primitive::Packages { manager: "apt", names: vec!["openmpi".into()], brings: None }]
}

/// On a head node that exports.
fn openmpi_and_nfs() -> Vec<Primitive> {
    vec![Primitive::Packages {
        manager: "apt",
        names: vec!["openmpi".into(), "nfs-kernel-server".into()],
        brings: None,
    }]
}

/// The kernel's table, with a folder of another machine's, or without.
fn mounts_by_nfs(s: &Sandbox, is_mounted: bool) {
    fs::create_dir_all(s.path("proc/self")).unwrap();
    let line = if is_mounted { "99 22 0:50 / /sw rw - nfs4 sw:/sw rw\n" } else { "" };
    fs::write(s.path("proc/self/mountinfo"), format!("22 1 254:1 / / rw - ext4 /dev/vda1 rw\n{line}")).unwrap();
}

/// In every shell, with every awk.
fn everywhere(case: impl Fn(&Sandbox)) {
    for world in worlds() {
        let sandbox = Sandbox::machine(&world);
        apt(&sandbox);
        case(&sandbox);
    }
}

#[test]
fn what_came_goes_and_nothing_else() {
    everywhere(|s| {
        let up = s.up(&openmpi());
        assert!(up.success, "{up:?}");
        assert_eq!(up.said(), ["Setting up libfabric (1.0-1) ...", "Setting up openmpi (1.0-1) ..."]);
        assert_eq!(installed(s), ALL);
        assert_eq!(s.down().results(), ["done"]);
        assert_eq!(installed(s), BEFORE);
        assert!(s.is_clean());
    });
}

/// Each way to be at work: apt's, which says its name, and dpkg's, when something is to be mended first.
#[test]
fn who_has_the_lock_is_waited_for_and_named() {
    everywhere(|s| {
        let held = s.path("var/lib/dpkg/held");
        let waits = "waits for process 812 (unattended-upgr), which is at work on the packages here";
        // It ends while it is waited for.
        let ends = format!("#!/bin/sh\nrm -f {held}\n");
        s.tool("sleep", &ends);
        fs::write(&held, "").unwrap();
        let up = s.up(&openmpi());
        assert!(up.success && up.said()[0] == waits, "{up:?}");
        fs::write(&held, "").unwrap();
        let down = s.down();
        assert!(down.results() == ["done"] && down.said()[0] == waits, "{down:?}");
        assert_eq!(installed(s), BEFORE);

        // It does not: nothing is done, on the way up or down, and the next time goes on.
        s.tool("sleep", "#!/bin/sh\n");
        let gives_up = "process 812 (unattended-upgr) was at work on the packages here for 4 s; run this again when it has ended\n";
        fs::write(&held, "").unwrap();
        let up = s.sh(&impatient(&s.script(&openmpi())));
        assert!(!up.success && up.stderr == gives_up && installed(s) == BEFORE, "{up:?}");
        fs::remove_file(&held).unwrap();
        assert!(s.up(&openmpi()).success);
        fs::write(&held, "").unwrap();
        let down = s.sh(&impatient(&script::undo(&s.state(), false, "")));
        assert!(!down.success && down.stderr == gives_up && down.results() == ["failed"], "{down:?}");
        assert_eq!(installed(s), ALL);
        fs::remove_file(&held).unwrap();
        assert_eq!(s.down().results(), ["done"]);
        assert!(s.is_clean());
    });
}

/// The script, with a patience of 4 s.
fn impatient(script: &str) -> String {
    assert!(script.contains("mpiup_manager_patience=300 "));
    script.replace("mpiup_manager_patience=300 ", "mpiup_manager_patience=4 ")
}

/// An interrupted installation of ours waits as well: who is at work may be the rest of it.
#[test]
fn what_is_to_be_mended_waits_for_the_lock_too() {
    everywhere(|s| {
        assert!(s.up(&openmpi()).success);
        interrupt(s, "ii |openmpi", "iF |openmpi");
        let held = s.path("var/lib/dpkg/held");
        fs::write(&held, "").unwrap();
        s.tool("sleep", &format!("#!/bin/sh\nrm -f {held}\n"));
        let down = s.down();
        assert!(down.results() == ["done"] && down.said()[0].starts_with("waits for process 812"), "{down:?}");
        assert_eq!(installed(s), BEFORE);
        assert!(!fs::exists(s.path("var/lib/dpkg/updates/0000")).unwrap());
    });
}

#[test]
fn what_others_left_half_way_stays_as_it_is() {
    everywhere(|s| {
        package(s, "iF ", "postfix");
        let before = s.picture();
        let up = s.up(&openmpi());
        let sentence = "dpkg was interrupted at packages that are not mpiup's (postfix), which stay as they are; there: \
                        `dpkg --configure -a`, then `apt-get -f install`, and this command again";
        assert!(!up.success && up.stderr == format!("{sentence}\n"), "{up:?}");
        assert_eq!((s.picture(), s.journal().len()), (before, 0));

        fs::remove_dir(s.path("var/lib/dpkg/db/iF |postfix")).unwrap();
        assert!(s.up(&openmpi()).success);
        package(s, "iHR", "postfix");
        let down = s.down();
        assert_eq!((down.results(), down.said()), (vec!["kept"], vec![&*format!("packages stay: {sentence}")]));
        assert!(down.is_held());
        assert_eq!(installed(s), ["iHR|postfix", "ii |libc6", "ii |libfabric", "ii |openmpi"]);
        fs::rename(s.path("var/lib/dpkg/db/iHR|postfix"), s.path("var/lib/dpkg/db/ii |postfix")).unwrap();
        assert_eq!(s.down().results(), ["done"]);
        assert_eq!(installed(s), ["ii |libc6", "ii |postfix"]);
    });
}

/// A group that a package of somebody else brought later is theirs; the one that came with ours goes.
#[test]
fn groups_of_packages_that_others_installed_later_stay() {
    everywhere(|s| {
        fs::write(s.path("etc/group"), "root:x:0:\n").unwrap();
        assert!(s.up(&openmpi()).success);
        let group = |s: &Sandbox| fs::read_to_string(s.path("etc/group")).unwrap();
        assert_eq!(group(s), "root:x:0:\nrdma:x:120:\n");
        fs::write(s.path("etc/group"), group(s) + "postfix:x:121:\n").unwrap();
        assert_eq!(s.down().results(), ["done"]);
        assert_eq!(group(s), "root:x:0:\npostfix:x:121:\n");
    });
}

/// A server is needed by who exports, a client by who mounts, and Open MPI by neither.
#[test]
fn what_is_needed_of_nfs_holds_back_nfs_alone() {
    everywhere(|s| {
        mounts_by_nfs(s, false);
        assert!(s.up(&openmpi_and_nfs()).success);
        assert_eq!(
            installed(s),
            ["ii |libc6", "ii |libfabric", "ii |nfs-common", "ii |nfs-kernel-server", "ii |openmpi"]
        );
        fs::write(s.path("etc/exports"), "/srv/data pc7(ro)\n").unwrap();
        let down = s.down();
        let said = format!(
            "packages stay, because this node exports folders ({}): nfs-common nfs-kernel-server",
            s.path("etc/exports")
        );
        assert_eq!((down.results(), down.said().last()), (vec!["kept"], Some(&&*said)), "{down:?}");
        assert_eq!(installed(s), ["ii |libc6", "ii |nfs-common", "ii |nfs-kernel-server"]);
        assert!(!fs::exists(s.path("var/lib/openmpi")).unwrap());

        // They go on serving one way, and not the other.
        fs::write(s.path("etc/exports"), "# none\n").unwrap();
        mounts_by_nfs(s, true);
        let down = s.down();
        let said = "packages stay, because /sw comes over NFS: nfs-common";
        assert_eq!((down.results(), down.said().last()), (vec!["kept"], Some(&said)), "{down:?}");
        assert_eq!(installed(s), ["ii |libc6", "ii |nfs-common"]);
        mounts_by_nfs(s, false);
        assert_eq!(s.down().results(), ["done"]);
        assert_eq!(installed(s), BEFORE);
        assert!(s.is_clean());
    });
}

/// The head has a folder from another machine, as before: that takes no server.
#[test]
fn who_mounts_by_nfs_needs_no_server_of_ours() {
    everywhere(|s| {
        mounts_by_nfs(s, true);
        package(s, "ii ", "nfs-common");
        assert!(s.up(&openmpi_and_nfs()).success);
        let down = s.down();
        assert_eq!(down.results(), ["done"], "{down:?}");
        assert_eq!(installed(s), ["ii |libc6", "ii |nfs-common"]);
        assert!(s.is_clean());
    });
}

/// Debian's server takes /etc/exports along when it is purged. What stood there before comes back; and what was in it needs no
/// server of ours, since there was none.
#[test]
fn files_that_a_purge_takes_along_come_back() {
    for live in ["", "/srv/old pc7(ro)\n"] {
        everywhere(|s| {
            mounts_by_nfs(s, false);
            s.file("etc/exports", 0o640, format!("# of ours\n{live}").as_bytes());
            s.file("etc/exports.bak", 0o604, b"/srv pc7(ro)\n");
            shell::link(s, "etc/exports~", "/srv/exports");
            let before = s.picture();
            assert!(s.up(&openmpi_and_nfs()).success);
            assert!(fs::exists(s.path("etc/exports.ucf-dist")).unwrap());
            let down = s.down();
            assert_eq!(down.results(), ["done"], "{down:?}");
            assert_eq!(s.picture(), before);
            assert!(s.is_clean());
        });
    }
    // As it is when it goes, and not as it was.
    everywhere(|s| {
        mounts_by_nfs(s, false);
        fs::write(s.path("etc/exports"), "# one\n").unwrap();
        assert!(s.up(&openmpi_and_nfs()).success);
        fs::write(s.path("etc/exports"), "# two\n").unwrap();
        assert_eq!(s.down().results(), ["done"]);
        assert_eq!(fs::read_to_string(s.path("etc/exports")).unwrap(), "# two\n");
        // Nobody's but the package's.
        fs::remove_file(s.path("etc/exports")).unwrap();
        assert!(s.up(&openmpi_and_nfs()).success && fs::exists(s.path("etc/exports")).unwrap());
        assert_eq!(s.down().results(), ["done"]);
        assert!(!fs::exists(s.path("etc/exports")).unwrap());
    });
}

/// Of a package that somebody removed there can still be its configuration: it is installed anew, and removed no further.
#[test]
fn configuration_that_was_left_before_is_left_after() {
    everywhere(|s| {
        package(s, "rc ", "libfabric");
        assert!(s.up(&openmpi()).success);
        assert_eq!(installed(s), ALL);
        let down = s.down();
        assert_eq!(down.results(), ["done"], "{down:?}");
        assert_eq!(installed(s), ["ii |libc6", "rc |libfabric"]);
    });
}

/// Nothing is said to be taken back that is still there.
#[test]
fn a_removal_that_fails_is_told() {
    everywhere(|s| {
        assert!(s.up(&openmpi()).success);
        s.tool("apt-get", "#!/bin/sh\necho 'E: Sub-process /usr/bin/dpkg returned an error code (1)' >&2; exit 100\n");
        let down = s.down();
        assert!(!down.success && down.results() == ["failed"], "{down:?}");
        assert!(down.stderr.ends_with("(1)\napt did not remove libfabric openmpi\n"), "{down:?}");
        assert_eq!(s.journal(), ["packages openmpi"]);
    });
}

/// A killed dpkg: this package is not what it was, and dpkg's own journal is not empty.
fn interrupt(s: &Sandbox, from: &str, to: &str) {
    let db = |name: &str| s.path(&format!("var/lib/dpkg/db/{name}"));
    fs::rename(db(from), db(to)).unwrap();
    fs::create_dir(s.path("var/lib/dpkg/updates/0000")).unwrap();
}

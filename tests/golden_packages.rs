//! Packages of families that no real machine stands here for: the real shell, with managers that answer as documented.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/managers.rs"]
mod managers;
#[path = "support/shell.rs"]
mod shell;

use std::fs;

use managers::{install, installed, write};
use mpiup::{changes::Primitive, facts::Facts, spec::file, steps};
use shell::{Sandbox, World, worlds};

const MANAGERS: [&str; 3] = ["dnf", "zypper", "pacman"];
const BEFORE: [&str; 2] = ["glibc 2.39-1", "libnew 1.0-1"];

fn packages(manager: &'static str, names: &[&str]) -> Vec<Primitive> {
    vec![Primitive::Packages { manager, names: names.iter().map(|&name| name.to_owned()).collect(), brings: None }]
}

/// In every shell, with every awk.
fn everywhere(case: impl Fn(&Sandbox, &'static str, &World)) {
    for world in worlds() {
        for manager in MANAGERS {
            let sandbox = Sandbox::new(&world);
            install(&sandbox, manager);
            case(&sandbox, manager, &world);
        }
    }
}

#[test]
fn what_came_goes_and_nothing_else() {
    everywhere(|sandbox, manager, world| {
        let openmpi = packages(manager, &["openmpi"]);
        let up = sandbox.up(&openmpi);
        assert!(up.success, "{manager} {}: {up:?}", world.name);
        assert!(up.said().iter().any(|line| line.to_lowercase().contains("installing")), "{up:?}");
        assert_eq!(installed(sandbox), ["glibc 2.39-1", "libfabric 1.0-1", "libnew 1.0-1", "openmpi 1.0-1"]);
        assert_eq!(sandbox.journal(), ["packages openmpi"]);
        let again = sandbox.up(&openmpi);
        assert!(again.success, "{again:?}");
        let down = sandbox.down();
        assert!(down.success && down.results() == ["done"], "{manager} {}: {down:?}", world.name);
        assert_eq!(installed(sandbox), BEFORE, "{manager} {}", world.name);
        assert!(sandbox.is_clean());
    });
}

/// Managers leave what their packages brought running or mounted: it is stopped before, and what ran before is not.
#[test]
fn what_came_is_stopped_before_it_goes() {
    everywhere(|sandbox, manager, world| {
        fs::create_dir_all(sandbox.path("run/systemd/system")).unwrap();
        let systemctl = "#!/bin/sh\ncase $1 in list-units) echo 'sysinit.target x'; echo 'libfabric.service loaded active running x' ;; show) echo; echo 'network-online.target libfabric.service sysinit.target' ;; *) echo \"$*\" >> TREE/told ;; esac\n";
        sandbox.tool("systemctl", &systemctl.replace("TREE", sandbox.path("").trim_end_matches('/')));
        assert!(sandbox.up(&packages(manager, &["openmpi"])).success);
        assert!(sandbox.down().success);
        let told = fs::read_to_string(sandbox.path("told")).unwrap();
        let units = "openmpi.service network-online.target";
        assert_eq!(told, format!("stop {units}\nreset-failed {units}\n"), "{manager} {}", world.name);
    });
}

#[test]
fn what_others_need_stays_and_is_said() {
    everywhere(|sandbox, manager, world| {
        assert!(sandbox.up(&packages(manager, &["openmpi"])).success);
        write(sandbox, "db", "glibc 2.39-1\nlibnew 1.0-1\nlibfabric 1.0-1\nopenmpi 1.0-1\nsolver 3-1\n");
        write(sandbox, "needs", "openmpi libfabric\nsolver openmpi\n");
        let down = sandbox.down();
        assert_eq!(down.results(), ["kept"], "{manager} {}: {down:?}", world.name);
        let said = down.said().join("\n");
        assert!(said.contains("because solver") && said.contains("was installed later and needs them"), "{said}");
        assert!(installed(sandbox).contains(&"openmpi 1.0-1".to_owned()));
        // Once nobody needs it any more, it goes.
        write(sandbox, "needs", "openmpi libfabric\n");
        let down = sandbox.down();
        assert_eq!(down.results(), ["done"], "{down:?}");
        assert_eq!(installed(sandbox), ["glibc 2.39-1", "libnew 1.0-1", "solver 3-1"]);
    });
}

/// What was exported before there was a server needs none of ours; what came since does. Other systems have one package for
/// server and client.
#[test]
fn who_came_to_export_keeps_the_packages_of_nfs() {
    everywhere(|sandbox, manager, world| {
        let name = if manager == "zypper" { "nfs-kernel-server" } else { "nfs-utils" };
        fs::create_dir(sandbox.path("etc")).unwrap();
        write(sandbox, "etc/exports", "# comment\n/srv/old pc7(ro)\n");
        assert!(sandbox.up(&packages(manager, &[name])).success, "{manager} {}", world.name);
        write(sandbox, "etc/exports", "# comment\n/srv/old pc7(ro)\n /srv/new pc7(ro)\n");
        let down = sandbox.down();
        assert_eq!(down.results(), ["kept"], "{manager} {}: {down:?}", world.name);
        assert!(down.said()[0].starts_with("packages stay, because this node exports folders ("), "{down:?}");
        write(sandbox, "etc/exports", "# another comment\n/srv/old pc7(ro)\n");
        assert_eq!(sandbox.down().results(), ["done"], "{manager} {}", world.name);
        assert_eq!(installed(sandbox), BEFORE);
    });
}

#[test]
fn an_interrupted_transaction_is_completed_or_taken_back() {
    everywhere(|sandbox, manager, world| {
        write(sandbox, "half", "");
        let up = sandbox.up(&packages(manager, &["openmpi"]));
        assert!(!up.success, "{manager} {}: {up:?}", world.name);
        assert!(up.stderr.contains(&format!("{manager} did not install openmpi")), "{up:?}");
        assert_eq!(sandbox.journal(), ["packages openmpi?"]);
        assert_eq!(installed(sandbox).len(), 3, "half of it");
        assert!(sandbox.up(&packages(manager, &["openmpi"])).success);
        assert_eq!(sandbox.down().results(), ["done"]);
        assert_eq!(installed(sandbox), BEFORE);

        write(sandbox, "half", "");
        assert!(!sandbox.up(&packages(manager, &["openmpi"])).success);
        assert_eq!(sandbox.down().results(), ["done"]);
        assert_eq!(installed(sandbox), BEFORE);
        assert!(sandbox.is_clean());
    });
}

#[test]
fn a_package_that_was_made_newer_goes_back_where_the_older_can_be_had() {
    everywhere(|sandbox, manager, world| {
        write(sandbox, "newer", "");
        assert!(sandbox.up(&packages(manager, &["openmpi"])).success);
        assert!(installed(sandbox).contains(&"libnew 2.0-1".to_owned()));
        let down = sandbox.down();
        // Arch keeps no older packages.
        if manager == "pacman" {
            assert_eq!(down.results(), ["left"], "{}: {down:?}", world.name);
            assert!(down.said()[0].contains("stay in the newer version"), "{down:?}");
            assert_eq!(installed(sandbox), ["glibc 2.39-1", "libnew 2.0-1"]);
        } else {
            assert_eq!(down.results(), ["done"], "{manager} {}: {down:?}", world.name);
            assert_eq!(installed(sandbox), BEFORE);
        }
    });
    everywhere(|sandbox, manager, _| {
        write(sandbox, "newer", "");
        assert!(sandbox.up(&packages(manager, &["openmpi"])).success);
        write(sandbox, "gone", "");
        assert_eq!(sandbox.down().results(), ["left"]);
        assert_eq!(installed(sandbox), ["glibc 2.39-1", "libnew 2.0-1"]);
    });
}

#[test]
fn a_package_that_does_not_exist_is_named() {
    everywhere(|sandbox, manager, world| {
        let up = sandbox.up(&packages(manager, &["unknown"]));
        assert!(!up.success && up.stderr.contains("did not install unknown"), "{manager} {}: {up:?}", world.name);
        assert_eq!(sandbox.down().results(), ["done"]);
        assert_eq!(installed(sandbox), BEFORE);
    });
}

/// What is there and what would come along is asked of the system's own manager, and asking installs nothing.
#[test]
fn a_node_is_asked_in_its_own_words() {
    let spec = "[mpi]\nsource = \"distro\"\n[nodes]\nn1 = \"10.0.0.1\"\n";
    let spec = file::parse(spec, "mpiup.toml").unwrap();
    let question = steps::question(&spec, &spec.head, true);
    let systems = [
        ("dnf", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", vec!["openmpi-devel", "libfabric"]),
        (
            "zypper",
            "ID_LIKE='suse opensuse'\nID=opensuse-leap\n",
            vec!["libfabric", "openmpi4-config", "openmpi4-devel"],
        ),
        ("pacman", "ID=endeavouros\nID_LIKE=arch\n", vec!["libnew 1.0-1", "libfabric", "openmpi"]),
    ];
    // Awk has no part in it.
    for world in worlds().into_iter().filter(|world| ["sh", "busybox"].contains(&world.name.as_str())) {
        for (manager, os_release, coming) in &systems {
            let sandbox = Sandbox::new(&world);
            install(&sandbox, manager);
            let there = match *manager {
                "dnf" => "openmpi",
                "zypper" => "openmpi4",
                _ => "glibc",
            };
            write(&sandbox, "db", &format!("{there} 1.0-1\nlibnew 1.0-1\n"));
            write(&sandbox, "os-release", os_release);
            let before = sandbox.picture();
            let ran = sandbox.sh(&question.script().replace("/etc/os-release", &sandbox.path("os-release")));
            let facts = Facts::parse(ran.stdout.as_bytes()).unwrap();
            let found: Vec<String> = facts
                .coming
                .unwrap_or_else(|| panic!("{manager} {}: {ran:?}", world.name))
                .into_iter()
                .map(|install| install.from.map_or(install.name.clone(), |from| format!("{} {from}", install.name)))
                .collect();
            assert_eq!(found, *coming, "{manager} {}", world.name);
            let expected = if *manager == "pacman" { vec![] } else { vec![there] };
            assert_eq!(facts.packages.keys().collect::<Vec<_>>(), expected, "{manager} {}", world.name);
            assert_eq!(sandbox.picture(), before, "looking changes nothing");
        }
    }
}

/// pacman does not wait for another one, so the shell does, and gives up with a sentence.
#[test]
fn another_pacman_is_waited_for() {
    let world = &worlds()[0];
    let sandbox = Sandbox::new(world);
    install(&sandbox, "pacman");
    write(&sandbox, "db.lck", "");
    // The lock is released while it waits.
    sandbox.tool("sleep", &format!("#!/bin/sh\nrm -f {}\n", sandbox.path("db.lck")));
    let up = sandbox.up(&packages("pacman", &["openmpi"]));
    assert!(up.success, "{up:?}");
    assert_eq!(up.said()[0], "waits for another pacman");

    assert_eq!(sandbox.down().results(), ["done"]);
    write(&sandbox, "db.lck", "");
    sandbox.tool("sleep", "#!/bin/sh\n");
    let up = sandbox.up(&packages("pacman", &["openmpi"]));
    assert!(!up.success && up.stderr.contains("another pacman works, or one was killed"), "{up:?}");
}

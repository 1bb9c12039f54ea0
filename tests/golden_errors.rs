//! What a person reads when the nodes cannot become one cluster: whole texts, with node, reason and next command.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/nodes.rs"]
mod nodes;

use mpiup::ui::{Options, Ui};
use nodes::{Report, agree, bare, recorded, spec, spec_of};

const ROCKY: &str = "NAME=\"Rocky Linux\"\nVERSION=\"9.4 (Blue Onyx)\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"Rocky Linux 9.4 (Blue Onyx)\"\n";
const ALPINE: &str = "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME=\"Alpine Linux v3.20\"\n";
const DISTRO: &str = "[mpi]\nsource = \"distro\"\n";

/// The error's screen, for the three bare nodes with the second changed.
fn error(rest: &str, change: impl Fn(Report) -> Report) -> String {
    let mut reports = bare();
    reports[1] = change(reports[1].clone());
    screen(agree(&spec(rest), &reports).unwrap_err())
}

fn screen(error: mpiup::error::Error) -> String {
    let (ui, captured) = Ui::captured(Options::default());
    ui.error(&error);
    captured.err()
}

/// Compared with the screens that are kept under this name.
fn kept(name: &str, screens: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, screens);
    });
}

#[test]
fn no_python() {
    insta::assert_snapshot!(error("", |node| node.without("python")), @r"
    error: client1: python3 is missing
    hint: Install it there: `apt-get install python3`.
    ");
}

/// Alpine's Python runs on musl, and there are no wheels of MPI for it.
#[test]
fn another_c_library() {
    let alpine = |node: Report| node.with("os", ALPINE).with("python", "/usr/bin/python3.12\n3.12\nother");
    insta::assert_snapshot!(error("", alpine), @r"
    error: client1: the C library is not glibc, and the wheels that mpiup brings
           (mpi4py among them) are made for glibc
    hint: Alpine Linux v3.20 has another one. Take this node out of [nodes], or give
          it a system with glibc, such as Debian, Ubuntu, Fedora or Rocky Linux.
    ");
    // With packages of the distribution too: mpi4py comes as a wheel in any case.
    let with_apk = |node| alpine(node).replacing("tools", "apt-get", "apk");
    assert_eq!(error(DISTRO, with_apk), error("", alpine));
}

/// An account that somebody has already is not changed: what keeps the cluster from using it is said, with the command.
#[test]
fn accounts_that_cannot_be_used() {
    const MPI: &str = "mpi:x:1500:1500::/home/mpi:/bin/bash";
    type Change = fn(Report) -> Report;
    fn locked(node: Report) -> Report {
        node.with("passwd_user", MPI).with("user_is_locked", "yes")
    }
    let cases: [(&str, Change); 10] = [
        ("nologin", |node| node.with("passwd_user", "mpi:x:1500:1500::/home/mpi:/usr/sbin/nologin")),
        ("expired", |node| node.with("passwd_user", MPI).with("user_expires", "11323 20000")),
        ("no home", |node| node.with("passwd_user", MPI).with("no home", "")),
        ("somebody's home", |node| node.with("passwd_user", MPI).with("dir 755 root ~/.", "")),
        ("a home for all", |node| node.with("passwd_user", MPI).with("dir 777 mpi ~/.", "")),
        ("a group's home", |node| node.with("passwd_user", MPI).with("dir 775 mpi ~/.", "").with("os", ROCKY)),
        ("keys for all", |node| node.with("passwd_user", MPI).file("~/.ssh/authorized_keys", "666", "mpi", "")),
        ("a space in the home", |node| node.with("passwd_user", "mpi:x:1500:1500::/srv/my homes/mpi:/bin/bash")),
        ("locked", |node| locked(node).replacing("sshd", "usepam yes", "usepam no")),
        ("has to change", |node| node.with("passwd_user", MPI).with("user_must_change", "yes")),
    ];
    let screens: String = cases.iter().map(|(name, change)| format!("== {name}\n{}", error("", change))).collect();
    kept("accounts_that_cannot_be_used", &screens);
    // Debian's sshd lets the own group of a user write, and StrictModes may be off.
    for change in [
        (|node: Report| node.with("passwd_user", MPI).with("dir 775 mpi ~/.", "")) as Change,
        |node| {
            let node = node.with("passwd_user", MPI).with("dir 777 mpi ~/.", "");
            node.replacing("sshd", "strictmodes yes", "strictmodes no")
        },
        |node| node.with("passwd_user", MPI).with("user_expires", "20001 20000"),
        // PAM lets a key through whatever the password is; without PAM, sshd does not ask how old that is.
        locked,
        |node| {
            let node = node.with("passwd_user", MPI).with("user_must_change", "yes");
            node.replacing("sshd", "usepam yes", "usepam no")
        },
        |node| node.with("passwd_user", "mpi:x:1500:1500::/srv/año_2.0/m-p+i:/bin/bash"),
    ] {
        let mut reports = bare();
        reports[1] = change(reports[1].clone());
        assert!(agree(&spec(""), &reports).is_ok());
    }
}

/// Said before anything is done, and only where something is missing that has to be written there.
#[test]
fn places_that_cannot_be_written() {
    let full = "Filesystem 1024-blocks Used Available Capacity Mounted on\nnone 1024 1024 0 100% /tmp";
    let read_only = |node: Report| node.with("etc_is_read_only", "yes");
    let by_hand = "10.77.0.1 master\n10.77.0.2 client1\n10.77.0.3 client2\n";
    let account = |node: Report| node.with("passwd_user", "mpi:x:1500:1500::/home/mpi:/bin/bash");
    let screens = [
        error("", read_only),
        error("", |node| read_only(account(node))),
        error("", |node| node.with("tmp_free", full)),
        error("", |node| node.with("dir 755 root /tmp", "")),
    ];
    kept("places_that_cannot_be_written", &screens.concat());
    let mut reports = bare();
    reports[1] = account(read_only(reports[1].clone())).file("/etc/hosts", "644", "root", by_hand);
    assert!(agree(&spec(""), &reports).is_ok());
}

#[test]
fn one_machine_under_two_names() {
    let mut reports = bare();
    reports[2] = reports[1].clone();
    insta::assert_snapshot!(screen(agree(&spec(""), &reports).unwrap_err()), @r"
    error: client2: it is the same machine as client1, under another name or address
    hint: Take one of the two out of [nodes]. For more processes on one machine,
          give it more `slots`.
    ");
    // A clone has an address of its own.
    reports[2] = reports[1].clone().with("boot_id", "2").replacing("addresses", "10.77.0.2/16", "10.77.0.3/16");
    assert!(agree(&spec(""), &reports).is_ok());
}

#[test]
fn homes_that_differ() {
    let mut reports = bare();
    let passwd = |home: &str| format!("mpi:x:1000:1000::{home}:/bin/bash");
    reports[0] = reports[0].clone().with("passwd_user", &passwd("/home/mpi"));
    reports[2] = reports[2].clone().with("passwd_user", &passwd("/export/home/mpi"));
    insta::assert_snapshot!(screen(agree(&spec(""), &reports).unwrap_err()), @r"
    error: client2: the home of mpi is /export/home/mpi, but /home/mpi on master:
           programs must have the same path on every node
    hint: Choose another account for the cluster: `user` in [cluster]; one that no
          node has is made with the same home everywhere. Or move this one:
          `usermod -m -d /home/mpi mpi`.
    ");
}

/// The login user has no root, and the account that programs shall run as is another one.
#[test]
fn no_root_for_another_account() {
    insta::assert_snapshot!(error("", |_| recorded("ana-for-mpi-client1")), @r#"
    error: client1: root is needed, because the account mpi is not ana, the one that
           logs in, but ana cannot become root without a password
    hint: If sudo wants a password there, add `--ask-become-pass` (`-K`).
    hint: Log in as root or give ana sudo without a password on client1, or do
          without root: `user = "ana"` in [cluster] and `source = "wheels"` in
          [mpi].
    "#);
}

#[test]
fn no_root_for_packages() {
    let spec = spec_of(&[("client1", "ana@10.77.0.2")], &format!("user = \"ana\"\n{DISTRO}"));
    insta::assert_snapshot!(screen(agree(&spec, &[recorded("ana-client1")]).unwrap_err()), @r#"
    error: client1: root is needed, because packages of the distribution are to be
           installed, but ana cannot become root without a password
    hint: If sudo wants a password there, add `--ask-become-pass` (`-K`).
    hint: Log in as root or give ana sudo without a password on client1, or do
          without root: `source = "wheels"` in [mpi].
    "#);
}

#[test]
fn no_root_for_a_host_name() {
    let spec = spec_of(&[("n1", "ana@10.77.0.2")], "user = \"ana\"\nset_host_names = true\n");
    insta::assert_snapshot!(screen(agree(&spec, &[recorded("ana-client1")]).unwrap_err()), @r"
    error: n1: root is needed, because the host name is to be changed, but ana
           cannot become root without a password
    hint: If sudo wants a password there, add `--ask-become-pass` (`-K`).
    hint: Log in as root or give ana sudo without a password on n1, or do without
          root: `set_host_names = false` in [cluster].
    ");
}

#[test]
fn packages_of_an_unknown_distribution() {
    let nixos = "PRETTY_NAME=\"NixOS 24.05 (Uakari)\"\nID=nixos\nVERSION_ID=\"24.05\"\n";
    let nixos = |node: Report| node.with("os", nixos).replacing("tools", "apt-get", "nix");
    insta::assert_snapshot!(error(DISTRO, nixos), @r#"
    error: client1: packages of NixOS 24.05 (Uakari) cannot be installed by this
           version of mpiup
    hint: Use `source = "wheels"` in [mpi], which needs no packages.
    "#);
    // Without its manager a known one is no better.
    let rocky = |node: Report| node.with("os", ROCKY);
    insta::assert_snapshot!(error(DISTRO, rocky), @r#"
    error: client1: packages of Rocky Linux 9.4 (Blue Onyx) cannot be installed by
           this version of mpiup
    hint: Use `source = "wheels"` in [mpi], which needs no packages.
    "#);
    let arch =
        |node: Report| node.with("os", "PRETTY_NAME=\"Arch Linux\"\nID=arch\n").replacing("tools", "apt-get", "pacman");
    insta::assert_snapshot!(error("[mpi]\nsource = \"distro\"\nflavour = \"mpich\"\n", arch), @r#"
    error: client1: pacman has no package of MPICH that mpiup knows
    hint: Use `source = "wheels"` in [mpi], which needs no packages.
    "#);
}

/// Debian 12 has Open MPI 4, Fedora 41 has Open MPI 5.
#[test]
fn distributions_whose_mpis_differ() {
    let fedora = "PRETTY_NAME=\"Fedora Linux 41 (Server Edition)\"\nID=fedora\nVERSION_ID=41\n";
    let fedora = |node: Report| node.with("os", fedora).replacing("tools", "apt-get", "dnf");
    insta::assert_snapshot!(error(DISTRO, fedora), @r#"
    error: client1: its MPI has version 5, but that of master,client2 version 4:
           they cannot talk to each other
    hint: Use the same MPI on every node, whatever its system: `source = "wheels"`
          in [mpi].
    "#);
}

/// Nothing is installed yet: what counts is the version that the node's own apt would bring, from whatever sources it has.
#[test]
fn packages_that_would_differ() {
    let newer = |node: Report| {
        node.with("packages", "").with(
            "apt",
            "Inst openmpi-bin (5.0.7-1 Debian:testing [amd64])\nInst libopenmpi-dev (5.0.7-1 Debian:testing [amd64])\n",
        )
    };
    insta::assert_snapshot!(error(DISTRO, newer), @r#"
    error: client1: its MPI has version 5, but that of master,client2 version 4:
           they cannot talk to each other
    hint: Use the same MPI on every node, whatever its system: `source = "wheels"`
          in [mpi].
    "#);
}

/// Daemons of Open MPI 4 refuse each other unless their versions are the very same.
#[test]
fn packages_that_differ_a_little() {
    let with = |report: Report, version: &str| {
        let lines = ["openmpi-bin", "libopenmpi-dev"].map(|name| format!("Inst {name} ({version} [amd64])\n"));
        report.with("packages", "").with("apt", &lines.concat())
    };
    let versions =
        ["4.1.4-3+b1 Debian:12.11/stable", "4.1.2-2ubuntu1 Ubuntu:22.04/jammy", "4.1.4-3 Debian:12.5/stable"];
    let reports: Vec<Report> =
        bare().into_iter().zip(versions).map(|(report, version)| with(report, version)).collect();
    insta::assert_snapshot!(screen(agree(&spec(DISTRO), &reports).unwrap_err()), @r#"
    error: client1: its MPI has version 4.1.2, but that of master,client2 version
           4.1.4: they cannot talk to each other
    hint: Use the same MPI on every node, whatever its system: `source = "wheels"`
          in [mpi].
    "#);
}

#[test]
fn a_tool_is_missing() {
    insta::assert_snapshot!(error("", |node| node.with("missing", "ssh-keygen")), @r"
    error: client1: the program ssh-keygen is missing
    hint: Install it there: `apt-get install openssh-client`.
    ");
    // The programs of Rocky are another distribution's to install.
    let rocky = |node: Report| node.with("os", ROCKY).replacing("tools", "apt-get", "dnf").with("missing", "tar");
    insta::assert_snapshot!(error("", rocky), @r"
    error: client1: the program tar is missing
    hint: Install it there: `dnf install tar`.
    ");
    let without_ssh = |node: Report| node.with("os", ROCKY).with("tools", "dnf").with("missing", "ssh");
    insta::assert_snapshot!(error("", without_ssh), @r"
    error: client1: the program ssh is missing
    hint: Install it there: `dnf install openssh-clients`.
    ");
    let other = |node: Report| {
        node.with("os", "PRETTY_NAME=\"NixOS 24.05 (Uakari)\"\nID=nixos\n").with("tools", "").with("missing", "ssh")
    };
    insta::assert_snapshot!(error("", other), @r"
    error: client1: the program ssh is missing
    hint: Install it there from the packages of NixOS 24.05.
    ");
    // All at once, each package once.
    let several = |node: Report| node.with("missing", "awk sha256sum runuser useradd groupadd");
    insta::assert_snapshot!(error("", several), @r"
    error: client1: the programs awk, sha256sum, runuser, useradd and groupadd are
           missing
    hint: Install them there: `apt-get install mawk coreutils util-linux passwd`.
    ");
    // Where the account is there, none is made; and who does not become root becomes nobody else.
    let account =
        |node: Report| node.with("missing", "useradd").with("passwd_user", "mpi:x:1500:1500::/home/mpi:/bin/bash");
    let mut reports = bare();
    reports[1] = account(reports[1].clone());
    assert!(agree(&spec(""), &reports).is_ok());
    let mut reports = bare();
    for report in &mut reports {
        *report = report
            .clone()
            .with("missing", "runuser useradd")
            .with("id", "1000 ana 1000")
            .with("passwd_self", "ana:x:1000:1000::/home/ana:/bin/bash");
    }
    let reports: Vec<Report> =
        reports.into_iter().map(|report| report.with("passwd_user", "ana:x:1000:1000::/home/ana:/bin/bash")).collect();
    assert!(agree(&spec("user = \"ana\"\n"), &reports).is_ok());
}

#[test]
fn no_address() {
    let only_docker =
        "1: lo    inet 127.0.0.1/8 scope host lo\n3: docker0    inet 172.17.0.1/16 scope global docker0\n";
    let mut reports = bare();
    reports[0] = reports[0].clone().plus("addresses", "\n3: docker0    inet 172.17.0.1/16 scope global docker0\n");
    reports[1] = reports[1].clone().with("addresses", only_docker);
    insta::assert_snapshot!(screen(agree(&spec(""), &reports).unwrap_err()), @r"
    error: client1: the node has no network address that the other nodes could reach
    hint: Look at its addresses: `mpiup exec --nodes client1 'ip addr'`.
    ");
}

/// A connection that ends in the midst of a report is no node without the rest.
#[test]
fn a_report_that_was_cut_off() {
    let whole = bare()[0].bytes();
    let cut = mpiup::facts::Facts::parse(&whole[..whole.len() / 2]).unwrap_err();
    insta::assert_snapshot!(screen(cut), @r"
    error: what the node reported was cut off
    hint: Try again; `-v` shows the commands.
    ");
}

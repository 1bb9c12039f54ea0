//! The shell of a share over NFS, with an exportfs, a systemd and a kernel's table of mounts that are the test's own: done,
//! undone, refused, kept, and killed anywhere.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/nfs.rs"]
mod nfs;
#[path = "support/shell.rs"]
mod shell;

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
};

use mpiup::changes::{Place, Primitive, Text, script};
use nfs::{install, share};
use shell::{Sandbox, me, worlds};

fn folder(s: &Sandbox, name: &str) -> Primitive {
    Primitive::Dir { path: s.path(name), mode: "755", owner: me() }
}

/// The head node's changes; this is a client's address.
fn server(s: &Sandbox, client: &str) -> Vec<Primitive> {
    let line = format!("# Written by mpiup\n{} -rw,sync {client} 10.0.0.3\n", share(s));
    let path = s.path("etc/exports.d/mpiup-aula.exports");
    let export = Primitive::File { path, mode: "644", owner: me(), content: Text::new(line), check: None };
    vec![Primitive::Service { unit: "nfs-server" }, folder(s, "etc/exports.d"), export]
}

/// Another node's.
fn client(s: &Sandbox) -> Vec<Primitive> {
    client_after(s, None)
}

/// The same, where the head node was at another address before.
fn client_after(s: &Sandbox, old: Option<&str>) -> Vec<Primitive> {
    let source = format!("master:{}", share(s));
    let line = format!("{source} {} nfs4 hard,x-systemd.automount 0 0\n", share(s));
    let fstab = Primitive::Block {
        path: s.path("etc/fstab"),
        mark: "mpiup aula".into(),
        place: Place::Bottom,
        mode: "644",
        owner: me(),
        content: Text::new(line),
    };
    vec![
        folder(s, "home/mpi/MPI"),
        fstab,
        Primitive::Mount { path: share(s), source, old: old.map(|old| old.parse().unwrap()) },
    ]
}

/// The name of systemd's units for the share.
fn unit(s: &Sandbox) -> String {
    share(s).trim_start_matches('/').replace('/', "-")
}

/// The tree without times.
fn picture(s: &Sandbox) -> BTreeMap<String, String> {
    let plain = |seen: String| {
        seen.split(' ').filter(|word| !word.contains('.') || word.contains('/')).collect::<Vec<_>>().join(" ")
    };
    // Who was told what is no state.
    s.picture().into_iter().filter(|(name, _)| name != "calls").map(|(name, seen)| (name, plain(seen))).collect()
}

fn mounts(s: &Sandbox) -> String {
    fs::read_to_string(s.path("proc/self/mountinfo")).unwrap()
}

fn calls(s: &Sandbox) -> String {
    fs::read_to_string(s.path("calls")).unwrap_or_default()
}

#[test]
fn a_server_is_set_up_and_taken_back() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        install(&s);
        let before = picture(&s);
        let ran = s.up(&server(&s, "10.0.0.2"));
        assert!(ran.success, "{}: {ran:?}", world.name);
        assert_eq!(nfs::exported(&s), [format!("{} 10.0.0.2", share(&s)), format!("{} 10.0.0.3", share(&s))]);
        assert!(s.tree().join("sys/nfs-server.enabled").exists() && s.tree().join("sys/nfs-server.active").exists());
        assert!(s.up(&server(&s, "10.0.0.2")).success, "twice is once");
        let down = s.down();
        assert!(down.success && down.said().is_empty(), "{}: {down:?}", world.name);
        assert_eq!(picture(&s), before, "{}", world.name);
        assert!(s.is_clean());
    }
}

/// exportfs ends well and leaves a client out: what it lists counts.
#[test]
fn an_export_that_does_not_hold_is_refused() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        install(&s);
        let ran = s.up(&server(&s, "nobody.invalid"));
        assert!(!ran.success, "{}", world.name);
        let why =
            format!("{} is not exported to nobody.invalid: exportfs: Failed to resolve nobody.invalid", share(&s));
        assert!(ran.stderr.contains(&why), "{}: {ran:?}", world.name);
        assert!(nfs::exported(&s).is_empty() && !s.tree().join("etc/exports.d/mpiup-aula.exports").exists());
        // An earlier one that held stands again.
        assert!(s.up(&server(&s, "10.0.0.2")).success);
        assert!(!s.up(&server(&s, "nobody.invalid")).success);
        assert_eq!(nfs::exported(&s).len(), 2);
        // What the kernel cannot export is listed all the same.
        s.file("sys/unfit", 0o644, b"");
        let ran = s.up(&server(&s, "10.0.0.4"));
        assert!(!ran.success && ran.stderr.contains("cannot be exported: exportfs: "), "{}: {ran:?}", world.name);
        assert!(s.down().success);
    }
}

#[test]
fn a_service_that_others_came_to_need_goes_on() {
    let s = Sandbox::new(&worlds()[0]);
    install(&s);
    assert!(s.up(&server(&s, "10.0.0.2")).success);
    s.file("etc/exports", 0o644, b"# theirs\n/srv/data pc7(ro)\n");
    let down = s.down();
    assert_eq!(down.results(), ["done", "done", "kept"], "{down:?}");
    assert!(!down.is_held(), "it is theirs");
    assert!(
        down.said()[0].starts_with("the service nfs-server goes on, because this node exports folders ("),
        "{down:?}"
    );
    assert!(s.tree().join("sys/nfs-server.active").exists());
    s.file("etc/exports", 0o644, b"# theirs\n");
    assert_eq!(s.down().results(), ["done"]);
    assert!(!s.tree().join("sys/nfs-server.active").exists() && s.is_clean());
}

/// Packages of a client stay for what somebody mounts with them, those of the server for exports as well, others never.
#[test]
fn who_needs_what_was_brought_is_asked_by_its_name() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        install(&s);
        let needed = |names: &str| {
            let ran = s.sh(&format!("{}needed_here {names}\n", script::prelude()));
            assert!(ran.success, "{}: {ran:?}", world.name);
            ran.stdout.replace(&s.path(""), "/")
        };
        assert_eq!(needed("libx nfs-common"), "");
        nfs::mount(&s);
        assert_eq!(needed("libx nfs-common"), "/home/mpi/MPI comes over NFS");
        assert_eq!((needed("nfs-server"), needed("libx")), (String::new(), String::new()));
        s.file("etc/exports", 0o644, b"/srv/data pc7(ro)\n");
        assert_eq!(needed("nfs-server"), "this node exports folders (/etc/exports)");
        assert_eq!(needed("nfs-utils.x86_64 libx"), "this node exports folders (/etc/exports)");
    }
}

/// One that ran before goes on, and one that was off is off again.
#[test]
fn a_service_is_given_back_as_it_was() {
    for (enabled, active) in [(true, true), (true, false), (false, true), (false, false)] {
        let s = Sandbox::new(&worlds()[0]);
        install(&s);
        let state = |name: &str| s.tree().join(format!("sys/nfs-server.{name}"));
        for (is_on, name) in [(enabled, "enabled"), (active, "active")] {
            if is_on {
                fs::write(state(name), "").unwrap();
            }
        }
        assert!(s.up(&server(&s, "10.0.0.2")).success);
        assert!(state("enabled").exists() && state("active").exists());
        assert!(s.down().success);
        assert_eq!((state("enabled").exists(), state("active").exists()), (enabled, active));
    }
}

#[test]
fn a_mount_is_made_and_taken_back() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        install(&s);
        let before = picture(&s);
        let ran = s.up(&client(&s));
        assert!(ran.success, "{}: {ran:?}", world.name);
        assert!(mounts(&s).contains(&format!("{} rw - nfs4 master:", share(&s))), "{}", mounts(&s));
        assert!(s.up(&client(&s)).success, "twice is once");
        let down = s.down();
        assert!(down.success && down.said().is_empty(), "{}: {down:?}", world.name);
        assert_eq!(picture(&s), before, "{}", world.name);
        assert!(s.is_clean());
        // systemd forgets the units of a line that is gone.
        assert!(calls(&s).trim_end().ends_with("daemon-reload"), "{}", calls(&s));
    }
}

#[test]
fn a_mount_that_fails_says_why() {
    let s = Sandbox::new(&worlds()[0]);
    install(&s);
    let before = picture(&s);
    s.file("sys/refuses", 0o644, b"mount.nfs4: access denied by server while mounting master:/home/mpi/MPI\n");
    let ran = s.up(&client(&s));
    assert!(
        !ran.success && ran.stderr.contains("was not mounted within 200 s: mount.nfs4: access denied by server"),
        "{ran:?}"
    );
    fs::remove_file(s.tree().join("sys/refuses")).unwrap();
    let down = s.down();
    assert!(down.success && down.said().is_empty(), "{down:?}");
    assert_eq!(picture(&s), before);
}

/// Whoever uses it is named, and nothing is torn from under them.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test starts a process that is in the way")]
fn a_mount_that_is_in_use_stays() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        install(&s);
        assert!(s.up(&client(&s)).success);
        fs::write(s.tree().join("sys/busy"), "").unwrap();
        let mut user = Command::new("sleep").arg("600").current_dir(share(&s)).stdin(Stdio::null()).spawn().unwrap();
        let down = s.down();
        user.kill().unwrap();
        user.wait().unwrap();
        assert_eq!(down.results(), ["kept", "kept", "kept"], "{}: {down:?}", world.name);
        assert!(down.is_held());
        assert_eq!(
            down.said()[1].replace(&s.path(""), "/"),
            "its line stays in /etc/fstab, because /home/mpi/MPI stays mounted"
        );
        let who = format!("{} stays mounted, because it is in use by sleep ({} of {})", share(&s), user.id(), me());
        assert!(down.said()[0].starts_with(&who), "{}: {:?}", world.name, down.said());
        assert!(mounts(&s).contains(" - nfs4 ") && !calls(&s).contains("stop"), "{}", calls(&s));
        fs::remove_file(s.tree().join("sys/busy")).unwrap();
        // A restart in between.
        let table = mounts(&s);
        fs::write(s.tree().join("proc/self/mountinfo"), table.lines().next().unwrap().to_owned() + "\n").unwrap();
        fs::remove_file(s.tree().join("sys").join(format!("{}.automount.active", unit(&s)))).unwrap();
        assert_eq!(s.down().results(), ["done", "done", "done"]);
        assert!(!mounts(&s).contains("MPI") && s.is_clean());
    }
}

/// What was not written yet waits for the server, and so does umount: `down` does not.
#[test]
fn a_mount_whose_server_is_gone_is_not_waited_for() {
    let s = Sandbox::new(&worlds()[0]);
    install(&s);
    assert!(s.up(&client(&s)).success);
    fs::write(s.tree().join("sys/dead"), "").unwrap();
    let state = s.entry("x").parent().unwrap().parent().unwrap().to_str().unwrap().to_owned();
    let patient = script::undo(&state, false, "");
    assert!(patient.contains("unmount \"$path\" 60 down"));
    let down = s.sh(&patient.replace("unmount \"$path\" 60 down", "unmount \"$path\" 1 down"));
    assert_eq!(down.results(), ["kept", "kept", "kept"], "{down:?}");
    assert!(down.said()[0].contains("because master does not answer and has not got all that was written"), "{down:?}");
    for process in s.processes() {
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL).unwrap();
    }
}

/// The kernel looks the server's name up once. Where that has another address, it is mounted anew, and politely.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test starts a process that is in the way")]
fn a_mount_from_an_address_of_before_is_made_anew() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        install(&s);
        assert!(s.up(&client(&s)).success);
        assert!(mounts(&s).contains(",addr=10.0.0.1\n"), "{}", mounts(&s));
        assert!(!s.up(&client(&s)).said().iter().any(|line| line.contains("unmounting")), "where it is, it stays");
        s.file("sys/address", 0o644, b"10.0.0.114\n");
        let moved = client_after(&s, Some("10.0.0.1"));
        fs::write(s.tree().join("sys/busy"), "").unwrap();
        let mut user = Command::new("sleep").arg("600").current_dir(share(&s)).stdin(Stdio::null()).spawn().unwrap();
        let ran = s.up(&moved);
        user.kill().unwrap();
        user.wait().unwrap();
        let who = format!(
            "{} is not mounted anew, though master is not at 10.0.0.1 any more: it is in use by sleep ({} of {}): end that on this node, then `mpiup up` goes on",
            share(&s),
            user.id(),
            me()
        );
        assert!(!ran.success && ran.stderr.contains(&who), "{}: {ran:?}", world.name);
        assert!(mounts(&s).contains(",addr=10.0.0.1\n"), "{}", mounts(&s));
        fs::remove_file(s.tree().join("sys/busy")).unwrap();
        let ran = s.up(&moved);
        assert!(ran.success && ran.said().contains(&"unmounting what master served at 10.0.0.1"), "{ran:?}");
        assert!(mounts(&s).contains(",addr=10.0.0.114\n") && mounts(&s).matches("nfs4").count() == 1, "{}", mounts(&s));
        assert!(!s.up(&moved).said().iter().any(|line| line.contains("unmounting")), "once");
        let down = s.down();
        assert!(down.success && !mounts(&s).contains("nfs4") && s.is_clean(), "{}: {down:?}", world.name);
    }
}

/// What an umount waits for is not torn away, nor mounted a second time beside it.
#[test]
fn a_mount_that_still_waits_for_an_address_of_before_is_told() {
    let s = Sandbox::new(&worlds()[0]);
    install(&s);
    assert!(s.up(&client(&s)).success);
    s.file("sys/address", 0o644, b"10.0.0.114\n");
    s.file("sys/dead", 0o644, b"");
    let patient = s.script(&client_after(&s, Some("10.0.0.1")));
    assert!(patient.contains("unmount \"$1\" 180 up"));
    let ran = s.sh(&patient.replace("unmount \"$1\" 180 up", "unmount \"$1\" 1 up"));
    assert!(!ran.success && ran.stderr.contains("it still waits for 10.0.0.1. `mpiup up` again"), "{ran:?}");
    assert!(!s.processes().is_empty(), "what waits in the kernel is left to itself");
    for process in s.processes() {
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL).unwrap();
    }
}

/// What waits for the server where it was is led to where it is; nothing is lost, and nothing hangs.
#[test]
fn a_connection_to_an_address_of_before_is_led_on() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        install(&s);
        assert!(s.up(&client(&s)).success);
        s.file("sys/address", 0o644, b"10.0.0.114\n");
        s.file("sys/dead", 0o644, b"");
        s.file("sys/trunked", 0o644, b"10.0.0.1\n");
        let way = "sys/kernel/sunrpc/xprt-switches/switch-1/xprt-1-tcp/dstaddr";
        let local = "sys/kernel/sunrpc/xprt-switches/switch-0/xprt-0-local/dstaddr";
        fs::create_dir_all(s.tree().join(way).parent().unwrap()).unwrap();
        fs::create_dir_all(s.tree().join(local).parent().unwrap()).unwrap();
        s.file(way, 0o644, b"10.0.0.1\n");
        s.file(local, 0o644, b"/var/run/rpcbind.sock\n");
        let ran = s.up(&client_after(&s, Some("10.0.0.1")));
        assert!(ran.success, "{}: {ran:?}", world.name);
        assert_eq!(ran.said().iter().filter(|line| line.starts_with("unmounting ")).count(), 2, "{ran:?}");
        assert!(mounts(&s).contains(",addr=10.0.0.114\n") && mounts(&s).matches("nfs4").count() == 1, "{}", mounts(&s));
        let read = |name: &str| fs::read_to_string(s.tree().join(name)).unwrap();
        assert_eq!((read(way), read(local)), ("10.0.0.114\n".into(), "/var/run/rpcbind.sock\n".into()));
        assert!(s.down().success && s.is_clean());
        // Another mount by that connection may be of another machine that is there now.
        assert!(s.up(&client(&s)).success);
        s.file(way, 0o644, b"10.0.0.114\n");
        fs::remove_file(s.tree().join("sys/dead")).unwrap();
        fs::write(
            s.tree().join("proc/self/mountinfo"),
            mounts(&s) + "98 22 0:51 / /sw rw - nfs4 tank:/sw rw,addr=10.0.0.114\n",
        )
        .unwrap();
        s.file("sys/address", 0o644, b"10.0.0.7\n");
        assert!(s.up(&client_after(&s, Some("10.0.0.114"))).success);
        assert_eq!(read(way), "10.0.0.114\n");
    }
}

/// What somebody mounted by hand stays, until a reboot has made it systemd's.
#[test]
fn a_mount_of_somebodys_own_stays() {
    let s = Sandbox::new(&worlds()[0]);
    install(&s);
    fs::create_dir_all(share(&s)).unwrap();
    nfs::mount(&s);
    let by_hand = mounts(&s);
    assert!(s.up(&client(&s)).success);
    assert!(s.down().success);
    assert_eq!(mounts(&s), by_hand);
    assert!(s.up(&client(&s)).success);
    let entry = s.journal().iter().position(|key| key.starts_with("mount ")).unwrap() + 1;
    fs::write(s.entry(&format!("{entry:04}")).join("theirs"), "another boot\n").unwrap();
    fs::remove_file(s.entry(&format!("{entry:04}")).join("sums")).unwrap();
    assert!(s.down().success);
    assert!(!mounts(&s).contains(" - nfs4 "));
}

/// A mount made by hand from where the server is not any more is made anew by the line, and is ours from then on.
#[test]
fn a_mount_of_somebodys_own_from_an_address_of_before_becomes_ours() {
    let s = Sandbox::new(&worlds()[0]);
    install(&s);
    fs::create_dir_all(share(&s)).unwrap();
    nfs::mount(&s);
    s.file("sys/address", 0o644, b"10.0.0.114\n");
    assert!(s.up(&client_after(&s, Some("10.0.0.1"))).success);
    assert!(mounts(&s).contains(",addr=10.0.0.114\n"), "{}", mounts(&s));
    assert_eq!(s.down().results(), ["done", "done"], "the folder was there before");
    assert!(!mounts(&s).contains("nfs4") && !s.tree().join(format!("sys/{}.automount.active", unit(&s))).exists());
}

/// A line of somebody's own mounts it as it says, with and without an automount.
#[test]
fn a_line_of_somebodys_own_is_what_mounts() {
    for options in ["defaults", "noauto,x-systemd.automount"] {
        let s = Sandbox::new(&worlds()[0]);
        install(&s);
        fs::create_dir_all(share(&s)).unwrap();
        let line = format!("10.0.0.1:{0}/ {0} nfs {options} 0 0\n", share(&s));
        s.file("etc/fstab", 0o644, line.as_bytes());
        let before = picture(&s);
        let mount = Primitive::Mount { path: share(&s), source: format!("10.0.0.1:{}", share(&s)), old: None };
        let ran = s.up(&[mount]);
        assert!(ran.success && mounts(&s).contains(" - nfs4 10.0.0.1:"), "{options}: {ran:?}");
        assert_eq!(s.down().results(), ["done"], "{options}");
        assert_eq!(picture(&s), before, "{options}");
    }
}

/// What the kernel asks from an address that the node has no more is asked again from one that it has.
#[test]
fn a_connection_from_an_address_of_before_is_ended() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        install(&s);
        assert!(s.up(&client(&s)).success);
        let tree = s.path("");
        // Until the dead connection is ended, nobody gets an answer.
        s.tool("ip", "#!/bin/sh\necho '2: eth0    inet 10.0.0.102/24 brd 10.0.0.255 scope global eth0'\n");
        s.tool("ss", &format!("#!/bin/sh\ncase $* in\n'-Htn state established dst 10.0.0.1 and dport = :2049') printf '0 0 10.0.0.102:700 10.0.0.1:2049\\n0 0 10.0.0.2:836 10.0.0.1:2049\\n' ;;\n'-tnK src 10.0.0.2 and dport = :2049') touch {tree}sys/ended ;;\n*) echo \"$*\" >> {tree}sys/unexpected ;;\nesac\n"));
        s.tool(
            "stat",
            &format!(
                "#!/bin/sh\n[ \"$1\" != -f ] || [ -f {tree}sys/ended ] || exec sleep 600\nexec /usr/bin/stat \"$@\"\n"
            ),
        );
        let ran = s.up(&client(&s));
        assert!(ran.success, "{ran:?}");
        assert!(s.tree().join("sys/ended").exists() && !s.tree().join("sys/unexpected").exists(), "{}", world.name);
        assert!(s.down().success && s.is_clean(), "{}", world.name);
    }
}

/// While another node has it mounted, the export stays, and what it stands on.
#[test]
fn what_others_have_mounted_stays_exported() {
    let s = Sandbox::new(&worlds()[0]);
    install(&s);
    let changes = [vec![folder(&s, "home/mpi/MPI")], server(&s, "10.0.0.2")].concat();
    assert!(s.up(&changes).success);
    let state = s.entry("x").parent().unwrap().parent().unwrap().to_str().unwrap().to_owned();
    let down = s.sh(&script::undo(&state, false, "client[1-2]"));
    assert_eq!(down.results(), ["kept", "kept", "kept", "kept"], "{down:?}");
    assert_eq!(down.said()[0], "the share stays exported, because it is still mounted on client[1-2]");
    assert_eq!(nfs::exported(&s).len(), 2);
    assert_eq!(s.down().results(), ["done"; 4]);
}

/// What a node is asked before every verb: the kernel's table at once, and a server with a deadline.
#[test]
fn a_share_is_looked_at_without_waiting_for_it() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        install(&s);
        fs::create_dir_all(share(&s)).unwrap();
        let look = format!(
            "share={}\n{}look_at_share\necho \"$share|$mounts|$silent\"\n",
            share(&s),
            mpiup::facts::LOOK_AT_SHARE.replace("KILL 15", "KILL 1")
        );
        let seen = |s: &Sandbox| s.sh(&look).stdout.replace(&s.path(""), "/").replace('\t', " ").trim_end().to_owned();
        assert_eq!(seen(&s), "/home/mpi/MPI|ext4 / /dev/vda1|", "{}", world.name);
        nfs::mount(&s);
        let mounted = "nfs4 /home/mpi/MPI master:/home/mpi/MPI 10.0.0.1";
        assert_eq!(seen(&s), format!("/home/mpi/MPI|{mounted}|"), "{}", world.name);
        s.tool("stat", "#!/bin/sh\necho \"stat: cannot statx '$1': Stale file handle\" >&2\nexit 1\n");
        assert_eq!(seen(&s), format!("/home/mpi/MPI|{mounted}|Stale file handle"), "{}", world.name);
        s.tool("stat", "#!/bin/sh\nexec sleep 600\n");
        let begun = std::time::Instant::now();
        assert_eq!(seen(&s), format!("/home/mpi/MPI|{mounted}|no answer within 15 s"), "{}", world.name);
        assert!(begun.elapsed().as_secs() < 60, "{}", world.name);
        // An automount mounts while it is looked at.
        let table = s.tree().join("proc/self/mountinfo");
        let nfs4 = mounts(&s).lines().last().unwrap().to_owned();
        let autofs = nfs4.replace(" - nfs4 master:", " - autofs systemd-1:").replace(",addr=10.0.0.1", "");
        fs::write(&table, format!("{}{autofs}\n", mounts(&s).replace(&format!("{nfs4}\n"), ""))).unwrap();
        s.tool("stat", &format!("#!/bin/sh\ncase $2 in */) echo '{nfs4}' >> {} ;; esac\n", table.display()));
        assert_eq!(seen(&s), format!("/home/mpi/MPI|{mounted}|"), "{}", world.name);
    }
}

/// From every state that a kill leaves, `down` gives all back, and `up` ends as without it.
#[test]
fn killed_anywhere_it_goes_on() {
    let kinds: [fn(&Sandbox) -> Vec<Primitive>; 2] = [|s| server(s, "10.0.0.2"), client];
    for changes_of in kinds {
        let s = Sandbox::new(&worlds()[0]);
        install(&s);
        let (before, changes) = (picture(&s), changes_of(&s));
        let shots = s.up_shots(&changes);
        let whole = picture(&s);
        for (number, shot) in shots.iter().enumerate() {
            s.restore(shot);
            let down = s.down();
            assert!(down.success && down.said().is_empty(), "down after a kill at {shot:?}: {down:?}");
            assert_eq!(picture(&s), before, "down after a kill at {shot:?}");
            if number % 3 != 0 {
                continue;
            }
            s.restore(shot);
            let up = s.up(&changes);
            assert!(up.success, "up after a kill at {shot:?}: {up:?}");
            assert_eq!(picture(&s), whole, "up after a kill at {shot:?}");
        }
        let s = Sandbox::new(&worlds()[0]);
        install(&s);
        let (before, changes) = (picture(&s), changes_of(&s));
        assert!(s.up(&changes).success);
        for shot in s.down_shots() {
            s.restore(&shot);
            let down = s.down();
            assert!(down.success && down.said().is_empty(), "down after a kill of down at {shot:?}: {down:?}");
            assert_eq!(picture(&s), before, "down after a kill of down at {shot:?}");
        }
    }
}

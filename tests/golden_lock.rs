//! One operator at a time, on this machine's own shells: the holder's process and the scripts under its lock, without a node.

#![allow(clippy::unwrap_used, reason = "a test that cannot look has failed")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use mpiup::changes::{
    Change, Primitive, Text, Wave,
    lock::{Key, LEASE_SECONDS, PATIENCE_SECONDS, Said, said},
    script,
};

/// A home for the lock of somebody who is not root, and a tree to change.
struct Place {
    folder: tempfile::TempDir,
    shell: Vec<String>,
}

/// The machine's `sh` with its own tools, and busybox with all of its.
fn places() -> Vec<Place> {
    let mut places = vec![Place::new(&["sh"], None)];
    let busybox = Path::new("/usr/bin/busybox");
    if busybox.exists() {
        places.push(Place::new(&["busybox", "sh"], Some(busybox)));
    }
    places
}

impl Place {
    #[allow(clippy::disallowed_methods, reason = "a test asks busybox what it has")]
    fn new(shell: &[&str], tools: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        // Root's lock is the machine's; here everybody is somebody else.
        let id = "#!/bin/sh\ncase $* in -u) echo 1000 ;; *) exec /usr/bin/id \"$@\" ;; esac\n";
        fs::write(bin.join("id"), id).unwrap();
        fs::set_permissions(bin.join("id"), fs::Permissions::from_mode(0o755)).unwrap();
        if let Some(busybox) = tools {
            // Debian's has no flock, Alpine's has.
            let list = Command::new(busybox).arg("--list").output().unwrap().stdout;
            let list = String::from_utf8_lossy(&list).into_owned();
            let ours = ["flock", "timeout", "stat", "date", "sed", "tr", "sleep", "rm", "sh"];
            for tool in list.lines().filter(|tool| ours.contains(tool)) {
                symlink(busybox, bin.join(tool)).unwrap();
            }
        }
        fs::create_dir(folder.path().join("tree")).unwrap();
        Self { folder, shell: shell.iter().map(|&word| word.to_owned()).collect() }
    }

    #[allow(clippy::disallowed_methods, reason = "a test starts a shell as the node does")]
    fn shell(&self, script: &str) -> Command {
        let path = format!("{}:{}", self.folder.path().join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(&self.shell[0]);
        command.args(&self.shell[1..]).args(["-c", script]).env("PATH", path).env("HOME", self.folder.path());
        command.env("SSH_CONNECTION", "10.77.0.9 4711 10.77.0.1 22");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A holder, and what it said: held, or why not.
    fn hold(&self, script: &str) -> (Child, Vec<Said>) {
        let mut holder = self.shell(script).spawn().unwrap();
        let mut lines = BufReader::new(holder.stdout.as_mut().unwrap()).lines();
        let mut heard = Vec::new();
        while let Some(Ok(line)) = lines.next() {
            heard.extend(said(&line));
            if heard.last() == Some(&Said::Held) {
                break;
            }
        }
        (holder, heard)
    }

    fn start(&self, script: &str) -> Child {
        // From a file: Linux takes no argument of more than 128 KiB.
        let file = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        let (_, path) = file.keep().unwrap();
        fs::write(&path, script).unwrap();
        self.shell(&format!(". {}", path.display())).spawn().unwrap()
    }

    fn run(&self, script: &str) -> Output {
        self.start(script).wait_with_output().unwrap()
    }

    fn state(&self) -> String {
        self.folder.path().join("var/aula").to_str().unwrap().to_owned()
    }

    /// Two files and a block.
    fn up(&self) -> String {
        let path = |name: &str| self.folder.path().join("tree").join(name).to_str().unwrap().to_owned();
        let file = |name: &str| Primitive::File {
            path: path(name),
            mode: "644",
            owner: me(),
            content: Text::new(name),
            check: None,
        };
        let changes = [file("a"), file("b"), file("c")].map(|primitive| Change {
            primitive,
            wave: Wave::Ground,
            why: String::new(),
            before: None,
            guard: None,
        });
        let calls = script::calls(&self.state(), "", changes.iter().enumerate(), None).unwrap();
        format!("{}{calls}", script::prelude())
    }

    fn locks(&self) -> Vec<PathBuf> {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.to_str().unwrap().contains("mpiup.lock")).collect()
    }
}

fn me() -> String {
    nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name
}

fn key(who: &str) -> Key {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let token = format!("token{}", NEXT.fetch_add(1, Ordering::Relaxed));
    Key { token, who: who.into(), doing: "up".into() }
}

fn let_go(mut holder: Child) {
    drop(holder.stdin.take());
    holder.wait().unwrap();
}

#[test]
fn the_second_is_told_who_is_there_and_nothing_is_left() {
    for place in places() {
        let (holder, heard) = place.hold(&key("ana@laptop").hold());
        assert_eq!(heard, [Said::Held], "{:?}", place.shell);
        let (second, heard) = place.hold(&key("ben@desk").hold());
        let [Said::Taken(who)] = &heard[..] else { panic!("{heard:?}") };
        let told = (who.who.as_str(), who.from.as_str(), who.doing.as_str(), who.since.len());
        assert_eq!(told, ("ana@laptop", "10.77.0.9", "up", "21:45:10".len()));
        let_go(second);
        for lock in place.locks() {
            assert_eq!(fs::metadata(lock).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let_go(holder);
        assert_eq!(place.locks(), [""; 0].map(PathBuf::from));
    }
}

#[test]
fn a_killed_holder_and_a_silent_one_are_gone() {
    for place in places() {
        let (mut killed, _) = place.hold(&key("ana@laptop").hold());
        killed.kill().unwrap();
        killed.wait().unwrap();
        let silent = key("ben@desk");
        let (mut holder, heard) = place.hold(&silent.hold().replace(&format!("lease={LEASE_SECONDS}"), "lease=2"));
        assert_eq!(heard, [Said::Held], "{:?}", place.shell);
        for _ in 0..6 {
            thread::sleep(Duration::from_millis(500));
            holder.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        }
        assert!(
            matches!(place.hold(&key("eva@desk").hold()).1[..], [Said::Taken(_)]),
            "it is heard of, and has the node"
        );
        let begun = Instant::now();
        holder.wait().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(30));
        let ran = place.run(&format!("{}echo altered", silent.alone()));
        assert!(!ran.status.success() && ran.stdout.is_empty(), "a script after that does nothing: {ran:?}");
        assert!(String::from_utf8_lossy(&ran.stderr).contains("not kept for this command any more"), "{ran:?}");
    }
}

#[test]
fn what_still_runs_is_waited_for_and_named() {
    for place in places() {
        let first = key("ana@laptop");
        let (mut holder, _) = place.hold(&first.hold());
        let mut script = place.shell(&format!("{}echo begun; sleep 4", first.alone())).spawn().unwrap();
        let mut begun = String::new();
        BufReader::new(script.stdout.as_mut().unwrap()).read_line(&mut begun).unwrap();
        holder.kill().unwrap();
        holder.wait().unwrap();
        let (impatient, heard) =
            place.hold(&key("ben@desk").hold().replace(&format!("patience={PATIENCE_SECONDS}"), "patience=1"));
        let [Said::Waits(_), Said::Orphan(orphan)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!((orphan.who.as_str(), orphan.doing.as_str()), ("ana@laptop", "up"));
        assert_eq!(orphan.process, script.id().to_string());
        let_go(impatient);
        let (patient, heard) = place.hold(&key("ben@desk").hold());
        assert!(matches!(heard[..], [Said::Waits(_), Said::Held]), "{heard:?}");
        assert!(script.try_wait().unwrap().is_some(), "it was waited for");
        let_go(patient);
        assert_eq!(place.locks(), [""; 0].map(PathBuf::from));
    }
}

#[test]
fn a_tool_that_is_missing_is_named() {
    let place = Place::new(&["sh"], None);
    let script = format!("PATH={}\n{}", place.folder.path().join("bin").display(), key("ana").hold());
    let script = script.replace("PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin\n", "");
    assert_eq!(place.hold(&script).1, [Said::Lacks("flock".into())]);
}

/// Two operators in a hurry, a hundred times: scripts never run side by side, and the journal stays a journal.
#[test]
fn two_at_once_never_spoil_a_journal() {
    for (place, most) in places().into_iter().zip([100, 30]) {
        let log = place.folder.path().join("log");
        let log = log.display();
        let rounds = AtomicUsize::new(0);
        let taken = AtomicUsize::new(0);
        thread::scope(|scope| {
            for who in ["ana", "ben"] {
                let (place, log, rounds, taken) = (&place, &log, &rounds, &taken);
                scope.spawn(move || {
                    while rounds.load(Ordering::Relaxed) < most {
                        let key = key(who);
                        let (mut holder, heard) = place.hold(&key.hold());
                        if heard.last() != Some(&Said::Held) {
                            taken.fetch_add(1, Ordering::Relaxed);
                            let_go(holder);
                            thread::sleep(Duration::from_millis(10));
                            continue;
                        }
                        let round = rounds.fetch_add(1, Ordering::Relaxed);
                        let work = if round % 4 == 3 { script::undo(&place.state(), false, "") } else { place.up() };
                        let script = format!("{}echo begin >> {log}\n{work}echo end >> {log}\n", key.alone());
                        match round % 5 {
                            // The operator is gone in the middle: the script goes on alone.
                            0 => {
                                let script = place.start(&script);
                                holder.kill().unwrap();
                                holder.wait().unwrap();
                                script.wait_with_output().unwrap();
                            }
                            _ => {
                                let ran = place.run(&script);
                                assert!(ran.status.success(), "{ran:?}");
                                let_go(holder);
                            }
                        }
                    }
                });
            }
        });
        let log = fs::read_to_string(place.folder.path().join("log")).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        assert!(lines.len() > most && lines.chunks(2).all(|pair| pair == ["begin", "end"]), "side by side: {log}");
        assert!(taken.into_inner() > 0, "they met");
        let (holder, _) = place.hold(&key("eva").hold());
        assert!(place.run(&place.up()).status.success());
        let_go(holder);
        let mut keys = Vec::new();
        for number in 1..=3 {
            let entry = PathBuf::from(place.state()).join(format!("journal/{number:04}"));
            assert!(entry.join("done").exists());
            keys.push(fs::read_to_string(entry.join("key")).unwrap());
        }
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 3);
        assert_eq!(fs::read_dir(PathBuf::from(place.state()).join("journal")).unwrap().count(), 3);
    }
}

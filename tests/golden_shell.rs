//! The shell primitives against their inverses: the real scripts of `up` and `down`, in a folder, as whoever runs the tests,
//! by every shell and with every awk that is here. What needs root and a machine (accounts, packages, host names) is the
//! lab tests' matter.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/nfs.rs"]
mod nfs;
#[path = "support/shell.rs"]
mod shell;
#[path = "support/skip.rs"]
mod skip;

use std::{fs, os::unix::fs::MetadataExt as _};

use mpiup::changes::{Place, Primitive, Text, script};
use shell::{Sandbox, bytes, link, me, worlds};

/// What stands there before, and what is done to it.
struct Case {
    name: &'static str,
    before: fn(&Sandbox),
    change: fn(&Sandbox) -> Primitive,
    /// The change once more, with another text: an update.
    update: fn(&Sandbox) -> Primitive,
}

const CASES: &[Case] = &[
    Case { name: "new file", before: |_| {}, change: |s| file(s, "new", "a\n"), update: |s| file(s, "new", "b\n") },
    Case {
        name: "file over another one, with its mode",
        before: |s| s.file("old", 0o640, b"old\r\nlast line without end"),
        change: |s| file(s, "old", "a\n"),
        update: |s| file(s, "old", "\n\nb\n"),
    },
    Case {
        name: "file over the same text",
        before: |s| s.file("old", 0o600, b"a\n"),
        change: |s| file(s, "old", "a\n"),
        update: |s| file(s, "old", "b\n"),
    },
    Case { name: "empty file", before: |_| {}, change: |s| file(s, "new", ""), update: |s| file(s, "new", "END\n") },
    Case {
        name: "file over a link",
        before: |s| {
            s.file("target", 0o644, b"target\n");
            link(s, "link", "target");
        },
        change: |s| file(s, "link", "a\n"),
        update: |s| file(s, "link", "b\n"),
    },
    Case {
        name: "name with spaces, quotes and ñ",
        before: |s| s.file("it's \"a\" $HOME señal ", 0o644, b"x\n"),
        change: |s| file(s, "it's \"a\" $HOME señal ", "`id` $(id) \\n '\n"),
        update: |s| file(s, "it's \"a\" $HOME señal ", "b\n"),
    },
    Case {
        name: "block in a new file",
        before: |_| {},
        change: |s| block(s, "new", Place::Bottom, "a\n"),
        update: |s| block(s, "new", Place::Bottom, "b\nc\n"),
    },
    Case {
        name: "block below",
        before: |s| s.file("old", 0o644, b"one\n\ntwo\n\n"),
        change: |s| block(s, "old", Place::Bottom, "a\n"),
        update: |s| block(s, "old", Place::Bottom, "b\n"),
    },
    Case {
        name: "block above",
        before: |s| s.file("old", 0o600, b"one\n\ntwo\n\n"),
        change: |s| block(s, "old", Place::Top, "a\n"),
        update: |s| block(s, "old", Place::Top, "b\n"),
    },
    Case {
        name: "block below a last line without end",
        before: |s| s.file("old", 0o644, b"one\ntwo"),
        change: |s| block(s, "old", Place::Bottom, "a\n"),
        update: |s| block(s, "old", Place::Bottom, "b\n"),
    },
    Case {
        name: "block above a last line without end",
        before: |s| s.file("old", 0o644, b"one\ntwo"),
        change: |s| block(s, "old", Place::Top, "a\n"),
        update: |s| block(s, "old", Place::Top, "b\n"),
    },
    Case {
        name: "block in an empty file",
        before: |s| s.file("old", 0o644, b""),
        change: |s| block(s, "old", Place::Bottom, "a\n"),
        update: |s| block(s, "old", Place::Top, "b\n"),
    },
    Case {
        name: "block in a file of another system",
        before: |s| s.file("old", 0o644, b"one\r\ntwo\r\n\xff\xfe not UTF-8\r\n"),
        change: |s| block(s, "old", Place::Bottom, "a\n"),
        update: |s| block(s, "old", Place::Bottom, "b\n"),
    },
    Case {
        name: "block behind a link",
        before: |s| {
            s.file("target", 0o644, b"target\n");
            link(s, "link", "target");
        },
        change: |s| block(s, "link", Place::Top, "a\n"),
        update: |s| block(s, "link", Place::Top, "b\n"),
    },
    Case {
        name: "block in a name with spaces, quotes and ñ",
        before: |s| s.file(" it's \"a\" \\n $HOME señal", 0o644, b"x\n"),
        change: |s| block(s, " it's \"a\" \\n $HOME señal", Place::Top, "`id` $(id) \\n ' %s\n"),
        update: |s| block(s, " it's \"a\" \\n $HOME señal", Place::Top, "b\n"),
    },
    Case { name: "new folder", before: |_| {}, change: |s| folder(s, "a b"), update: |s| folder(s, "a b") },
    Case {
        name: "folder that is there",
        before: |s| fs::create_dir(s.tree().join("there")).unwrap(),
        change: |s| folder(s, "there"),
        update: |s| folder(s, "there"),
    },
    Case { name: "key", before: |_| {}, change: |s| key(s, "id ñ"), update: |s| key(s, "id ñ") },
];

fn file(s: &Sandbox, name: &str, text: &str) -> Primitive {
    Primitive::File { path: s.path(name), mode: "644", owner: me(), content: Text::new(text), check: None }
}

fn checked(s: &Sandbox, name: &str, text: &str, check: &str) -> Primitive {
    Primitive::File {
        path: s.path(name),
        mode: "644",
        owner: me(),
        content: Text::new(text),
        check: Some(check.into()),
    }
}

fn block(s: &Sandbox, name: &str, place: Place, text: &str) -> Primitive {
    let (path, content) = (s.path(name), Text::new(text));
    Primitive::Block { path, mark: "mpiup aula".into(), place, mode: "600", owner: me(), content }
}

fn folder(s: &Sandbox, name: &str) -> Primitive {
    Primitive::Dir { path: s.path(name), mode: "750", owner: me() }
}

fn key(s: &Sandbox, name: &str) -> Primitive {
    Primitive::KeyPair { path: s.path(name), owner: me(), comment: "mpiup:aula:n1".into() }
}

#[track_caller]
fn up(s: &Sandbox, change: Primitive) {
    let ran = s.up(&[change]);
    assert!(ran.success, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stderr, "");
}

#[track_caller]
fn down(s: &Sandbox, about: &str) {
    let ran = s.down();
    assert!(ran.success, "{about}: {}{}", ran.stdout, ran.stderr);
    assert_eq!((ran.said(), ran.stderr.as_str()), (vec![], ""), "{about}");
    assert!(s.is_clean(), "{about}: the journal is gone, with the folders that were made for it");
}

#[test]
fn done_and_undone_is_as_before() {
    // The other worlds do the same below, and more.
    for world in worlds().into_iter().take(1) {
        for case in CASES {
            let about = format!("{} by {}", case.name, world.name);
            let s = Sandbox::new(&world);
            (case.before)(&s);
            let before = s.picture();
            up(&s, (case.change)(&s));
            assert!(s.journal().iter().all(|key| !key.ends_with('?')), "{about}: every entry is complete");
            down(&s, &about);
            assert_eq!(s.picture(), before, "{about}");
        }
    }
}

#[test]
fn what_is_written_is_what_the_plan_shows() {
    for world in worlds() {
        for case in CASES {
            let s = Sandbox::new(&world);
            (case.before)(&s);
            for primitive in [(case.change)(&s), (case.update)(&s)] {
                let (path, place) = match &primitive {
                    Primitive::File { path, .. } => (path, None),
                    Primitive::Block { path, place, .. } => (path, Some(place)),
                    _ => continue,
                };
                let wanted = match place {
                    None => text(&primitive).into_bytes(),
                    // A plan reads a file as UTF-8, and shows what is not as such.
                    Some(place) => {
                        let before = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                        let with = mpiup::changes::block::with(
                            &before.unwrap_or_default(),
                            "mpiup aula",
                            *place,
                            &text(&primitive),
                        );
                        with.into_bytes()
                    }
                };
                up(&s, primitive.clone());
                let written = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
                assert_eq!(written, String::from_utf8(wanted).unwrap(), "{} by {}", case.name, world.name);
            }
        }
    }
}

fn text(primitive: &Primitive) -> String {
    match primitive {
        Primitive::File { content, .. } | Primitive::Block { content, .. } => content.to_string(),
        _ => String::new(),
    }
}

#[test]
fn twice_is_once_and_an_update_keeps_the_first_backup() {
    for world in worlds() {
        for case in CASES {
            let about = format!("{} by {}", case.name, world.name);
            let s = Sandbox::new(&world);
            (case.before)(&s);
            let before = s.picture();
            up(&s, (case.change)(&s));
            let journal = s.journal();
            let once = contents(&s);
            up(&s, (case.change)(&s));
            assert_eq!((s.journal(), contents(&s)), (journal.clone(), once), "{about}, the second time");
            up(&s, (case.update)(&s));
            assert_eq!(s.journal(), journal, "{about}, changed");
            down(&s, &about);
            assert_eq!(s.picture(), before, "{about}");
        }
    }
}

/// The picture without times, which are new when the same is written again.
fn contents(s: &Sandbox) -> Vec<String> {
    let plain = |(name, seen): (String, String)| match seen.split_once(' ') {
        Some(("file", rest)) => {
            format!("{name} {}", rest.splitn(4, ' ').filter(|word| !word.contains('.')).collect::<Vec<_>>().join(" "))
        }
        _ => format!("{name} {seen}"),
    };
    s.picture().into_iter().map(plain).collect()
}

#[test]
fn several_changes_go_in_turn() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        s.file("hosts", 0o644, b"127.0.0.1 localhost\n");
        let before = s.picture();
        let changes = [
            folder(&s, "ssh"),
            key(&s, "ssh/id"),
            block(&s, "hosts", Place::Bottom, "a\n"),
            file(&s, "ssh/known", "k\n"),
        ];
        let ran = s.up(&changes);
        assert_eq!(ran.results(), ["done"; 4], "{}", ran.stderr);
        assert_eq!(s.journal(), ["dir /ssh", "keypair /ssh/id", "block /hosts", "file /ssh/known"]);
        down(&s, &world.name);
        assert_eq!(s.picture(), before);
    }
}

/// An environment is brought by another stream: the journal knows of it first, and takes all of it away.
#[test]
fn a_tree_is_noted_before_it_comes() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        let before = s.picture();
        let tree = Primitive::Tree { path: s.path("an env"), owner: me(), key: "KEY".into() };
        assert_eq!(s.up(&[tree]).results(), ["announced"]);
        assert_eq!(s.journal(), ["tree /an env?"]);
        fs::create_dir_all(s.tree().join("an env/bin")).unwrap();
        fs::write(s.tree().join("an env/bin/python"), "x").unwrap();
        down(&s, &world.name);
        assert_eq!(s.picture(), before);
    }
}

#[test]
fn a_file_that_somebody_edited_is_kept_and_said() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        s.file("old", 0o644, b"old\n");
        up(&s, file(&s, "old", "a\n"));
        fs::write(s.tree().join("old"), "mine\n").unwrap();
        let ran = s.down();
        assert_eq!(ran.results(), ["kept"], "{}", ran.stderr);
        assert_eq!(ran.said(), [format!("{} was changed after mpiup wrote it", s.path("old"))]);
        assert!(!ran.is_held(), "it is theirs");
        assert_eq!(bytes(&s, "old"), b"mine\n");
        assert_eq!(s.journal(), ["file /old"], "a later `down` looks again");
    }
}

#[test]
fn a_block_is_cut_out_of_a_file_that_somebody_edited() {
    for world in worlds() {
        for (before, edit, after) in [
            ("one\n", ("one", "uno"), "uno\n"),
            ("one\ntwo", ("one", "uno"), "uno\ntwo\n"),
            ("", ("# <<< mpiup aula <<<\n", "# <<< mpiup aula <<<\nmine"), "mine\n"),
        ] {
            let s = Sandbox::new(&world);
            s.file("old", 0o640, before.as_bytes());
            up(&s, block(&s, "old", Place::Bottom, "a\n"));
            let text = String::from_utf8(bytes(&s, "old")).unwrap();
            fs::write(s.tree().join("old"), text.replace(edit.0, edit.1)).unwrap();
            // And `up` in between does not take that back either.
            up(&s, block(&s, "old", Place::Bottom, "b\n"));
            let ran = s.down();
            assert_eq!(ran.results(), ["left"], "{}: {}", world.name, ran.stderr);
            assert!(ran.said()[0].ends_with("only the block of mpiup was taken out"), "{:?}", ran.said());
            assert_eq!(String::from_utf8(bytes(&s, "old")).unwrap(), after, "{} {before:?}", world.name);
            assert!(s.picture()["old"].starts_with("file 100640 "));
            assert!(s.is_clean());
        }
    }
}

/// What is somebody else's stays, wherever it was written: before, between and after the marks, and where a mark is gone.
#[test]
fn of_a_block_that_somebody_edited_what_mpiup_wrote_goes() {
    const ONE: &str = "one\n# >>> mpiup aula >>>\na\nb\n# <<< mpiup aula <<<\n";
    let only = "only the block of mpiup was taken out";
    let between = "in the block of mpiup too: only what mpiup wrote was taken out";
    let nothing = "holds no block of mpiup any more, and stays as it is";
    for world in worlds() {
        for (text, after, said) in [
            (ONE.replace("a\n", "a\nmine\n"), "one\nmine\n", between),
            (ONE.replace("a\n", "mine instead\n"), "one\nmine instead\n", between),
            (ONE.replace("one", "uno"), "uno\n", only),
            (format!("{ONE}two"), "one\ntwo", only),
            (ONE.replace("# >>> mpiup aula >>>\n", ""), "one\n", between),
            (ONE.replace("# <<< mpiup aula <<<\n", "two\n"), "one\ntwo\n", between),
            (ONE.replace("# <<< mpiup aula <<<\n", "two\na\n"), "one\ntwo\na\n", between),
            ("another file\n".to_owned(), "another file\n", nothing),
            (ONE.replace("# >>> mpiup aula >>>\n", "").replace("# <<< mpiup aula <<<\n", ""), "one\na\nb\n", nothing),
        ] {
            let s = Sandbox::new(&world);
            s.file("old", 0o640, b"one\n");
            // An earlier text of mpiup's own is not somebody else's.
            up(&s, block(&s, "old", Place::Bottom, "b\n"));
            up(&s, block(&s, "old", Place::Bottom, "a\nb\n"));
            assert_eq!(bytes(&s, "old"), ONE.as_bytes());
            fs::write(s.tree().join("old"), &text).unwrap();
            let ran = s.down();
            assert_eq!((ran.results(), ran.stderr.as_str()), (vec!["left"], ""), "{} {text:?}", world.name);
            assert!(ran.said()[0].ends_with(said), "{}: {text:?}: {:?}", world.name, ran.said());
            assert_eq!(String::from_utf8(bytes(&s, "old")).unwrap(), after, "{} {text:?}", world.name);
            assert!(s.is_clean(), "there is nothing left for a second `down`");
        }
    }
}

#[test]
fn a_mode_that_somebody_gave_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    for world in worlds() {
        let s = Sandbox::new(&world);
        s.file("old", 0o640, b"one\n");
        up(&s, block(&s, "old", Place::Bottom, "a\n"));
        fs::set_permissions(s.tree().join("old"), fs::Permissions::from_mode(0o604)).unwrap();
        let ran = s.down();
        assert_eq!(ran.results(), ["left"], "{}: {}", world.name, ran.stderr);
        assert!(ran.said()[0].ends_with("with the mode and owner that somebody gave it since"), "{:?}", ran.said());
        assert!(s.picture()["old"].starts_with("file 100604 "), "{:?}", s.picture());
        assert_eq!(bytes(&s, "old"), b"one\n");
    }
}

#[test]
fn a_file_that_became_something_else_is_kept() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        up(&s, file(&s, "f", "a\n"));
        fs::remove_file(s.tree().join("f")).unwrap();
        link(&s, "f", "nowhere");
        let ran = s.down();
        assert_eq!(ran.results(), ["kept"], "{}: {}", world.name, ran.stderr);
        assert!(fs::symlink_metadata(s.tree().join("f")).is_ok());
    }
}

#[test]
fn what_somebody_removed_stays_removed() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        let changes = [folder(&s, "d"), block(&s, "b", Place::Top, "a\n"), key(&s, "k"), file(&s, "f", "a\n")];
        assert!(s.up(&changes).success);
        fs::remove_dir(s.tree().join("d")).unwrap();
        for name in ["b", "k", "k.pub", "f"] {
            fs::remove_file(s.tree().join(name)).unwrap();
        }
        down(&s, &world.name);
        assert!(s.picture().is_empty());
    }
}

#[test]
fn a_folder_with_somebody_elses_files_stays_until_it_is_purged() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        up(&s, folder(&s, "share"));
        fs::write(s.tree().join("share/result"), "42").unwrap();
        let ran = s.down();
        assert_eq!(ran.results(), ["kept"]);
        assert_eq!(bytes(&s, "share/result"), b"42");
        assert!(s.purge().success);
        assert!(s.picture().is_empty());
        assert!(s.is_clean());
    }
}

#[test]
fn a_file_that_its_check_refuses_goes_back() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        s.file("sshd", 0o600, b"old\n");
        let before = s.picture();
        let good = format!("! grep -q bad '{}'", s.path("sshd"));
        let ran = s.up(&[checked(&s, "sshd", "bad\n", &good)]);
        assert!(!ran.success);
        assert_eq!(ran.results(), ["failed"]);
        assert!(ran.stderr.contains("was refused by"), "{}", ran.stderr);
        assert_eq!(s.picture(), before);
        assert_eq!(s.journal(), Vec::<String>::new());

        // One that was there already by our hand: its backup is the first one still.
        up(&s, checked(&s, "sshd", "good\n", &good));
        let ran = s.up(&[checked(&s, "sshd", "bad\n", &good)]);
        assert!(!ran.success);
        assert_eq!(bytes(&s, "sshd"), b"good\n");
        assert_eq!(s.journal(), ["file /sshd"]);
        down(&s, &world.name);
        assert_eq!(s.picture(), before);
    }
}

#[test]
fn what_follows_a_failure_is_not_begun() {
    let s = Sandbox::new(&worlds()[0]);
    let ran = s.up(&[file(&s, "no/such/folder", "a\n"), file(&s, "next", "a\n")]);
    assert!(!ran.success);
    assert_eq!(ran.results(), ["failed"]);
    assert!(s.picture().is_empty());
    down(&s, "a failure");
}

/// What a power cut or a full disk left of an entry is not acted on: the file stays, the entry is named, the others go.
#[test]
fn a_damaged_entry_is_named_and_nothing_is_done_by_it() {
    for world in worlds() {
        for (name, left) in
            [("before", Some("")), ("before", Some("other")), ("path", Some("")), ("key", None), ("sums", Some(""))]
        {
            let s = Sandbox::new(&world);
            s.file("old", 0o644, b"theirs\n");
            assert!(s.up(&[file(&s, "old", "ours\n"), file(&s, "new", "ours\n")]).success);
            let damaged = s.entry("0001").join(name);
            match left {
                Some(text) => std::fs::write(&damaged, text).unwrap(),
                None => std::fs::remove_file(&damaged).unwrap(),
            }
            let ran = s.up(&[file(&s, "old", "ours again\n")]);
            assert!(!ran.success && ran.stderr.contains("0001 is damaged"), "{}: {name}: {ran:?}", world.name);
            assert_eq!(bytes(&s, "old"), b"ours\n");
            let ran = s.down();
            assert!(ran.success, "{}: {name}: {}", world.name, ran.stderr);
            assert_eq!(ran.results(), ["done", "kept"], "{}: {name}", world.name);
            assert!(ran.said()[0].contains("0001 is damaged"), "{:?}", ran.said());
            assert_eq!(bytes(&s, "old"), b"ours\n", "{}: {name}", world.name);
            assert!(!s.tree().join("new").exists() && s.entry("0001").is_dir());
        }
    }
}

/// A file with a second name (a hard link) keeps it, and what else belongs to the file: extended attributes.
#[test]
fn a_second_name_and_attributes_stay() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        for name in ["one", "marked"] {
            s.file(name, 0o640, b"theirs\nlast line without end");
        }
        fs::hard_link(s.path("one"), s.path("two")).unwrap();
        // busybox's cp leaves attributes out.
        let marks =
            world.name != "busybox" && s.sh(&format!("setfattr -n user.mark -v theirs '{}'", s.path("marked"))).success;
        let before = s.picture();
        let inode = |name: &str| fs::metadata(s.path(name)).map(|file| (file.ino(), file.nlink())).unwrap();
        let first = inode("one");
        for text in ["a\n", "a\nand much more\n", "b\n"] {
            up(&s, block(&s, "one", Place::Top, text));
            up(&s, block(&s, "marked", Place::Bottom, text));
            let written = format!("# >>> mpiup aula >>>\n{text}# <<< mpiup aula <<<\ntheirs\nlast line without end");
            assert_eq!(fs::read_to_string(s.path("two")).unwrap(), written, "{}", world.name);
        }
        assert_eq!((inode("one"), inode("two")), (first, first), "{}", world.name);
        let marked = || s.sh(&format!("getfattr --only-values -n user.mark '{}'", s.path("marked"))).stdout;
        assert!(!marks || marked() == "theirs", "{}", world.name);
        down(&s, &world.name);
        assert_eq!(s.picture(), before, "{}", world.name);
        assert_eq!((inode("one"), inode("two")), (first, first), "{}", world.name);
        assert!(!marks || marked() == "theirs", "{}", world.name);
    }
}

/// What nobody may write is named with the command that changes that; it stays as it was, and taking back leaves it alone.
#[test]
fn a_file_that_is_protected_is_named() {
    let s = Sandbox::new(&worlds()[0]);
    s.file("old", 0o644, b"theirs\n");
    let path = s.path("old");
    if !s.sh(&format!("chattr +i '{path}'")).success {
        return skip::skip("files cannot be protected here (`chattr +i`)");
    }
    let before = s.picture();
    let ran = s.up(&[block(&s, "old", Place::Top, "a\n")]);
    let undone = s.down();
    let after = s.picture();
    s.sh(&format!("chattr -i '{path}'"));
    assert!(!ran.success);
    assert_eq!(
        ran.stderr.trim_end(),
        format!(
            "{path} is protected against changes by an attribute (`lsattr {path}` shows it). To take that away: `chattr -ia {path}`"
        )
    );
    assert!(undone.success && s.is_clean(), "{}", undone.stderr);
    assert_eq!(after, before);
}

/// Of a shared folder that was there before, `down` takes what `sync` brought, and none of what stood beside it.
#[test]
fn what_sync_brought_goes_and_folders_of_somebody_elses_stay() {
    let of_ours = ["a.py", "sub/deep/b.py", "edited.py"];
    let pycache = ["__pycache__/a.cpython-311.pyc", "sub/deep/__pycache__/b.cpython-311.pyc"];
    let theirs = ["__pycache__/theirs.cpython-311.pyc", "sub/theirs.txt", "lib/__pycache__/x.cpython-311.pyc"];
    for world in worlds() {
        let s = Sandbox::new(&world);
        for folder in ["sub/deep/__pycache__", "lib/__pycache__", "__pycache__", "results", "sub/empty"] {
            fs::create_dir_all(s.tree().join(folder)).unwrap();
        }
        [&of_ours[..], &pycache, &theirs].concat().iter().for_each(|name| s.file(name, 0o644, name.as_bytes()));
        assert!(s.up(&[file(&s, "new", "a\n")]).success);
        let note = "mkdir synced && cd synced && printf %s \"$share\" > path && id -un > owner && cd \"$share\" &&
            sha256sum a.py sub/deep/b.py edited.py | sed 's/  / /' > \"$state/synced/list\" && echo more >> edited.py";
        let (state, share) = (mpiup::quote::sh(&s.state()), mpiup::quote::sh(&s.tree().to_string_lossy()));
        let noted = s.sh(&format!("state={state} share={share}; cd \"$state\" && {note}"));
        assert!(noted.success, "{noted:?}");
        down(&s, &world.name);
        let there = |name: &&&str| s.tree().join(name).exists();
        let all = [&of_ours[..], &pycache, &theirs, &["results", "sub/empty", "sub/deep", "new"]].concat();
        let left: Vec<&str> = all.iter().filter(there).copied().collect();
        assert_eq!(left, [&["edited.py"], &theirs[..], &["results", "sub/empty"]].concat(), "{}", world.name);
    }
}

/// Who is in the cluster is noted beside the journal, and goes with it.
#[test]
fn the_note_of_members_comes_with_the_journal_and_goes_with_it() {
    for world in worlds() {
        let s = Sandbox::new(&world);
        let change = mpiup::changes::Change {
            primitive: file(&s, "new", "a\n"),
            wave: mpiup::changes::Wave::Ground,
            guard: None,
            why: String::new(),
            before: None,
        };
        for note in ["master 10.0.0.1 head\nclient1 ana@10.0.0.2\n", "master 10.0.0.1 head\n", ""] {
            let calls = mpiup::changes::script::calls(&s.state(), note, [(0, &change)], None).unwrap();
            let ran = s.sh(&format!("{}{calls}", mpiup::changes::script::prelude()));
            assert!(ran.success, "{}: {ran:?}", world.name);
            // Without a new one, the last one stays.
            let wanted = if note.is_empty() { "master 10.0.0.1 head\n" } else { note };
            let noted = std::path::Path::new(&s.state()).join("members");
            assert_eq!(fs::read_to_string(noted).unwrap(), wanted, "{}", world.name);
        }
        down(&s, &world.name);
        assert!(s.picture().is_empty());
    }
}

/// A head by itself, of which the clients were not asked: the kernel knows who is served, and for how long it has heard nothing.
#[test]
fn an_export_that_the_kernel_serves_stays() {
    // As `client_info_show` of fs/nfsd/nfs4state.c prints it; before 5.19 without age, and an expired client is gone there.
    let client = |address: &str, state: &str| {
        format!(
            "clientid: 0x8edb7f65f4a9ad\naddress: \"{address}\"\n{state}name: \"Linux NFSv4.2 c\"\nminor version: 2\n"
        )
    };
    let renewed = |seconds: u32, status: &str| format!("status: {status}\nseconds from last renew: {seconds}\n");
    for world in worlds() {
        let s = Sandbox::new(&world);
        nfs::install(&s);
        fs::create_dir(s.tree().join("etc/exports.d")).unwrap();
        let line = format!("# Written by mpiup: 10.0.0.7\n{} -rw,sync 10.0.0.2 10.0.0.20 fd00::3\n", nfs::share(&s));
        let up = s.up(&[file(&s, "etc/exports.d/mpiup-aula.exports", &line)]);
        assert!(up.success, "{}: {up:?}", world.name);
        let down = format!("mpiup_unasked=yes\n{}", script::undo(&s.state(), false, ""));
        let clients = |all: &[String]| {
            let folder = s.tree().join("proc/fs/nfsd/clients");
            let _ = fs::remove_dir_all(&folder);
            for (number, text) in all.iter().enumerate() {
                fs::create_dir_all(folder.join(number.to_string())).unwrap();
                fs::write(folder.join(number.to_string()).join("info"), text).unwrap();
            }
            fs::write(s.tree().join("proc/fs/nfsd/nfsv4leasetime"), "90\n").unwrap();
        };
        for (served, by) in [
            (
                vec![
                    client("10.0.0.2:815", &renewed(59, "confirmed")),
                    client("10.0.0.2:816", &renewed(0, "confirmed")),
                ],
                "10.0.0.2",
            ),
            (
                vec![
                    client("10.0.0.7:815", ""),
                    client("[fd00::3]:981", "status: confirmed\n"),
                    client("10.0.0.20:1", ""),
                ],
                "fd00::3, 10.0.0.20",
            ),
        ] {
            clients(&served);
            let down = s.sh(&down);
            assert_eq!(down.results(), ["kept"], "{}: {down:?}", world.name);
            let said = format!(
                "the share stays exported, because it is still mounted on {by}: `mpiup down` of that machine too, before or with this one, takes both back"
            );
            assert_eq!(down.said(), [said], "{}", world.name);
            assert_eq!(nfs::exported(&s).len(), 3, "{}", world.name);
        }
        // Cut off, gone for good, never there, and somebody else's.
        clients(&[
            client("10.0.0.2:815", &renewed(90, "confirmed")),
            client("10.0.0.2:815", &renewed(288, "courtesy")),
            client("10.0.0.20:815", &renewed(400, "expirable")),
            client("10.0.0.20:815", &renewed(1, "unconfirmed")),
            client("10.0.0.200:815", &renewed(1, "confirmed")),
        ]);
        assert_eq!(s.sh(&down).results(), ["done"], "{}", world.name);
        assert!(nfs::exported(&s).is_empty() && s.is_clean(), "{}", world.name);
    }
}

//! Promise 8: what runs on a node is plain shell that a person can read, check, and run by hand to the same end.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use crate::support::{
    Operator, TestLab,
    child::{self, program},
    tree::{self, Entry, Snapshot},
};

#[test]
fn the_printed_script_is_plain_shell_and_by_hand_it_makes_what_up_makes() {
    let lab = lab!(2);
    let operator = Operator::new(&lab, "wheels");
    let bare = tree::look(&lab);
    let printed = operator.mpiup(&["plan", "--sh"]);
    assert_eq!(printed.code, 3, "{}", printed.stderr);
    for shell in ["sh", "dash", "bash"] {
        let file = operator.folder().join("plan.sh");
        fs::write(&file, &printed.stdout).unwrap();
        let checked = child::run(program(shell).arg("-n").arg(file), b"", Duration::from_secs(20));
        assert!(checked.status.success() && checked.stderr.is_empty(), "{shell}: {checked:?}");
    }

    operator.up();
    let made = tree::look(&lab).swap_remove(1);
    let masters = lab.says("master", "cat /home/mpi/.ssh/mpiup_aula.pub");
    let made_keys = authorized(&lab, &[("client1", own_key(&lab)), ("master", masters)]);
    operator.down(&[]);

    // master's key is made by hand as well; what of it counts is its public half.
    lab.says("master", "ssh-keygen -q -t ed25519 -N '' -C mpiup:aula:master -f /root/by-hand");
    let masters = lab.says("master", "cat /root/by-hand.pub");
    let begin = printed.stdout.split("\n# ---- ").next().unwrap();
    let wave = |number: u8| {
        let (_, rest) = printed.stdout.split_once(&format!("\n# ---- client1, wave {number} ----\n")).unwrap();
        rest.split("\n# ---- ").next().unwrap()
    };
    lab.script("client1", &format!("{begin}\n{}", wave(1)));
    let second = wave(2).replace("⟨public key of client1⟩", &own_key(&lab)).replace("⟨public key of master⟩", &masters);
    assert!(!second.contains('⟨'), "{second}");
    lab.script("client1", &format!("{begin}\n{second}"));

    let by_hand = tree::look(&lab).swap_remove(1);
    let (by_hand, made) = (files(&by_hand), files(&made));
    let paths: BTreeSet<&String> = by_hand.keys().chain(made.keys()).collect();
    let differ: Vec<_> = paths.into_iter().filter(|path| by_hand.get(*path) != made.get(*path)).collect();
    let shown = |path: &&String| format!("{path}: by hand {:?}, by `up` {:?}\n", by_hand.get(*path), made.get(*path));
    assert!(differ.is_empty(), "{}", differ.iter().map(shown).collect::<String>());
    assert_eq!(authorized(&lab, &[("client1", own_key(&lab)), ("master", masters)]), made_keys);
    operator.down(&[]);
    bare[1].assert_restored("client1", &tree::look(&lab)[1], |_| false);
}

/// Everything but what cannot be the same twice: keys and what names them, and the environment, which is not in a script.
fn files(snapshot: &Snapshot) -> BTreeMap<String, Entry> {
    let mut files = snapshot.entries.clone();
    files.retain(|path, _| {
        !path.starts_with("/home/mpi/.mpiup/env") && !path.starts_with("/var/lib/mpiup/aula/journal/")
    });
    for (path, entry) in &mut files {
        if ["/home/mpi/.ssh/mpiup_aula", "/home/mpi/.ssh/mpiup_aula.pub", "/home/mpi/.ssh/authorized_keys"]
            .contains(&path.as_str())
        {
            entry.content.clear();
        }
    }
    files
}

fn own_key(lab: &TestLab) -> String {
    lab.says("client1", "cat /home/mpi/.ssh/mpiup_aula.pub")
}

/// The file with each node's key replaced by the node's name.
fn authorized(lab: &TestLab, keys: &[(&str, String)]) -> String {
    let text = lab.says("client1", "cat /home/mpi/.ssh/authorized_keys");
    keys.iter().fold(text, |text, (node, key)| text.replace(key.as_str(), node))
}

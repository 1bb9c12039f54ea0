//! Hostfiles of both flavours, as people write them.

use super::*;
use crate::error::Error;

fn summary(text: &str) -> String {
    let file = parse(text, "hosts").unwrap_or_else(|error| panic!("{error}"));
    let entry = |entry: &HostEntry| {
        let slots = entry.slots.map_or("cores".to_owned(), |slots| slots.to_string());
        format!("{} {slots}", entry.address())
    };
    let lines = file.entries.iter().map(entry).chain(file.notes.iter().map(|note| format!("note: {note}")));
    format!("{:?}\n{}", file.dialect, lines.collect::<Vec<_>>().join("\n"))
}

fn refused(text: &str) -> String {
    let error: Error = parse(text, "hosts").unwrap_err();
    let hints = error.hints().iter().map(|hint| format!("hint: {hint}"));
    let lines = std::iter::once(error.message().to_owned()).chain(error.reasons().iter().cloned()).chain(hints);
    lines.collect::<Vec<_>>().join("\n")
}

/// The host file of hydra's manual, with its comments.
#[test]
fn reads_hydras_example() {
    let text = "   # This is a sample host file\n   donner:2     # The first 2 procs are scheduled to run here\n   \
                foo:3        # The next 3 procs run on this host\n   shakey:2\nterra\n";
    insta::assert_snapshot!(summary(text), @r"
    Mpich
    donner 2
    foo 3
    shakey 2
    terra 1
    ");
}

/// The example of Open MPI's manual page mpirun(1), and what its lexer allows besides.
#[test]
fn reads_open_mpis_forms() {
    let text = "# This is an example hostfile.  Comments begin with #\n#\n# The following node is a single processor machine:\n\
                foo.example.com\n\n# A dual-processor machine:\nbar.example.com slots=2\n\n\
                # The following node is a quad-processor machine, and we absolutely\n# want to disallow over-subscribing it:\n\
                yow.example.com slots=4 max-slots=4\n";
    insta::assert_snapshot!(summary(text), @r"
    OpenMpi
    foo.example.com cores
    bar.example.com 2
    yow.example.com 4
    note: line 11: `max_slots=4` is left out
    ");
    insta::assert_snapshot!(
        summary("/* two\n lines */ n1 slots = 4 // here\r\nmpi@n2 cpu =2 sockets=1\n\n\tn3\tcount= 3 username=ana\nn4 max_slots=8\n^n5\nn6 slots=1 port=2222\nfe80::1 slots=2\n"),
        @r"
    OpenMpi
    n1 4
    mpi@n2 2
    ana@n3 3
    n4 8
    n6:2222 1
    [fe80::1] 2
    note: line 3: `sockets=1` is left out
    note: line 7: `^n5` excludes that host, and it is left out
    "
    );
}

#[test]
fn a_host_on_two_lines_has_room_for_both() {
    insta::assert_snapshot!(summary("n1\nn2\nn1\nN2\nn3\n"), @r"
    Plain
    n1 2
    n2 2
    n3 cores
    ");
    insta::assert_snapshot!(summary("n1 slots=2\nn1 slots=2\nn2\n"), @r"
    OpenMpi
    n1 4
    n2 cores
    ");
    insta::assert_snapshot!(summary("n1:2\nn1\nn2\nmpi@n3:4 binding=core user=ana\n"), @r"
    Mpich
    n1 3
    n2 1
    ana@n3 4
    note: line 4: `binding=core` is left out
    ");
}

#[test]
fn the_guides_hostfile_is_names_alone() {
    insta::assert_snapshot!(summary("master\nclient1\nclient2\n"), @r"
    Plain
    master cores
    client1 cores
    client2 cores
    ");
}

#[test]
fn wrong_lines_are_pointed_at() {
    insta::assert_snapshot!(refused("n1 slots=4\nn2:4\n"), @r"
    hosts:2:1: `n2:4` is MPICH's form, but `slots=4` on line 1 is Open MPI's
    2 | n2:4
      | ^^^^
    hint: Neither mpiexec reads a file of both. Write all lines as `client1 slots=4` (Open MPI) or as `client1:4` (MPICH).
    ");
    insta::assert_snapshot!(refused("n1:4 slots=4\n"), @r"
    hosts:1:6: `slots=4` is Open MPI's form, but `n1:4` on line 1 is MPICH's
    1 | n1:4 slots=4
      |      ^^^^^^^
    hint: Neither mpiexec reads a file of both. Write all lines as `client1 slots=4` (Open MPI) or as `client1:4` (MPICH).
    ");
    insta::assert_snapshot!(refused("n1 Slots=4\n"), @r"
    hosts:1:4: neither Open MPI nor MPICH knows `Slots` here
    1 | n1 Slots=4
      |    ^^^^^
    hint: Did you mean `slots`?
    hint: After the host come options: `slots=4`, `max_slots=8` (Open MPI); `user=mpi`, `binding=...` (MPICH).
    ");
    insta::assert_snapshot!(refused("n1 4\n"), @r"
    hosts:1:4: neither Open MPI nor MPICH knows `4` here
    1 | n1 4
      |    ^
    hint: After the host come options: `slots=4`, `max_slots=8` (Open MPI); `user=mpi`, `binding=...` (MPICH).
    ");
    insta::assert_snapshot!(refused("n1 slots\n"), @r"
    hosts:1:4: `slots` has no value
    1 | n1 slots
      |    ^^^^^
    hint: Write it as `slots=VALUE`.
    ");
    insta::assert_snapshot!(refused("n1 slots=four\n"), @r"
    hosts:1:10: the number of processes is from 1 to 65535, not `four`
    1 | n1 slots=four
      |          ^^^^
    ");
    insta::assert_snapshot!(refused("n1:0\n"), @r"
    hosts:1:4: the number of processes is from 1 to 65535, not `0`
    1 | n1:0
      |    ^
    ");
    insta::assert_snapshot!(refused("n1 slots=4 max_slots=2\n"), @r"
    hosts:1:12: the host has 4 slots and at most 2
    1 | n1 slots=4 max_slots=2
      |            ^^^^^^^^^^^
    hint: `max_slots` is at least `slots`.
    ");
    insta::assert_snapshot!(refused("rank 0=n1 slot=0\n"), @r"
    hosts:1:1: this is a rankfile, which says where each rank runs, not a hostfile
    1 | rank 0=n1 slot=0
      | ^^^^
    hint: Give mpiup the hostfile: a host on each line.
    ");
    insta::assert_snapshot!(refused("+n0\n"), @r"
    hosts:1:1: `+n0` counts the nodes of a batch system's allocation
    1 | +n0
      | ^^^
    hint: Write the host's name or address.
    ");
    insta::assert_snapshot!(refused("n1,n2\n"), @r"
    hosts:1:1: `n1,n2` is not a host: the host has `,`
    1 | n1,n2
      | ^^^^^
    hint: A line begins with one host: `client1`, `mpi@client1`, `192.168.1.11`.
    ");
    insta::assert_snapshot!(refused("# nothing\n"), @r"
    hosts:1:1: this hostfile names no host
    1 | # nothing
      | ^
    hint: A hostfile has a host on each line: `client1 slots=4` (Open MPI) or `client1:4` (MPICH).
    ");
    insta::assert_snapshot!(refused("a@n1\nb@n1\n"), @r"
    hosts:2:1: the host `n1` has two users
    2 | b@n1
      | ^^^^
    hint: Name the same user on each of its lines.
    ");
}

/// What fuzzing found: each of these was read as a host that could not be written again, or put a control character on
/// the screen.
#[test]
fn hosts_that_would_mean_something_else() {
    assert!(refused("ana@+n1\n").contains("`ana@+n1` is not a host: the host begins with `+`"));
    assert!(!refused("n1:1\n^\u{1b}[2J\n").contains('\u{1b}'));
    assert_eq!(summary("rank slots=4\n"), "OpenMpi\nrank 4");
    assert!(refused("n1 slots=60000\nn1 slots=60000\n").contains("`n1` are for 120000 processes together"));
}

#[test]
fn what_is_written_is_read_again() {
    for dialect in [Dialect::OpenMpi, Dialect::Mpich] {
        let file = parse(&render(dialect, [("master", 4), ("client1", 1)]), "hosts").unwrap();
        assert_eq!(file.dialect, dialect);
        let slots: Vec<_> = file.entries.iter().map(|entry| (entry.host.as_str(), entry.slots)).collect();
        assert_eq!(slots, [("master", Some(4)), ("client1", Some(1))]);
    }
    assert_eq!(render(Dialect::OpenMpi, [("n1", 4)]), "n1 slots=4\n");
    assert_eq!(render(Dialect::Mpich, [("n1", 4)]), "n1:4\n");
    assert_eq!(render(Dialect::Plain, [("n1", 4)]), "n1\n");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "(n1|n2|slots|=|:|4| |\n|#|/\\*|\\*/|//|ñ|\\^|@|user|\\+){0,24}") {
        if let Err(error) = parse(&text, "hosts") {
            proptest::prop_assert!(error.message().starts_with("hosts:"), "{}", error);
        }
    }
}

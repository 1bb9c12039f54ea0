//! Whole screens of a mirroring in which one node fails.

use super::*;
use crate::{
    launch::{Crew, CrewNode},
    node::{Node, Output},
    provision::Fleet,
    spec::Spec,
    steps::Layout,
    ui::Options,
};

/// How a node answers to what it is asked.
#[derive(Clone, Copy, Default)]
struct Answers {
    comparison: Option<&'static str>,
    lock: Option<&'static str>,
    archive: Option<&'static str>,
}

impl Answers {
    fn to(self, script: &str) -> Output {
        let refuses = |why: Option<&str>| why.map_or_else(|| Output::ok(""), |why| Output::failed(1, why));
        if script.contains("takes an archive") {
            return refuses(self.archive);
        }
        if script.contains("tell held") {
            return Output::ok(format!("mpiup-lock {}\n", self.lock.unwrap_or("held")));
        }
        assert!(script.starts_with("# the comparison of the files\n"), "{script}");
        match self.comparison {
            Some(_) => refuses(self.comparison),
            None => Output::ok("== kinds\n== noted\n== end\n"),
        }
    }
}

/// The screen, and who takes part in the end.
fn mirrored(answers: [Answers; 3]) -> (String, Vec<String>) {
    let text =
        "[nodes]\nmaster = \"10.0.0.1\"\nclient1 = \"10.0.0.2\"\nclient2 = \"10.0.0.3\"\n[cluster]\nname = \"aula\"\n";
    let spec: Spec = crate::spec::file::parse(text, "mpiup.toml").unwrap();
    let (mut fleet, mut members) = (Fleet::default(), Vec::new());
    for (node, answers) in spec.nodes.iter().zip(answers) {
        let (connected, _) = Node::fake(node.name.clone(), move |script| answers.to(script));
        fleet.nodes.push((node.clone(), connected));
        let (name, state, boot_id) = (node.name.clone(), "/state".into(), node.name.to_string());
        members.push(CrewNode { name, slots: 1, is_root: true, state, boot_id });
    }
    let layout = Layout::new(&spec, "/home/mpi");
    let mut crew = Crew { layout, members, unready: vec![], mpiexec: ("/usr/bin/mpiexec".into(), 5) };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.py"), "print()").unwrap();
    let (ui, captured) = Ui::captured(Options::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let work = everywhere(folder.path(), false, &spec, &mut fleet, &mut crew, &ui);
    match tokio::task::LocalSet::new().block_on(&runtime, work) {
        Ok(theirs) => assert!(!theirs),
        Err(error) => ui.error(&error),
    }
    (captured.screen(), crew.members.iter().map(|member| member.name.to_string()).collect())
}

const FULL: Answers =
    Answers { archive: Some("tar: x.py: Cannot write: No space left on device"), comparison: None, lock: None };
const BUSY: Answers =
    Answers { lock: Some("taken ben@desk\t10.0.0.9\tup\t12:00:00\t1764020710\t5"), archive: None, comparison: None };
const UNREADABLE: Answers =
    Answers { comparison: Some("sh: cd: /home/mpi/MPI: Input/output error"), archive: None, lock: None };
const WELL: Answers = Answers { comparison: None, lock: None, archive: None };

#[test]
fn a_node_whose_disk_is_full_is_lost_and_the_others_get_the_files() {
    let (screen, left) = mirrored([WELL, FULL, WELL]);
    insta::assert_snapshot!(screen, @"
    Mirroring the working directory
    ✗ Mirroring the working directory: 2 done, 1 failed of 3 nodes
    error: client1: files could not be written into /home/mpi/MPI
      tar: x.py: Cannot write: No space left on device
    hint: `mpiup status` shows how the node stands, `mpiup sync` sends them again.
      1 file, 14 B sent
    ");
    assert_eq!(left, ["master", "client2"]);
}

#[test]
fn so_are_one_that_is_in_use_and_one_that_cannot_be_looked_at() {
    let (screen, left) = mirrored([WELL, BUSY, UNREADABLE]);
    insta::assert_snapshot!(screen, @"
    Mirroring the working directory
    ✗ Mirroring the working directory: 1 done, 2 failed of 3 nodes
    error: client2: the shared folder /home/mpi/MPI cannot be read
      sh: cd: /home/mpi/MPI: Input/output error
    hint: `mpiup status` shows how the node stands.
    error: client1: in use by ben@desk from 10.0.0.9: `mpiup up`, since 12:00:00 on
           its clock, 5.0 s ago
    hint: Run this command again when that has ended.
      1 file, 7 B sent
    ");
    assert_eq!(left, ["master"]);
}

/// Without it there is no job, whatever becomes of the others.
#[test]
fn the_head_node_is_everybodys() {
    for (answers, reason) in [(FULL, "No space left"), (BUSY, "in use by ben@desk"), (UNREADABLE, "Input/output error")]
    {
        let (screen, _) = mirrored([answers, WELL, WELL]);
        assert!(screen.contains("error: master: ") && screen.contains(reason), "{screen}");
        assert_eq!(screen.matches("error:").count(), 1, "{screen}");
        assert!(
            screen.contains("✗ Mirroring the working directory: 1 failed of 3 nodes, 2 not finished\n"),
            "{screen}"
        );
    }
}

/// Said together, since the reason is the same.
#[test]
fn what_is_true_of_several_nodes_is_said_once() {
    let (screen, left) = mirrored([WELL, FULL, FULL]);
    assert!(screen.contains("error: client[1-2]: files could not be written into "), "{screen}");
    assert_eq!((screen.matches("error:").count(), left.len()), (1, 1), "{screen}");
}

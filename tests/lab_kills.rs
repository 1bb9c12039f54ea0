//! Killed anywhere, runs on: mpiup, its connection and the node's shell end at every boundary of the journal, on the way up
//! and on the way down; the next `up` ends in "ready", the next `down` in the tree that was there before.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_macros, reason = "who waits for an hour wants to see how far it is")]

#[macro_use]
mod support;

#[path = "lab_kills/nothing_left.rs"]
mod nothing_left;
#[path = "lab_kills/packages.rs"]
mod packages;
#[path = "lab_kills/stop.rs"]
mod stop;
#[path = "lab_kills/two.rs"]
mod two;

use std::{collections::BTreeSet, time::SystemTime};

use stop::{KILLS, Kill, Stop, end};
use support::{Operator, TestLab, tree};

const UP: &[&str] = &["up", "--yes", "--json"];
const DOWN: &[&str] = &["down", "--yes", "--json"];

/// One `up` that is killed at each boundary of one node in turn and started again, and then the same of `down` on the other
/// node. Which is which, and which end comes first, changes from day to day; `MPIUP_KILLS_SEED` repeats what another day had.
#[test]
fn killed_at_every_boundary_in_turn() {
    let seed = std::env::var("MPIUP_KILLS_SEED").map_or_else(|_| today(), |seed| seed.parse().unwrap());
    eprintln!("MPIUP_KILLS_SEED={seed}");
    let lab = lab!(2);
    let operator = Operator::new(&lab, "wheels");
    let mut stops = lab.nodes().iter().map(|node| Stop::on(&lab, node)).collect::<Vec<_>>();
    stops.rotate_left(seed % 2);
    up_and_down(&operator, &stops[1], &stops[0], seed / 2);
}

fn today() -> usize {
    let days = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / (24 * 60 * 60);
    usize::try_from(days).unwrap()
}

/// The same with each way to end at each boundary, on the head node and on another: half an hour.
#[test]
#[ignore = "takes half an hour; `cargo test --test lab_kills turn -- --ignored --nocapture`"]
fn killed_at_every_boundary_in_turn_in_every_way() {
    let lab = lab!(2);
    let operator = Operator::new(&lab, "wheels");
    for node in lab.nodes() {
        let stop = Stop::on(&lab, &node);
        for turn in 0..KILLS.len() {
            up_and_down(&operator, &stop, &stop, turn);
        }
        stop.away();
    }
}

fn up_and_down(operator: &Operator<'_>, up: &Stop<'_>, down: &Stop<'_>, turn: usize) {
    let before = tree::look(operator.lab);
    up.forget();
    let ups = killed_in_turn(up, operator, UP, turn);
    is_whole(operator);
    down.forget();
    let downs = killed_in_turn(down, operator, DOWN, turn);
    is_as_before(operator.lab, &before);
    eprintln!("turn {turn}: {ups} stops on the way up on {}, {downs} on the way down on {}", up.node(), down.node());
    assert!(ups > 45 && downs > 35, "there was something to stop at: {ups}, {downs}");
}

/// Each boundary of `up` and of `down`, on the head node and on another, with each way to end, from the bare tree and back to
/// it: an hour. `MPIUP_KILLS=1/2` is the second half.
#[test]
#[ignore = "takes an hour; `cargo test --test lab_kills -- --ignored --nocapture`"]
fn killed_at_every_boundary_in_every_way() {
    let lab = lab!(2);
    let operator = Operator::new(&lab, "wheels");
    let stops = lab.nodes().iter().map(|node| Stop::on(&lab, node)).collect::<Vec<_>>();
    let before = tree::look(&lab);
    let mut points = Vec::new();
    for (number, stop) in stops.iter().enumerate() {
        for command in [UP, DOWN] {
            stop.nowhere();
            operator.mpiup(command).succeeded();
            points.extend(stop.passed().into_iter().map(|label| (number, command, label)));
        }
    }
    let rounds = (0..KILLS.len())
        .flat_map(|round| points.iter().enumerate().map(move |(number, point)| (round + number, point)));
    let mine = part_of(rounds.collect());
    let (all, begun) = (mine.len(), std::time::Instant::now());
    for (tried, (_, (turn, (node, command, label)))) in mine.into_iter().enumerate() {
        let (stop, kill) = (&stops[*node], KILLS[turn % KILLS.len()]);
        eprintln!("{tried} of {all}, {} s: {kill:?} of {} {label}", begun.elapsed().as_secs(), command[0]);
        if *command == DOWN {
            operator.up();
        }
        stop.at(label);
        let mut mpiup = operator.start(command);
        let stopped = stop.wait(&mut mpiup).unwrap_or_else(|| panic!("{label} did not come again"));
        stop.kill(kill, &stopped, &mut mpiup);
        ended_by(kill, end(mpiup).as_ref(), label);
        if *command == UP || turn % 2 == 0 {
            operator.up();
            is_whole(&operator);
        }
        operator.down(&[]);
        is_as_before(&lab, &before);
    }
}

/// What is for this run to try, with its number among all: with `MPIUP_KILLS=1/4` one of four, from the second on.
fn part_of<T>(all: Vec<T>) -> Vec<(usize, T)> {
    let part = std::env::var("MPIUP_KILLS").unwrap_or_else(|_| "0/1".into());
    let (part, parts): (usize, usize) =
        part.split_once('/').map(|(part, parts)| (part.parse().unwrap(), parts.parse().unwrap())).unwrap();
    all.into_iter().enumerate().filter(|(number, _)| number % parts == part).collect()
}

/// Starts `command` until it comes through, and kills it at every boundary at which it did not stop before.
fn killed_in_turn(stop: &Stop<'_>, operator: &Operator<'_>, command: &[&str], turn: usize) -> usize {
    let mut stops = 0;
    loop {
        stop.at_the_next();
        let mut mpiup = operator.start(command);
        let Some(stopped) = stop.wait(&mut mpiup) else {
            operator.finish(mpiup).succeeded();
            return stops;
        };
        let kill = KILLS[(stops + turn) % KILLS.len()];
        stop.kill(kill, &stopped, &mut mpiup);
        ended_by(kill, end(mpiup).as_ref(), &stopped.label);
        stops += 1;
        assert!(stops < 500, "no end: {}", stopped.label);
    }
}

/// A killed mpiup says nothing; the others say in a sentence what happened.
fn ended_by(kill: Kill, ran: Option<&support::Ran>, label: &str) {
    match ran {
        None => assert_eq!(kill, Kill::Mpiup, "{label}"),
        Some(ran) => {
            assert!(
                kill != Kill::Mpiup && ran.code == 1 && ran.stderr.contains("ended during"),
                "{kill:?} at {label}: {ran:?}"
            );
        }
    }
}

/// Every change stands in each journal once, and is complete; a further `up` finds nothing to do.
fn is_whole(operator: &Operator<'_>) {
    for node in operator.lab.nodes() {
        let script = "cd /var/lib/mpiup/aula/journal && for entry in *; do test -f $entry/done && printf '%s ' $entry && cat $entry/key; done";
        let journal = operator.lab.says(&node, script);
        let entries: Vec<(&str, &str)> = journal.lines().map(|line| line.split_once(' ').unwrap()).collect();
        let keys: BTreeSet<&str> = entries.iter().map(|(_, key)| *key).collect();
        assert_eq!(keys.len(), entries.len(), "{node}: {journal}");
        let all = operator.lab.says(&node, "ls /var/lib/mpiup/aula/journal | wc -l");
        assert_eq!(all, entries.len().to_string(), "{node}: not all are done");
        let state = operator.lab.says(&node, "ls -A /var/lib/mpiup/aula");
        assert_eq!(state, "journal\nmade\nmembers", "{node}");
    }
    assert_eq!(operator.up()["changes"], 0);
}

fn is_as_before(lab: &TestLab, before: &[tree::Snapshot]) {
    for ((node, before), after) in lab.nodes().iter().zip(before).zip(&tree::look(lab)) {
        before.assert_restored(node, after, |_| false);
    }
}

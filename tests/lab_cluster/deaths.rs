//! A machine that falls silent at an unlucky moment: its shell stands still in the midst of `up`; it dies there, and in the
//! midst of `down`; its network is cut between the last change and the proof. It is named, the others go on, and once it is
//! there again it comes in, or is taken back.

use std::time::{Duration, Instant};

use mpiup::{
    commands::{session::Session, up},
    node::{Opener, Options},
    provision::{Fleet, Silences},
    spec,
    ui::{self, Ui},
};

use crate::{
    honest::{all_are_ready, was_left_out},
    support::{Operator, TestLab, child::wait_until, test_lab::MPIUP, tree},
};

/// Longer than the node's lock lives without its operator, on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(180);

/// More than any single change takes, and less than the four minutes that mpiup waits by itself.
const SILENCE: Duration = Duration::from_secs(30);

/// In place of the command by which entries of the journal come and go: at so many of them it does first what the test has
/// laid there, once. `tree::look` does not look into `/kill`.
const MOVER: &str = r#"#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
case "$*" in */var/lib/mpiup/aula/journal/*)
    entries=$(ls /var/lib/mpiup/aula/journal | wc -l)
    if [ -e "/kill/at-$entries" ]; then mv "/kill/at-$entries" /kill/deed; . /kill/deed; fi ;;
esac
exec mv "$@"
"#;

/// In place of the command that bounds the proof: it waits while the test holds it.
const LIMIT: &str = r#"#!/bin/sh
case "$*" in *mpiexec*) while [ -e /kill/hold ]; do : > /kill/held; sleep 0.1; done ;; esac
exec /usr/bin/timeout "$@"
"#;

const CUT: &str = "ip link set eth0 down";

/// The whole machine dies: nobody hears of it, and all that the connection's shell runs has ended.
const DIE: &str = "ip link set eth0 down; kill -s KILL -- \"-$(ps -o pgid= -p $$ | tr -d ' ')\"";

/// All that the connection's shell runs stands still, this command among it.
const FREEZE: &str = "ps -o pgid= -p $$ | tr -d ' ' > /kill/group; kill -s STOP -- \"-$(cat /kill/group)\"";

#[test]
fn a_machine_that_falls_silent_is_named_and_comes_in_or_is_taken_back_later() {
    let lab = lab!(3);
    let operator = Operator::new(&lab, "wheels");
    lab.inside("client2", &program("/usr/local/sbin/mv", MOVER));
    lab.inside("master", &program("/usr/local/bin/timeout", LIMIT));
    let before = tree::look(&lab);

    a_shell_that_stands_still_costs_its_patience(&operator);
    assert_eq!(operator.mpiup(&["sync"]).code, 1);
    dead_in_the_midst_of_up(&operator);
    cut_before_the_proof(&operator);
    dead_in_the_midst_of_down(&operator, &before);
}

fn program(path: &str, text: &str) -> String {
    format!("mkdir -p /kill && chmod 1777 /kill && cat > {path} <<'PROGRAM'\n{text}PROGRAM\nchmod 755 {path}")
}

/// What happens on client2 when its journal has so many entries.
fn at(lab: &TestLab, entries: usize, deed: &str) {
    lab.inside("client2", &format!("cat > /kill/at-{entries} <<'DEED'\n{deed}\nDEED"));
}

/// It has happened; the machine is there again, and free for the next operator.
fn comes_back(lab: &TestLab) {
    lab.inside("client2", "ip link set eth0 up");
    // Not made by looking for it, where it has gone.
    let free = "for lock in /run/mpiup.lock /run/mpiup.lock.busy; do
        [ ! -e $lock ] || flock -n $lock true || exit 0; done; echo free";
    wait_until("the lock of an operator who has gone ends", PATIENCE, || lab.inside("client2", free) == "free");
}

/// As the verb, but for its patience.
fn a_shell_that_stands_still_costs_its_patience(operator: &Operator<'_>) {
    let lab = operator.lab;
    at(lab, 3, FREEZE);
    let spec = spec::file::load(&operator.work().join("mpiup.toml")).unwrap();
    let options = Options {
        ssh_config: spec.ssh_config.clone(),
        askpass: Some(MPIUP.into()),
        accept_new: true,
        r#become: true,
        ..Options::default()
    };
    let opener = Opener::new(options).unwrap();
    let (ui, captured) = Ui::captured(ui::Options::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begun = Instant::now();
    let report = tokio::task::LocalSet::new().block_on(&runtime, async {
        let mut fleet = Fleet::open(&spec, &opener, &|_| ()).await;
        fleet.silences = Silences { short: SILENCE, long: SILENCE };
        up::with_session(Session::of(spec, fleet, &ui).await, true, begun, &ui).await
    });
    let report = report.unwrap_or_else(|error| panic!("{error}\n{}", captured.screen()));
    assert_eq!(report.ready, ["master", "client1"], "{}", captured.screen());
    let reason = report.left_out.get("client2").map(String::as_str).unwrap_or_default();
    assert!(reason.contains("client2: the changes of this node gave no sign of life for 30 s"), "{reason}");
    assert!(reason.contains("it was at: "), "{reason}");
    let state = lab.inside("client2", "cut -d ' ' -f 3 /proc/$(cat /kill/group)/stat");
    assert_eq!(state, "T", "it stands still");

    // When it moves again it does nothing more: it was hung up.
    let entries = "ls /var/lib/mpiup/aula/journal | wc -l";
    lab.inside("client2", "kill -s CONT -- \"-$(cat /kill/group)\"");
    comes_back(lab);
    assert_eq!(lab.inside("client2", entries), "3");
}

fn dead_in_the_midst_of_up(operator: &Operator<'_>) {
    at(operator.lab, 6, DIE);
    let said = was_left_out(operator, "client2", operator.mpiup(&["up", "--yes", "--json"]));
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("error: client2: The connection to ") && said.contains(" ended during the changes of"),
        "{said}"
    );
    assert!(said.contains(" it was at: "), "{said}");
    comes_back(operator.lab);
    operator.up();
    operator.mpiup(&["sync"]).succeeded();
    all_are_ready(operator);
}

fn cut_before_the_proof(operator: &Operator<'_>) {
    let lab = operator.lab;
    // Something is to be done, so that the cut comes after it.
    lab.inside("client2", "sed -i '/^# >>> mpiup/,/^# <<< mpiup/d' /etc/hosts");
    lab.inside("master", "touch /kill/hold");
    let up = operator.start(&["up", "--yes", "--json"]);
    wait_until("the proof is to begin", PATIENCE, || {
        !lab.inside("master", "ls /kill/held 2>/dev/null || true").is_empty()
    });
    assert!(lab.inside("client2", "cat /etc/hosts").contains(">>> mpiup aula >>>"));
    lab.inside("client2", CUT);
    lab.inside("master", "rm /kill/hold");
    let said = was_left_out(operator, "client2", operator.finish_within(up, PATIENCE * 2));
    assert!(said.contains("error: client2: it answered at first, and does not any more"), "{said}");
    comes_back(lab);
    all_are_ready(operator);
}

fn dead_in_the_midst_of_down(operator: &Operator<'_>, before: &[tree::Snapshot]) {
    let lab = operator.lab;
    at(lab, 5, DIE);
    let down = operator.mpiup(&["down", "--yes", "--json"]);
    let said = down.said();
    assert_eq!(down.code, 1, "{said}");
    assert!(
        said.contains("error: client2: The connection to ") && said.contains(" ended during the changes of"),
        "{said}"
    );
    assert!(said.contains("not everything was taken back: client2 could not be finished"), "{said}");
    assert!(said.contains("hint: `mpiup down` goes on from there once what is said of it above is mended."), "{said}");
    comes_back(lab);
    assert_eq!(lab.inside("client2", "ls /var/lib/mpiup/aula/journal | wc -l"), "5", "the rest waits there");
    let after = tree::look(lab);
    for (number, node) in ["master", "client1"].into_iter().enumerate() {
        before[number].assert_restored(node, &after[number], |_| false);
    }
    // The spec is there, and the machine's key is still known: the same words finish it.
    operator.down(&[]);
    for ((node, before), after) in lab.nodes().iter().zip(before).zip(&tree::look(lab)) {
        before.assert_restored(node, after, |_| false);
    }
}

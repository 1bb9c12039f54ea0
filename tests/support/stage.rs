//! Nodes that play their part in a test: they report what was recorded, and answer scripts as the shell of `changes/sh` does.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "each test file uses what it needs; a test may panic"
)]

use std::{cell::Cell, collections::BTreeMap, future::Future, path::Path, rc::Rc, time::Instant};

use clap::Parser as _;
use mpiup::{
    commands::{self, Cli, Verb, down, exec, plan, session::Session, status, up},
    error::{Error, Result},
    node::{FakeRecord, Node, Output},
    provision::{Fleet, Leavers, Lost},
    spec::{Address, NodeName, NodeSpec, Spec},
    ui::{Captured, Options, Ui, width},
};

use crate::nodes::{self, Report};

/// What is typed.
pub enum Play {
    Plan,
    PlanSh,
    Up,
    Status,
    Exec(&'static str),
    Down,
    /// With machines, in place of a spec; `--cluster`.
    DownByNodes(Option<&'static str>),
}

/// The nodes and how they behave.
pub struct Stage {
    spec: Spec,
    reports: Vec<Report>,
    /// What they report once changes were made.
    then: Vec<Report>,
    lost: BTreeMap<&'static str, Error>,
    fails: BTreeMap<&'static str, (&'static str, &'static str)>,
    keeps: BTreeMap<&'static str, Keeps>,
    says: BTreeMap<&'static str, (i32, &'static str)>,
    others: BTreeMap<&'static str, &'static str>,
    /// Another operator is at work on it.
    in_use: Option<&'static str>,
    job_fails: Option<&'static str>,
    /// A node that is not in the spec any more; without a report it cannot be reached.
    leaver: Option<(&'static str, &'static str, Option<Report>)>,
    answers: Vec<&'static str>,
}

impl Stage {
    /// The three nodes of `nodes::spec("")`.
    pub fn of(reports: Vec<Report>) -> Self {
        Self {
            spec: nodes::spec(""),
            then: reports.clone(),
            reports,
            lost: BTreeMap::new(),
            fails: BTreeMap::new(),
            keeps: BTreeMap::new(),
            says: BTreeMap::new(),
            others: BTreeMap::new(),
            in_use: None,
            job_fails: None,
            leaver: None,
            answers: Vec::new(),
        }
    }

    pub fn spec(self, spec: Spec) -> Self {
        Self { spec, ..self }
    }

    /// What their clocks show, where a report does not say.
    pub fn clocks(mut self, seconds: u64) -> Self {
        let set = |report: &Report| match report.has("clock") {
            true => report.clone(),
            false => report.clone().with("clock", &seconds.to_string()),
        };
        self.reports = self.reports.iter().map(set).collect();
        self
    }

    /// The same, with this change to each report.
    pub fn then_each(mut self, change: impl Fn(Report) -> Report) -> Self {
        self.then = self.reports.iter().cloned().map(change).collect();
        self
    }

    /// What they report after an `up`.
    pub fn then(self, then: Vec<Report>) -> Self {
        Self { then, ..self }
    }

    /// A node that cannot be reached.
    pub fn lost(mut self, node: &'static str, error: Error) -> Self {
        self.lost.insert(node, error);
        self
    }

    /// A node that somebody else's command has.
    pub fn in_use(self, node: &'static str) -> Self {
        Self { in_use: Some(node), ..self }
    }

    /// A change that does not come about on a node, or is not taken back, and what was said on standard error.
    pub fn fails(mut self, node: &'static str, key: &'static str, why: &'static str) -> Self {
        self.fails.insert(node, (key, why));
        self
    }

    /// An entry that `down` keeps as somebody's own, and why.
    pub fn keeps(mut self, node: &'static str, key: &'static str, why: &'static str) -> Self {
        self.keeps.insert(node, Keeps { key, word: "say", why });
        self
    }

    /// An entry that `down` cannot take back yet, and why.
    pub fn holds(mut self, node: &'static str, key: &'static str, why: &'static str) -> Self {
        self.keeps.insert(node, Keeps { key, word: "held", why });
        self
    }

    /// What a node answers to any other command.
    pub fn says(mut self, node: &'static str, status: i32, text: &'static str) -> Self {
        self.says.insert(node, (status, text));
        self
    }

    /// A node that has the journal of another cluster too; with a blank and an account behind it, one of that account.
    pub fn other_cluster(mut self, node: &'static str, cluster: &'static str) -> Self {
        self.others.insert(node, cluster);
        self
    }

    /// A node that the spec had before, at this address.
    pub fn left(self, node: &'static str, address: &'static str, report: Option<Report>) -> Self {
        Self { leaver: Some((node, address, report)), ..self }
    }

    /// Every MPI job fails, and says this.
    pub fn job_fails(self, said: &'static str) -> Self {
        Self { job_fails: Some(said), ..self }
    }

    /// What the person types at the next question.
    pub fn answer(mut self, line: &'static str) -> Self {
        self.answers.push(line);
        self
    }

    /// The whole screen of a verb, and its exit code.
    pub fn play(self, play: Play) -> String {
        self.played(play).0
    }

    /// What each node was asked, request by request, in the spec's order.
    pub fn requests(self, play: Play) -> Vec<Vec<String>> {
        self.played(play).1.iter().map(FakeRecord::scripts).collect()
    }

    /// Both.
    pub fn played(self, play: Play) -> (String, Vec<FakeRecord>) {
        let mut records = Vec::new();
        let (ui, captured) = Ui::captured(Options::default());
        self.answers.iter().for_each(|answer| captured.answer(answer));
        let outcome = run(async {
            let spec = self.spec.clone();
            let left = self.left_fleet();
            let fleet = self.fleet(&mut records);
            let session = |spec: Spec, fleet: Fleet| async {
                let mut session = Session::of(spec, fleet, &ui).await;
                session.leavers = Leavers::of(&session.spec, &session.seen, left).await;
                session
            };
            match play {
                Play::Exec(command) => {
                    let words = ["mpiup", "exec", command];
                    let Verb::Exec(args) = Cli::parse_from(words).verb else { panic!("exec was typed") };
                    exec::with_fleet(&spec, fleet, &args, &ui).await
                }
                Play::Plan => plan::with_session(session(spec, fleet).await, false, &ui).await,
                Play::PlanSh => plan::with_session(session(spec, fleet).await, true, &ui).await,
                Play::Status => status::with_session(Session::of(spec, fleet, &ui).await, &ui).await,
                Play::Down => {
                    let mut session = session(spec, fleet).await;
                    session.admit_leavers();
                    down::with_session(session, false, false, &ui).await
                }
                Play::DownByNodes(cluster) => {
                    // Nothing of the spec but its machines.
                    let spec = Spec::of_machines("cluster", spec.nodes, None)?;
                    match down::choose(spec, fleet, cluster, &ui).await? {
                        None => Ok(()),
                        Some((spec, fleet, is_roots)) => {
                            assert!(is_roots);
                            let session = Session::of(spec, fleet, &ui).await;
                            down::with_session(session, false, false, &ui).await
                        }
                    }
                }
                Play::Up => {
                    let session = session(spec, fleet).await;
                    let report = up::with_session(session, false, Instant::now(), &ui).await;
                    report.and_then(|report| up::verdict(&report))
                }
            }
        });
        (ended(&ui, &captured, outcome), records)
    }

    fn left_fleet(&self) -> Fleet {
        let mut fleet = Fleet::default();
        let Some((name, address, report)) = &self.leaver else { return fleet };
        let (node, address) = (NodeName::new(name).unwrap(), Address::parse(address).unwrap());
        let Some(report) = report else {
            let error = Error::failed("the machine at 10.77.0.3 does not answer").on(&node);
            fleet.lost.push(Lost { error, node, address });
            return fleet;
        };
        let actor = Actor {
            before: report.clone(),
            after: report.clone(),
            changed: Rc::new(Cell::new(false)),
            fails: self.fails.get(name).copied(),
            keeps: self.keeps.get(name).copied(),
            in_use: self.in_use == Some(name),
            says: (0, ""),
            other: None,
            job_fails: None,
            everyone: Vec::new(),
            name: node.clone(),
        };
        let (connected, _) = Node::fake(node.clone(), move |script| actor.answer(script));
        fleet.nodes.push((NodeSpec { name: node, address, slots: None }, connected));
        fleet
    }

    fn fleet(self, records: &mut Vec<FakeRecord>) -> Fleet {
        let mut fleet = Fleet::default();
        let everyone: Vec<String> = self.spec.nodes.iter().map(|node| node.name.to_string()).collect();
        let mut lost = self.lost;
        for ((node, before), after) in self.spec.nodes.iter().zip(self.reports).zip(self.then) {
            let name = node.name.clone();
            if let Some(error) = lost.remove(name.as_str()) {
                fleet.lost.push(Lost { error: error.on(&name), node: name, address: node.address.clone() });
                continue;
            }
            let actor = Actor {
                before,
                after,
                changed: Rc::new(Cell::new(false)),
                fails: self.fails.get(name.as_str()).copied(),
                keeps: self.keeps.get(name.as_str()).copied(),
                in_use: self.in_use == Some(name.as_str()),
                says: self.says.get(name.as_str()).copied().unwrap_or((0, "")),
                other: self.others.get(name.as_str()).copied(),
                job_fails: self.job_fails,
                everyone: everyone.clone(),
                name: name.clone(),
            };
            let (connected, record) = Node::fake(name, move |script| actor.answer(script));
            records.push(record);
            fleet.nodes.push((node.clone(), connected));
        }
        fleet
    }
}

/// An entry that `down` leaves, and how the node says so.
#[derive(Clone, Copy)]
struct Keeps {
    key: &'static str,
    word: &'static str,
    why: &'static str,
}

/// One node.
struct Actor {
    name: NodeName,
    before: Report,
    after: Report,
    changed: Rc<Cell<bool>>,
    fails: Option<(&'static str, &'static str)>,
    keeps: Option<Keeps>,
    says: (i32, &'static str),
    other: Option<&'static str>,
    in_use: bool,
    job_fails: Option<&'static str>,
    everyone: Vec<String>,
}

impl Actor {
    fn answer(&self, script: &str) -> Output {
        let now = if self.changed.get() { &self.after } else { &self.before };
        if script.contains("which clusters have a journal here") {
            let own = if now.facts().journal.is_empty() { "" } else { "root aula\n" };
            // `anas ana` is a cluster of ana's own.
            let whose = |cluster: &str| if cluster.contains(' ') { "other" } else { "root" };
            let other = self.other.map(|other| format!("{} {other}\n", whose(other))).unwrap_or_default();
            return Output::ok(format!("{own}{other}"));
        }
        if script.contains("fact end") {
            return Output::ok(now.bytes());
        }
        if script.contains("tell held") {
            let taken = "mpiup-lock taken ana@laptop\t10.77.0.9\tup\t21:45:10\t1764020710\t12\n";
            return Output::ok(if self.in_use { taken } else { "mpiup-lock held\n" });
        }
        if script.contains("mpiexec ") {
            return self.job(script);
        }
        if let Some((_, call)) = script.rsplit_once("\nundo_all ") {
            assert!(!call.is_empty());
            return self.undo(now);
        }
        if script.contains("\nbegin ") {
            self.changed.set(true);
            return self.make(script);
        }
        let (status, text) = self.says;
        match status {
            0 => Output::ok(text),
            status => Output::failed(status, text),
        }
    }

    /// `change INDEX WHAT do_…` lines, each done, until the one that fails.
    fn make(&self, script: &str) -> Output {
        let mut said = String::new();
        for line in script.lines().filter_map(|line| line.strip_prefix("change ")) {
            let index = line.split(' ').next().unwrap_or_default();
            said.push_str(&format!("@ {index} begin\n"));
            if let Some((key, why)) = self.fails
                && key.split(' ').all(|word| line.contains(word))
            {
                said.push_str(&format!("@ {index} failed\n"));
                return Output { status: 1, stdout: said.into(), stderr: why.into() };
            }
            if line.contains(" do_keypair ") {
                said.push_str(&format!("@ {index} value ssh-ed25519 KEY-OF-{0} mpiup:aula:{0}\n", self.name));
            }
            said.push_str(&format!("@ {index} done\n"));
        }
        Output::ok(said)
    }

    fn undo(&self, now: &Report) -> Output {
        let mut said = String::new();
        for entry in now.facts().journal.iter().rev() {
            let number = &entry.number;
            said.push_str(&format!("@ {number} begin\n"));
            if let Some((key, why)) = self.fails
                && key == entry.key
            {
                said.push_str(&format!("@ {number} failed\n"));
                return Output { status: 1, stdout: said.into(), stderr: why.into() };
            }
            match self.keeps {
                Some(Keeps { key, word, why }) if key == entry.key => {
                    said.push_str(&format!("@ {number} {word} {why}\n@ {number} kept\n"))
                }
                _ => said.push_str(&format!("@ {number} done\n")),
            }
        }
        Output::ok(said)
    }

    fn job(&self, script: &str) -> Output {
        if let Some(said) = self.job_fails {
            return Output::failed(1, said);
        }
        let words: Vec<&str> = script.split([' ', '\'']).collect();
        let ranks = words.windows(2).find(|pair| pair[0] == "-n").and_then(|pair| pair[1].parse().ok()).unwrap_or(0);
        let left_out = self.everyone.len() - ranks;
        // The nodes that take part are the first ones but for those that failed.
        let failed = if self.everyone.len() == 3 { "client1" } else { "" };
        let nodes: Vec<&String> = self.everyone.iter().filter(|name| left_out == 0 || *name != failed).collect();
        let mut said: String =
            (0..ranks).map(|rank| format!("mpiup-verify {rank}/{ranks} {0} {0}\n", nodes[rank])).collect();
        said.push_str("mpiup-library Open MPI v5.0.11; mpi4py 4.1.1\n");
        Output::ok(said)
    }
}

/// The screen of a command line that does not come as far as a node.
pub fn typed(spec: &Path, words: &[&str]) -> String {
    let (ui, captured) = Ui::captured(Options::default());
    let file = spec.to_str().expect("UTF-8");
    let cli = Cli::try_parse_from(["mpiup", "-C", file].iter().chain(words)).expect("it can be typed");
    let outcome = run(commands::dispatch(cli.verb, &cli.global, &ui));
    ended(&ui, &captured, outcome)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, future)
}

/// As `main` ends a command.
fn ended(ui: &Ui, captured: &Captured, outcome: Result<()>) -> String {
    let code = match outcome {
        Ok(()) => 0,
        Err(error) => {
            if !error.message().is_empty() {
                ui.error(&error);
            }
            error.exit_code()
        }
    };
    let screen: Vec<String> = captured.screen().lines().map(still).collect();
    format!("{}\n[exit code {code}]", screen.join("\n"))
}

/// A line without the time that it took.
fn still(line: &str) -> String {
    if let Some((_, rest)) = line.strip_prefix("  In ").and_then(|rest| rest.split_once(", ")) {
        return format!("  In 0.1 s, {rest}");
    }
    let Some((begin, end)) = line.rsplit_once(" in ") else { return line.to_owned() };
    match end.strip_suffix('.').map(|took| took.split(' ').collect::<Vec<_>>()).as_deref() {
        Some([number, "s" | "ms" | "µs"]) if number.parse::<f64>().is_ok() => format!("{begin} in 0.1 s."),
        _ => line.to_owned(),
    }
}

/// Compares the screen with the one that is kept, and looks whether it fits.
pub fn screen(name: &str, screen: String) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../snapshots/screens" }, {
        insta::assert_snapshot!(name, screen);
    });
    // What may be copied (a line of a file, a command, a path) is never broken; everything else fits.
    let copied = |line: &str| line.starts_with("      ") || line.contains('`') || line.contains("$ ");
    let wide: Vec<&str> = screen.lines().filter(|line| width(line) > 80 && !copied(line)).collect();
    assert!(wide.is_empty(), "more than 80 columns: {wide:#?}");
    assert!(screen.lines().all(|line| line == line.trim_end()), "no line ends in spaces");
    assert!(!screen.contains('\u{1b}'), "readable without colour");
}

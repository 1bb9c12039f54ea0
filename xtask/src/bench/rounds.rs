//! Rounds: in each one every contender gets fresh machines and does its work on them, one after the other.

use std::time::Duration;

use serde_json::Value;

use super::{
    Outcome,
    cluster::{Cluster, Setting},
    figures::{Figures, Measure},
    peers::Peers,
    program::{Program, side_by_side},
};
use crate::run;

/// A contender that has taken so long at one size is not asked again.
const PATIENCE: Duration = Duration::from_secs(400);
/// What takes less than seconds is measured so often in each round.
const SHORT_ONES: usize = 3;

/// Fetches what the first one ever would fetch: the lab's packages and the wheels.
pub fn fill_caches(setting: &Setting) -> Outcome<()> {
    for source in ["distro", "wheels"] {
        let cluster = Cluster::up(setting, 1)?;
        cluster.write_spec(source)?;
        cluster.mpiup(&["up", "--yes"]).run()?;
    }
    Ok(())
}

/// All rounds with so many nodes. A contender that fails is noted, and the others go on.
pub fn all(
    setting: &Setting,
    peers: Option<&Peers>,
    nodes: usize,
    rounds: usize,
    figures: &mut Figures,
) -> Outcome<()> {
    for round in 1..=rounds {
        let mut told = vec![];
        let mut turn = |name: &'static str, work: &mut dyn FnMut(&mut Round<'_>) -> Outcome<()>| -> Outcome<()> {
            let cluster = Cluster::up(setting, nodes)?;
            let mut round = Round { cluster, figures: &mut *figures, spent: Duration::ZERO };
            match work(&mut round) {
                Ok(()) => told.push(format!("{name} {:.1} s", round.spent.as_secs_f64())),
                Err(problem) => {
                    run::say(&format!("  {name}: {problem}"));
                    told.push(format!("{name} failed"));
                    figures.fail(nodes, name, problem);
                }
            }
            Ok(())
        };
        turn("mpiup", &mut |round| round.mpiup("distro", &PACKAGED))?;
        turn("wheels", &mut |round| round.mpiup("wheels", &WHEELS))?;
        if let Some(peers) = peers {
            for (name, kind, measures) in [
                ("pyinfra", Peer::Pyinfra, [Measure::PyinfraFirst, Measure::PyinfraAgain]),
                ("Ansible", Peer::Ansible, [Measure::AnsibleFirst, Measure::AnsibleAgain]),
            ] {
                turn(name, &mut |round| round.peer(peers, kind, measures))?;
            }
        }
        run::say(&format!("  round {round} of {rounds}: {}", told.join(", ")));
    }
    Ok(())
}

/// What mpiup's work is filed under.
struct Names {
    first: Measure,
    first_unproven: Measure,
    again: Measure,
    again_unproven: Option<Measure>,
    run: Measure,
    mpiexec: Measure,
}

const PACKAGED: Names = Names {
    first: Measure::First,
    first_unproven: Measure::FirstUnproven,
    again: Measure::Again,
    again_unproven: Some(Measure::AgainUnproven),
    run: Measure::Run,
    mpiexec: Measure::Mpiexec,
};

const WHEELS: Names = Names {
    first: Measure::WheelsFirst,
    first_unproven: Measure::WheelsFirstUnproven,
    again: Measure::WheelsAgain,
    again_unproven: None,
    run: Measure::WheelsRun,
    mpiexec: Measure::WheelsMpiexec,
};

#[derive(Clone, Copy)]
enum Peer {
    Ansible,
    Pyinfra,
}

/// One contender's turn.
struct Round<'a> {
    cluster: Cluster,
    figures: &'a mut Figures,
    spent: Duration,
}

impl Round<'_> {
    fn nodes(&self) -> usize {
        self.cluster.nodes.len()
    }

    fn time(&mut self, measure: Measure, program: &Program) -> Outcome<()> {
        let took = program.run()?.took;
        self.note(measure, took);
        Ok(())
    }

    fn note(&mut self, measure: Measure, took: Duration) {
        self.spent += took;
        self.figures.add(self.nodes(), measure, took);
    }

    fn mpiup(&mut self, source: &str, names: &Names) -> Outcome<()> {
        self.cluster.write_spec(source)?;
        self.up(names.first, Some(names.first_unproven), true)?;
        let ranks = self.nodes().to_string();
        let run = self.cluster.mpiup(&["run", "-n", &ranks, "hostname"]);
        let typed = format!("su - mpi -c 'cd MPI && mpiexec -n {ranks} -hostfile hosts hostname'");
        let mpiexec = self.cluster.ssh("master", &typed);
        for _ in 0..SHORT_ONES {
            self.up(names.again, names.again_unproven, false)?;
            self.time(names.run, &run)?;
            self.time(names.mpiexec, &mpiexec)?;
            if source == "distro" {
                self.time(Measure::Plan, &self.cluster.mpiup(&["plan"]))?;
                self.time(Measure::Exec, &self.cluster.mpiup(&["exec", "true"]))?;
                let took = side_by_side(&self.cluster.ssh_everywhere("true"))?;
                self.note(Measure::Ssh, took);
            }
        }
        Ok(())
    }

    /// `up`, and how long it would take if it believed itself. Whether it changed something must be as expected.
    fn up(&mut self, measure: Measure, unproven: Option<Measure>, changes: bool) -> Outcome<()> {
        let ended = self.cluster.mpiup(&["up", "--yes", "--json"]).run()?;
        let report: Value = serde_json::from_str(&ended.stdout).map_err(|error| format!("mpiup's report: {error}"))?;
        let proof = report["proof"]["took"].as_f64().ok_or("mpiup's report tells of no proof")?;
        let made = report["changes"].as_u64().unwrap_or_default();
        if report["ready"].as_array().map(Vec::len) != Some(self.nodes()) || (made > 0) != changes {
            return Err(format!("mpiup did not do what is measured: {}", ended.stdout));
        }
        self.note(measure, ended.took);
        if let Some(unproven) = unproven {
            let without = ended.took.saturating_sub(Duration::from_secs_f64(proof));
            self.figures.add(self.nodes(), unproven, without);
        }
        Ok(())
    }

    fn peer(&mut self, peers: &Peers, kind: Peer, [first, again]: [Measure; 2]) -> Outcome<()> {
        let before: f64 = [first, again].iter().flat_map(|measure| self.figures.times(self.nodes(), *measure)).sum();
        if before > PATIENCE.as_secs_f64() {
            return Ok(());
        }
        peers.prepare(&self.cluster)?;
        let program = match kind {
            Peer::Ansible => peers.ansible(&self.cluster),
            Peer::Pyinfra => peers.pyinfra(&self.cluster),
        };
        self.time(first, &program)?;
        self.time(again, &program)
    }
}

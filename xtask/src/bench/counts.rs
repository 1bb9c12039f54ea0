//! What is counted and weighed, not timed: connections, memory, and that a hundred nodes work.

use super::{
    Outcome,
    cluster::{Cluster, Setting},
    program::Peak,
};
use crate::run;

/// Something that was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub what: String,
    pub found: String,
    pub kept: bool,
}

/// Connections, memory, and a life on so many nodes each. What could not be counted is a promise that was not kept.
pub fn all(setting: &Setting, [connections, memory, life]: [usize; 3]) -> Vec<Count> {
    let found = [
        (count_connections(setting, connections), format!("connections on {connections} nodes")),
        (weigh(setting, memory), format!("memory with {memory} nodes")),
        (live(setting, life).map(|count| vec![count]), format!("{life} nodes work: up, up, run, down")),
    ];
    let or_problem = |(counts, what): (Outcome<Vec<Count>>, String)| {
        counts.unwrap_or_else(|found| vec![Count { what, found, kept: false }])
    };
    found.into_iter().flat_map(or_problem).collect()
}

fn ready(setting: &Setting, nodes: usize) -> Outcome<Cluster> {
    let cluster = Cluster::up(setting, nodes)?;
    cluster.write_spec("distro")?;
    cluster.mpiup(&["up", "--yes"]).run()?;
    Ok(cluster)
}

/// What the sshd of each node says about log-ins of the operator's: one before the proof, and for the proof one more, on
/// the head node alone.
fn count_connections(setting: &Setting, nodes: usize) -> Outcome<Vec<Count>> {
    run::say("  connections");
    let cluster = ready(setting, nodes)?;
    let connections = |arguments: &[&str]| -> Outcome<Vec<usize>> {
        let before = log_ins(&cluster)?;
        cluster.mpiup(arguments).run()?;
        // A look at the log is a log-in too.
        Ok(log_ins(&cluster)?.iter().zip(before).map(|(after, before)| after - before - 1).collect())
    };
    let mut counts = vec![];
    for (what, arguments, on_head) in [("plan", &["plan"][..], 1), ("up, nothing to change", &["up", "--yes"][..], 2)] {
        let found = connections(arguments)?;
        let kept = found.iter().enumerate().all(|(place, count)| *count == if place == 0 { on_head } else { 1 });
        let found = found.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        let expected = if on_head == 1 { "1 per node" } else { "1 per node, and 1 on the head for the proof" };
        counts.push(Count { what: format!("connections of `{what}`: {expected}"), found, kept });
    }
    Ok(counts)
}

fn log_ins(cluster: &Cluster) -> Outcome<Vec<usize>> {
    let count = |(name, _): &(String, String)| {
        let counted = cluster.ssh(name, "grep -c 'Accepted [a-z]* for root ' /run/sshd.log").run()?;
        counted.stdout.trim().parse().map_err(|_| format!("{name}: its sshd.log counts no log-ins"))
    };
    cluster.nodes.iter().map(count).collect()
}

fn weigh(setting: &Setting, nodes: usize) -> Outcome<Vec<Count>> {
    run::say(&format!("  memory with {nodes} nodes"));
    let cluster = Cluster::up(setting, nodes)?;
    cluster.write_spec("distro")?;
    let up = cluster.mpiup(&["up", "--yes"]);
    let mut counts = vec![];
    for what in ["first up", "up again"] {
        let Peak { own, children } = up.run_weighed()?.peak;
        counts.push(Count {
            what: format!("memory of {what}, {nodes} nodes: under 100 MB"),
            found: format!("{} MB; its ssh processes {} MB", own / 1024, children / 1024),
            kept: own < 100 * 1024,
        });
    }
    Ok(counts)
}

fn live(setting: &Setting, nodes: usize) -> Outcome<Count> {
    run::say(&format!("  {nodes} nodes: up, up, run, down"));
    let cluster = ready(setting, nodes)?;
    let again = cluster.mpiup(&["up", "--yes"]).run()?.took;
    let ran = cluster.mpiup(&["run", "-n", &nodes.to_string(), "hostname"]).run()?;
    let down = cluster.mpiup(&["down", "--yes"]).run()?.took;
    let answered = ran.stdout.lines().count();
    Ok(Count {
        what: format!("{nodes} nodes work: up, up, run, down"),
        found: format!("{answered} answered; again {:.1} s, down {:.1} s", again.as_secs_f64(), down.as_secs_f64()),
        kept: answered == nodes,
    })
}

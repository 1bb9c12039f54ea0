//! Facts of all nodes, side by side, in one round trip each.

use std::time::Duration;

use super::Fleet;
use crate::{
    error::{Error, Result},
    facts::{Facts, clock::Asked},
    node::Node,
    spec::{NodeName, NodeSpec, Spec},
    steps,
};

/// Asking `sshd -T`, Python, MPI and the package manager takes longest: some seconds on a slow board, and more on one that has
/// other work. apt reads all its lists for it, which took 34 s on an emulated processor that had nothing else to do. A share that
/// does not answer is waited for within it (`facts/share.sh`).
const DEADLINE: Duration = Duration::from_secs(240);

/// What was seen on each node that answered; those that did not are lost, with their reasons. `on_seen` hears of each node
/// that was seen, when it was.
pub async fn gather(spec: &Spec, fleet: &mut Fleet, on_seen: &dyn Fn(&NodeName)) -> Vec<(NodeSpec, Facts)> {
    let asked = fleet.nodes.iter().map(|(named, node)| async move {
        let facts = facts(spec, node).await;
        if facts.is_ok() {
            on_seen(&named.name);
        }
        facts
    });
    let answers = futures_util::future::join_all(asked).await;
    let mut seen = Vec::new();
    let specs: Vec<NodeSpec> = fleet.nodes.iter().map(|(spec, _)| spec.clone()).collect();
    for (node, answer) in specs.into_iter().zip(answers) {
        match answer {
            Ok(facts) => seen.push((node, facts)),
            Err(error) => fleet.lose(&node.name, error),
        }
    }
    seen
}

async fn facts(spec: &Spec, node: &Node) -> Result<Facts> {
    let script = steps::question(spec, node.name(), node.is_root()).script();
    let asked = Asked::now();
    let output = node.probe().read(&script, DEADLINE).await?;
    let mut facts = Facts::parse(&output.stdout).map_err(|error| match output.stderr_text().trim() {
        "" => error,
        said => Error::failed(error.message()).because(said),
    })?;
    facts.clock_ahead = facts.clock.map(|clock| asked.ahead(clock));
    Ok(facts)
}

//! Who takes part: connects to the nodes, asks each how it stands, and names those that are left out.

use std::time::Duration;

use crate::{
    commands::{global::Global, session},
    error::{Error, Result},
    facts::clock::Asked,
    launch::{Crew, Standing},
    node::Node,
    provision::Fleet,
    spec::{NodeSpec, Spec, nodeset},
    ui::{Outcome, Ui},
};

/// A shell that is slow to start a dozen small programs is still there.
const DEADLINE: Duration = Duration::from_secs(60);

/// Connects to every node of the spec. Those that do not answer are named at once.
///
/// # Errors
/// When the head node does not answer.
pub async fn connect(spec: &Spec, global: &Global, ui: &Ui) -> Result<Fleet> {
    let names: Vec<String> = spec.nodes.iter().map(|node| node.name.to_string()).collect();
    let opener = session::opener(spec.ssh_config.clone(), global, ui, true)?;
    let progress = ui.progress(&names, "Connecting");
    let fleet = Fleet::open(spec, &opener, &|node| progress.finish(node.as_str(), Outcome::Done)).await;
    for lost in &fleet.lost {
        // `name_lost` says why.
        progress.finish(lost.node.as_str(), Outcome::Failed(String::new()));
    }
    drop(progress);
    session::name_lost(&fleet, 0, ui);
    fleet.head(spec)?;
    Ok(fleet)
}

/// Asks the connected nodes how they stand and chooses those that can be used. Who cannot be is named.
///
/// # Errors
/// When the head node is not set up.
pub async fn muster(spec: &Spec, fleet: &mut Fleet, ui: &Ui) -> Result<Crew> {
    let asked = fleet.nodes.iter().map(|(_, node)| standing(spec, node));
    let answers = futures_util::future::join_all(asked).await;
    let nodes: Vec<NodeSpec> = fleet.nodes.iter().map(|(node, _)| node.clone()).collect();
    let (mut seen, known) = (Vec::new(), fleet.lost.len());
    for (node, answer) in nodes.into_iter().zip(answers) {
        match answer {
            Ok(standing) => seen.push((node, standing)),
            Err(error) => fleet.lose(&node.name, error),
        }
    }
    session::name_lost(fleet, known, ui);
    fleet.head(spec)?;
    let crew = Crew::choose(spec, &seen)?;
    for (why, nodes) in session::alike(crew.unready.iter().map(|(node, why)| (why.as_str(), node))) {
        let them = if nodes.len() == 1 { ("this node", "it") } else { ("these nodes", "them") };
        let nodes = nodeset::fold_in_order(&nodes);
        ui.warn(&format!("{nodes}: {why}, so the job does without {}; `mpiup up` brings {} in", them.0, them.1));
    }
    count(spec, &crew, ui);
    Ok(crew)
}

/// Says how many nodes take part, where it is not all of them.
pub fn count(spec: &Spec, crew: &Crew, ui: &Ui) {
    if !crew.is_whole(spec) {
        ui.warn(&format!("{} of {} nodes are usable", crew.members.len(), spec.nodes.len()));
    }
}

async fn standing(spec: &Spec, node: &Node) -> Result<Standing> {
    let asked = Asked::now();
    let output = node.probe().read(&Standing::script(spec, node.is_root()), DEADLINE).await?;
    Standing::parse(&output.stdout, node.is_root(), asked).map_err(|error| match output.stderr_text().trim() {
        "" => error,
        said => Error::failed(error.message()).because(said),
    })
}

//! What the operator's machine gets for nodes before a plan is carried out: their Python environments.

use std::collections::BTreeMap;

use crate::{
    changes::Primitive,
    error::{Error, Result},
    python,
    spec::NodeName,
    steps::{self, Cluster, NodePlan, Plan},
};

/// Environments by their key: the archive that each node's Python needs.
pub type Bundles = BTreeMap<String, python::Bundle>;

/// Fetches on this machine what the plan will bring to nodes and is not among `bundles` yet. Nothing on a node changes. Nodes
/// for whose Python no wheels can be had are given back with the reason, while there are others.
///
/// # Errors
/// When none of the environments that are missing can be had.
pub async fn fetch(
    cluster: &Cluster,
    plan: &Plan,
    bundles: &mut Bundles,
    report: &(dyn Fn(&str) + Sync),
) -> Result<Vec<(NodeName, Error)>> {
    let (mut without, mut tried): (Vec<(&NodeName, &str)>, BTreeMap<&str, Error>) = (Vec::new(), BTreeMap::new());
    let mut has_some = !bundles.is_empty();
    let needs = |node: &NodePlan| node.changes.iter().any(|change| matches!(change.primitive, Primitive::Tree { .. }));
    let nodes = || plan.nodes.iter().zip(&cluster.members);
    // Those that stand as they should keep what they have, and the others get the same MPI.
    let standing =
        nodes().filter(|(node, _)| !needs(node)).find_map(|(_, member)| python::packages_of(&member.env_key));
    let fetched = || bundles.values().next().map(|bundle| bundle.packages.clone());
    let mut beside = standing.or_else(fetched).unwrap_or_default();
    for (node, member) in nodes() {
        let needed = needs(node);
        // Nodes that stand as they should need none.
        has_some |= !needed;
        if !needed || bundles.contains_key(&member.env_key) {
            continue;
        }
        if !tried.contains_key(member.env_key.as_str()) {
            let wheels = steps::wheels(&cluster.spec);
            match python::bundle(&member.target, &cluster.spec.requirements, &wheels, &beside, report).await {
                Ok(bundle) => {
                    if beside.is_empty() {
                        beside.clone_from(&bundle.packages);
                    }
                    bundles.insert(member.env_key.clone(), bundle);
                    has_some = true;
                    continue;
                }
                Err(error) => drop(tried.insert(&member.env_key, error)),
            }
        }
        without.push((&node.node, &member.env_key));
    }
    if let Some(key) = without.first().map(|(_, key)| *key).filter(|_| !has_some)
        && let Some(error) = tried.remove(key)
    {
        return Err(error);
    }
    let again = |error: &Error| {
        let said = error.reasons().iter().fold(Error::failed(error.message()), Error::because);
        error.hints().iter().fold(said, |said, hint| said.hinted(hint.clone()))
    };
    Ok(without.into_iter().filter_map(|(node, key)| Some((node.clone(), again(tried.get(key)?)))).collect())
}

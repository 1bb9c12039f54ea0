//! Tells what a node put back by itself because no new log-in confirmed it (`changes/sh/guard.sh`): the command that made
//! the change had ended by then. It is told where the same change comes up again.

use super::session::{Session, alike};
use crate::{
    spec::nodeset,
    steps::{Cluster, Plan},
    ui::Ui,
};

/// For the verbs that plan.
pub fn before_up(cluster: &Cluster, plan: &Plan, ui: &Ui) {
    let told = plan.nodes.iter().zip(&cluster.members).filter_map(|(node, member)| {
        let unconfirmed = member.facts.unconfirmed.as_ref().filter(|unconfirmed| !unconfirmed.undo)?;
        // What still stands goes back with whatever is done there first.
        let comes_again = |key: String| !unconfirmed.is_back || key == unconfirmed.key;
        node.changes.iter().any(|change| comes_again(change.key())).then_some((unconfirmed, &node.node))
    });
    for (unconfirmed, nodes) in alike(told) {
        let (nodes, path) = (nodeset::fold_in_order(&nodes), unconfirmed.path());
        ui.warn(&if unconfirmed.is_back {
            format!(
                "{nodes}: the last change of {path} went back by itself, since mpiup or its connection ended before a new log-in confirmed it; `mpiup up` makes it again"
            )
        } else {
            format!(
                "{nodes}: the machine stopped before a new log-in confirmed the last change of {path}; `mpiup up` takes it back, and makes it again"
            )
        });
    }
}

/// For `down`.
pub fn before_down(session: &Session, ui: &Ui) {
    let told = session.seen.iter().filter_map(|(node, facts)| {
        let unconfirmed = facts.unconfirmed.as_ref().filter(|unconfirmed| unconfirmed.undo && unconfirmed.is_back)?;
        let comes_again = facts.journal.iter().any(|entry| entry.key == unconfirmed.key);
        comes_again.then_some((unconfirmed.path(), &node.name))
    });
    for (path, nodes) in alike(told) {
        let nodes = nodeset::fold_in_order(&nodes);
        ui.warn(&format!(
            "{nodes}: the last `mpiup down` could not take {path} back, since it or its connection ended before a new log-in got through without it; this one tries again"
        ));
    }
}

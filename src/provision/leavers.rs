//! Nodes that were part of the cluster and stand in the spec no more: they are taken back before the others forget them.
//!
//! Who was part of it is noted on every node beside its journal, so that any operator finds out, and also where the head
//! node itself has left. What there is to take back, a leaver's own journal says.

use super::{Fleet, gather};
use crate::{
    facts::Facts,
    node::Opener,
    spec::{NodeName, NodeSpec, Spec},
    steps,
};

/// Nodes that left, as far as they can be reached.
pub struct Leavers {
    /// Connections, and who could not be reached.
    pub fleet: Fleet,
    /// What was seen on those that hold something of the cluster still.
    pub seen: Vec<(NodeSpec, Facts)>,
    /// The node that launched the jobs, where it is among them.
    pub head: Option<NodeName>,
}

impl Leavers {
    pub fn none() -> Self {
        Self { fleet: Fleet::default(), seen: Vec::new(), head: None }
    }

    /// Connects to the nodes that left and looks at them. A machine that is one of `seen` under another name has not left.
    pub async fn meet(spec: &Spec, seen: &[(NodeSpec, Facts)], opener: &Opener) -> Self {
        let left = left(spec, seen);
        if left.is_empty() {
            return Self::none();
        }
        let theirs = Spec { nodes: left, ..spec.clone() };
        let fleet = Fleet::open(&theirs, opener, &|_| ()).await;
        Self::of(spec, seen, fleet).await
    }

    /// The same for nodes that are connected already.
    pub async fn of(spec: &Spec, seen: &[(NodeSpec, Facts)], mut fleet: Fleet) -> Self {
        let mut theirs = gather(spec, &mut fleet, &|_| ()).await;
        theirs.retain(|(_, facts)| {
            let has_stayed = seen.iter().any(|(_, other)| steps::are_one(facts, other));
            !has_stayed && !facts.journal.is_empty()
        });
        fleet.nodes.retain(|(node, _)| theirs.iter().any(|(left, _)| left.name == node.name));
        let mut noted = seen.iter().flat_map(|(_, facts)| &facts.members).filter(|noted| noted.is_head);
        let is_leaving = |name: &NodeName| {
            theirs.iter().any(|(node, _)| node.name == *name) || fleet.lost.iter().any(|lost| lost.node == *name)
        };
        let head = noted.find(|noted| is_leaving(&noted.name)).map(|noted| noted.name.clone());
        Self { fleet, seen: theirs, head }
    }

    /// Whether nobody left, or nothing of the cluster is on who did.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty() && self.fleet.lost.is_empty()
    }
}

/// Who is noted on a node that was seen, and is not in the spec under this name or at this address.
pub fn left(spec: &Spec, seen: &[(NodeSpec, Facts)]) -> Vec<NodeSpec> {
    let mut left: Vec<NodeSpec> = Vec::new();
    for noted in seen.iter().flat_map(|(_, facts)| &facts.members) {
        let stays = |node: &NodeSpec| node.name == noted.name || node.address == noted.address;
        if !spec.nodes.iter().chain(&left).any(stays) {
            left.push(NodeSpec { name: noted.name.clone(), address: noted.address.clone(), slots: None });
        }
    }
    left
}

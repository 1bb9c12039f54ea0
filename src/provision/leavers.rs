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

/// Who is noted on a node that was seen, and is not in the spec under this name or at this address. A name that another
/// machine has now, on which mpiup was never, is no longer that of the one before: that one left.
pub fn left(spec: &Spec, seen: &[(NodeSpec, Facts)]) -> Vec<NodeSpec> {
    let is_new = |node: &NodeSpec| {
        let facts = seen.iter().find(|(other, _)| other.name == node.name).map(|(_, facts)| facts);
        facts.is_some_and(|facts| facts.journal.is_empty())
    };
    let mut left: Vec<NodeSpec> = Vec::new();
    for noted in seen.iter().flat_map(|(_, facts)| &facts.members) {
        let is_it = |node: &NodeSpec| node.address == noted.address || (node.name == noted.name && !is_new(node));
        if spec.nodes.iter().any(is_it) || left.iter().any(|node| node.address == noted.address) {
            continue;
        }
        let is_taken = |name: &NodeName| spec.nodes.iter().chain(&left).any(|node| node.name == *name);
        let before = |name: &NodeName| NodeName::new(&format!("{name}-before")).ok();
        let name = if is_taken(&noted.name) { before(&noted.name) } else { Some(noted.name.clone()) };
        left.extend(name.map(|name| NodeSpec { name, address: noted.address.clone(), slots: None }));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::file;

    fn seen(spec: &Spec, notes: &[(&str, &str)]) -> Vec<(NodeSpec, Facts)> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/facts/bare-master.txt");
        let facts = Facts::parse(&std::fs::read(path).unwrap()).unwrap();
        let with = |(node, (note, journal)): (&NodeSpec, &(&str, &str))| {
            let (members, journal) = (crate::facts::members::noted(note), crate::facts::journal::entries(journal));
            (node.clone(), Facts { members, journal, ..facts.clone() })
        };
        spec.nodes.iter().zip(notes).map(with).collect()
    }

    #[test]
    fn tells_leaving_from_moving_renaming_and_being_replaced() {
        const NOTE: &str = "master 10.0.0.1 head\nclient1 ana@10.0.0.2\nclient2 10.0.0.3\n";
        const SET_UP: &str = "0001\tyes\tuser mpi\taccount mpi\n";
        let left = |nodes: &str, notes: &[(&str, &str)]| {
            let spec = file::parse(&format!("[nodes]\n{nodes}"), "mpiup.toml").unwrap();
            let left = left(&spec, &seen(&spec, notes));
            left.iter().map(|node| format!("{} {}", node.name, node.address)).collect::<Vec<_>>()
        };
        let own = (NOTE, SET_UP);
        let master = "master = \"10.0.0.1\"\n";
        let of = |rest: &str| format!("{master}{rest}");
        assert_eq!(left(&of("client1 = \"ana@10.0.0.2\""), &[own, own]), ["client2 10.0.0.3"]);
        assert_eq!(left(master, &[own]), ["client1 ana@10.0.0.2", "client2 10.0.0.3"]);
        let renamed = "pc1 = \"ana@10.0.0.2\"\nclient2 = \"10.0.0.3\"";
        assert_eq!(left(&of(renamed), &[own, own, own]), [""; 0]);
        let moved = "client1 = \"ana@10.0.0.14\"\nclient2 = \"10.0.0.3\"";
        assert_eq!(left(&of(moved), &[own, own, own]), [""; 0], "it has its journal with it");
        assert_eq!(left(&of(moved), &[own]), [""; 0], "nobody knows, as long as it does not answer");
        assert_eq!(left(&of(moved), &[own, ("", ""), own]), ["client1-before ana@10.0.0.2"], "another machine");
        assert_eq!(left(&of("new = \"10.0.0.9\""), &[("", ""), ("", "")]), [""; 0], "nothing was noted yet");
    }
}

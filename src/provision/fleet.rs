//! The connected nodes of a command, and those that were lost on the way with their reasons.

use crate::{
    error::{Error, Result},
    node::{Node, Opener},
    spec::{NodeName, NodeSpec, Spec},
};

/// A node that cannot be used in this command, and why.
#[derive(Debug)]
pub struct Lost {
    pub node: NodeName,
    pub error: Error,
}

/// Nodes in the spec's order.
pub struct Fleet {
    pub nodes: Vec<(NodeSpec, Node)>,
    pub lost: Vec<Lost>,
}

impl Fleet {
    /// Connects to every node of the spec. A node that does not answer costs its deadline, once, and is named. `on_open`
    /// hears of each node that is connected, when it is.
    pub async fn open(spec: &Spec, opener: &Opener, on_open: &dyn Fn(&NodeName)) -> Fleet {
        let wanted: Vec<_> = spec.nodes.iter().map(|node| (node.name.clone(), node.address.clone())).collect();
        let mut fleet = Fleet { nodes: Vec::new(), lost: Vec::new() };
        for ((name, opened), node) in opener.open_all(&wanted, on_open).await.into_iter().zip(&spec.nodes) {
            match opened {
                Ok(connected) => fleet.nodes.push((node.clone(), connected)),
                Err(error) => fleet.lost.push(Lost { error: error.on(&name), node: name }),
            }
        }
        fleet
    }

    /// The node with this name, where it is connected.
    pub fn node(&self, name: &NodeName) -> Option<&Node> {
        self.nodes.iter().find(|(spec, _)| &spec.name == name).map(|(_, node)| node)
    }

    /// Takes a node out, with its reason.
    pub fn lose(&mut self, name: &NodeName, error: Error) {
        self.nodes.retain(|(spec, _)| &spec.name != name);
        self.lost.push(Lost { node: name.clone(), error: error.on(name) });
    }

    /// # Errors
    /// When the head node is not among the connected ones: without it there is no cluster.
    pub fn head(&self, spec: &Spec) -> Result<&Node> {
        self.node(&spec.head).ok_or_else(|| match self.lost.iter().find(|lost| lost.node == spec.head) {
            Some(lost) => Error::failed("the head node cannot be used, and it launches the jobs")
                .on(&spec.head)
                .because(&lost.error)
                .hinted("Bring it back, or name another one: `head` in [cluster] of mpiup.toml."),
            None => Error::failed("the head node is not connected").on(&spec.head),
        })
    }

    /// Ends every connection.
    pub async fn close(self) {
        futures_util::future::join_all(self.nodes.into_iter().map(|(_, node)| node.close())).await;
    }
}

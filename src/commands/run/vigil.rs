//! Notices a node that dies in the middle of a job, which no launcher does before TCP gives up after many minutes.
//!
//! Two must agree: the operator's connection to the node has ended, and the head node, over the cluster's network, does
//! not get in either. A job does not end because the operator's own way to one of its nodes was cut.

use std::time::Duration;

use crate::{
    node::Node,
    provision::as_user,
    quote,
    spec::{NodeName, Spec},
};

/// Between two looks. The connection itself takes half a minute to notice a node that fell silent.
const PAUSE: Duration = Duration::from_secs(1);

/// For the head node's own try, whose ssh gives up after 10 s.
const DEADLINE: Duration = Duration::from_secs(30);

/// The nodes of a job, as they are watched.
pub struct Vigil<'a> {
    /// The head node.
    pub head: &'a Node,
    /// The others.
    pub others: Vec<(NodeName, &'a Node)>,
    /// The cluster's user.
    pub user: String,
    pub home: String,
}

impl<'a> Vigil<'a> {
    pub fn new(spec: &Spec, head: &'a Node, others: Vec<(NodeName, &'a Node)>, home: &str) -> Self {
        Self { head, others, user: spec.user.clone(), home: home.to_owned() }
    }

    /// Returns with the first node that is dead; never while all live.
    pub async fn first_dead(&self) -> NodeName {
        let mut watched: Vec<&(NodeName, &Node)> = self.others.iter().collect();
        loop {
            tokio::time::sleep(PAUSE).await;
            while let Some(at) = watched.iter().position(|(_, node)| node.is_gone()) {
                let (name, _) = watched.remove(at);
                if !self.head_reaches(name).await {
                    return name.clone();
                }
            }
        }
    }

    async fn head_reaches(&self, name: &NodeName) -> bool {
        let login = ["ssh", "-n", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", name.as_str(), "true"];
        let command = as_user(self.head.is_root(), &self.user, &self.home, &quote::words(login));
        let asked = async { self.head.spawn(&command, false).await?.output().await };
        tokio::time::timeout(DEADLINE, asked).await.is_ok_and(|output| output.is_ok_and(|output| output.success()))
    }
}

//! Which clusters do the nodes themselves know of? For whoever has lost the spec.

use std::time::Duration;

use super::Fleet;
use crate::{error::Error, spec::NodeName};

const DEADLINE: Duration = Duration::from_secs(30);

/// A cluster of which a node has a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub cluster: String,
    pub node: NodeName,
    pub whose: Whose,
}

/// Who has the journal, and so takes back what it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    Root,
    /// Who logs in.
    Login,
    Other(String),
}

/// In the order of the nodes. A node that does not answer is lost.
pub async fn clusters(fleet: &mut Fleet) -> Vec<Known> {
    let asked = fleet.nodes.iter().map(|(_, node)| async {
        node.probe().read(include_str!("clusters.sh"), DEADLINE).await.and_then(|output| match output.success() {
            true => Ok(output.text()),
            false => Err(Error::failed("the journals cannot be listed").because(output.last_words())),
        })
    });
    let answers = futures_util::future::join_all(asked).await;
    let names: Vec<NodeName> = fleet.nodes.iter().map(|(node, _)| node.name.clone()).collect();
    let mut known = Vec::new();
    for (node, answer) in names.into_iter().zip(answers) {
        match answer {
            Ok(text) => known.extend(text.lines().filter_map(|line| journal(&node, line))),
            Err(error) => fleet.lose(&node, error),
        }
    }
    known
}

fn journal(node: &NodeName, line: &str) -> Option<Known> {
    let mut words = line.split(' ');
    let (whose, cluster) = (words.next()?, words.next()?);
    let whose = match whose {
        "root" => Whose::Root,
        "user" => Whose::Login,
        _ => Whose::Other(words.next()?.to_owned()),
    };
    Some(Known { cluster: cluster.to_owned(), node: node.clone(), whose })
}

//! The connected nodes of a command, and those that were lost on the way with their reasons.

use std::time::Duration;

use super::Silences;
use crate::{
    error::{Error, Result},
    node::{Node, Opener},
    spec::{Address, NodeName, NodeSpec, Spec, nodeset},
};

/// A node that cannot be used in this command, and why.
#[derive(Debug)]
pub struct Lost {
    pub node: NodeName,
    pub address: Address,
    pub error: Error,
}

/// What is to be said of lost nodes: once where the same is true of several, with the commands for the first of them.
pub fn reasons(lost: &[Lost]) -> Vec<Error> {
    let mut groups: Vec<(Vec<String>, Vec<&Lost>)> = Vec::new();
    for lost in lost {
        let said = [&[lost.error.message().to_owned()], lost.error.reasons(), lost.error.hints()].concat();
        let shape: Vec<String> = said.iter().map(|text| lost.anonymous(text)).collect();
        match groups.iter_mut().find(|(known, _)| *known == shape) {
            Some((_, group)) => group.push(lost),
            None => groups.push((shape, vec![lost])),
        }
    }
    groups.into_iter().map(|(_, group)| folded(&group)).collect()
}

fn folded(group: &[&Lost]) -> Error {
    let nodes = nodeset::fold_in_order(group.iter().map(|lost| lost.node.as_str()));
    let Some(first) = group.first() else { return Error::failed("") };
    let hosts = nodeset::fold_in_order(group.iter().map(|lost| lost.host()));
    let of_all = |text: &str| first.anonymous(text).replace(HOST, &hosts).replace(NAME, &nodes);
    // A command takes one host: those stay the first node's.
    let of_hint = |hint: &String| {
        let parts = hint.split('`').enumerate();
        let parts = parts.map(|(at, part)| if at % 2 == 0 { of_all(part) } else { part.to_owned() });
        parts.collect::<Vec<_>>().join("`")
    };
    let error = Error::new(first.error.kind(), of_all(first.error.message())).on(&nodes);
    let error = first.error.reasons().iter().fold(error, Error::because);
    first.error.hints().iter().fold(error, |error, hint| error.hinted(of_hint(hint)))
}

/// A shell that is there says so at once.
const ROLL_CALL: Duration = Duration::from_secs(10);

/// Stand for the node's own host and name where texts are compared.
const HOST: &str = "\u{1}";
const NAME: &str = "\u{2}";

impl Lost {
    fn host(&self) -> &str {
        match &self.address {
            Address::Ssh { host, .. } => host,
            Address::Local => self.node.as_str(),
        }
    }

    /// The text as it would be of any node.
    fn anonymous(&self, text: &str) -> String {
        replace_word(&replace_word(text, self.host(), HOST), self.node.as_str(), NAME)
    }
}

/// Where `word` stands alone: `10.0.0.1` is no part of `10.0.0.12`.
fn replace_word(text: &str, word: &str, with: &str) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word).filter(|_| !word.is_empty()) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let joins = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let dotted = |text: &str| text.strip_prefix('.').is_some_and(|more| more.starts_with(joins));
        let part = before.ends_with(joins) || after.starts_with(joins) || dotted(after);
        whole.push_str(before);
        whole.push_str(if part { word } else { with });
        rest = after;
    }
    whole + rest
}

/// Nodes in the spec's order.
#[derive(Default)]
pub struct Fleet {
    pub nodes: Vec<(NodeSpec, Node)>,
    pub lost: Vec<Lost>,
    /// How long a node that is altered may be silent before it counts as lost.
    pub silences: Silences,
}

impl Fleet {
    /// Connects to every node of the spec. A node that does not answer costs its deadline, once, and is named. `on_open`
    /// hears of each node that is connected, when it is.
    pub async fn open(spec: &Spec, opener: &Opener, on_open: &dyn Fn(&NodeName)) -> Fleet {
        let wanted: Vec<_> = spec.nodes.iter().map(|node| (node.name.clone(), node.address.clone())).collect();
        let mut fleet = Fleet::default();
        for ((name, opened), node) in opener.open_all(&wanted, on_open).await.into_iter().zip(&spec.nodes) {
            match opened {
                Ok(connected) => fleet.nodes.push((node.clone(), connected)),
                Err(error) => {
                    fleet.lost.push(Lost { error: error.on(&name), node: name, address: node.address.clone() });
                }
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
        let Some(at) = self.nodes.iter().position(|(spec, _)| &spec.name == name) else { return };
        let (spec, _) = self.nodes.remove(at);
        self.lost.push(Lost { node: spec.name, address: spec.address, error: error.on(name) });
    }

    /// Loses the nodes that answered at first and do not any more.
    pub async fn roll_call(&mut self) {
        let asked = self.nodes.iter().map(|(_, node)| async { node.probe().read(":", ROLL_CALL).await });
        let answers = futures_util::future::join_all(asked).await;
        let names: Vec<NodeName> = self.nodes.iter().map(|(node, _)| node.name.clone()).collect();
        for (name, answer) in names.iter().zip(answers) {
            if let Err(error) = answer {
                let silent = Error::failed("it answered at first, and does not any more").because(error.message());
                self.lose(name, error.reasons().iter().fold(silent, Error::because));
            }
        }
    }

    /// # Errors
    /// When the head node is not among the connected ones: without it there is no cluster. Why it was lost is told, with what
    /// mends it, where lost nodes are named; not here again.
    pub fn head(&self, spec: &Spec) -> Result<&Node> {
        self.node(&spec.head).ok_or_else(|| match self.lost.iter().any(|lost| lost.node == spec.head) {
            true => Error::failed("the head node cannot be used, and it launches the jobs")
                .on(&spec.head)
                .hinted("Mend what is said above, or name another one: `head` in [cluster] of mpiup.toml."),
            false => Error::failed("the head node is not connected").on(&spec.head),
        })
    }

    /// Ends every connection.
    pub async fn close(self) {
        futures_util::future::join_all(self.nodes.into_iter().map(|(_, node)| node.close())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(number: usize, error: Error) -> Lost {
        let node = NodeName::new(&format!("client{number}")).unwrap();
        let address = Address::parse(&format!("10.0.0.1{number}")).unwrap();
        Lost { error: error.on(&node), node, address }
    }

    #[test]
    fn what_is_true_of_several_nodes_is_said_once() {
        let silent = |number: usize| {
            let hint = format!("`ping 10.0.0.1{number}`");
            lost(number, Error::failed(format!("10.0.0.1{number} does not answer")).because("timed out").hinted(hint))
        };
        let odd = lost(4, Error::failed("python3 is missing").hinted("On client4: `apt-get install python3`."));
        let said = reasons(&[silent(1), silent(2), odd, silent(5)]);
        let lines: Vec<String> = said.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            ["client[1-2,5]: 10.0.0.[11-12,15] does not answer: timed out", "client4: python3 is missing"]
        );
        assert_eq!(said[0].hints(), ["`ping 10.0.0.11`"]);
    }

    #[test]
    fn what_mends_several_nodes_names_all_of_them_but_in_a_command() {
        let no_root = |number: usize| {
            let hint =
                format!("Give ana sudo on client{number}, at 10.0.0.1{number}: `ssh client{number}`, `sudo -v`.");
            lost(number, Error::failed("root is needed").hinted(hint))
        };
        let said = reasons(&[no_root(1), no_root(2)]);
        assert_eq!(said[0].hints(), ["Give ana sudo on client[1-2], at 10.0.0.[11-12]: `ssh client1`, `sudo -v`."]);
    }

    #[test]
    fn a_word_is_not_part_of_another() {
        assert_eq!(replace_word("n1 on n10, x-n1, n1.", "n1", "_"), "_ on n10, x-n1, _.");
        assert_eq!(
            replace_word("10.0.0.1 and 10.0.0.12 and 10.0.0.1.7", "10.0.0.1", "_"),
            "_ and 10.0.0.12 and 10.0.0.1.7"
        );
    }
}

//! What is said of each node, in the spec's order; as JSON an object that keeps it.

use serde::{Serialize, Serializer};

use crate::spec::Spec;

/// Nodes by name, each with what is said of it.
#[derive(Debug, Default)]
pub struct ByNode<T>(Vec<(String, T)>);

impl<T> ByNode<T> {
    /// Puts them into the order of `spec`; what it does not know comes last.
    pub fn of(spec: &Spec, said: impl IntoIterator<Item = (String, T)>) -> Self {
        let place = |name: &str| spec.nodes.iter().position(|node| node.name.as_str() == name).unwrap_or(usize::MAX);
        let mut said: Vec<(String, T)> = said.into_iter().collect();
        said.sort_by_key(|(name, _)| place(name));
        Self(said)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, node: &str) -> Option<&T> {
        self.iter().find(|(name, _)| *name == node).map(|(_, said)| said)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, said)| (name.as_str(), said))
    }

    /// The names of those of whom this is true.
    pub fn names(&self, is_meant: impl Fn(&T) -> bool) -> Vec<&str> {
        self.iter().filter(|(_, said)| is_meant(said)).map(|(name, _)| name).collect()
    }
}

impl<T: Serialize> Serialize for ByNode<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Address, NodeName, NodeSpec};

    #[test]
    fn the_order_is_the_specs_in_json_too() {
        let node = |name: &str| NodeSpec {
            name: NodeName::new(name).unwrap(),
            address: Address::parse("10.0.0.1").unwrap(),
            slots: None,
        };
        let spec = Spec::of_machines("aula", ["zeta", "beta", "alpha"].map(node).to_vec(), None).unwrap();
        let said = ["left", "alpha", "zeta", "beta"].map(|name| (name.to_owned(), name.len()));
        let said = ByNode::of(&spec, said);
        assert_eq!(serde_json::to_string(&said).unwrap(), r#"{"zeta":4,"beta":4,"alpha":5,"left":4}"#);
        assert_eq!((said.names(|length| *length == 5), said.get("left")), (vec!["alpha"], Some(&4)));
    }
}

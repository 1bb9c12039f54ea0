//! The note beside a node's journal: who was in the cluster, and how the operator reached each one.

use crate::spec::{Address, NodeName};

/// A node as it was when the note was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    pub name: NodeName,
    pub address: Address,
    /// It launched the jobs.
    pub is_head: bool,
}

/// Lines of `NAME ADDRESS`, with `head` behind one of them. Those that are none are passed over.
pub fn noted(text: &str) -> Vec<Noted> {
    let parse = |line: &str| {
        let mut words = line.split(' ');
        let (name, address) = (NodeName::new(words.next()?).ok()?, Address::parse(words.next()?).ok()?);
        Some(Noted { name, address, is_head: words.next() == Some("head") })
    };
    text.lines().filter_map(parse).collect()
}

/// The other way.
pub fn text(members: &[Noted]) -> String {
    let line =
        |Noted { name, address, is_head }: &Noted| format!("{name} {address}{}\n", if *is_head { " head" } else { "" });
    members.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let written = "master mpi@192.168.1.10 head\nclient1 ssh://local\nclient2 ana@[2001:db8::7]:2222\nhere local\n";
        assert_eq!(text(&noted(written)), written);
        assert_eq!(noted("client1\n\n-x 10.0.0.1\nclient2 -oProxyCommand=id\n"), []);
    }
}

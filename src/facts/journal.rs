//! The journal that mpiup keeps on a node, as `gather.sh` lists it.

use serde::Serialize;

/// One change that was begun on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The order in which changes were begun: `0001` …
    pub number: String,
    /// False when the change was interrupted: it is made again, or undone.
    pub done: bool,
    /// Primitive and object: `block /etc/hosts`.
    pub key: String,
    /// The change in words, as the plan showed it.
    pub what: String,
}

/// Lines of `NUMBER DONE KEY WHAT`, with tabs between.
pub fn entries(text: &str) -> Vec<Entry> {
    let parse = |line: &str| {
        let mut fields = line.splitn(4, '\t');
        let (number, done, key, what) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        Some(Entry { number: number.into(), done: done == "yes", key: key.into(), what: what.into() })
    };
    text.lines().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_entries() {
        let found = entries("0001\tyes\tuser mpi\taccount mpi\n0002\tno\tblock /etc/hosts\tblock in /etc/hosts\n");
        assert_eq!((found.len(), found[1].done, found[1].key.as_str()), (2, false, "block /etc/hosts"));
    }
}

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

/// A change under guard that no new log-in has confirmed, and of which nobody could be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unconfirmed {
    /// It was a `down` that took the change back.
    pub undo: bool,
    pub key: String,
    /// The node has put it back as it was. Otherwise it stopped before it could, and the next command puts it back.
    pub is_back: bool,
}

impl Unconfirmed {
    /// The file.
    pub fn path(&self) -> &str {
        self.key.split_once(' ').map_or(self.key.as_str(), |(_, path)| path)
    }
}

/// `back make KEY`, `back undo KEY`, and the same with `stands`.
pub fn unconfirmed(text: &str) -> Option<Unconfirmed> {
    let mut words = text.splitn(3, ' ');
    let (place, attempt, key) = (words.next()?, words.next()?, words.next()?);
    Some(Unconfirmed { undo: attempt == "undo", key: key.to_owned(), is_back: place == "back" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_nobody_confirmed() {
        let found = unconfirmed("stands undo block /srv/a home/.bashrc").unwrap();
        assert_eq!((found.undo, found.is_back, found.path()), (true, false, "/srv/a home/.bashrc"));
        assert_eq!(unconfirmed(""), None);
    }

    #[test]
    fn reads_entries() {
        let found = entries("0001\tyes\tuser mpi\taccount mpi\n0002\tno\tblock /etc/hosts\tblock in /etc/hosts\n");
        assert_eq!((found.len(), found[1].done, found[1].key.as_str()), (2, false, "block /etc/hosts"));
    }
}

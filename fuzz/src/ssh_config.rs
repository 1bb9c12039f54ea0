//! The block in `~/.ssh/config`: it goes in above whatever stands there, is read back, and nothing else changes. The same
//! text as somebody's configuration, out of which aliases are read.

use mpiup::{
    changes::block,
    spec::{NodeName, ssh_aliases},
    steps::address_in_ssh_config,
};

use super::nodes::{MARK, NODES, planned, with_file};

pub fn check(data: &[u8]) {
    let Some(text) = super::text::of(data) else { return };
    for alias in ssh_aliases::parse(text).aliases {
        assert!(!alias.is_empty() && !alias.contains(['*', '?', '\n']), "{alias:?} is a host");
    }
    let (asked, path) = ("~/.ssh/config", "/home/mpi/.ssh/config");
    let after = planned(&with_file(asked, text), path, text).unwrap_or_else(|| text.to_owned());
    assert_eq!(planned(&with_file(asked, &after), path, &after), None, "a second `up` has nothing to do: {after:?}");
    for (name, address) in NODES {
        let node = NodeName::new(name).unwrap();
        assert_eq!(address_in_ssh_config(&after, MARK, &node), Some(address.parse().unwrap()), "{name} in {after:?}");
        let _ = address_in_ssh_config(text, MARK, &node);
    }
    assert!(after.starts_with(&format!("# >>> {MARK} >>>\n")), "ssh takes the first value that it finds: {after:?}");
    assert_eq!(block::without(&after, MARK), block::without(text, MARK), "other lines stay");
}

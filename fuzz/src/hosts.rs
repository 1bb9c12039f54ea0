//! The block in `/etc/hosts`: whatever stands there, every node's name means its address afterwards, and nothing else changes.

use mpiup::changes::{Place, block};

use super::nodes::{MARK, NODES, planned, with_file};

pub fn check(data: &[u8]) {
    let Some(text) = super::text::of(data) else { return };
    for place in [Place::Top, Place::Bottom] {
        super::text::block_holds(text, MARK, place, "10.0.0.1 n1\n");
        super::text::block_holds(text, "m", place, "");
    }
    let path = "/etc/hosts";
    let after = planned(&with_file(path, text), path, text).unwrap_or_else(|| text.to_owned());
    assert_eq!(planned(&with_file(path, &after), path, &after), None, "a second `up` has nothing to do: {after:?}");
    for (name, address) in NODES {
        assert_eq!(resolved(&after, name), Some(address), "{name} in {after:?}");
    }
    let (others, left) = (block::without(text, MARK), block::without(&after, MARK));
    assert!(left == others || left == format!("{others}\n"), "other lines stay");
}

/// What the name means to the C library, which takes the first line that has it; the node's own name may be a loopback
/// address, and that is Debian's habit.
fn resolved<'a>(hosts: &'a str, name: &str) -> Option<&'a str> {
    hosts.split('\n').find_map(|line| {
        let mut words =
            line.split('#').next()?.split([' ', '\t', '\r', '\x0b', '\x0c']).filter(|word| !word.is_empty());
        let address = words.next()?;
        let is_own = name == NODES[0].0 && address.starts_with("127.");
        (!is_own && words.any(|word| word.eq_ignore_ascii_case(name))).then_some(address)
    })
}

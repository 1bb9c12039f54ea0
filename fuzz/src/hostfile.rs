//! Hostfiles: refused with line and column, or read so that what is written of them reads the same.

use std::collections::HashSet;

use mpiup::spec::{
    Address,
    hostfile::{Dialect, parse, render},
};

pub fn check(data: &[u8]) {
    let Some(text) = super::text::of(data) else { return };
    let file = match parse(text, "hosts") {
        Ok(file) => file,
        Err(error) => return super::text::points_into(&error, "hosts", text),
    };
    let mut seen = HashSet::new();
    for entry in &file.entries {
        assert!(seen.insert(entry.host.to_lowercase()), "{} stands there once", entry.host);
        assert_ne!(entry.slots, Some(0), "{} has room", entry.host);
        let address = entry.address();
        assert_eq!(Address::parse(&address.to_string()), Ok(address), "it is an address");
    }
    for note in &file.notes {
        assert!(!note.contains(char::is_control), "it cannot act on the terminal: {note:?}");
    }
    // Neither dialect has a form for an address with colons.
    let hosts: Vec<(&str, u32)> = file
        .entries
        .iter()
        .filter(|entry| !entry.host.contains(':'))
        .map(|entry| (entry.host.as_str(), entry.slots.unwrap_or(1)))
        .collect();
    if hosts.is_empty() {
        return;
    }
    for dialect in [Dialect::OpenMpi, Dialect::Mpich] {
        let again = parse(&render(dialect, hosts.iter().copied()), "hosts").unwrap();
        let read: Vec<(&str, u32)> =
            again.entries.iter().map(|entry| (entry.host.as_str(), entry.slots.expect("written"))).collect();
        assert_eq!((again.dialect, read), (dialect, hosts.clone()));
    }
}

//! The note beside a journal: what was read reads the same when it is written again.

use mpiup::facts::members::{noted, text};

pub fn check(data: &[u8]) {
    let Some(given) = super::text::of(data) else { return };
    let members = noted(given);
    assert_eq!(noted(&text(&members)), members);
}

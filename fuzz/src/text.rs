//! What checks of texts share.

use mpiup::{
    changes::{Place, block},
    error::Error,
};

/// The data as a text; other bytes than UTF-8 never reach these parsers.
pub fn of(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// An error of a parser names file, line and column, and the line and column are in the text.
pub fn points_into(error: &Error, file: &str, text: &str) {
    let rest =
        error.message().strip_prefix(file).and_then(|rest| rest.strip_prefix(':')).expect("it begins with the file");
    let mut numbers = rest.split(':');
    let mut number = || numbers.next().and_then(|number| number.parse::<usize>().ok()).expect("line and column");
    let (line, column) = (number(), number());
    let found =
        text.split('\n').nth(line.checked_sub(1).expect("lines are counted from 1")).expect("the line is there");
    assert!((1..=found.chars().count() + 1).contains(&column), "column {column} of {found:?}: {}", error.message());
    let shown = std::iter::once(error.message()).chain(error.reasons().iter().map(String::as_str));
    for part in shown.chain(error.hints().iter().map(String::as_str)) {
        assert!(!part.contains(|c: char| c.is_control() && c != '\n'), "it cannot act on the terminal: {part:?}");
    }
}

/// A block goes into a file, stands there once, and comes out again; what is outside of it stays as it is.
pub fn block_holds(text: &str, mark: &str, place: Place, content: &str) {
    let whole = block::with(text, mark, place, content);
    assert_eq!(block::content(&whole, mark).as_deref(), Some(content), "what went in can be read");
    assert_eq!(block::with(&whole, mark, place, content), whole, "twice is once");
    let others = block::without(text, mark);
    let out = block::without(&whole, mark);
    // A block cannot stand in the middle of a line: below a last line without its end it brings one.
    assert_eq!(out.strip_suffix('\n').unwrap_or(&out), others.strip_suffix('\n').unwrap_or(&others));
    assert!(out == others || out == format!("{others}\n"), "nothing else changes");
    assert_eq!(block::without(&others, mark), others, "no second look finds more");
}

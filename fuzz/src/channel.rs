//! The framed channel: an answer arrives to the byte and line by line, in whatever pieces, and whatever stands in it.

use mpiup::node::framing::{Frame, Lines, Scanner};

/// Of a real channel both are random; here they are known, so that answers can hold what looks like marks.
const SECRET: &str = "m";
const NUMBER: u64 = 7;
const MARK: &[u8] = b"\nm.7 ";

/// The first byte says how many sizes of pieces follow; the rest is the script's output.
pub fn check(data: &[u8]) {
    let Some((&count, rest)) = data.split_first() else { return };
    let count = usize::from(count % 8).min(rest.len());
    let (sizes, output) = rest.split_at(count);
    let stream = [output, b"\nm.7 042\n"].concat();
    let at = stream.windows(MARK.len()).position(|bytes| bytes == MARK).expect("the end is there");
    let expected = &stream[..at];

    let mut scanner = Frame::new(SECRET, NUMBER).stdout();
    let mut lines = Lines::default();
    let mut seen: Vec<String> = Vec::new();
    let mut settled = 0;
    let mut sizes = sizes.iter().map(|&size| usize::from(size).max(1)).cycle();
    let mut rest = &stream[..];
    while !scanner.done() {
        let size = sizes.next().unwrap_or(usize::MAX).min(rest.len());
        assert!(size > 0, "the whole answer is there, but its end was not seen");
        let (piece, after) = rest.split_at(size);
        rest = after;
        scanner.feed(piece);
        lines.deliver(&scanner, &mut |line| seen.push(line.to_owned()));
        settled_is_right(&scanner, expected, &mut settled);
    }
    lines.rest(&scanner, &mut |line| seen.push(line.to_owned()));
    let mut whole: Vec<String> =
        expected.split(|&byte| byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    // What ends in a newline has no further line behind it.
    if whole.last().is_some_and(String::is_empty) {
        whole.pop();
    }
    assert_eq!(seen, whole, "each line once");
    let (found, _) = scanner.finish();
    assert_eq!(found, expected, "to the byte");
}

/// What is called certain grows, and is the script's own.
fn settled_is_right(scanner: &Scanner, expected: &[u8], before: &mut usize) {
    let settled = scanner.settled();
    assert!(settled >= *before && settled <= expected.len(), "{settled} after {before} of {}", expected.len());
    assert_eq!(scanner.collected()[..settled], expected[..settled]);
    *before = settled;
}

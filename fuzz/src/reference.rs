//! Node sets read in the plainest way, for comparison: a bracket is replaced by each of its numbers, one after the other.

/// The names of a set in the order written, for a text that is one; it refuses nothing.
pub fn expand(set: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0;
    let parts = set.split(|c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        names.extend(one(part));
    }
    names
}

fn one(part: &str) -> Vec<String> {
    let Some((before, rest)) = part.split_once('[') else { return vec![part.to_owned()] };
    let (inside, after) = rest.split_once(']').expect("brackets are closed");
    let tails = one_or_nothing(after);
    let mut names = Vec::new();
    for number in inside.split(',').flat_map(numbers) {
        names.extend(tails.iter().map(|tail| format!("{before}{number}{tail}")));
    }
    names
}

fn one_or_nothing(after: &str) -> Vec<String> {
    if after.is_empty() { vec![String::new()] } else { one(after) }
}

/// `7`, `007`, `1-3`, `0-8/2`: each number as it is written in a name.
fn numbers(range: &str) -> Vec<String> {
    let (range, step) = range.split_once('/').unwrap_or((range, "1"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last) = (first.trim(), last.trim());
    let width = if first.starts_with('0') { first.len() } else { 1 };
    let value = |text: &str| text.trim().parse::<u64>().expect("a number");
    (value(first)..=value(last))
        .step_by(value(step).try_into().expect("small"))
        .map(|n| format!("{n:0width$}"))
        .collect()
}

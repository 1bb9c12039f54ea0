//! The way back: many names as few sets, `client[1-15]`.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use super::MAX_DIGITS;

/// The names as one short set in natural order (`n2` before `n10`): what [`super::expand`] makes of it are exactly
/// these names. Padding is kept; names that fold with no other one are listed with commas.
pub fn fold<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<S> = names.into_iter().collect();
    let mut seen = HashSet::with_capacity(names.len());
    let mut shapes: HashMap<Vec<&str>, Vec<Folded>> = HashMap::new();
    let mut done = Vec::new();
    for name in names.iter().map(S::as_ref).filter(|name| seen.insert(*name)) {
        match split(name) {
            Some(parts) => shapes.entry(parts.literals).or_default().push(Folded::of(&parts.numbers)),
            None => done.push((name.to_owned(), name.to_owned())),
        }
    }
    for (literals, mut members) in shapes {
        for dimension in (0..literals.len() - 1).rev() {
            members = merge(members, dimension);
        }
        done.extend(members.into_iter().map(|member| member.rendered(&literals)));
    }
    done.sort_by(|(a, _), (b, _)| natural_order(a, b));
    done.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}

/// The names as a set from which [`super::expand_in_order`] makes the same list, order and repetitions included.
/// Only neighbours fold.
pub fn fold_in_order<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<S> = names.into_iter().collect();
    let mut runs: Vec<Run> = Vec::new();
    for name in names.iter().map(S::as_ref) {
        let parts = split(name);
        let taken = match (&parts, runs.last_mut()) {
            (Some(parts), Some(run)) => run.take(parts),
            _ => false,
        };
        if !taken {
            runs.push(Run { name, parts, varies: None, numbers: Vec::new() });
        }
    }
    runs.iter().map(Run::rendered).collect::<Vec<_>>().join(",")
}

/// Compares digits by their value and everything else by its characters.
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    loop {
        let (Some(a_first), Some(b_first)) = (a_rest.chars().next(), b_rest.chars().next()) else {
            return a_rest.len().cmp(&b_rest.len()).then_with(|| a.cmp(b));
        };
        let order = if a_first.is_ascii_digit() && b_first.is_ascii_digit() {
            let (a_digits, b_digits) = (digits(a_rest), digits(b_rest));
            a_rest = &a_rest[a_digits.len()..];
            b_rest = &b_rest[b_digits.len()..];
            let (a_value, b_value) = (a_digits.trim_start_matches('0'), b_digits.trim_start_matches('0'));
            a_value.len().cmp(&b_value.len()).then_with(|| a_value.cmp(b_value))
        } else {
            a_rest = &a_rest[a_first.len_utf8()..];
            b_rest = &b_rest[b_first.len_utf8()..];
            a_first.cmp(&b_first)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn digits(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_digit).count()]
}

/// A name as literal, number, literal, …, number, literal: always one literal more than numbers.
struct Parts<'a> {
    literals: Vec<&'a str>,
    numbers: Vec<&'a str>,
}

/// `None` for a name that has no number, or characters of the sets' own syntax (such as `[fe80::1]`).
fn split(name: &str) -> Option<Parts<'_>> {
    if name.contains(|c: char| "[],".contains(c) || c.is_whitespace()) {
        return None;
    }
    let (mut literals, mut numbers) = (Vec::new(), Vec::new());
    let (mut start, mut at) = (0, 0);
    while at < name.len() {
        let run = digits(&name[at..]);
        if run.is_empty() {
            at += name[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        if run.len() <= MAX_DIGITS {
            literals.push(&name[start..at]);
            numbers.push(run);
            start = at + run.len();
        }
        at += run.len();
    }
    literals.push(&name[start..]);
    (!numbers.is_empty()).then_some(Parts { literals, numbers })
}

/// Names of one shape: for each of its numbers the text that stands for it, and the first of those numbers.
#[derive(Clone)]
struct Folded {
    numbers: Vec<(String, String)>,
}

impl Folded {
    fn of(numbers: &[&str]) -> Self {
        Self { numbers: numbers.iter().map(|&number| (number.to_owned(), number.to_owned())).collect() }
    }

    /// The first name and the folded text.
    fn rendered(&self, literals: &[&str]) -> (String, String) {
        let (mut first, mut text) = (String::new(), String::new());
        for (index, literal) in literals.iter().enumerate() {
            first.push_str(literal);
            text.push_str(literal);
            if let Some((numbers, number)) = self.numbers.get(index) {
                first.push_str(number);
                push_numbers(&mut text, numbers);
            }
        }
        (first, text)
    }
}

/// Joins the members that differ in nothing but one number.
fn merge(members: Vec<Folded>, dimension: usize) -> Vec<Folded> {
    let mut groups: HashMap<Vec<String>, (Folded, Vec<String>)> = HashMap::with_capacity(members.len());
    for member in members {
        let others = member.numbers.iter().enumerate().filter(|(index, _)| *index != dimension);
        let key: Vec<String> = others.map(|(_, (text, _))| text.clone()).collect();
        let value = member.numbers[dimension].0.clone();
        groups.entry(key).or_insert_with(|| (member, Vec::new())).1.push(value);
    }
    groups
        .into_values()
        .map(|(mut member, mut values)| {
            // Shorter first, as ClusterShell lists them; so `099` and `100` stand together, and `9` before `01`.
            values.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
            let first = values[0].clone();
            member.numbers[dimension] = (ranges(values.iter().map(String::as_str)), first);
            member
        })
        .collect()
}

/// Neighbours of a list that differ in one and the same number.
struct Run<'a> {
    name: &'a str,
    parts: Option<Parts<'a>>,
    varies: Option<usize>,
    /// The values of the number that varies, the first one not included.
    numbers: Vec<String>,
}

impl Run<'_> {
    /// Takes another name into the run, if it fits.
    fn take(&mut self, next: &Parts<'_>) -> bool {
        let Some(parts) = &self.parts else { return false };
        if parts.literals != next.literals {
            return false;
        }
        let mut differing = (0..next.numbers.len()).filter(|&i| parts.numbers[i] != next.numbers[i]);
        let varies = match (self.varies, differing.next(), differing.next()) {
            (None, Some(one), None) => one,
            (Some(one), None, None) => one,
            (Some(one), Some(other), None) if one == other => one,
            _ => return false,
        };
        self.varies = Some(varies);
        self.numbers.push(next.numbers[varies].to_owned());
        true
    }

    fn rendered(&self) -> String {
        let (Some(parts), Some(varies)) = (&self.parts, self.varies) else { return self.name.to_owned() };
        let mut text = String::new();
        for (index, literal) in parts.literals.iter().enumerate() {
            text.push_str(literal);
            match parts.numbers.get(index) {
                Some(first) if index == varies => {
                    push_numbers(
                        &mut text,
                        &ranges(std::iter::once(*first).chain(self.numbers.iter().map(String::as_str))),
                    );
                }
                Some(number) => text.push_str(number),
                None => {}
            }
        }
        text
    }
}

fn is_padded(number: &str) -> bool {
    number.len() > 1 && number.starts_with('0')
}

fn push_numbers(text: &mut String, numbers: &str) {
    if numbers.contains([',', '-']) {
        text.push('[');
        text.push_str(numbers);
        text.push(']');
    } else {
        text.push_str(numbers);
    }
}

/// `1-3,5` for the numbers 1, 2, 3, 5 in that order. Ranges are joined only where ClusterShell reads them back: a
/// padded range keeps its number of digits.
fn ranges<'a>(numbers: impl Iterator<Item = &'a str>) -> String {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for number in numbers {
        match found.last_mut() {
            Some((first, last)) if follows(first, last, number) => *last = number,
            _ => found.push((number, number)),
        }
    }
    let text =
        |(first, last): &(&str, &str)| if first == last { (*first).to_owned() } else { format!("{first}-{last}") };
    found.iter().map(text).collect::<Vec<_>>().join(",")
}

/// Whether `next` continues the range `first-last`.
fn follows(first: &str, last: &str, next: &str) -> bool {
    let (Ok(last_value), Ok(next_value)) = (last.parse::<u64>(), next.parse::<u64>()) else { return false };
    let keeps_width = first.len() == next.len() || !(is_padded(first) || is_padded(next));
    next_value == last_value + 1 && keeps_width
}

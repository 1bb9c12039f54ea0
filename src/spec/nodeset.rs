//! Node sets: `client[2-9]` and friends, as ClusterShell and pdsh write them.
//!
//! `n[1-3,5]` numbers, `n[001-100]` zero padding, `n[0-8/2]` steps, `r[1-2]n[1-4]` several brackets (the last one
//! counts fastest), `a[1-2],b` unions. Texts that ClusterShell 1.10 refuses are refused here too, among them
//! `n[01-100]` ("padding length mismatch"). Groups (`@gpu`), the operators `!`, `&` and `^` and negative numbers are not
//! part of it, and names come in the order written where ClusterShell sorts them: `"n[3,1]" = "10.0.0.[9,4]"` pairs `n3` with `.9`.
//!
//! Guarantee: memory and time are bounded by [`MAX_NAMES`] and [`MAX_NAME_LENGTH`], whatever the text says.
//!
//! Source: <https://clustershell.readthedocs.io/en/latest/tools/nodeset.html>.

mod fold;

use std::{collections::HashSet, fmt};

pub use fold::{fold, fold_in_order, natural_order};

/// A set of more names than this is a slip: it is refused before anything is allocated.
pub const MAX_NAMES: u64 = 1_000_000;
/// The longest name that the domain name system knows.
pub const MAX_NAME_LENGTH: usize = 253;
/// Numbers of more digits do not fit the arithmetic here (nor anybody's cluster).
const MAX_DIGITS: usize = 18;

/// Why a text is not a node set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The byte of the text at which it goes wrong.
    pub offset: usize,
    pub what: String,
    /// What may stand there, as a whole sentence.
    pub allowed: &'static str,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at character {} ({})", self.what, self.offset + 1, self.allowed.trim_end_matches('.'))
    }
}

impl std::error::Error for SyntaxError {}

/// The names of a set, in the order written, each once. The empty text is the empty set.
///
/// # Errors
/// When the text is no node set, or one of more than [`MAX_NAMES`] names.
pub fn expand(text: &str) -> Result<Vec<String>, SyntaxError> {
    let mut names = expand_in_order(text)?;
    let keep: Vec<bool> = {
        let mut seen = HashSet::with_capacity(names.len());
        names.iter().map(|name| seen.insert(name.as_str())).collect()
    };
    let mut keep = keep.into_iter();
    names.retain(|_| keep.next().unwrap_or(true));
    Ok(names)
}

/// The names of a set, in the order written; a name written twice comes twice.
///
/// # Errors
/// As [`expand`].
pub fn expand_in_order(text: &str) -> Result<Vec<String>, SyntaxError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let terms =
        terms(text)?.into_iter().map(|(offset, term)| parse_term(offset, term)).collect::<Result<Vec<_>, _>>()?;
    let total = terms.iter().fold(0u64, |sum, term| sum.saturating_add(term.count()));
    if total > MAX_NAMES {
        return Err(SyntaxError {
            offset: 0,
            what: format!(
                "these are {} names",
                if total == u64::MAX { "far too many".to_owned() } else { total.to_string() }
            ),
            allowed: "A node set has at most 1000000 names.",
        });
    }
    let mut names = Vec::with_capacity(usize::try_from(total).unwrap_or(0));
    for term in &terms {
        term.emit(&mut String::new(), 0, &mut names);
    }
    Ok(names)
}

/// The parts of a union, cut at commas outside brackets, each with its offset; blanks around them are not part of them.
///
/// # Errors
/// When a part is empty or a bracket stays open.
pub(crate) fn terms(text: &str) -> Result<Vec<(usize, &str)>, SyntaxError> {
    let mut found = Vec::new();
    let mut open = None;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match (c, open) {
            ('[', Some(_)) => return Err(error(at, "a bracket inside a bracket", BRACKET)),
            ('[', None) => open = Some(at),
            (']', None) => return Err(error(at, "`]` without `[`", BRACKET)),
            (']', Some(_)) => open = None,
            (',', None) => {
                found.push((start, &text[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    if let Some(at) = open {
        return Err(error(at, "`[` without `]`", BRACKET));
    }
    found.push((start, &text[start..]));
    found
        .into_iter()
        .map(|(offset, term)| match term.trim() {
            "" => Err(error(
                offset,
                "a comma without a name beside it",
                "Commas stand between names: `client1,client[3-5]`.",
            )),
            trimmed => Ok((offset + term.len() - term.trim_start().len(), trimmed)),
        })
        .collect()
}

const BRACKET: &str = "Brackets hold numbers: `client[1-3,7]`, `n[001-100]`, `n[0-8/2]`.";

fn error(offset: usize, what: impl Into<String>, allowed: &'static str) -> SyntaxError {
    SyntaxError { offset, what: what.into(), allowed }
}

/// One part of a union: literal texts and bracketed numbers in turn.
struct Term<'a> {
    pieces: Vec<Piece<'a>>,
}

enum Piece<'a> {
    Literal(&'a str),
    Numbers(Vec<Range>),
}

/// `first-last/step`, every number at least `width` digits wide.
struct Range {
    first: u64,
    last: u64,
    step: u64,
    width: usize,
}

impl Range {
    fn count(&self) -> u64 {
        (self.last - self.first) / self.step + 1
    }
}

impl Term<'_> {
    fn count(&self) -> u64 {
        self.pieces.iter().fold(1, |product: u64, piece| match piece {
            Piece::Literal(_) => product,
            Piece::Numbers(ranges) => {
                product.saturating_mul(ranges.iter().fold(0, |sum, range| sum.saturating_add(range.count())))
            }
        })
    }

    /// Adds all names that begin with `prefix`, which the pieces before `piece` made.
    fn emit(&self, prefix: &mut String, piece: usize, names: &mut Vec<String>) {
        let before = prefix.len();
        match self.pieces.get(piece) {
            None => names.push(prefix.clone()),
            Some(Piece::Literal(text)) => {
                prefix.push_str(text);
                self.emit(prefix, piece + 1, names);
                prefix.truncate(before);
            }
            Some(Piece::Numbers(ranges)) => {
                for range in ranges {
                    for step in 0..range.count() {
                        use fmt::Write;
                        let number = range.first + step * range.step;
                        // Writing into a String cannot fail.
                        let _ = write!(prefix, "{number:0width$}", width = range.width);
                        self.emit(prefix, piece + 1, names);
                        prefix.truncate(before);
                    }
                }
            }
        }
    }
}

fn parse_term(offset: usize, term: &str) -> Result<Term<'_>, SyntaxError> {
    let mut pieces = Vec::new();
    let mut longest = 0;
    let mut at = 0;
    while at < term.len() {
        if let Some(inside) = term[at..].strip_prefix('[') {
            let length = inside.find(']').unwrap_or(inside.len());
            let ranges = inside[..length].split(',').scan(offset + at + 1, |start, item| {
                let here = *start;
                *start += item.len() + 1;
                Some(parse_range(here, item))
            });
            let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
            longest += ranges.iter().map(|range| range.width.max(range.last.to_string().len())).max().unwrap_or(0);
            pieces.push(Piece::Numbers(ranges));
            at += length + 2;
        } else {
            let length = term[at..].find('[').unwrap_or(term.len() - at);
            let literal = &term[at..at + length];
            check_literal(offset + at, literal)?;
            longest += literal.len();
            pieces.push(Piece::Literal(literal));
            at += length;
        }
    }
    if longest > MAX_NAME_LENGTH {
        return Err(error(offset, format!("a name of {longest} characters"), "A name has at most 253 characters."));
    }
    // Every number costs a level of `emit`; a name of 253 characters has no room for more.
    if pieces.len() > MAX_NAME_LENGTH {
        return Err(error(offset, "too many brackets", BRACKET));
    }
    Ok(Term { pieces })
}

fn check_literal(offset: usize, literal: &str) -> Result<(), SyntaxError> {
    match literal.char_indices().find(|&(_, c)| c.is_whitespace() || c.is_control() || "!&^*?".contains(c)) {
        None => Ok(()),
        Some((at, c)) if "!&^".contains(c) => Err(error(
            offset + at,
            format!("the operator `{c}` is not known here"),
            "Names and sets are joined by commas: `client1,client[3-5]`.",
        )),
        Some((at, c)) => Err(error(
            offset + at,
            format!("{} in a name", super::names::character(c)),
            "Names and sets are joined by commas: `client1,client[3-5]`.",
        )),
    }
}

fn parse_range(offset: usize, item: &str) -> Result<Range, SyntaxError> {
    let offset = offset + item.len() - item.trim_start().len();
    let item = item.trim();
    if item.is_empty() {
        return Err(error(offset, "a number is missing", BRACKET));
    }
    let (numbers, step) = match item.split_once('/') {
        Some((numbers, step)) => (numbers, Some((offset + numbers.len() + 1, step))),
        None => (item, None),
    };
    let (first, last) = match numbers.split_once('-') {
        Some((first, last)) => (first, Some((offset + first.len() + 1, last))),
        None => (numbers, None),
    };
    let (first, first_text) = parse_number(offset, first)?;
    let Some((last_offset, last)) = last else {
        if let Some((at, _)) = step {
            return Err(error(at - 1, "a step without a range", BRACKET));
        }
        return Ok(Range { first, last: first, step: 1, width: first_text.len() });
    };
    let (last, last_text) = parse_number(last_offset, last)?;
    let step = match step {
        None => 1,
        Some((at, text)) => match parse_number(at, text)? {
            (0, _) => return Err(error(at, "a step of 0", BRACKET)),
            (step, _) => step,
        },
    };
    if last < first {
        return Err(error(offset, format!("the range `{}` runs backwards", super::names::shown(item)), BRACKET));
    }
    let padded = |text: &str| text.len() > 1 && text.starts_with('0');
    if (padded(first_text) || padded(last_text)) && first_text.len() != last_text.len() {
        return Err(error(
            offset,
            format!("the ends of `{}` have different numbers of digits", super::names::shown(item)),
            "Where numbers are padded with zeros, both ends have the same number of digits: `n[001-100]`.",
        ));
    }
    let width = if padded(first_text) { first_text.len() } else { 0 };
    Ok(Range { first, last, step, width })
}

fn parse_number(offset: usize, text: &str) -> Result<(u64, &str), SyntaxError> {
    let offset = offset + text.len() - text.trim_start().len();
    let text = text.trim();
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        return Err(error(offset + at, format!("{} in place of a number", super::names::character(c)), BRACKET));
    }
    if text.is_empty() {
        return Err(error(offset, "a number is missing", BRACKET));
    }
    if text.len() > MAX_DIGITS {
        return Err(error(offset, format!("a number of {} digits", text.len()), "A number has at most 18 digits."));
    }
    match text.parse() {
        Ok(number) => Ok((number, text)),
        Err(_) => Err(error(offset, "a number that is too large", BRACKET)),
    }
}

#[cfg(test)]
mod tests;

//! Keys, values and comments in columns.

use unicode_width::UnicodeWidthStr;

/// `key = value  # comment (choices)`; a value of several lines has its comment above it.
pub(super) struct Row {
    pub key: String,
    pub value: String,
    pub comment: String,
    /// The words that the key takes, or nothing.
    pub choices: String,
}

/// The last column of a line.
const WIDTH: usize = 100;
/// Longer keys and values do not push the comments of the other lines to the right.
const WIDEST_KEY: usize = 24;
const WIDEST_LEFT: usize = 56;

/// The rows with their `=` and, where they fit, their `#` below each other; a comment that fits nowhere beside its line
/// stands above it.
pub(super) fn render(rows: &[Row]) -> String {
    let key_width = rows.iter().map(|row| row.key.width()).filter(|width| *width <= WIDEST_KEY).max().unwrap_or(0);
    let left =
        |row: &Row| format!("{}{} = {}", row.key, " ".repeat(key_width.saturating_sub(row.key.width())), row.value);
    let lefts: Vec<String> = rows.iter().map(left).collect();
    let column = lefts.iter().map(|left| left.width()).filter(|width| *width <= WIDEST_LEFT).max().unwrap_or(0);
    let mut text = String::new();
    for (row, left) in rows.iter().zip(lefts) {
        let comment = clean(&row.comment);
        let both = if row.choices.is_empty() { comment.clone() } else { format!("{comment} ({})", row.choices) };
        text += &match (beside(&left, &both, column), beside(&left, &row.choices, column)) {
            (Some(line), _) => line,
            (None, Some(line)) => wrapped(&comment) + &line,
            (None, None) => format!("{}{left}\n", wrapped(&comment)),
        };
    }
    text
}

/// The line with the comment in the column of the others, or else two blanks behind the value, if it fits there.
fn beside(left: &str, comment: &str, column: usize) -> Option<String> {
    if comment.is_empty() {
        return Some(format!("{left}\n"));
    }
    let wanted = column.saturating_sub(left.width());
    let room = WIDTH.checked_sub(left.width() + 4 + comment.width())?;
    if left.contains('\n') {
        return None;
    }
    Some(format!("{left}{}  # {comment}\n", " ".repeat(if wanted <= room { wanted } else { 0 })))
}

/// A TOML list: on one line where it fits, else one entry to a line.
pub(super) fn list(entries: &[String]) -> String {
    let line = format!("[{}]", entries.join(", "));
    // The longest key before a list is `requirements = `.
    if line.width() + 16 <= WIDTH { line } else { format!("[\n    {},\n]", entries.join(",\n    ")) }
}

/// One line without anything that TOML forbids in a comment.
fn clean(comment: &str) -> String {
    let printable: String = comment.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Comment lines of at most [`WIDTH`] columns.
fn wrapped(comment: &str) -> String {
    let mut text = String::new();
    let mut line = "#".to_owned();
    for word in comment.split(' ') {
        if line.width() + 1 + word.width() > WIDTH && line != "#" {
            text += &format!("{line}\n");
            line = "#".to_owned();
        }
        line += &format!(" {word}");
    }
    format!("{text}{line}\n")
}

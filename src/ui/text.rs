//! Pure functions on lines of text: how wide they are, where they break, what of them may reach a terminal.

use anstream::adapter::strip_str;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that `text` takes on a terminal; escape codes take none.
pub fn width(text: &str) -> usize {
    strip_str(text).to_string().width()
}

/// `text` in at most `columns` columns; where something was cut off, the last one is `…`. Takes no escape codes.
pub fn clip(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        clipped.push(c);
    }
    if columns > 0 {
        clipped.push('…');
    }
    clipped
}

/// Text from outside, made safe to show: escape sequences and bells are taken out, and other control characters, which
/// could move the cursor, stand as `\u{..}`. Line ends and tabs stay.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in strip_str(text).to_string().replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            c if c.is_control() => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Lines of at most `columns`, the first beginning with `prefix` and the following ones indented by its width.
/// A line of `text` that begins with a space or tab is a snippet and stays whole; so does `a command in backticks`.
pub fn wrap(prefix: &str, text: &str, columns: usize) -> Vec<String> {
    let indent = " ".repeat(width(prefix));
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split('\n') {
        let start = if lines.is_empty() { prefix } else { &indent };
        if paragraph.starts_with([' ', '\t']) || width(paragraph) + indent.len() <= columns {
            lines.push(format!("{start}{paragraph}").trim_end().to_owned());
            continue;
        }
        let mut line = start.to_owned();
        let mut used = 0;
        for word in words(paragraph) {
            let wide = width(word);
            if used > 0 && indent.len() + used + 1 + wide > columns {
                lines.push(std::mem::replace(&mut line, indent.clone()));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += wide;
        }
        lines.push(line);
    }
    lines
}

/// Splits at spaces, but not inside backticks: a command that is to be copied stays on one line.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '`';
        c == ' ' && !quoted
    })
    .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_by_columns_and_not_by_bytes() {
        assert_eq!(clip("señal", 5), "señal");
        assert_eq!(clip("señales", 5), "seña…");
        assert_eq!(clip("日本語テキスト", 6), "日本…");
        assert_eq!(clip("abc", 1), "…");
        assert_eq!(clip("abc", 0), "");
    }

    #[test]
    fn what_comes_from_outside_cannot_steer_the_terminal() {
        assert_eq!(visible("\x1b[31mred\x1b[0m\tand\u{7}\r\nmore\rx\u{9b}2J"), "red\tand\nmore\\u{d}x\\u{9b}2J");
        assert_eq!(visible("\x1b]0;title\x07text"), "text");
    }

    #[test]
    fn wraps_words_and_keeps_commands_and_snippets_whole() {
        let text = "The node did not answer; look at it by `ssh -o ConnectTimeout=5 mpi@client1 true` first.\n  3 | a line of a file that is longer than thirty columns";
        insta::assert_snapshot!(wrap("hint: ", text, 30).join("\n"), @r"
        hint: The node did not answer;
              look at it by
              `ssh -o ConnectTimeout=5 mpi@client1 true`
              first.
                3 | a line of a file that is longer than thirty columns
        ");
    }

    #[test]
    fn escape_codes_take_no_columns() {
        assert_eq!(width("\x1b[1mab\x1b[0m"), 2);
        assert_eq!(wrap("\x1b[1m! \x1b[0m", "aa bb", 5), ["\x1b[1m! \x1b[0maa", "  bb"]);
    }
}

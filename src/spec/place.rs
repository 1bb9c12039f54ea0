//! Errors that point into a text: file, line and column, the line itself, and a caret under what is meant.

use std::ops::Range;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::error::Error;

/// A text and the name under which messages speak of it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    /// An error of wrong use about the bytes `span` of the text. Its first reason is the line with a caret.
    pub fn error(&self, span: Range<usize>, message: impl AsRef<str>) -> Error {
        let (line, column) = self.position(span.start);
        Error::usage(format!("{}:{line}:{column}: {}", self.name, message.as_ref())).because(self.snippet(span))
    }

    /// Line and column of a byte, both counted from 1, the column in characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let start = self.line_start(offset);
        let line = self.text[..start].bytes().filter(|b| *b == b'\n').count() + 1;
        (line, self.text[start..self.boundary(offset)].chars().count() + 1)
    }

    /// The line of `span` with its number, and below it a caret for every column of the span in that line.
    fn snippet(&self, span: Range<usize>) -> String {
        let (number, column) = self.position(span.start);
        let start = self.line_start(span.start);
        let line = self.text[start..].split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let line_end = start + line.len();
        let (from, to) = (self.boundary(span.start).min(line_end), self.boundary(span.end).min(line_end));
        let marked = self.text.get(from..to).unwrap_or_default().chars().count();

        // A line may hold thousands of values: what is shown is the part around the caret.
        let chars: Vec<char> = line.chars().map(visible).collect();
        let caret = (column - 1).min(chars.len());
        let first = if chars.len() > WINDOW { caret.saturating_sub(WINDOW / 3) } else { 0 };
        let last = chars.len().min(first + WINDOW);
        let (cut_left, cut_right) = (if first > 0 { "…" } else { "" }, if last < chars.len() { "…" } else { "" });
        let width = |part: &[char]| part.iter().map(|c| c.width().unwrap_or(0)).sum::<usize>();

        let text: String = chars[first..last].iter().collect();
        let blanks = " ".repeat(cut_left.width() + width(&chars[first..caret]));
        let carets = "^".repeat(width(&chars[caret..(caret + marked).min(last)]).max(1));
        let gutter = " ".repeat(number.to_string().len());
        format!("{number} | {cut_left}{text}{cut_right}\n{gutter} | {blanks}{carets}")
    }

    fn line_start(&self, offset: usize) -> usize {
        self.text[..self.boundary(offset)].rfind('\n').map_or(0, |at| at + 1)
    }

    /// `offset`, or the character boundary before it, within the text.
    fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// How many characters of a long line are shown.
const WINDOW: usize = 96;

/// A character of a file that is safe on a terminal and one column wide where it would act on the cursor.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, span: Range<usize>) -> String {
        let error = Source { name: "f", text }.error(span, "wrong");
        format!("{}\n{}", error.message(), error.reasons().join("\n"))
    }

    #[test]
    fn points_at_line_column_and_width() {
        insta::assert_snapshot!(shown("a = 1\nbb = 22\n", 11..13), @r"
        f:2:6: wrong
        2 | bb = 22
          |      ^^
        ");
        insta::assert_snapshot!(shown("", 0..0), @r"
        f:1:1: wrong
        1 | 
          | ^
        ");
        insta::assert_snapshot!(shown("a\n", 99..120), @r"
        f:2:1: wrong
        2 | 
          | ^
        ");
    }

    #[test]
    fn counts_characters_and_measures_columns() {
        // `日本` is two characters, each two columns wide; a tab counts as one.
        insta::assert_snapshot!(shown("\t日本 = x\r\n", 1..7), @r"
        f:1:2: wrong
        1 |  日本 = x
          |  ^^^^
        ");
        // A span that begins inside a character and ends on the next line.
        insta::assert_snapshot!(shown("ñ = [\n1]", 1..8), @r"
        f:1:1: wrong
        1 | ñ = [
          | ^^^^^
        ");
    }

    #[test]
    fn shows_the_part_of_a_long_line_that_matters() {
        let text = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        insta::assert_snapshot!(shown(&text, 500..504), @r"
        f:1:501: wrong
        1 | …aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaHEREbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…
          |                                  ^^^^
        ");
    }

    #[test]
    fn never_lets_a_file_act_on_the_terminal() {
        assert!(!shown("a = \u{1b}[2J", 4..5).contains('\u{1b}'));
    }
}

//! Aligned tables that fit the screen.

use anstyle::Style;

use super::{clip, paint, style, text, visible};

/// Between two columns.
const GAP: usize = 2;
/// No column is cut below this.
const NARROWEST: usize = 6;

/// A table with a header. Control characters in cells are shown, not sent.
pub struct Table {
    header: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<Cell>>,
}

/// One cell; made from text, with or without a style.
pub struct Cell {
    text: String,
    style: Option<Style>,
}

impl Cell {
    pub fn styled(style: Style, text: impl Into<String>) -> Self {
        Self { style: Some(style), ..Self::from(text.into()) }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text: visible(&text).replace(['\n', '\t'], " "), style: None }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl Table {
    /// A table with these column heads; it has as many columns as there are heads.
    pub fn new(header: &[&str]) -> Self {
        let header: Vec<String> = header.iter().map(|&head| head.to_owned()).collect();
        Self { right: vec![false; header.len()], header, rows: Vec::new() }
    }

    /// Aligns a column (counted from 0) to the right, as numbers are.
    #[must_use]
    pub fn right(mut self, column: usize) -> Self {
        if let Some(right) = self.right.get_mut(column) {
            *right = true;
        }
        self
    }

    /// Adds a row. Cells that are missing at its end are empty; cells beyond the last column are left out.
    pub fn row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let mut row: Vec<Cell> = cells.into_iter().map(Into::into).collect();
        row.resize_with(self.header.len(), || Cell::from(""));
        self.rows.push(row);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines of the table, none wider than `columns` as long as every column keeps six. The widest columns give
    /// way first; what is cut ends in `…`.
    pub fn lines(&self, columns: usize) -> Vec<String> {
        let widths = self.widths(columns);
        let head = self.header.iter().map(|head| (head.as_str(), Some(style::HEADING)));
        let mut lines = vec![self.line(head, &widths)];
        for row in &self.rows {
            lines.push(self.line(row.iter().map(|cell| (cell.text.as_str(), cell.style)), &widths));
        }
        lines
    }

    fn widths(&self, columns: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.header.iter().map(|head| text::width(head)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(text::width(&cell.text));
            }
        }
        let gaps = GAP * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > columns {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }

    fn line<'a>(&self, cells: impl Iterator<Item = (&'a str, Option<Style>)>, widths: &[usize]) -> String {
        let mut line = String::new();
        let mut owed = 0;
        for (column, ((text, style), &width)) in cells.zip(widths).enumerate() {
            let text = clip(text, width);
            let free = width.saturating_sub(text::width(&text));
            let before = if self.right[column] { free } else { 0 };
            // Spaces are only written before text, so that no line ends in them.
            owed += before;
            if !text.is_empty() {
                line.push_str(&" ".repeat(owed));
                line.push_str(&style.map_or_else(|| text.clone(), |style| paint(style, &text)));
                owed = 0;
            } else {
                owed += width - free;
            }
            owed += free - before + GAP;
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(table: &Table, columns: usize) -> String {
        anstream::adapter::strip_str(&table.lines(columns).join("\n")).to_string()
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let mut table = Table::new(&["node", "cores", "system"]).right(1);
        table.row(["master", "16", "Debian GNU/Linux 12"]);
        table.row([Cell::from("señal"), Cell::styled(style::BAD, "4"), Cell::from("日本語")]);
        table.row(["client1", "", "x"]);
        table.row(["client2"]);
        insta::assert_snapshot!(shown(&table, 80), @r"
        node     cores  system
        master      16  Debian GNU/Linux 12
        señal        4  日本語
        client1         x
        client2
        ");
    }

    #[test]
    fn the_widest_column_gives_way() {
        let mut table = Table::new(&["node", "finding"]);
        table.row(["client1", "The shared folder is not mounted there, and nothing listens at port 2049"]);
        insta::assert_snapshot!(shown(&table, 40), @r"
        node     finding
        client1  The shared folder is not mount…
        ");
        assert!(shown(&table, 40).lines().all(|line| text::width(line) <= 40));
        assert_eq!(shown(&table, 3).lines().count(), 2, "a screen that is too narrow still shows something");
    }
}

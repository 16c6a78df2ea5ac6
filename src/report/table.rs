//! Aligned tables, for `status`, `history` and the like.

use super::escape;
use super::style::{Style, Tone};
use super::text::{fill, line, width};

/// One cell: a text and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A cell in the colour of `tone`.
    #[must_use]
    pub fn new(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: line(text.as_ref()), tone }
    }

    /// A state, in the colour that its word has.
    #[must_use]
    pub fn state(word: &str) -> Self {
        Self::new(word, Tone::of_state(word))
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// A table with a header; cells are one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
    right: Vec<bool>,
}

impl Table {
    /// A table with these column heads.
    #[must_use]
    pub fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|h| line(h)).collect(), rows: Vec::new(), right: vec![false; header.len()] }
    }

    /// Aligns the column at this position (from 0) to the right, for numbers.
    #[must_use]
    pub fn right(mut self, column: usize) -> Self {
        if let Some(right) = self.right.get_mut(column) {
            *right = true;
        }
        self
    }

    /// Adds a row. Cells that are missing are empty, cells beyond the header are left out.
    pub fn row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) -> &mut Self {
        let mut cells: Vec<Cell> = cells.into_iter().map(Into::into).collect();
        cells.resize(self.header.len(), Cell::from(""));
        self.rows.push(cells);
        self
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table with aligned columns, two spaces between them, no space at line ends.
    #[must_use]
    pub fn plain(&self, style: Style) -> String {
        let mut columns: Vec<usize> = self.header.iter().map(|h| width(h)).collect();
        for row in &self.rows {
            for (column, cell) in columns.iter_mut().zip(row) {
                *column = (*column).max(width(&cell.text));
            }
        }
        let mut out = String::new();
        self.line(&mut out, &columns, style, self.header.iter().map(|h| (h.as_str(), Tone::Strong)));
        for row in &self.rows {
            self.line(&mut out, &columns, style, row.iter().map(|c| (c.text.as_str(), c.tone)));
        }
        out
    }

    fn line<'a>(
        &self,
        out: &mut String,
        columns: &[usize],
        style: Style,
        cells: impl Iterator<Item = (&'a str, Tone)>,
    ) {
        // spaces are held back until something follows them
        let mut gap = String::new();
        for (i, (text, tone)) in cells.enumerate() {
            let room = fill(text, columns[i]);
            if self.right[i] {
                gap.push_str(&room);
            }
            if !text.is_empty() {
                out.push_str(&gap);
                out.push_str(&style.paint(tone, text));
                gap.clear();
            }
            if !self.right[i] {
                gap.push_str(&room);
            }
            gap.push_str("  ");
        }
        out.push('\n');
    }

    /// The table in GitHub's Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        self.markdown_head(usize::MAX)
    }

    /// The first rows in Markdown; how many are missing is said below.
    pub(super) fn markdown_head(&self, rows: usize) -> String {
        let mut out = String::new();
        let line = |out: &mut String, cells: Vec<String>| {
            out.push_str(&format!("| {} |\n", cells.join(" | ")));
        };
        line(&mut out, self.header.iter().map(|h| escape::markdown(h)).collect());
        line(&mut out, self.right.iter().map(|r| if *r { "---:" } else { "---" }.to_owned()).collect());
        for row in self.rows.iter().take(rows) {
            line(&mut out, row.iter().map(|c| escape::markdown(&c.text)).collect());
        }
        if self.rows.len() > rows {
            out.push_str(&format!("\n… and {} more\n", self.rows.len() - rows));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(&["ID", "STATE", "MS"]).right(2);
        table.row(["001-日本", "applied", "7"]).row(["x|y", "pending\nnow"]).row(["a", "b", "1200", "beyond"]);
        table
    }

    #[test]
    fn columns_are_aligned_by_width() {
        assert_eq!(
            sample().plain(Style::PLAIN),
            "ID        STATE          MS\n001-日本  applied         7\nx|y       pending now\na         b            1200\n"
        );
    }

    #[test]
    fn markdown_cells_stay_cells() {
        assert_eq!(
            sample().markdown(),
            "| ID | STATE | MS |\n| --- | --- | ---: |\n| 001-日本 | applied | 7 |\n\
             | x\\|y | pending now |  |\n| a | b | 1200 |\n"
        );
    }

    #[test]
    fn colours_do_not_move_columns() {
        let mut table = Table::new(&["A", "B"]);
        table.row([Cell::state("failed"), Cell::from("x")]);
        assert!(table.plain(Style::COLOR).contains("failed\u{1b}[0m  x"));
        assert!(!table.is_empty());
    }
}

//! Aligned tables, for `status`, `history` and the like.

use super::escape;
use super::lines::{Line, Text};
use super::style::Tone;
use crate::base::text::{clip, fill, fold, line, width};

/// The last column is not made narrower than this: before, others are left out.
const NARROW: usize = 24;

/// What stands below a row is indented by this many columns.
const MARGIN: usize = 4;

/// One cell: a text and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
    short: bool,
}

impl Cell {
    /// A cell in the colour of `tone`.
    #[must_use]
    pub fn new(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: line(text.as_ref()), tone, short: false }
    }

    /// A state, in the colour that its word has.
    #[must_use]
    pub fn state(word: &str) -> Self {
        Self::new(word, Tone::of_state(word))
    }

    /// The same, cut off where the last column of a narrow terminal has no room for it; others go on
    /// in further lines.
    #[must_use]
    pub fn short(mut self) -> Self {
        self.short = true;
        self
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
    dispensable: Vec<usize>,
}

impl Table {
    /// A table with these column heads.
    #[must_use]
    pub fn new(header: &[&str]) -> Self {
        let right = vec![false; header.len()];
        Self { header: header.iter().map(|h| line(h)).collect(), rows: Vec::new(), right, dispensable: Vec::new() }
    }

    /// Aligns the column at this position (from 0) to the right, for numbers.
    #[must_use]
    pub fn right(mut self, column: usize) -> Self {
        if let Some(right) = self.right.get_mut(column) {
            *right = true;
        }
        self
    }

    /// Leaves these columns out, the first of them first, where a terminal is too narrow.
    #[must_use]
    pub fn dispensable(mut self, columns: &[usize]) -> Self {
        self.dispensable = columns.to_vec();
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

    /// The table with aligned columns, two spaces between them, no space at line ends. Where a
    /// terminal has `limit` columns the last column goes on in further lines; where even that has no
    /// room, dispensable columns are left out, and then the last ones stand below the others, each in
    /// lines of its own behind its head.
    #[must_use]
    pub fn text(&self, limit: Option<usize>) -> Text {
        let shown = self.fitting(limit);
        let mut out = Text::new();
        let head = self.header.iter().map(|h| Cell::new(h, Tone::Strong).short()).collect::<Vec<_>>();
        self.lines(&mut out, &shown, &head, true);
        for row in &self.rows {
            self.lines(&mut out, &shown, row, false);
        }
        out
    }

    /// The columns that are shown, and how wide they are.
    fn fitting(&self, limit: Option<usize>) -> Fitting {
        let widths: Vec<usize> = (0..self.header.len())
            .map(|i| self.rows.iter().map(|row| width(&row[i].text)).max().unwrap_or(0).max(width(&self.header[i])))
            .collect();
        let mut columns: Vec<usize> = (0..widths.len()).collect();
        let Some((limit, last)) = limit.zip(columns.last().copied()) else {
            return Fitting { columns, widths, last: None, below: Vec::new() };
        };
        let mut dispensable = self.dispensable.iter();
        loop {
            let before: usize = columns.iter().filter(|c| **c != last).map(|c| widths[*c] + 2).sum();
            let room = limit.saturating_sub(before);
            if room >= widths[last] {
                return Fitting { columns, widths, last: None, below: Vec::new() };
            }
            if room >= NARROW {
                return Fitting { columns, widths, last: Some((before, room)), below: Vec::new() };
            }
            let Some(next) = dispensable.next() else { break };
            columns.retain(|c| c != next);
        }
        let mut at = columns.len() - 1;
        while at > 1 && columns[..at].iter().map(|c| widths[*c] + 2).sum::<usize>() > limit + 2 {
            at -= 1;
        }
        let below = columns.split_off(at.max(1));
        let room = limit.saturating_sub(MARGIN).max(1);
        Fitting { columns, widths, last: Some((MARGIN, room)), below }
    }

    fn lines(&self, out: &mut Text, shown: &Fitting, cells: &[Cell], head: bool) {
        let last = cells.len().saturating_sub(1);
        let (mut text, mut more) = (Line::new().whole(), Vec::new());
        // spaces are held back until something follows them
        let mut gap = String::new();
        for &i in &shown.columns {
            let mut words = cells[i].text.clone();
            if let (true, Some((_, room))) = (i == last, shown.last) {
                more = parts(&cells[i], room);
                words = if more.is_empty() { String::new() } else { more.remove(0) };
            }
            let room = fill(&words, if i == last && shown.last.is_some() { 0 } else { shown.widths[i] });
            if self.right[i] {
                gap.push_str(&room);
            }
            if !words.is_empty() {
                text = text.plain(&gap).paint(cells[i].tone, &words);
                gap.clear();
            }
            if !self.right[i] {
                gap.push_str(&room);
            }
            gap.push_str("  ");
        }
        out.line(text);
        let (margin, room) = shown.last.unwrap_or_default();
        let mut line = |tone, part: String| out.line(Line::from(" ".repeat(margin)).paint(tone, part).whole());
        more.into_iter().for_each(|part| line(cells[last].tone, part));
        for &i in shown.below.iter().filter(|i| !head && !cells[**i].text.is_empty()) {
            let text = format!("{}: {}", self.header[i].to_lowercase(), cells[i].text);
            let cell = Cell { text, ..cells[i].clone() };
            parts(&cell, room).into_iter().for_each(|part| line(cell.tone, part));
        }
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

/// The columns of a table on a terminal.
struct Fitting {
    columns: Vec<usize>,
    widths: Vec<usize>,
    /// Where the last column begins and how wide it is, when it does not fit.
    last: Option<(usize, usize)>,
    /// Columns that stand below the others.
    below: Vec<usize>,
}

/// The lines of a cell that has this room.
fn parts(cell: &Cell, room: usize) -> Vec<String> {
    if cell.short { vec![clip(&cell.text, room).into_owned()] } else { fold(&cell.text, room) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::Style;

    fn sample() -> Table {
        let mut table = Table::new(&["ID", "STATE", "MS"]).right(2);
        table.row(["001-日本", "applied", "7"]).row(["x|y", "pending\nnow"]).row(["a", "b", "1200", "beyond"]);
        table
    }

    #[test]
    fn columns_are_aligned_by_width() {
        assert_eq!(
            sample().text(None).write(Style::PLAIN, None),
            "ID        STATE          MS\n001-日本  applied         7\nx|y       pending now\na         b            1200\n"
        );
    }

    #[test]
    fn a_narrow_terminal_has_the_last_column_in_lines() {
        let mut table = Table::new(&["ID", "MS", "NOTE"]).dispensable(&[1]);
        table.row([
            Cell::from("a"),
            Cell::from("12345678901234567890"),
            Cell::from("one two three four five six seven"),
        ]);
        table.row([Cell::from("b"), Cell::from("1"), Cell::from("eight nine ten eleven twelve thirteen").short()]);
        let at = |limit| table.text(Some(limit)).write(Style::PLAIN, Some(limit));
        assert_eq!(
            at(50),
            "ID  MS                    NOTE\n\
             a   12345678901234567890  one two three four five\n                          six seven\n\
             b   1                     eight nine ten eleven t…\n"
        );
        assert_eq!(at(30), "ID  NOTE\na   one two three four five\n    six seven\nb   eight nine ten eleven twe…\n");
        assert_eq!(at(20), "ID\na\n    note: one two\n    three four five\n    six seven\nb\n    note: eight nin…\n");
        assert_eq!(table.text(Some(200)), table.text(None));
        // what has no room beside the others either
        let mut table = Table::new(&["ID", "WHAT", "SIZE", "UNTIL"]);
        table.row(["1", "column app.users.email", "12 kB", "2027-02-19"]);
        table.row(["2", "rows of app.t", "", "no limit"]);
        assert_eq!(
            table.text(Some(30)).write(Style::PLAIN, Some(30)),
            "ID  WHAT\n1   column app.users.email\n    size: 12 kB\n    until: 2027-02-19\n\
             2   rows of app.t\n    until: no limit\n"
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
        assert!(table.text(None).write(Style::COLOR, None).contains("failed\u{1b}[0m  x"));
        assert!(!table.is_empty());
    }
}

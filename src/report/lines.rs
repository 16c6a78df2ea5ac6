//! Text for a terminal: lines, and lines are pieces. What is put into a piece is harmless and stays on
//! its line, whoever wrote it; colours are those of [`Tone`] alone, and no other text can have them.

use super::style::{Style, Tone};
use crate::base::text::{columns, one_line, printable, width};
use std::fmt::Display;

/// A line in the making.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    pieces: Vec<(Tone, String)>,
    /// Where it goes on when it is too long, in columns; `None`: two columns after its beginning.
    hang: Option<usize>,
    /// Whether it is never broken: SQL, pictures.
    whole: bool,
}

impl Line {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text.
    #[must_use]
    pub fn plain(self, text: impl Display) -> Self {
        self.paint(Tone::Plain, text)
    }

    /// Adds text in the colour of `tone`.
    #[must_use]
    pub fn paint(mut self, tone: Tone, text: impl Display) -> Self {
        let text = one_line(&text.to_string());
        if !text.is_empty() {
            self.pieces.push((tone, text));
        }
        self
    }

    /// Adds another line's text behind its own.
    #[must_use]
    pub fn join(mut self, other: Line) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// Goes on in this column where it has to be broken.
    #[must_use]
    pub fn hang(mut self, column: usize) -> Self {
        self.hang = Some(column);
        self
    }

    /// Is never broken.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// How many columns it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| width(text)).sum()
    }

    /// The line as it is written, without its end; broken between words where it is longer than
    /// `limit` columns.
    #[must_use]
    pub fn write(&self, style: Style, limit: Option<usize>) -> String {
        let mut out = String::new();
        let chars: Vec<(char, Tone)> =
            self.pieces.iter().flat_map(|(tone, text)| text.chars().map(|c| (c, *tone))).collect();
        let margin = chars.iter().take_while(|(c, _)| *c == ' ').count();
        let limit = limit.filter(|_| !self.whole).unwrap_or(usize::MAX);
        // what is left of a narrow terminal must be enough for words
        let hang = self.hang.unwrap_or(margin + 2).min(limit / 2);
        let keep = kept_together(&chars, limit.saturating_sub(hang));
        let (mut start, mut room) = (0, limit);
        while start < chars.len() {
            let end = broken(&chars, &keep, start.max(margin), start, room);
            let line = &chars[start..end];
            let shown = line.iter().rposition(|(c, _)| *c != ' ').map_or(0, |last| last + 1);
            for run in line[..shown].chunk_by(|a, b| a.1 == b.1) {
                let text: String = run.iter().map(|(c, _)| *c).collect();
                out.push_str(&style.paint(run[0].1, &text));
            }
            start = end + chars[end..].iter().take_while(|(c, _)| *c == ' ').count();
            if start < chars.len() {
                out.push('\n');
                out.push_str(&" ".repeat(hang));
                room = limit - hang;
            }
        }
        out
    }
}

/// Where the line that begins at `start` ends; no break stands before `from`.
fn broken(chars: &[(char, Tone)], keep: &[bool], from: usize, start: usize, room: usize) -> usize {
    let mut used = 0;
    let mut last = None;
    for (i, (c, _)) in chars.iter().enumerate().skip(start) {
        let gap = *c == ' ' && !keep[i] && i >= from;
        if gap {
            last = Some(i);
        }
        used += columns(*c);
        // a word that is too long is longer than the line: it is not torn
        if used > room
            && let Some(end) = last
        {
            return end;
        }
    }
    chars.len()
}

/// Spaces at which no line ends: those in a command or name between backticks that fits on a line.
fn kept_together(chars: &[(char, Tone)], most: usize) -> Vec<bool> {
    let mut keep = vec![false; chars.len()];
    let mut open: Option<usize> = None;
    for (i, (c, _)) in chars.iter().enumerate() {
        if *c != '`' {
            continue;
        }
        match open.take() {
            None => open = Some(i),
            Some(first) if i - first <= most => keep[first..i].fill(true),
            Some(_) => {}
        }
    }
    keep
}

impl<T: Display> From<T> for Line {
    fn from(text: T) -> Self {
        Self::new().plain(text)
    }
}

/// Lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    lines: Vec<Line>,
}

impl Text {
    /// No line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line.
    pub fn line(&mut self, line: impl Into<Line>) {
        self.lines.push(line.into());
    }

    /// Adds an empty line.
    pub fn gap(&mut self) {
        self.lines.push(Line::new());
    }

    /// Adds text that may have several lines, such as SQL, each with `margin` in front and as long as
    /// it is. Empty lines stay; those at the end are left out.
    pub fn block(&mut self, margin: &str, text: &str) {
        for line in printable(text).trim_end().lines() {
            self.lines.push(Line::new().plain(format!("{margin}{}", line.replace('\t', "    "))).whole());
        }
    }

    /// Adds SQL: the same in its colour.
    pub fn sql(&mut self, margin: &str, sql: &str) {
        for line in printable(sql).trim_end().lines() {
            let line = line.replace('\t', "    ");
            self.lines.push(Line::from(margin).paint(Tone::Next, line.trim_end()).whole());
        }
    }

    /// Adds what a message says behind `head`; its further lines begin below, two columns in.
    pub fn message(&mut self, head: Line, text: &str) {
        let text = printable(text);
        let mut lines = text.trim_end().lines();
        self.line(head.plain(lines.next().unwrap_or_default()));
        for line in lines {
            self.line(format!("  {line}"));
        }
    }

    /// Adds the lines of another text.
    pub fn append(&mut self, other: Text) {
        self.lines.extend(other.lines);
    }

    /// Its lines with `margin` in front of each.
    #[must_use]
    pub fn indented(mut self, margin: &str) -> Self {
        for line in &mut self.lines {
            line.pieces.insert(0, (Tone::Plain, margin.to_owned()));
        }
        self
    }

    /// How many lines it has, before any is broken.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// Whether it has no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The text as it is written, each line with its end; lines are broken between words where they
    /// are longer than `limit` columns.
    #[must_use]
    pub fn write(&self, style: Style, limit: Option<usize>) -> String {
        self.lines.iter().map(|line| line.write(style, limit) + "\n").collect()
    }
}

impl<T: Into<Line>> From<T> for Text {
    fn from(line: T) -> Self {
        Self { lines: vec![line.into()] }
    }
}

/// What a report comes as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rendered {
    /// For people.
    Text(Text),
    /// The text of a file in some format: HTML, JSON, SVG.
    Document(String),
}

impl Rendered {
    /// As it is in a file: without colours, and no line broken.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Rendered::Text(text) => text.write(Style::PLAIN, None),
            Rendered::Document(text) => text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(limit: usize, line: &Line) -> Vec<String> {
        line.write(Style::PLAIN, Some(limit)).lines().map(str::to_owned).collect()
    }

    #[test]
    fn foreign_text_has_neither_colours_nor_lines() {
        let line = Line::from("by x\nsigned\u{1b}[31m\u{202e}\r\n").paint(Tone::Bad, "a\u{1b}[0mb\u{2028}");
        assert_eq!(line.write(Style::PLAIN, None), "by x␊signed␛[31m�␊a␛[0mb�");
        assert_eq!(line.write(Style::COLOR, None), "by x␊signed␛[31m�␊\u{1b}[1m\u{1b}[31ma␛[0mb�\u{1b}[0m");
        let mut text = Text::new();
        text.block("  ", "a\n\n\tb\u{7}\r\n\n");
        text.message(Line::from("error: "), "one\ntwo\u{9b}");
        assert_eq!(text.write(Style::PLAIN, Some(8)), "  a\n\n      b␇\nerror:\n  one\n  two�\n");
    }

    #[test]
    fn lines_end_between_words() {
        let line = Line::from("    one two three").paint(Tone::Good, " four five");
        assert_eq!(at(80, &line), ["    one two three four five"]);
        assert_eq!(at(16, &line), ["    one two", "      three four", "      five"]);
        assert_eq!(at(16, &line.clone().hang(0)), ["    one two", "three four five"]);
        assert_eq!(at(16, &line.clone().whole()).len(), 1);
        // colours do not count, and end at the line's end
        assert_eq!(
            Line::new().paint(Tone::Good, "aa bb").write(Style::COLOR, Some(3)),
            "\u{1b}[32maa\u{1b}[0m\n \u{1b}[32mbb\u{1b}[0m"
        );
    }

    #[test]
    fn commands_and_long_words_stay_whole() {
        assert_eq!(at(20, &Line::from("run this: `dagmar plan`")), ["run this:", "  `dagmar plan`"]);
        assert_eq!(at(12, &Line::from("`one two three four five`")), ["`one two", "  three four", "  five`"]);
        assert_eq!(at(8, &Line::from("a aaaaaaaaaaaa b")), ["a", "  aaaaaaaaaaaa", "  b"]);
        assert_eq!(at(5, &Line::from("日本語 日本")), ["日本語", "  日本"]);
    }
}

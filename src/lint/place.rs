//! From a statement's bytes back to the files.

use super::subject::{At, is_raw};
use crate::base::{FileId, Lines, Place};
use crate::plan::{Rollback, Segment, Statement, Step};
use crate::source::{Changeset, RollbackSource, SourceFile, SourceSet};
use crate::sql;
use std::ops::Range;

/// Where a finding is in the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// The file.
    pub file: FileId,
    /// The bytes.
    pub bytes: Range<usize>,
    /// The line, from 1.
    pub line: usize,
    /// The line on which its statement begins.
    pub begins: usize,
}

impl Spot {
    /// The place of the finding.
    pub fn place(&self) -> Place {
        Place::bytes(self.file, self.bytes.clone())
    }
}

/// Looks up where the findings of a changeset are; its step has origins.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    changeset: &'a Changeset,
    step: &'a Step,
    sources: &'a SourceSet,
    forward: Vec<&'a Statement>,
    back: Vec<&'a Statement>,
    /// The lines of the statement that was asked for last, by direction and number.
    lines: Option<(bool, usize, Lines)>,
}

impl<'a> Finder<'a> {
    /// For the findings of this changeset.
    pub fn new(changeset: &'a Changeset, step: &'a Step, sources: &'a SourceSet) -> Self {
        let statements = |list: &'a [Segment]| list.iter().flat_map(|segment| &segment.statements).collect();
        let back = match &step.rollback {
            Rollback::Segments { segments, .. } => statements(segments),
            Rollback::Irreversible { .. } => Vec::new(),
        };
        Self { changeset, step, sources, forward: statements(&step.segments), back, lines: None }
    }

    /// Where a finding is.
    pub fn find(&mut self, at: &At) -> Option<Spot> {
        match at {
            At::Place(place) => self.of_place(place),
            At::Key(key) => {
                let found = self.of_place(&self.changeset.place.child(key).as_key());
                found.or_else(|| self.of_place(&self.changeset.place.child("id").as_key()))
            }
            At::Statement { back, number, bytes } => {
                let list = if *back { &self.back } else { &self.forward };
                let statement = list.get(*number).copied()?;
                match is_raw(&statement.kind) {
                    true => self.in_statement(statement, (*back, *number), bytes),
                    false => self.of_change(statement, *back),
                }
            }
        }
    }

    fn of_place(&self, place: &Place) -> Option<Spot> {
        let source = self.sources.get(place.file);
        let bytes = source.find(place)?;
        Some(spot(source, place.file, bytes, None))
    }

    fn of_change(&self, statement: &Statement, back: bool) -> Option<Spot> {
        let rollback = matches!(self.step.rollback, Rollback::Segments { derived: false, .. });
        let changes = match &self.changeset.rollback {
            RollbackSource::Changes(changes) if back && rollback => changes,
            _ => &self.changeset.changes,
        };
        let change = changes.get(statement.change)?;
        self.of_place(&change.place.child(change.change.kind()).as_key())
    }

    fn in_statement(&mut self, statement: &Statement, key: (bool, usize), bytes: &Range<usize>) -> Option<Spot> {
        let origin = statement.origin.as_ref()?;
        let (file, source) = match &origin.file {
            Some(path) => self.sources.named(path)?,
            None => (self.changeset.file, self.sources.get(self.changeset.file)),
        };
        let text = statement.sql.as_str();
        if self.lines.as_ref().is_none_or(|(back, number, _)| (*back, *number) != key) {
            self.lines = Some((key.0, key.1, Lines::of(text)));
        }
        let (.., lines) = self.lines.as_ref()?;
        let first = sql::first_word(text);
        // a statement without a range of its own: its first word
        let start = if bytes.is_empty() { first } else { bytes.start.max(first) };
        let place = |at: usize| text.is_char_boundary(at).then(|| byte_at(source, origin.at_byte(text, lines, at)));
        let from = place(start)?;
        let last = text.get(..bytes.end).and_then(|before| before.char_indices().last()).map_or(start, |(at, _)| at);
        let to = place(last.max(start))?;
        let begins = place(first)?;
        let line_end = source.lines().end(&source.text, source.lines().line(from));
        let line_end = from + source.text[from..line_end].trim_end().len();
        let end = if to > from { (to + 1).min(line_end) } else { word_end(&source.text, from, line_end) };
        Some(spot(source, file, from..end.max(from), Some(begins)))
    }
}

fn spot(source: &SourceFile, file: FileId, bytes: Range<usize>, begins: Option<usize>) -> Spot {
    let line = |at: usize| source.lines().line_column(&source.text, at).0;
    Spot {
        file,
        line: line(bytes.start),
        begins: line(begins.unwrap_or(bytes.start)),
        bytes: boundary(&source.text, bytes),
    }
}

/// The same bytes, between characters.
fn boundary(text: &str, mut bytes: Range<usize>) -> Range<usize> {
    while !text.is_char_boundary(bytes.end) {
        bytes.end += 1;
    }
    bytes
}

/// The byte at a line and column, which count from 1.
fn byte_at(source: &SourceFile, (line, column): (u32, u32)) -> usize {
    let (lines, text) = (source.lines(), source.text.as_str());
    let character = lines.before(text, lines.start(line as usize)) + (column as usize).saturating_sub(1);
    lines.byte(text, character).min(lines.end(text, line as usize))
}

/// The end of the word at a byte: of a key up to its colon.
fn word_end(text: &str, from: usize, line_end: usize) -> usize {
    let word = text[from..line_end].find(|c: char| c == ':' || c.is_whitespace());
    word.filter(|at| *at > 0).map_or(line_end, |at| from + at)
}

//! From a statement's bytes back to the files.

use super::subject::{At, is_raw};
use crate::base::{FileId, Place};
use crate::plan::{Rollback, Statement, Step};
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

/// The statement of this number, in its direction.
pub(super) fn statement(step: &Step, back: bool, number: usize) -> Option<&Statement> {
    let segments = match (&step.rollback, back) {
        (_, false) => &step.segments,
        (Rollback::Segments { segments, .. }, true) => segments,
        (Rollback::Irreversible { .. }, true) => return None,
    };
    segments.iter().flat_map(|segment| &segment.statements).nth(number)
}

/// Looks up where a finding is; its step has origins.
pub(super) fn find(at: &At, changeset: &Changeset, step: &Step, sources: &SourceSet) -> Option<Spot> {
    let of_place = |place: &Place| {
        let source = sources.get(place.file);
        let bytes = source.find(place)?;
        Some(spot(source, place.file, bytes, None))
    };
    match at {
        At::Place(place) => of_place(place),
        At::Key(key) => {
            let found = of_place(&changeset.place.child(key).as_key());
            found.or_else(|| of_place(&changeset.place.child("id").as_key()))
        }
        At::Statement { back, number, bytes } => {
            let statement = statement(step, *back, *number)?;
            if !is_raw(&statement.kind) {
                let rollback = matches!(step.rollback, Rollback::Segments { derived: false, .. });
                let changes = match &changeset.rollback {
                    RollbackSource::Changes(changes) if *back && rollback => changes,
                    _ => &changeset.changes,
                };
                let change = changes.get(statement.change)?;
                return of_place(&change.place.child(change.change.kind()).as_key());
            }
            let origin = statement.origin.as_ref()?;
            let (file, source) = match &origin.file {
                Some(path) => sources.named(path)?,
                None => (changeset.file, sources.get(changeset.file)),
            };
            let text = statement.sql.as_str();
            let first = sql::first_word(text);
            let character = |byte: usize| Some(text.get(..byte)?.chars().count() + 1);
            // a statement without a range of its own: its first word
            let start = if bytes.is_empty() { first } else { bytes.start.max(first) };
            let byte = |(line, column): (u32, u32)| byte_at(source, line as usize, column as usize);
            let from = byte(origin.at(text, character(start)))?;
            let last =
                text.get(..bytes.end).and_then(|before| before.char_indices().last()).map_or(start, |(at, _)| at);
            let to = byte(origin.at(text, character(last.max(start))))?;
            let begins = byte(origin.at(text, character(first)))?;
            let line_end = source.text[from..].find('\n').map_or(source.text.len(), |n| from + n);
            let line_end = from + source.text[from..line_end].trim_end().len();
            let end = if to > from { (to + 1).min(line_end) } else { word_end(&source.text, from, line_end) };
            Some(spot(source, file, from..end.max(from), Some(begins)))
        }
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
fn byte_at(source: &SourceFile, line: usize, column: usize) -> Option<usize> {
    let start = source.lines().start(line);
    let rest = source.text.get(start..)?.split('\n').next()?;
    let byte = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
    Some(start + byte)
}

/// The end of the word at a byte: of a key up to its colon.
fn word_end(text: &str, from: usize, line_end: usize) -> usize {
    let word = text[from..line_end].find(|c: char| c == ':' || c.is_whitespace());
    word.filter(|at| *at > 0).map_or(line_end, |at| from + at)
}

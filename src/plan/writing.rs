//! From the SQL of a change back to the files: which bytes are written where.

use super::origin::{Origin, Run};
use crate::base::{FileId, PathSeg, Place};
use crate::render::{Piece, PieceSource, Renderer, Section, Trace};
use crate::source::scalar::Map;
use crate::source::{Changeset, ParsedChange, SourceSet, Variables};
use crate::sql;
use serde_json::Value;
use std::ops::Range;

/// Bytes of a template's text between two values that are no place of their own.
const MOST_BETWEEN: usize = 40;

/// What leads from SQL back to the files.
#[derive(Debug, Clone, Copy)]
pub struct Writing<'a> {
    /// The files.
    pub sources: &'a SourceSet,
    /// What was filled in.
    pub variables: &'a Variables,
    /// What statements are to know of where they are written.
    pub origins: Origins,
}

/// What statements know of where they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origins {
    /// Nothing.
    None,
    /// Their change; of SQL that its author wrote every character.
    Changes,
    /// Of every statement each of its parts: it takes a second rendering.
    Parts,
}

/// A part of rendered SQL with its bytes in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bit {
    /// Its first byte in the SQL.
    at: usize,
    /// How many bytes of the SQL it is.
    len: usize,
    /// The file.
    file: FileId,
    /// Its bytes there.
    bytes: Range<usize>,
    /// Whether they are the same.
    same: bool,
    /// The parameter that it stands in.
    key: Option<String>,
}

/// Where some bytes of SQL are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The place.
    pub place: Place,
    /// The parameter of the change that they stand in; `None`: in its template.
    pub key: Option<String>,
}

impl Writing<'_> {
    /// The parts of a change's SQL that stand in files.
    #[must_use]
    pub fn bits(
        &self,
        renderer: &Renderer,
        changeset: &Changeset,
        change: &ParsedChange,
        section: Section,
        context: &Value,
        sql: &str,
    ) -> Vec<Bit> {
        let trace = renderer.trace(change.change.kind(), section, context).filter(|trace: &Trace| trace.sql == sql);
        let mut bits = Vec::new();
        for piece in trace.iter().flat_map(|trace| &trace.pieces) {
            match &piece.from {
                PieceSource::Template { template, first, before } => {
                    bits.extend(self.of_template(piece, template, *first, before, sql))
                }
                PieceSource::Value { path, text, same } => {
                    self.of_value(piece, path, text, *same, changeset, change, &mut bits)
                }
            }
        }
        bits
    }

    fn of_template(&self, piece: &Piece, template: &str, first: usize, before: &str, sql: &str) -> Vec<Bit> {
        let Some((file, source)) = self.sources.named(template) else { return Vec::new() };
        // line by line: the file's line ends may be others
        let mut bits = Vec::new();
        let mut line = first + before.matches('\n').count() + 1;
        let mut column = before.len() - before.rfind('\n').map_or(0, |n| n + 1);
        let mut at = piece.at;
        for part in sql[piece.at..piece.at + piece.len].split_inclusive('\n') {
            let start = source.lines().start(line) + column;
            let bytes = start.min(source.text.len())..(start + part.len()).min(source.text.len());
            bits.push(Bit { at, len: part.len(), file, bytes, same: true, key: None });
            (at, line, column) = (at + part.len(), line + 1, 0);
        }
        bits
    }

    #[allow(clippy::too_many_arguments)]
    fn of_value(
        &self,
        piece: &Piece,
        path: &[PathSeg],
        text: &str,
        same: Option<usize>,
        changeset: &Changeset,
        change: &ParsedChange,
        bits: &mut Vec<Bit>,
    ) {
        let key = match path.first() {
            Some(PathSeg::Key(key)) => key.clone(),
            _ => return,
        };
        let (file, raw, map) = match change.change.file_of(&key) {
            Some(file) => {
                let text = self.sources.get(file).text.as_str();
                (file, text, Map::whole(text))
            }
            None => {
                let mut place = change.place.child(change.change.kind());
                place.path.extend_from_slice(path);
                let source = self.sources.get(place.file);
                let written = source.spans().scalar(&place.path);
                let (Some(Value::String(raw)), Some((span, style))) = (changeset.written(&place), written) else {
                    if let Some(bytes) = source.find(&place) {
                        let bit =
                            Bit { at: piece.at, len: piece.len, file: place.file, bytes, same: false, key: Some(key) };
                        bits.push(bit);
                    }
                    return;
                };
                (place.file, raw.as_str(), Map::of(&source.text, span, style))
            }
        };
        let filled = self.variables.fill_known(raw);
        let within = same.and_then(|offset| filled.find(text).map(|start| start + offset));
        let Some(from) = within else {
            let bytes = map.range(&(0..raw.trim_end().len()));
            bits.push(Bit { at: piece.at, len: piece.len, file, bytes, same: false, key: Some(key) });
            return;
        };
        let to = from + piece.len;
        let parts = self.variables.map(raw);
        for (n, part) in parts.iter().enumerate() {
            let next = parts.get(n + 1);
            let end = next.map_or(filled.len(), |next| next.at);
            let (start, end) = (part.at.max(from), end.min(to));
            if start >= end {
                continue;
            }
            let at = piece.at + start - from;
            if !part.same {
                let bytes = map.range(&(part.from..next.map_or(raw.len(), |next| next.from)));
                bits.push(Bit { at, len: end - start, file, bytes, same: false, key: Some(key.clone()) });
                continue;
            }
            // bytes of the raw text, then those of the file
            let (first, last) = (part.from + start - part.at, part.from + end - part.at);
            let stretches = map.stretches();
            let begin = stretches.partition_point(|s| s.value <= first).max(1) - 1;
            for (n, stretch) in stretches.iter().enumerate().skip(begin) {
                let until = stretches.get(n + 1).map_or(usize::MAX, |next| next.value);
                let (low, high) = (stretch.value.max(first), until.min(last));
                if low >= high {
                    break;
                }
                let at = at + low - first;
                let same_until = (stretch.value + stretch.len).min(high);
                if same_until > low {
                    let start = stretch.file + low - stretch.value;
                    let bytes = start..start + same_until - low;
                    bits.push(Bit { at, len: same_until - low, file, bytes, same: true, key: Some(key.clone()) });
                }
                if high > same_until.max(low) {
                    let low = same_until.max(low);
                    let at = piece.at + start - from + low - first;
                    let bytes = map.range(&(low..low + 1));
                    bits.push(Bit { at, len: high - low, file, bytes, same: false, key: Some(key.clone()) });
                }
            }
        }
    }

    /// The origin of the statement that begins at `start` of the change's SQL. What comes from the
    /// template stands at the change itself.
    #[must_use]
    pub fn origin(&self, bits: &[Bit], change: &ParsedChange, start: usize, statement: &str) -> Origin {
        let end = start + statement.len();
        let first = bits.partition_point(|bit| bit.at + bit.len <= start);
        let inside = |bit: &&Bit| bit.at + bit.len > start && bit.key.is_some();
        let inside = || bits[first..].iter().take_while(|bit| bit.at < end).filter(inside);
        let file = inside().next().map_or(change.place.file, |bit| bit.file);
        let home = match file == change.place.file {
            true => self.of_place(&change.place.child(change.change.kind()).as_key()),
            false => (1, 1),
        };
        let source = self.sources.get(file);
        let mut runs = Runs { statement, ..Runs::default() };
        let mut at = start;
        for bit in inside().filter(|bit| bit.file == file) {
            // between two values stands little more than a comma
            let template = bit.at.saturating_sub(at);
            if template > 0 && (at == start || template > MOST_BETWEEN) {
                runs.fixed(at - start, home);
            }
            let skip = start.saturating_sub(bit.at);
            let place = source.lines().line_column(&source.text, bit.bytes.start + if bit.same { skip } else { 0 });
            let len = bit.len.min(end - bit.at) - skip;
            if bit.same {
                runs.same((bit.at + skip) - start, place, len);
            } else {
                runs.fixed((bit.at + skip) - start, place);
            }
            at = bit.at + bit.len;
        }
        if at == start || end.saturating_sub(at) > MOST_BETWEEN {
            runs.fixed(at.min(end) - start, home);
        }
        let file = (file != change.place.file).then(|| source.path.clone());
        let mut origin = Origin { file, line: number(home.0), column: number(home.1), runs: runs.list };
        // comments before the statement belong to it; people look at its first word
        (origin.line, origin.column) = origin.at(statement, Some(sql::first_word(statement) + 1));
        if let [only] = origin.runs.as_slice()
            && only.indent.is_none()
        {
            origin.runs.clear();
        }
        origin
    }

    /// The origin of what stands in the YAML as a whole.
    #[must_use]
    pub fn of_whole(&self, place: &Place) -> Origin {
        let (line, column) = self.of_place(place);
        Origin { line: number(line), column: number(column), ..Origin::default() }
    }

    /// A line and column of a project's template.
    #[must_use]
    pub fn in_template(&self, path: &str, at: Option<(usize, usize)>) -> Option<Place> {
        let ((line, column), (file, source)) = (at?, self.sources.named(path)?);
        let start = source.lines().start(line);
        let text = source.text[start..].lines().next().unwrap_or_default();
        let byte = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
        let from = byte(column.saturating_sub(1));
        // up to the end of the tag
        let to = text[from..].find("}}").map_or(text.trim_end().len(), |n| from + n + 2);
        Some(Place::bytes(file, start + from..start + to.max(from)))
    }

    fn of_place(&self, place: &Place) -> (usize, usize) {
        let source = self.sources.get(place.file);
        let at = source.find(place).map_or(0, |bytes| bytes.start);
        source.lines().line_column(&source.text, at)
    }
}

/// Where bytes of SQL are written.
#[must_use]
pub fn find(bits: &[Bit], bytes: &Range<usize>) -> Option<Written> {
    let of = |at: usize| {
        let bit = &bits[bits.partition_point(|bit| bit.at <= at).checked_sub(1)?];
        let inside = at - bit.at;
        (inside < bit.len).then(|| {
            let range =
                if bit.same { bit.bytes.start + inside..bit.bytes.start + inside + 1 } else { bit.bytes.clone() };
            (bit, range)
        })
    };
    let (bit, first) = of(bytes.start)?;
    let last = bytes.end.checked_sub(1).filter(|last| *last > bytes.start).and_then(of);
    let end = last.filter(|(other, _)| other.file == bit.file).map_or(first.end, |(_, last)| last.end.max(first.end));
    Some(Written { place: Place::bytes(bit.file, first.start..end), key: bit.key.clone() })
}

/// Runs in the making.
#[derive(Default)]
struct Runs<'a> {
    statement: &'a str,
    /// Bytes that were looked at, and the characters and line breaks in them.
    at: usize,
    chars: usize,
    lines: u32,
    list: Vec<Run>,
    /// Line breaks before the last run.
    lines_before: u32,
}

impl Runs<'_> {
    /// The character at a byte.
    fn chars(&mut self, at: usize) -> u32 {
        let part = &self.statement[self.at..at];
        self.chars += part.chars().count();
        self.lines += number(part.matches('\n').count());
        self.at = at;
        number(self.chars)
    }

    fn push(&mut self, run: Run) {
        self.list.push(run);
        self.lines_before = self.lines;
    }

    fn fixed(&mut self, at: usize, place: (usize, usize)) {
        let run = Run { at: self.chars(at), line: number(place.0), column: number(place.1), indent: None };
        let same = |last: &Run| last.indent.is_none() && (last.line, last.column) == (run.line, run.column);
        if !self.list.last().is_some_and(same) {
            self.push(run);
        }
    }

    fn same(&mut self, at: usize, place: (usize, usize), len: usize) {
        let (line, column) = (number(place.0), number(place.1));
        let begin = self.chars(at);
        let lines = self.lines - self.lines_before;
        // a further line of the text before, indented like the others, is no run of its own
        if let Some(last) = self.list.last_mut()
            && let Some(indent) = last.indent
            && self.statement[..at].ends_with('\n')
            && line == last.line + lines
            && (lines == 1 || column == indent + 1)
        {
            last.indent = Some(column - 1);
            return;
        }
        let indent = if self.statement[at..at + len].contains('\n') { 0 } else { column.saturating_sub(1) };
        self.push(Run { at: begin, line, column, indent: Some(indent) });
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

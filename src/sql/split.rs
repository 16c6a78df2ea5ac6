//! SQL text to statements. In: a text. Out: where each statement starts and ends.
//!
//! Works on tokens in one pass; nothing is parsed, so that a text with a mistake is split
//! as well and the server says what the mistake is.

use super::error::SqlError;
use super::token::{Kind, Tok, scan};

/// The line that starts a new transaction inside of a changeset.
pub const SEGMENT_MARK: &str = "-- segment";

/// How deep parentheses may be nested; parsers of SQL, the server's too, use their stack
/// for each level.
pub const MAX_DEPTH: usize = 1_000;

/// One statement of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its first byte in the whole text; comments before the statement belong to it.
    pub start: usize,
    /// The byte after its last one, the semicolon left out.
    pub end: usize,
    /// The statement.
    pub text: &'a str,
}

/// Splits a text into its statements. Comments before a statement stay with it; those
/// behind it, and statements of nothing but comments, are left out.
///
/// # Errors
/// A string, comment or parenthesis that does not end, parentheses nested deeper than
/// [`MAX_DEPTH`], commands of psql and rows of `COPY … FROM STDIN`, with the place of the first.
pub fn split(sql: &str) -> Result<Vec<Piece<'_>>, SqlError> {
    Ok(split_segments(sql)?.into_iter().flatten().collect())
}

/// Splits a text into its segments, and those into statements: a line [`SEGMENT_MARK`]
/// between statements starts a segment. Segments without a statement are left out, except the
/// first and the last: what stands before or after this text is no part of the segment then.
///
/// # Errors
/// Those of [`split`].
pub fn split_segments(sql: &str) -> Result<Vec<Vec<Piece<'_>>>, SqlError> {
    if let Some(at) = sql.find('\0') {
        return Err(SqlError::new(at, "a NUL character", "the server accepts none in SQL; remove it"));
    }
    let mut splitter = Splitter::new(sql);
    let mut tokens = scan(sql);
    while let Some(tok) = tokens.next() {
        splitter.take(tok?)?;
        if splitter.span.is_none() {
            tokens.end_statement();
        }
    }
    splitter.finish()
}

/// Whether a semicolon behind this text would be part of a comment.
#[must_use]
pub fn ends_in_comment(sql: &str) -> bool {
    let last_line = sql.rsplit('\n').next().unwrap_or_default();
    last_line.contains("--") && scan(sql).last().is_some_and(|tok| !matches!(tok, Ok(t) if t.kind != Kind::Comment))
}

struct Splitter<'a> {
    sql: &'a str,
    segments: Vec<Vec<Piece<'a>>>,
    /// Where the comments before the next statement start.
    lead: Option<usize>,
    /// The statement's first and last byte so far.
    span: Option<(usize, usize)>,
    /// Behind the last semicolon.
    after: usize,
    /// Open parentheses: how many, and where the outermost is.
    depth: usize,
    opened: usize,
    head: Head,
    /// Open `BEGIN ATOMIC` and `CASE` inside of it.
    blocks: usize,
    before: Before,
}

/// The token before, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Begin,
    /// After these, `CASE` and `END` are names.
    Label,
    From,
    Other,
}

/// What the first words of the statement say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    Start,
    /// After `CREATE [OR REPLACE]`.
    Create,
    /// A function or procedure, the only statements with `BEGIN ATOMIC`.
    Routine,
    Copy,
    Other,
}

impl<'a> Splitter<'a> {
    fn new(sql: &'a str) -> Self {
        Self {
            sql,
            segments: vec![Vec::new()],
            lead: None,
            span: None,
            after: 0,
            depth: 0,
            opened: 0,
            head: Head::Start,
            blocks: 0,
            before: Before::Other,
        }
    }

    fn take(&mut self, tok: Tok<'a>) -> Result<(), SqlError> {
        match tok.kind {
            Kind::Comment => {
                self.comment(&tok);
                return Ok(());
            }
            Kind::Sign(b';') if self.depth == 0 && self.blocks == 0 => {
                self.close();
                self.after = tok.end();
                return Ok(());
            }
            Kind::Sign(b'\\') => {
                return Err(SqlError::new(
                    tok.start,
                    "a backslash outside a string: psql commands are not supported",
                    "write plain SQL; use `sqlFile` instead of `\\i`",
                ));
            }
            Kind::Sign(b'(') => {
                if self.depth == 0 {
                    self.opened = tok.start;
                }
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(SqlError::new(
                        tok.start,
                        format_args!("parentheses are nested deeper than {MAX_DEPTH} levels"),
                        "split the statement",
                    ));
                }
            }
            Kind::Sign(b')') => self.depth = self.depth.saturating_sub(1),
            Kind::Word if self.depth == 0 => self.word(&tok)?,
            _ => {}
        }
        self.before = match tok.kind {
            Kind::Sign(b'.') => Before::Label,
            Kind::Word if tok.is("as") => Before::Label,
            Kind::Word if tok.is("begin") => Before::Begin,
            Kind::Word if tok.is("from") => Before::From,
            _ => Before::Other,
        };
        if self.head == Head::Start {
            self.head = Head::Other;
        }
        let start = self.span.map_or_else(|| self.lead.unwrap_or(tok.start), |(start, _)| start);
        self.span = Some((start, tok.end()));
        Ok(())
    }

    /// Follows the words that say where a statement ends.
    fn word(&mut self, tok: &Tok<'a>) -> Result<(), SqlError> {
        match self.head {
            Head::Start if tok.is("create") => self.head = Head::Create,
            Head::Start if tok.is("copy") => self.head = Head::Copy,
            Head::Create if tok.is_any(&["or", "replace"]) => {}
            Head::Create => {
                self.head = if tok.is_any(&["function", "procedure"]) { Head::Routine } else { Head::Other };
            }
            Head::Routine if self.blocks == 0 => {
                self.blocks = usize::from(self.before == Before::Begin && tok.is("atomic"));
            }
            Head::Routine if self.before == Before::Label => {}
            Head::Routine if tok.is("case") => self.blocks += 1,
            Head::Routine if tok.is("end") => self.blocks -= 1,
            Head::Copy if self.before == Before::From && tok.is("stdin") => {
                return Err(SqlError::new(
                    tok.start,
                    "`COPY … FROM STDIN` cannot be used in SQL text",
                    "there is no client to send the rows: write them as INSERT, or COPY them from a file of the server",
                ));
            }
            _ => {}
        }
        Ok(())
    }

    fn comment(&mut self, tok: &Tok<'a>) {
        if self.depth == 0 && self.blocks == 0 && is_mark(self.sql, tok) {
            self.close();
            if self.segments.len() == 1 || self.segments.last().is_some_and(|s| !s.is_empty()) {
                self.segments.push(Vec::new());
            }
            self.after = tok.end();
            return;
        }
        // a comment on the line of the statement before it speaks of that one
        let trailing = self.after > 0 && !self.sql[self.after..tok.start].contains('\n');
        if self.span.is_none() && self.lead.is_none() && !trailing {
            self.lead = Some(tok.start);
        } else if self.span.is_none() && trailing {
            self.after = tok.end();
        }
    }

    fn close(&mut self) {
        if let Some((start, end)) = self.span.take() {
            let piece = Piece { start, end, text: &self.sql[start..end] };
            self.segments.last_mut().expect("there is always one").push(piece);
        }
        self.lead = None;
        self.head = Head::Start;
        self.before = Before::Other;
    }

    fn finish(mut self) -> Result<Vec<Vec<Piece<'a>>>, SqlError> {
        if self.depth > 0 {
            return Err(SqlError::open(self.opened, "parenthesis", "a `)` is missing"));
        }
        if self.blocks > 0 {
            let (start, _) = self.span.unwrap_or_default();
            return Err(SqlError::open(start, "BEGIN ATOMIC body", "an `END` is missing"));
        }
        self.close();
        Ok(self.segments)
    }
}

/// Whether the comment is a line of its own that starts a segment.
fn is_mark(sql: &str, tok: &Tok<'_>) -> bool {
    if tok.text.trim_end() != SEGMENT_MARK {
        return false;
    }
    let line = sql[..tok.start].rfind('\n').map_or(0, |n| n + 1);
    sql[line..tok.start].trim().is_empty()
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;

//! The SQL of changes to segments: statements gather in transactions, except those that cannot.

use super::model::{Limits, Mode, Progress, Segment, Statement};
use super::render_context::{Prepared, RenderContext, ledger_problem, misplaced_secret, writes_ledger};
use super::writing::{self, Bit, Origins};
use crate::base::{Code, Diagnostic, Diagnostics, PaceSpec, Place};
use crate::change::Batch;
use crate::render::Section;
use crate::source::Changeset;
use crate::sql::{self, Facts, LockMode, Outside, Through};
use std::cell::OnceCell;
use std::ops::Range;

/// Characters that are shown of a line of SQL.
const MOST_SHOWN: usize = 80;

/// The SQL of one change in one direction.
pub struct Text<'a> {
    sql: &'a str,
    changeset: &'a Changeset,
    change: &'a Prepared<'a>,
    section: Section,
    setting: RenderContext<'a>,
    bits: OnceCell<Vec<Bit>>,
}

impl<'a> Text<'a> {
    /// What was rendered.
    pub fn new(
        sql: &'a str,
        changeset: &'a Changeset,
        change: &'a Prepared<'a>,
        section: Section,
        setting: RenderContext<'a>,
    ) -> Self {
        Self { sql, changeset, change, section, setting, bits: OnceCell::new() }
    }

    fn bits(&self) -> &[Bit] {
        self.bits.get_or_init(|| {
            let RenderContext { writing, renderer, .. } = self.setting;
            let change = self.change;
            writing.bits(renderer, self.changeset, change.parsed, self.section, change.values.as_json(), self.sql)
        })
    }

    /// A problem at these bytes: where they are written, with the change that brings them.
    pub fn problem(&self, problem: Diagnostic, bytes: &Range<usize>) -> Diagnostic {
        let parsed = self.change.parsed;
        let kind = parsed.change.kind();
        let Some(written) = writing::find(self.bits(), bytes) else {
            // in the text of a built-in template
            let at = sql::line_column_at(self.sql, bytes.start);
            let mut text = at.text.trim().to_owned();
            if let Some((end, _)) = text.char_indices().nth(MOST_SHOWN) {
                text.truncate(end);
                text.push('…');
            }
            return problem.at(parsed.place.clone()).label(format!("line {} of its SQL: {text}", at.line));
        };
        let elsewhere = written.place.file != parsed.place.file;
        let problem = problem.at(written.place);
        match written.key {
            None => problem.related(self.place(None), format!("used by this `{kind}`")),
            Some(key) if elsewhere => {
                // the context's names are not the keys of `sqlFile`
                let key = if key == "rollback" { "rollbackPath" } else { "path" };
                problem.related(self.place(Some(key)), format!("read as `{key}` of this change"))
            }
            Some(key) => problem.label(format!("in `{key}` of this `{kind}`")),
        }
    }

    fn place(&self, key: Option<&str>) -> Place {
        let parsed = self.change.parsed;
        let place = parsed.place.child(parsed.change.kind());
        key.map_or(place.clone().as_key(), |key| place.child(key))
    }

    /// Whether its author writes SQL that nobody knows beforehand.
    fn is_free(&self) -> bool {
        self.change.opaque || crate::change::find(self.change.parsed.change.kind()).is_none()
    }
}

/// Builds segments.
pub struct Segments {
    /// Those so far.
    pub list: Vec<Segment>,
    limits: Limits,
    pace: PaceSpec,
    open: bool,
}

impl Segments {
    /// None yet.
    pub fn new(setting: RenderContext<'_>) -> Self {
        Self { list: Vec::new(), limits: setting.limits, pace: setting.pace, open: false }
    }

    /// Adds the statements of a change.
    pub fn add(&mut self, text: &Text<'_>, change: usize, mut batch: Option<Batch>, out: &mut Diagnostics) {
        if let Some(batch) = &mut batch {
            batch.pace = batch.pace.or(self.pace);
        }
        let groups = match sql::split_segments(text.sql) {
            Ok(groups) => groups,
            Err(e) => {
                let problem = Diagnostic::error(Code::NotSql, e.message).help(e.help);
                out.push(text.problem(problem, &(e.offset..e.offset + 1)));
                return;
            }
        };
        for (n, group) in groups.into_iter().enumerate() {
            self.open &= n == 0;
            for piece in group {
                check(text, piece, out);
                if batch.is_some()
                    && let Some(fault) = sql::batch_fault(piece.text)
                {
                    let problem =
                        Diagnostic::error(Code::BackfillSql, format!("the statement cannot run in batches: {fault}"));
                    let help = "it has the parameters $1 (the last key), $2 (whether it is the first batch) and $3 (the number of \
                                rows), and ends in a SELECT: see the built-in template of `backfill`";
                    out.push(text.problem(problem.help(help), &(piece.start..piece.start + 1)));
                }
                let facts = sql::facts(piece.text);
                let mode = match (&batch, &facts.outside) {
                    (Some(_), _) => Mode::Batched,
                    (None, Some(_)) => Mode::Outside,
                    (None, None) => Mode::Transaction,
                };
                let parsed = text.change.parsed;
                let kind = parsed.change.kind().to_owned();
                let writing = text.setting.writing;
                let bits: &[Bit] = match writing.origins {
                    Origins::Changes if !text.is_free() => &[],
                    Origins::None => &[],
                    _ => text.bits(),
                };
                let known = writing.origins != Origins::None;
                let origin = known.then(|| writing.origin(bits, parsed, piece.start, piece.text));
                let statement = Statement { sql: piece.text.to_owned(), change, kind, facts, origin };
                if mode == Mode::Transaction && self.open {
                    let last = self.list.last_mut().expect("open means that there is one");
                    last.statements.push(statement);
                    continue;
                }
                self.open = mode == Mode::Transaction;
                let limits = self.limits_of(mode, &statement.facts);
                self.list.push(Segment {
                    mode,
                    statements: vec![statement],
                    batch: batch.clone(),
                    limits,
                    progress: Progress::Todo,
                });
            }
        }
    }

    /// A concurrent build blocks nobody while it waits or works, and giving up leaves an
    /// invalid index: it has no limits. What blocks others and can be repeated has them.
    fn limits_of(&self, mode: Mode, facts: &Facts) -> Limits {
        let modes = facts.locks.iter().map(|(_, mode)| *mode).chain(facts.also.iter().map(|also| also.mode));
        let blocks =
            modes.max() >= Some(LockMode::Share) && facts.also.iter().all(|a| a.through != Through::Truncation);
        match mode {
            Mode::Outside if blocks && facts.outside == Some(Outside::Repeatable) => self.limits,
            Mode::Outside => {
                Limits { lock_timeout: Default::default(), statement_timeout: Default::default(), ..self.limits }
            }
            Mode::Transaction | Mode::Batched => self.limits,
        }
    }
}

/// What a changeset may not hold, and what it should not.
fn check(text: &Text<'_>, piece: sql::Piece<'_>, out: &mut Diagnostics) {
    let within = |at: &Range<usize>| piece.start + at.start..piece.start + at.end;
    if let Some(forbidden) = sql::forbidden(piece.text) {
        let problem = Diagnostic::error(Code::Forbidden, format!("{} is not allowed in a changeset", forbidden.what));
        out.push(text.problem(problem.help(forbidden.help), &within(&forbidden.at)));
    }
    if let Some((problem, at)) = misplaced_secret(piece.text) {
        out.push(text.problem(problem, &within(&at)));
    }
    if !text.is_free() {
        return;
    }
    if let Some(doubtful) = sql::doubtful(piece.text) {
        let problem = Diagnostic::warning(Code::OwnLimits, doubtful.what).help(doubtful.help);
        out.push(text.problem(problem, &within(&doubtful.at)));
    }
    let ledger = text.setting.ledger;
    if let Some(at) = sql::names_schema(piece.text, ledger.as_str()) {
        let touched = sql::touches(piece.text).unwrap_or_default();
        let written = touched.touches.iter().find(|touch| writes_ledger(touch, ledger));
        let name = written.map(|touch| touch.name.to_string());
        let schema = || sql::is_of_schema(piece.text).then(|| ledger.to_string());
        if let Some(name) = name.or_else(schema) {
            out.push(text.problem(ledger_problem(&name), &within(&at)));
        }
    }
}

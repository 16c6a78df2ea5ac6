//! One changeset to one step: its changes rendered, split into segments, annotated.

use super::model::{Check, Direction, Limits, Mode, Progress, Rollback, Segment, Statement, Step, Why};
use super::quiet::{Made, quiet};
use crate::base::{Diagnostic, Diagnostics, Ident, PaceSpec, Place};
use crate::change::effects::Effects;
use crate::change::{Batch, Scope, Undo};
use crate::render::{Renderer, Section, TemplateError};
use crate::source::checks::{Occasion, Verify};
use crate::source::{Changeset, ParsedChange, RollbackSource};
use crate::sql::{self, Outside};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What rendering needs besides the changeset.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The templates.
    pub renderer: &'a Renderer,
    /// The schema of the ledger.
    pub ledger: &'a Ident,
    /// The limits of the environment.
    pub limits: Limits,
    /// How gently its backfills go.
    pub pace: PaceSpec,
}

/// A change ready to be rendered in both directions.
struct Prepared<'a> {
    parsed: &'a ParsedChange,
    context: Value,
    undo: Undo,
    opaque: bool,
}

/// Renders a changeset. Problems of templates and SQL are reported at the change; then there
/// is no step.
pub fn compile(changeset: &Changeset, file: &str, setting: Setting<'_>, out: &mut Diagnostics) -> Option<Step> {
    let (errors_before, _) = out.counts();
    let (prepared, mut effects, made) = prepare(&changeset.changes, changeset, setting);
    let mut forward = Segments::new(setting);
    let mut known = true;
    for (i, change) in prepared.iter().enumerate() {
        let Some(sql) = render(change, Section::Forward, setting, out) else { continue };
        forward.add(&sql, i, change, change.parsed.change.batch(), out);
        if change.opaque {
            // a batch is the beginning of a statement, with places that the executor fills
            let whole = match change.parsed.change.batch() {
                Some(_) => format!("{} SELECT FROM dagmar_done", Batch::first(&sql, "1")),
                None => sql,
            };
            match sql::touches(&whole) {
                Some(found) => effects.append(found),
                None => known = false,
            }
        }
    }
    quiet(&mut forward.list, &made);
    let rollback = take_back(changeset, &prepared, setting, out);
    check_outside(changeset, &forward.list, out);
    for (i, check) in changeset.preconditions.iter().enumerate() {
        check_secrets(&check.sql(), &changeset.place.child("preconditions").at(i), out);
    }
    for (i, check) in changeset.verify.iter().enumerate() {
        check_secrets(&check.sql, &changeset.place.child("verify").at(i), out);
    }
    let (errors, _) = out.counts();
    if errors > errors_before {
        return None;
    }
    effects.touches.sort();
    effects.touches.dedup();
    let verify = |occasion| checks(&changeset.verify, occasion);
    let step = Step {
        changeset: changeset.id.clone(),
        file: Some(file.to_owned()),
        description: changeset.description.as_ref().map(|d| d.trim().to_owned()),
        author: changeset.author.clone(),
        labels: changeset.labels.clone(),
        environments: changeset.environments.clone(),
        phase: changeset.phase.map(|p| p.word().to_owned()),
        direction: Direction::Forward,
        wave: 0,
        why: Why::Pending,
        requires: changeset.depends_on.iter().map(|d| d.id.clone()).collect(),
        repeatable: changeset.repeatable,
        checksum: changeset.checksum.clone(),
        digest: digest(&forward.list, &rollback),
        body: changeset.body.clone(),
        touches: known.then_some(effects.touches),
        preconditions: changeset.preconditions.iter().map(|p| Check { name: p.words(), sql: p.sql() }).collect(),
        segments: forward.list,
        verify: verify(Occasion::Apply),
        rollback,
    };
    Some(step)
}

fn prepare<'a>(
    changes: &'a [ParsedChange],
    changeset: &Changeset,
    setting: Setting<'_>,
) -> (Vec<Prepared<'a>>, Effects, Made) {
    let mut scope = Scope {
        changeset: changeset.id.clone(),
        ledger: setting.ledger.as_str().to_owned(),
        repeatable: changeset.repeatable,
        before: Effects::default(),
    };
    let mut prepared = Vec::with_capacity(changes.len());
    let mut made = Made::default();
    for (i, parsed) in changes.iter().enumerate() {
        let context = parsed.change.context(&scope);
        let undo = parsed.change.undo(&scope);
        let mut effects = Effects::default();
        parsed.change.effects(&mut effects);
        let opaque = effects.opaque;
        made.note(i, &effects, changeset.repeatable);
        scope.before.append(effects);
        prepared.push(Prepared { parsed, context, undo, opaque });
    }
    (prepared, scope.before, made)
}

fn take_back(
    changeset: &Changeset,
    prepared: &[Prepared<'_>],
    setting: Setting<'_>,
    out: &mut Diagnostics,
) -> Rollback {
    let mut segments = Segments::new(setting);
    let derived = match &changeset.rollback {
        RollbackSource::Irreversible(reason) => return Rollback::Irreversible { reason: reason.clone() },
        RollbackSource::Changes(changes) => {
            let (list, ..) = prepare(changes, changeset, setting);
            for (i, change) in list.iter().enumerate() {
                if let Some(sql) = render(change, Section::Forward, setting, out) {
                    segments.add(&sql, i, change, change.parsed.change.batch(), out);
                }
            }
            false
        }
        RollbackSource::Derived => {
            for (i, change) in prepared.iter().enumerate().rev() {
                match &change.undo {
                    Undo::Nothing => {}
                    Undo::Derived => {
                        if let Some(sql) = render(change, Section::Rollback, setting, out) {
                            segments.add(&sql, i, change, None, out);
                        }
                    }
                    Undo::Missing(why) => out.push(
                        Diagnostic::error(
                            "DG0305",
                            format!("`{}` cannot be taken back: {why}", change.parsed.change.kind()),
                        )
                        .at(change.parsed.place.clone())
                        .help(
                            "give the changeset a `rollback:` with a list of changes, or `rollback: { irreversible: reason }`",
                        ),
                    ),
                }
            }
            true
        }
    };
    Rollback::Segments { derived, segments: segments.list, verify: checks(&changeset.verify, Occasion::Rollback) }
}

fn checks(verify: &[Verify], occasion: Occasion) -> Vec<Check> {
    verify
        .iter()
        .filter(|v| v.on.unwrap_or(Occasion::Apply) == occasion)
        .map(|v| Check { name: v.name.clone(), sql: v.sql.trim().trim_end_matches(';').to_owned() })
        .collect()
}

fn render(change: &Prepared<'_>, section: Section, setting: Setting<'_>, out: &mut Diagnostics) -> Option<String> {
    let kind = change.parsed.change.kind();
    match setting.renderer.render(kind, section, &change.context) {
        Ok(sql) => Some(sql),
        Err(error) => {
            out.push(template_problem(&error, &change.parsed.place));
            None
        }
    }
}

fn template_problem(error: &TemplateError, place: &Place) -> Diagnostic {
    let at = match (error.line, error.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}", error.template),
        _ => error.template.clone(),
    };
    Diagnostic::error("DG0404", error.message.clone()).at(place.clone()).label(format!("while rendering {at}"))
}

/// Characters that are shown of a line of SQL.
const MOST_SHOWN: usize = 80;

/// Builds segments: statements gather in transactions, except those that cannot.
struct Segments {
    list: Vec<Segment>,
    limits: Limits,
    pace: PaceSpec,
    open: bool,
}

impl Segments {
    fn new(setting: Setting<'_>) -> Self {
        Self { list: Vec::new(), limits: setting.limits, pace: setting.pace, open: false }
    }

    fn add(&mut self, text: &str, change: usize, from: &Prepared<'_>, mut batch: Option<Batch>, out: &mut Diagnostics) {
        if let Some(batch) = &mut batch {
            batch.pace = batch.pace.or(self.pace);
        }
        let place = &from.parsed.place;
        let groups = match sql::split_segments(text) {
            Ok(groups) => groups,
            Err(e) => {
                let at = sql::line_column_at(text, e.offset);
                let mut text = at.text.trim().to_owned();
                if let Some((end, _)) = text.char_indices().nth(MOST_SHOWN) {
                    text.truncate(end);
                    text.push('…');
                }
                let label = format!("line {} of its SQL: {text}", at.line);
                out.push(Diagnostic::error("DG0310", e.message).at(place.clone()).label(label).help(e.help));
                return;
            }
        };
        for (n, group) in groups.into_iter().enumerate() {
            self.open &= n == 0;
            for piece in group {
                if let Some(forbidden) = sql::forbidden(piece.text) {
                    out.push(
                        Diagnostic::error("DG0311", format!("{} must not stand in a changeset", forbidden.what))
                            .at(place.clone())
                            .help(forbidden.help),
                    );
                }
                check_secrets(piece.text, place, out);
                let facts = sql::facts(piece.text);
                let mode = match (&batch, &facts.outside) {
                    (Some(_), _) => Mode::Batched,
                    (None, Some(_)) => Mode::Outside,
                    (None, None) => Mode::Transaction,
                };
                let kind = from.parsed.change.kind().to_owned();
                let statement = Statement { sql: piece.text.to_owned(), change, kind, facts };
                if mode == Mode::Transaction && self.open {
                    let last = self.list.last_mut().expect("open means that there is one");
                    last.statements.push(statement);
                    continue;
                }
                self.open = mode == Mode::Transaction;
                self.list.push(Segment {
                    mode,
                    statements: vec![statement],
                    batch: batch.clone(),
                    limits: self.limits_of(mode),
                    progress: Progress::Todo,
                });
            }
        }
    }

    /// A concurrent build blocks nobody while it waits or works, and giving up leaves an
    /// invalid index: it has no limits.
    fn limits_of(&self, mode: Mode) -> Limits {
        match mode {
            Mode::Outside => {
                Limits { lock_timeout: Default::default(), statement_timeout: Default::default(), ..self.limits }
            }
            Mode::Transaction | Mode::Batched => self.limits,
        }
    }
}

/// A secret variable may stand only where any value of it can be quoted.
fn check_secrets(sql: &str, place: &Place, out: &mut Diagnostics) {
    if sql::secret::has_secrets(sql)
        && let Err(wrong) = sql::secret::parts(sql)
    {
        out.push(Diagnostic::error("DG0313", wrong.message).at(place.clone()).help(wrong.help));
    }
}

/// After a crash somebody has to know whether such a statement has happened.
fn check_outside(changeset: &Changeset, segments: &[Segment], out: &mut Diagnostics) {
    if !changeset.verify.is_empty() {
        return;
    }
    for statement in segments.iter().flat_map(|s| &s.statements) {
        if statement.facts.outside == Some(Outside::Opaque) {
            out.push(
                Diagnostic::error(
                    "DG0312",
                    format!("nobody can tell after a crash whether this has run: {}", first_line(&statement.sql)),
                )
                .at(changeset.changes.get(statement.change).map_or(changeset.place.clone(), |c| c.place.clone()))
                .help("it cannot run in a transaction: add a `verify` check that is true once it has run"),
            );
        }
    }
}

fn first_line(sql: &str) -> &str {
    sql.lines().next().unwrap_or_default()
}

/// The checksum of what runs in both directions.
pub(super) fn digest(forward: &[Segment], rollback: &Rollback) -> String {
    let mut hash = Sha256::new();
    let mut feed = |segments: &[Segment]| {
        for segment in segments {
            hash.update([0, segment.mode as u8]);
            for statement in &segment.statements {
                hash.update(statement.sql.as_bytes());
                hash.update([1]);
            }
        }
    };
    feed(forward);
    match rollback {
        Rollback::Segments { segments, .. } => feed(segments),
        Rollback::Irreversible { .. } => {}
    }
    let bytes = hash.finalize();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("{}:{hex}", crate::base::checksum::ALGORITHM)
}

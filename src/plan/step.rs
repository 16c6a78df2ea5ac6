//! One changeset to one step: its changes rendered, split into segments, annotated.

use super::model::{Direction, Rollback, Segment, Step, StepCheck, StepReason};
use super::new_objects::{Made, drop_locks};
use super::origin::Origin;
pub use super::render_context::RenderContext;
use super::render_context::{Prepared, ledger_problem, misplaced_secret, writes_ledger};
use super::segments::{Segments, Text};
use super::writing::Origins;
use crate::base::{Code, Diagnostic, Diagnostics, Place, Severity, checksum};
use crate::change::{Scope, Undo};
use crate::effects::Effects;
use crate::render::{Section, TemplateError};
use crate::source::checks::Occasion;
use crate::source::{Changeset, ParsedChange, RollbackSource};
use crate::sql::{self, Objects, Outside};
use sha2::{Digest, Sha256};
use std::ops::Range;

/// A step with what its SQL says about objects.
#[derive(Debug, Clone)]
pub struct Examined {
    /// The step.
    pub step: Step,
    /// What the SQL of each change says, then that of each `verify` check; `None`: it is nested too deep.
    pub said: Vec<Option<Objects>>,
}

/// Renders a changeset. Problems of templates and SQL are reported where they are written; then
/// there is no step. Of a changeset that was not read as a whole only the problems are of use.
pub fn compile(changeset: &Changeset, file: &str, setting: RenderContext<'_>, out: &mut Diagnostics) -> Option<Step> {
    build(changeset, file, setting, out, None)
}

/// Renders a changeset and reads the SQL of its changes.
pub fn examine(
    changeset: &Changeset,
    file: &str,
    setting: RenderContext<'_>,
    out: &mut Diagnostics,
) -> Option<Examined> {
    let mut said = Vec::with_capacity(changeset.changes.len() + changeset.verify.len());
    let step = build(changeset, file, setting, out, Some(&mut said))?;
    said.extend(changeset.verify.iter().map(|check| sql::objects(&check.sql)));
    Some(Examined { step, said })
}

/// Renders a changeset. SQL is read as far as waves need it, or as a whole into `said`.
fn build(
    changeset: &Changeset,
    file: &str,
    setting: RenderContext<'_>,
    out: &mut Diagnostics,
    mut said: Option<&mut Vec<Option<Objects>>>,
) -> Option<Step> {
    let (errors_before, _) = out.counts();
    let (prepared, mut effects, made) = prepare(&changeset.changes, changeset, setting, out);
    let mut forward = Segments::new(setting);
    let mut known = true;
    for (i, change) in prepared.iter().enumerate() {
        let Some(sql) = render(change, Section::Forward, setting, out) else { continue };
        let text = Text::new(&sql, changeset, change, Section::Forward, setting);
        forward.add(&text, i, change.parsed.change.batch(), out);
        if !change.opaque && said.is_none() {
            continue;
        }
        let objects = sql::objects(&sql);
        if change.opaque {
            match objects.as_ref().and_then(Objects::touches) {
                Some(found) => effects.append(found),
                None => known = false,
            }
        }
        if let Some(said) = &mut said {
            said.push(objects);
        }
    }
    drop_locks(&mut forward.list, &made);
    let rollback = take_back(changeset, &prepared, setting, out);
    if changeset.header_is_read {
        check_outside(changeset, &forward.list, out);
    }
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
    let verify = |occasion| verify(changeset, occasion, setting);
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
        why: StepReason::Pending,
        requires: changeset.depends_on.iter().map(|d| d.id.clone()).collect(),
        repeatable: changeset.repeatable,
        checksum: changeset.checksum.clone(),
        digest: digest(&forward.list, &rollback),
        body: changeset.body.clone(),
        touches: known.then_some(effects.touches),
        preconditions: preconditions(changeset, setting),
        segments: forward.list,
        verify: verify(Occasion::Apply),
        rollback,
    };
    Some(step)
}

/// Problems at bytes of one change's SQL, or of a `verify` check behind the changes: where they are written.
#[must_use]
pub fn locate(
    changeset: &Changeset,
    setting: RenderContext<'_>,
    change: usize,
    problems: Vec<(Range<usize>, Diagnostic)>,
) -> Vec<Diagnostic> {
    let mut out = Diagnostics::default();
    let Some(n) = change.checked_sub(changeset.changes.len()) else {
        let (prepared, ..) = prepare(&changeset.changes, changeset, setting, &mut out);
        let change = &prepared[change];
        let sql = render(change, Section::Forward, setting, &mut out);
        let text = sql.as_ref().map(|sql| (sql.len(), Text::new(sql, changeset, change, Section::Forward, setting)));
        let located = problems.into_iter().map(|(at, problem)| match &text {
            Some((len, text)) => {
                let end = at.end.min(*len).max(at.start.min(*len));
                text.problem(problem, &(at.start.min(end)..end))
            }
            None => problem.at(change.parsed.place.clone()),
        });
        return located.collect();
    };
    let place = changeset.place.child("verify").at(n).child("sql");
    problems.into_iter().map(|(at, problem)| problem.at(place.clone().within(at))).collect()
}

fn prepare<'a>(
    changes: &'a [ParsedChange],
    changeset: &Changeset,
    setting: RenderContext<'_>,
    out: &mut Diagnostics,
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
        let values = parsed.change.context(&scope).into();
        let undo = parsed.change.undo(&scope);
        let mut effects = Effects::default();
        parsed.change.effects(&mut effects);
        let opaque = effects.opaque;
        if let Some(touch) = effects.touches.iter().find(|touch| writes_ledger(touch, setting.ledger)) {
            out.push(ledger_problem(&touch.name.to_string()).at(parsed.place.clone()));
        }
        made.note(i, &effects, changeset.repeatable);
        scope.before.append(effects);
        prepared.push(Prepared { parsed, values, undo, opaque });
    }
    (prepared, scope.before, made)
}

fn take_back(
    changeset: &Changeset,
    prepared: &[Prepared<'_>],
    setting: RenderContext<'_>,
    out: &mut Diagnostics,
) -> Rollback {
    let mut segments = Segments::new(setting);
    let derived = match &changeset.rollback {
        RollbackSource::Irreversible(reason) => return Rollback::Irreversible { reason: reason.clone() },
        RollbackSource::Changes(changes) => {
            let (list, ..) = prepare(changes, changeset, setting, out);
            for (i, change) in list.iter().enumerate() {
                if let Some(sql) = render(change, Section::Forward, setting, out) {
                    let text = Text::new(&sql, changeset, change, Section::Forward, setting);
                    segments.add(&text, i, change.parsed.change.batch(), out);
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
                            segments.add(&Text::new(&sql, changeset, change, Section::Rollback, setting), i, None, out);
                        }
                    }
                    // a rollback, or what the change undoes, may be in what could not be read
                    Undo::Missing(_) if !changeset.header_is_read || changeset.gaps && !change.opaque => {}
                    Undo::Missing(why) => out.push(
                        Diagnostic {
                            severity: if setting.accepts_missing_rollback { Severity::Warning } else { Severity::Error },
                            ..Diagnostic::error(
                                Code::NoWayBack,
                                format!("`{}` cannot be rolled back: {why}", change.parsed.change.kind()),
                            )
                        }
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
    let verify = verify(changeset, Occasion::Rollback, setting);
    Rollback::Segments { derived, segments: segments.list, verify }
}

fn verify(changeset: &Changeset, occasion: Occasion, setting: RenderContext<'_>) -> Vec<StepCheck> {
    let checks = changeset.verify.iter().enumerate().filter(|(_, v)| v.on.unwrap_or(Occasion::Apply) == occasion);
    let place = changeset.place.child("verify");
    checks
        .map(|(i, v)| StepCheck {
            name: v.name.clone(),
            sql: v.sql.trim().trim_end_matches(';').to_owned(),
            origin: origin_of(&place.at(i).child("sql"), setting),
        })
        .collect()
}

fn preconditions(changeset: &Changeset, setting: RenderContext<'_>) -> Vec<StepCheck> {
    let place = changeset.place.child("preconditions");
    let check = |(i, p): (usize, &crate::source::checks::Precondition)| StepCheck {
        name: p.words(),
        sql: p.sql(),
        origin: origin_of(&place.at(i), setting),
    };
    changeset.preconditions.iter().enumerate().map(check).collect()
}

fn origin_of(place: &Place, setting: RenderContext<'_>) -> Option<Origin> {
    (setting.writing.origins != Origins::None).then(|| setting.writing.of_whole(place))
}

fn render(
    change: &Prepared<'_>,
    section: Section,
    setting: RenderContext<'_>,
    out: &mut Diagnostics,
) -> Option<String> {
    let kind = change.parsed.change.kind();
    // its mistakes are told already
    if setting.renderer.is_broken(kind) {
        return None;
    }
    match setting.renderer.render(kind, section, &change.values) {
        Ok(sql) => Some(sql),
        Err(error) => {
            out.push(template_problem(&error, &change.parsed.place, setting));
            None
        }
    }
}

fn template_problem(error: &TemplateError, place: &Place, setting: RenderContext<'_>) -> Diagnostic {
    let problem = Diagnostic::error(Code::Rendering, error.message.clone()).at(place.clone());
    let at = match (error.line, error.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}", error.template),
        _ => error.template.clone(),
    };
    let label = format!("while rendering {at}");
    match setting.writing.in_template(&error.template, error.line.zip(error.column)) {
        Some(there) => problem.label(label).related(there, "here"),
        None => problem.label(label),
    }
}

fn check_secrets(sql: &str, place: &Place, out: &mut Diagnostics) {
    if let Some((problem, _)) = misplaced_secret(sql) {
        out.push(problem.at(place.clone()));
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
                    Code::NoVerify,
                    format!("after a crash it is unknown whether this statement ran: {}", first_line(&statement.sql)),
                )
                .at(changeset.changes.get(statement.change).map_or(changeset.place.clone(), |c| c.place.clone()))
                .help("it cannot run in a transaction: add a `verify` check that holds once it has run"),
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
    format!("{}:{}", checksum::ALGORITHM, checksum::hex(&hash.finalize()))
}

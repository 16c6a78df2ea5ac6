//! The texts that all formats of a plan share.

mod about;
mod also;
mod hazard;
mod impact;

pub use about::about;
pub(super) use about::{large, seal};
pub use hazard::{Totals, mark};
pub(super) use hazard::{flag_words, flags};
pub(super) use impact::lines;

use crate::base::{QualifiedName, count};
use crate::plan::{
    self, About, Direction, Limits, Mode, Plan, Progress, Rollback, Segment, Statement, Step, StepReason, WaveDelay,
};
use crate::sql::{Facts, LockMode, ends_in_comment};

/// One line per lock: `ACCESS EXCLUSIVE on platform.users (2,000,000 rows, 86 MB): blocks reads and
/// writes`.
fn locks(facts: &Facts, about: &About) -> Vec<(LockMode, String)> {
    let line = |(name, mode): &(QualifiedName, LockMode)| {
        (*mode, format!("{} on {}: {}", mode.sql(), sized(name, about), mode.effect()))
    };
    facts.locks.iter().map(line).collect()
}

/// A table with its size, if that is known.
fn sized(name: &QualifiedName, about: &About) -> String {
    let size = about.tables.get(&name.to_string()).map_or_else(String::new, |size| format!(" ({})", large(*size)));
    format!("{name}{size}")
}

/// The steps by their waves, in the order of the plan within each, and what keeps each of them back
/// beside its edges.
pub(super) fn waves(plan: &Plan) -> Vec<(usize, &Step, Option<String>)> {
    let late = plan::late(&plan.steps);
    let mut steps: Vec<(usize, &Step, Option<String>)> = plan
        .steps
        .iter()
        .zip(late)
        .enumerate()
        .map(|(i, (step, late))| (i, step, late.map(|l| kept(step, &l))))
        .collect();
    steps.sort_by_key(|(_, step, _)| step.wave);
    steps
}

fn kept(step: &Step, late: &WaveDelay<'_>) -> String {
    let after = late.after;
    match late.shared {
        Some((object, name)) => format!("after {after}: both touch the {} {name}", object.word()),
        None if step.touches.is_none() => "runs alone: its objects are unknown".to_owned(),
        None => format!("after {after}, which runs alone: its objects are unknown"),
    }
}

/// All statements of some segments.
pub(super) fn statements(segments: &[Segment]) -> impl Iterator<Item = &Statement> {
    segments.iter().flat_map(|segment| &segment.statements)
}

/// The limits that most of a plan's transactions have: they are said once.
pub(super) fn common_limits(plan: &Plan) -> Option<Limits> {
    let mut counted: Vec<(Limits, usize)> = Vec::new();
    let segments = plan.steps.iter().flat_map(|step| &step.segments).filter(|s| s.mode == Mode::Transaction);
    for limits in segments.map(|segment| segment.limits) {
        match counted.iter_mut().find(|(known, _)| *known == limits) {
            Some((_, n)) => *n += 1,
            None => counted.push((limits, 1)),
        }
    }
    counted.into_iter().filter(|(_, n)| *n > 1).max_by_key(|(_, n)| *n).map(|(limits, _)| limits)
}

/// How a segment runs, with its limits, unless they are those that are said once for all.
pub(super) fn segment_head(segment: &Segment, common: Option<Limits>) -> String {
    let mut head = segment.mode.words().to_owned();
    if let (Mode::Batched, Some(batch)) = (segment.mode, &segment.batch) {
        let key: Vec<&str> = batch.key.iter().map(crate::base::Ident::as_str).collect();
        let (pace, rows) = (batch.pace.resolve(), count(batch.size as usize, "row"));
        let size = match pace.batch_time.millis {
            0 => format!("of {rows}"),
            _ => format!("of {}, the first of {rows},", pace.batch_time),
        };
        head = format!("in batches {size} over {} by {}", batch.table, key.join(", "));
    }
    match segment.progress {
        Progress::Done => return format!("{head}: done by an earlier run"),
        Progress::Started => head.push_str(", started by an earlier run"),
        Progress::Todo => {}
    }
    if segment.mode == Mode::Transaction && common == Some(segment.limits) {
        return head;
    }
    let said = limits(&segment.limits);
    if said.is_empty() { head } else { format!("{head} ({said})") }
}

/// `waits 3s for a lock, 10 retries; at most 1m per statement`.
fn limits(limits: &Limits) -> String {
    let mut said = Vec::new();
    if limits.lock_timeout.millis > 0 {
        let retries = match limits.lock_retries {
            0 => String::new(),
            1 => ", 1 retry".to_owned(),
            n => format!(", {n} retries"),
        };
        said.push(format!("waits {} for a lock{retries}", limits.lock_timeout));
    }
    if limits.statement_timeout.millis > 0 {
        said.push(format!("at most {} per statement", limits.statement_timeout));
    }
    said.join("; ")
}

/// The statement with its semicolon, which must not get into a comment at its end.
pub(super) fn closed(sql: &str) -> String {
    let sql = sql.trim_end();
    if ends_in_comment(sql) { format!("{sql}\n;") } else { format!("{sql};") }
}

/// Why a step is in the plan.
pub(super) fn why(why: StepReason) -> &'static str {
    match why {
        StepReason::Pending => "not applied yet",
        StepReason::Changed => "repeatable, and its content changed",
        StepReason::Resumed => "partly applied; the remaining segments run",
        StepReason::Requested => "asked for",
        StepReason::Dependent => "depends on what is rolled back",
        StepReason::Restored => "restores the previous version",
    }
}

/// What the way back of a step is called: a rollback step shows what it takes back.
pub(super) fn way_back(step: &Step) -> &'static str {
    if step.direction == Direction::Rollback && step.why != StepReason::Restored { "takes back" } else { "rollback" }
}

/// The way back in a line.
pub(super) fn rollback(step: &Step) -> String {
    match &step.rollback {
        Rollback::Irreversible { reason } => format!("cannot be undone: {reason}"),
        Rollback::Segments { segments, .. } if segments.is_empty() => "nothing to run".to_owned(),
        Rollback::Segments { derived, segments, .. } => {
            let all = count(statements(segments).count(), "statement");
            let origin = match step.direction {
                // what is taken back is what was applied, whoever wrote it
                Direction::Rollback | Direction::Purge | Direction::Restore => String::new(),
                Direction::Forward => format!("{}, ", origin(*derived, segments)),
            };
            let parts = match segments.as_slice() {
                [one] => one.mode.words().to_owned(),
                many => format!("in {}", count(many.len(), "segment")),
            };
            format!("{origin}{all} {parts}")
        }
    }
}

/// Who says how a step is taken back: its change types, or its author. The rollback of raw SQL and of a
/// backfill is written in the change itself.
pub(super) fn origin(derived: bool, segments: &[Segment]) -> &'static str {
    let is_written = |s: &Statement| !derived || matches!(s.kind.as_str(), "sql" | "sqlFile" | "backfill");
    let written = statements(segments).filter(|s| is_written(s)).count();
    match (written, statements(segments).count() - written) {
        (0, _) => "derived",
        (_, 0) => "written by hand",
        _ => "derived, and written by hand",
    }
}

/// The way back in a word or two, for tables.
pub(super) fn way(step: &Step) -> String {
    match &step.rollback {
        Rollback::Irreversible { .. } => "none".to_owned(),
        Rollback::Segments { segments, .. } if segments.is_empty() => "nothing to run".to_owned(),
        Rollback::Segments { derived, segments, .. } => match step.direction {
            Direction::Forward => origin(*derived, segments).to_owned(),
            Direction::Rollback | Direction::Purge | Direction::Restore => {
                count(statements(segments).count(), "statement")
            }
        },
    }
}

/// What the column of [`way`] is called.
pub(super) fn way_title(plan: &Plan) -> &'static str {
    match plan.direction {
        Direction::Rollback => "Takes back",
        Direction::Forward | Direction::Purge | Direction::Restore => "Rollback",
    }
}

/// What waits, in a line.
pub(super) fn waiting(waiting: &crate::plan::Waiting) -> String {
    let until = match &waiting.until {
        Some(until) => format!("until {until}"),
        None => "which is not applied yet".to_owned(),
    };
    format!("{} after {}, {until}", waiting.soak, waiting.on)
}

/// A plan that does nothing, in a line.
pub(super) fn nothing(plan: &Plan) -> &'static str {
    match plan.direction {
        Direction::Forward => "nothing to apply",
        Direction::Rollback => "nothing to roll back",
        Direction::Purge => "nothing to purge",
        Direction::Restore => "nothing to restore",
    }
}

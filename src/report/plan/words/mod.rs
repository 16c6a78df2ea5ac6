//! What all forms of a plan say in the same words.

mod gist;

pub use gist::gist;
pub(super) use gist::gist_within;

use super::Seal;
use crate::base::{count, words::plural};
use crate::plan::{
    self, About, Destination, Direction, Late, Limits, Mode, Plan, Progress, Rollback, Segment, Size, Statement, Step,
    Why,
};
use crate::sql::{Facts, LockMode, Outside, ends_in_comment};

/// What may hurt, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hazard {
    /// The step has no way back.
    CannotBeUndone,
    /// Rows or values are gone afterwards.
    LosesData,
    /// Nobody can use a table meanwhile.
    BlocksReads,
    /// Nobody can write to a table meanwhile.
    BlocksWrites,
    /// A table is written anew.
    Rewrites,
    /// A table is read as a whole while its lock is held.
    Scans,
    /// After a crash nobody can tell whether it has happened.
    Opaque,
}

impl Hazard {
    /// A few words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Hazard::CannotBeUndone => "cannot be undone",
            Hazard::LosesData => "loses data",
            Hazard::BlocksReads => "blocks reads and writes",
            Hazard::BlocksWrites => "blocks writes",
            Hazard::Rewrites => "rewrites",
            Hazard::Scans => "scans",
            Hazard::Opaque => "outcome unknown after a crash",
        }
    }

    /// A sign, so that colours need not tell them apart.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Hazard::CannotBeUndone => "⊘",
            Hazard::LosesData => "✕",
            Hazard::BlocksReads => "■",
            Hazard::BlocksWrites => "◧",
            Hazard::Rewrites => "↻",
            Hazard::Scans => "≡",
            Hazard::Opaque => "?",
        }
    }
}

/// The sign of the hazard of this name, where it is one.
#[must_use]
pub fn mark(hazard: &str) -> Option<&'static str> {
    Totals::HAZARDS.into_iter().find(|known| known.words() == hazard).map(Hazard::mark)
}

/// The hazards of a step, worst first, each once.
#[must_use]
pub fn hazards(step: &Step) -> Vec<Hazard> {
    let mut found = Vec::new();
    if matches!(step.rollback, Rollback::Irreversible { .. }) && step.direction == Direction::Forward {
        found.push(Hazard::CannotBeUndone);
    }
    for statement in left(&step.segments) {
        let blocking: Vec<Hazard> = lock_hazards(&statement.facts).collect();
        // reading for long hurts nobody under a lock that blocks nobody
        found.extend(flags(&statement.facts).into_iter().filter(|f| *f != Hazard::Scans || !blocking.is_empty()));
        found.extend(blocking);
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn lock_hazards(facts: &Facts) -> impl Iterator<Item = Hazard> {
    facts.locks.iter().filter_map(|(_, mode)| match mode {
        LockMode::AccessExclusive => Some(Hazard::BlocksReads),
        LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => Some(Hazard::BlocksWrites),
        LockMode::AccessShare | LockMode::RowShare | LockMode::RowExclusive | LockMode::ShareUpdateExclusive => None,
    })
}

/// What one statement does besides taking locks.
pub(super) fn flags(facts: &Facts) -> Vec<Hazard> {
    [
        (facts.loses_data, Hazard::LosesData),
        (facts.rewrites, Hazard::Rewrites),
        (facts.scans, Hazard::Scans),
        (facts.outside == Some(Outside::Opaque), Hazard::Opaque),
    ]
    .into_iter()
    .filter_map(|(on, hazard)| on.then_some(hazard))
    .collect()
}

/// The same as a sentence's end: `rewrites the table`.
pub(super) fn flag_words(flag: Hazard) -> &'static str {
    match flag {
        Hazard::Rewrites => "rewrites the table",
        Hazard::Scans => "reads the whole table under its lock",
        other => other.words(),
    }
}

/// One line per lock: `ACCESS EXCLUSIVE on platform.users (2,000,000 rows, 86 MB): blocks reads and
/// writes`.
pub(super) fn locks(facts: &Facts, about: &About) -> Vec<(LockMode, String)> {
    let line = |(name, mode): &(crate::base::QualifiedName, LockMode)| {
        let size = about.tables.get(&name.to_string()).map_or_else(String::new, |size| format!(" ({})", large(*size)));
        (*mode, format!("{} on {name}{size}: {}", mode.sql(), mode.effect()))
    };
    facts.locks.iter().map(line).collect()
}

/// How large a table is: `2,000,000 rows, 86 MB`.
pub(super) fn large(size: Size) -> String {
    let bytes = match size.bytes {
        0 => "empty".to_owned(),
        b if b < 10 << 20 => format!("{} kB", b.div_ceil(1 << 10)),
        b if b < 10 << 30 => format!("{} MB", b >> 20),
        b if b < 10 << 40 => format!("{} GB", b >> 30),
        b => format!("{} TB", b >> 40),
    };
    match size.rows {
        Some(rows) if size.bytes > 0 => format!("{} {}, {bytes}", grouped(rows), plural(&rows, "row")),
        _ => bytes,
    }
}

/// A number with its thousands apart.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// What stands on top of a plan: name and text of each line.
#[must_use]
pub fn about(plan: &Plan, about: &About) -> Vec<(&'static str, String)> {
    let database = match &about.target {
        None => "none was asked: this is as if nothing were applied".to_owned(),
        Some(Destination { database, address, server, system }) => {
            let address = address.as_ref().map_or_else(String::new, |address| format!(" on {address}"));
            let system = system.as_ref().map_or_else(String::new, |system| format!(", server {system}"));
            format!("{database}{address}, PostgreSQL {server}{system}")
        }
    };
    let user = about.made_by.database.as_ref().map_or_else(String::new, |user| format!(", database user {user}"));
    let at = about.made_at.trim_end_matches('Z').replace('T', " ");
    let mut lines = vec![("database", database), ("made", format!("{at} UTC by {}{user}", about.made_by.os))];
    let commit = about.commit.as_ref().map(|commit| {
        let id = commit.id.get(..12).unwrap_or(&commit.id);
        let changed = if commit.uncommitted { ", with uncommitted changes" } else { "" };
        format!(", project at commit {id}{changed}")
    });
    lines.push(("dagmar", format!("{}{}", about.dagmar, commit.unwrap_or_default())));
    if let Some(said) = common_limits(plan).map(|common| limits(&common)).filter(|said| !said.is_empty()) {
        lines.push(("limits", format!("in a transaction: {said}")));
    }
    lines
}

/// The lines of a seal, in the same way; and whether it is signed.
pub(super) fn seal(seal: &Seal) -> Vec<(&'static str, String, bool)> {
    let signed = match &seal.signed_by {
        Some(key) => ("signed", format!("with the key {key}"), true),
        None => ("signed", "NOT SIGNED: anybody may have written it".to_owned(), false),
    };
    vec![("sealed", seal.digest.clone(), true), signed, ("expires", seal.expires_at.clone(), true)]
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

fn kept(step: &Step, late: &Late<'_>) -> String {
    let after = late.after;
    match late.shared {
        Some((object, name)) => format!("after {after}: both touch the {} {name}", object.word()),
        None if step.touches.is_none() => "runs alone: what it touches is not known".to_owned(),
        None => format!("after {after}, which runs alone: what it touches is not known"),
    }
}

/// The statements that are still to be run.
fn left(segments: &[Segment]) -> impl Iterator<Item = &Statement> {
    segments.iter().filter(|segment| segment.progress != Progress::Done).flat_map(|segment| &segment.statements)
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
        Progress::Started => head.push_str(", begun by an earlier run"),
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
pub(super) fn why(why: Why) -> &'static str {
    match why {
        Why::Pending => "not applied yet",
        Why::Changed => "repeatable, and its content changed",
        Why::Resumed => "begun and not finished; the rest runs",
        Why::Requested => "asked for",
        Why::Dependent => "depends on what is rolled back",
        Why::Restored => "restores the version before",
    }
}

/// What the way back of a step is called: a rollback step shows what it takes back.
pub(super) fn way_back(step: &Step) -> &'static str {
    if step.direction == Direction::Rollback && step.why != Why::Restored { "takes back" } else { "rollback" }
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
                Direction::Rollback => String::new(),
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
            Direction::Rollback => count(statements(segments).count(), "statement"),
        },
    }
}

/// What the column of [`way`] is called.
pub(super) fn way_title(plan: &Plan) -> &'static str {
    match plan.direction {
        Direction::Forward => "Way back",
        Direction::Rollback => "Takes back",
    }
}

/// The numbers of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Steps.
    pub steps: usize,
    /// Waves.
    pub waves: usize,
    /// Statements that are still to be run.
    pub statements: usize,
    /// Steps with each hazard, in the order of [`Totals::HAZARDS`].
    hazards: [usize; 7],
}

impl Totals {
    const HAZARDS: [Hazard; 7] = [
        Hazard::CannotBeUndone,
        Hazard::LosesData,
        Hazard::BlocksReads,
        Hazard::BlocksWrites,
        Hazard::Rewrites,
        Hazard::Scans,
        Hazard::Opaque,
    ];

    /// Counts.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut waves: Vec<u32> = plan.steps.iter().map(|step| step.wave).collect();
        waves.sort_unstable();
        waves.dedup();
        let mut totals = Self {
            steps: plan.steps.len(),
            waves: waves.len(),
            statements: plan.steps.iter().map(|step| left(&step.segments).count()).sum(),
            hazards: [0; 7],
        };
        for hazard in plan.steps.iter().flat_map(hazards) {
            totals.hazards[hazard as usize] += 1;
        }
        totals
    }

    /// `3 steps in 2 waves, 7 statements`; `no step`.
    #[must_use]
    pub fn size(&self) -> String {
        if self.steps == 0 {
            return "no step".to_owned();
        }
        let (steps, waves) = (count(self.steps, "step"), count(self.waves, "wave"));
        format!("{steps} in {waves}, {}", count(self.statements, "statement"))
    }

    /// The hazards that occur, worst first, with the number of steps that have each.
    pub fn hazards(&self) -> impl Iterator<Item = (Hazard, usize)> {
        Self::HAZARDS.into_iter().zip(self.hazards).filter(|(_, n)| *n > 0)
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
    }
}

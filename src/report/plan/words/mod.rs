//! What all forms of a plan say in the same words.

mod gist;

pub use gist::{gist, gist_within};

use crate::base::count;
use crate::plan::{Direction, Mode, Plan, Progress, Rollback, Segment, Statement, Step, Why};
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
}

/// The hazards of a step, worst first, each once.
#[must_use]
pub fn hazards(step: &Step) -> Vec<Hazard> {
    let mut found = Vec::new();
    if matches!(step.rollback, Rollback::Irreversible { .. }) && step.direction == Direction::Forward {
        found.push(Hazard::CannotBeUndone);
    }
    for statement in statements(&step.segments) {
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

/// One line per lock: `ACCESS EXCLUSIVE on platform.users: blocks reads and writes`.
pub(super) fn locks(facts: &Facts) -> Vec<(LockMode, String)> {
    let line = |(name, mode): &(crate::base::QualifiedName, LockMode)| {
        (*mode, format!("{} on {name}: {}", mode.sql(), mode.effect()))
    };
    facts.locks.iter().map(line).collect()
}

/// All statements of some segments.
pub(super) fn statements(segments: &[Segment]) -> impl Iterator<Item = &Statement> {
    segments.iter().flat_map(|segment| &segment.statements)
}

/// How a segment runs, with its limits.
pub(super) fn segment_head(segment: &Segment) -> String {
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
    let limits = &segment.limits;
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
    if said.is_empty() { head } else { format!("{head} ({})", said.join("; ")) }
}

/// The statement with its semicolon, which must not get into a comment at its end.
pub(super) fn closed(sql: &str) -> String {
    let sql = sql.trim_end();
    if ends_in_comment(sql) { format!("{sql}\n;") } else { format!("{sql};") }
}

/// Whether the gist already is the statement.
pub(super) fn is_whole(sql: &str) -> bool {
    gist(sql) == sql.trim_end()
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
            let origin = match (step.direction, *derived) {
                // what is taken back is what was applied, whoever wrote it
                (Direction::Rollback, _) => String::new(),
                (Direction::Forward, true) => "derived, ".to_owned(),
                (Direction::Forward, false) => "written by hand, ".to_owned(),
            };
            let parts = match segments.as_slice() {
                [one] => one.mode.words().to_owned(),
                many => format!("in {}", count(many.len(), "segment")),
            };
            format!("{origin}{all} {parts}")
        }
    }
}

/// The numbers of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Steps.
    pub steps: usize,
    /// Waves.
    pub waves: usize,
    /// Statements.
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
            statements: plan.steps.iter().map(|step| statements(&step.segments).count()).sum(),
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
pub(super) fn nothing(plan: &Plan) -> String {
    let what = match plan.direction {
        Direction::Forward => "nothing to apply",
        Direction::Rollback => "nothing to roll back",
    };
    format!("{what} in {}", plan.environment)
}

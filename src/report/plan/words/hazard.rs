//! What may hurt of a plan, and its numbers.

use crate::base::count;
use crate::plan::{Direction, Plan, Progress, Rollback, Segment, Statement, Step};
use crate::sql::{Facts, LockMode, Outside};

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
    if matches!(step.rollback, Rollback::Irreversible { .. }) && step.direction != Direction::Rollback {
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
pub(in crate::report::plan) fn flags(facts: &Facts) -> Vec<Hazard> {
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
pub(in crate::report::plan) fn flag_words(flag: Hazard) -> &'static str {
    match flag {
        Hazard::Rewrites => "rewrites the table",
        Hazard::Scans => "reads the whole table under its lock",
        other => other.words(),
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

/// The statements that are still to be run.
fn left(segments: &[Segment]) -> impl Iterator<Item = &Statement> {
    segments.iter().filter(|segment| segment.progress != Progress::Done).flat_map(|segment| &segment.statements)
}

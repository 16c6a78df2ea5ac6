//! The words for what may hurt of a plan, and its numbers.

use crate::base::count;
use crate::plan::{Hazard, Plan, Segment, Statement, Step};

/// The sign of the hazard that people know by these words.
#[must_use]
pub fn mark(words: &str) -> Option<&'static str> {
    Hazard::from_words(words).map(Hazard::mark)
}

/// What one statement does besides taking locks. That it reads a whole table is said also where nobody
/// waits for that.
pub(in crate::report::plan) fn flags(
    plan: &Plan,
    step: &Step,
    segment: &Segment,
    statement: &Statement,
) -> Vec<Hazard> {
    let mut found = plan.statement_hazards(step, segment, statement);
    // tables that the statement does not name have lines of their own
    let of_others = |hazard: Hazard| match hazard {
        Hazard::LOSES_DATA => !statement.facts.loses_data,
        Hazard::REWRITES => !statement.facts.rewrites,
        Hazard::Scans | Hazard::MayLockMore => true,
        _ => hazard.is_of_lock(),
    };
    found.retain(|hazard| !of_others(*hazard));
    if statement.facts.scans {
        let after = found.iter().take_while(|hazard| hazard.rank() < Hazard::Scans.rank()).count();
        found.insert(after, Hazard::Scans);
    }
    found
}

/// The same as a sentence's end: `rewrites the table`.
pub(in crate::report::plan) fn flag_words(flag: Hazard) -> &'static str {
    match flag {
        Hazard::REWRITES => "rewrites the table",
        Hazard::Scans => "reads the whole table under its lock",
        Hazard::OPAQUE => "opaque: its text does not show its effect",
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
    /// Steps with each hazard, in the order of [`Hazard::all`].
    hazards: [usize; Hazard::COUNT],
}

impl Totals {
    /// Counts.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut waves: Vec<u32> = plan.steps.iter().map(|step| step.wave).collect();
        waves.sort_unstable();
        waves.dedup();
        let mut totals = Self {
            steps: plan.steps.len(),
            waves: waves.len(),
            statements: plan
                .steps
                .iter()
                .map(|step| step.left().map(|(_, segment)| segment.statements.len()).sum::<usize>())
                .sum(),
            hazards: [0; Hazard::COUNT],
        };
        for hazard in plan.steps.iter().flat_map(|step| plan.hazards(step)) {
            totals.hazards[hazard.rank()] += 1;
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
        Hazard::all().zip(self.hazards).filter(|(_, n)| *n > 0)
    }
}

//! The plan: the ordered steps for one target, complete.

use super::origin::Origin;
pub use crate::base::Limits;
use crate::base::{Content, HumanDuration, Location};
use crate::change::Batch;
use crate::effects::Touch;
use crate::history::Recorded;
pub use crate::history::{Direction, Renamed};
use crate::sql::Facts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the plan's JSON form.
pub const FORMAT: u32 = 1;

/// The ordered steps for one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The version of this form: 1.
    pub format: u32,
    /// The environment it is for.
    pub environment: String,
    /// Which way its steps go.
    pub direction: Direction,
    /// The schema of the ledger.
    pub ledger_schema: String,
    /// What is recorded under an earlier id, and is given its new one before the first step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<Renamed>,
    /// What runs, in order.
    pub steps: Vec<Step>,
    /// What would run but has to wait for time.
    pub waiting: Vec<Waiting>,
    /// What cannot run because something it needs waits, is held or failed.
    pub blocked: Vec<Blocked>,
    /// Changesets that this environment never gets.
    pub excluded: Vec<String>,
    /// Change types whose built-in template the project replaces.
    pub overridden_templates: Vec<String>,
}

impl Plan {
    /// Whether there is nothing to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.renamed.is_empty()
    }
}

/// A changeset's segments in one direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The id of the changeset.
    pub changeset: String,
    /// The file it stands in, relative to the project; absent when only the ledger knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What it does, in its author's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Its labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The environments that get it; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// Expand, migrate or contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Which way it goes.
    pub direction: Direction,
    /// Steps of one wave may run in parallel; waves run one after the other, from 1.
    pub wave: u32,
    /// Why it is in the plan.
    pub why: StepReason,
    /// The changesets it depends on directly.
    pub requires: Vec<String>,
    /// Whether it is applied again when its content changes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeatable: bool,
    /// The checksum of the changeset (`d1:…`), the same in every environment.
    pub checksum: String,
    /// The checksum of what was rendered for this environment.
    pub digest: String,
    /// The normalised changeset, as it is stored in the ledger; of a step of the attic: its `entries`.
    pub body: Content,
    /// The objects it touches; absent when that is not known, so that it runs alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touches: Option<Vec<Touch>>,
    /// Conditions before the first statement.
    #[serde(default)]
    pub preconditions: Vec<StepCheck>,
    /// What runs.
    pub segments: Vec<Segment>,
    /// Conditions after the last statement.
    #[serde(default)]
    pub verify: Vec<StepCheck>,
    /// How it is taken back; for a rollback step: what it took back, unless it restores a
    /// version before.
    pub rollback: Rollback,
}

impl Step {
    /// Takes over what earlier runs have done of it, as the ledger has it.
    pub fn take_progress(&mut self, recorded: &Recorded) {
        for state in recorded.progress(self.direction) {
            if let Some(segment) = self.segments.get_mut(state.no as usize) {
                segment.progress = if state.done { Progress::Done } else { Progress::Started };
            }
        }
    }

    /// The same step without the places of what it runs: lines move.
    #[must_use]
    pub fn without_origins(mut self) -> Self {
        let segments = |segments: &mut Vec<Segment>| {
            segments.iter_mut().flat_map(|s| &mut s.statements).for_each(|s| s.origin = None);
        };
        segments(&mut self.segments);
        let checks = self.preconditions.iter_mut().chain(&mut self.verify);
        checks.for_each(|check| check.origin = None);
        if let Rollback::Segments { segments: list, verify, .. } = &mut self.rollback {
            segments(list);
            verify.iter_mut().for_each(|check| check.origin = None);
        }
        self
    }

    /// Where in the project's files a character of one of its statements or checks is written.
    #[must_use]
    pub fn location(&self, origin: Option<&Origin>, sql: &str, position: Option<usize>) -> Option<Location> {
        let origin = origin?;
        let file = origin.file.clone().or_else(|| self.file.clone())?;
        let (line, column) = origin.at(sql, position);
        // what is taken back comes from the ledger
        Some(Location { file, line, column, as_applied: self.direction == Direction::Rollback })
    }

    /// The segments that are still to be run, each with its position in the step.
    pub fn left(&self) -> impl Iterator<Item = (usize, &Segment)> {
        self.segments.iter().enumerate().filter(|(_, segment)| segment.progress != Progress::Done)
    }
}

/// Why a step is in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepReason {
    /// It was never applied.
    Pending,
    /// It is repeatable and its content changed.
    Changed,
    /// It was begun and not finished; what is left runs.
    Resumed,
    /// It was named, or is part of what was named.
    Requested,
    /// Something that is rolled back is needed by it.
    Dependent,
    /// It restores the version before.
    Restored,
}

/// The statements that run as one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// How they run.
    pub mode: Mode,
    /// The statements, in order.
    pub statements: Vec<Statement>,
    /// The walk through the table, for a batched segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// The limits that hold while it runs.
    pub limits: Limits,
    /// What an earlier run has done of it.
    #[serde(default, skip_serializing_if = "Progress::is_todo")]
    pub progress: Progress,
}

/// What an earlier run has done of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Progress {
    /// Nothing.
    #[default]
    Todo,
    /// Begun; whether it is done, the catalog or its position tells.
    Started,
    /// All.
    Done,
}

impl Progress {
    fn is_todo(&self) -> bool {
        *self == Progress::Todo
    }
}

/// How a segment runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// All in one transaction, together with the ledger's rows.
    Transaction,
    /// One statement outside of a transaction.
    Outside,
    /// One statement per batch, each a transaction of its own.
    Batched,
}

impl Mode {
    /// A few words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Mode::Transaction => "in one transaction",
            Mode::Outside => "outside of a transaction",
            Mode::Batched => "in batches",
        }
    }
}

/// One SQL statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// Its text, without the semicolon. In a batched segment it is one batch, with the parameters `$1`
    /// (`jsonb`: the last key of the batch before), `$2` (`boolean`: whether it is the first of a walk)
    /// and `$3` (`bigint`: how many rows it looks at).
    pub sql: String,
    /// Which change of the changeset it belongs to, from 0.
    pub change: usize,
    /// The change type.
    pub kind: String,
    /// What is known of it.
    pub facts: Facts,
    /// Where it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// A condition: an SQL query that answers one boolean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepCheck {
    /// What must be true, in words.
    pub name: String,
    /// The query.
    pub sql: String,
    /// Where it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// How a step is taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Rollback {
    /// By these segments.
    Segments {
        /// Whether they follow from the change types (`false`: the author wrote them).
        derived: bool,
        /// What runs.
        segments: Vec<Segment>,
        /// Conditions after the last statement of the rollback.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        verify: Vec<StepCheck>,
    },
    /// Not at all.
    Irreversible {
        /// Why, in the author's words.
        reason: String,
    },
}

/// A changeset that has to wait for time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The changeset.
    pub changeset: String,
    /// The changeset on whose age it waits.
    pub on: String,
    /// How long that one must have been applied.
    pub soak: HumanDuration,
    /// When the wait is over, as RFC 3339 in UTC; absent while that one is not applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A changeset that cannot run now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blocked {
    /// The changeset.
    pub changeset: String,
    /// Why, in a sentence.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{RecordedStatus, SegmentState};
    use serde_json::json;

    #[test]
    fn a_step_takes_the_progress_of_its_own_direction() {
        let segment = json!({ "mode": "transaction", "statements": [],
                              "limits": { "lockTimeout": "5s", "statementTimeout": "0s", "lockRetries": 1 } });
        let step: Step = serde_json::from_value(json!({
            "changeset": "a", "direction": "forward", "wave": 1, "why": "resumed", "requires": [], "checksum": "", "digest": "",
            "body": {}, "segments": [segment, segment, segment], "rollback": { "kind": "irreversible", "reason": "gone" },
        }))
        .unwrap();
        let state = |direction, no, done| SegmentState { direction, no, done, rows: 0, cursor: None };
        let (forward, back) = (Direction::Forward, Direction::Rollback);
        let recorded = |segments| Recorded {
            status: RecordedStatus::Partly,
            ordinal: 1,
            checksum: String::new(),
            digest: String::new(),
            description: None,
            repeatable: false,
            versions: 0,
            run: String::new(),
            applied_at: 0,
            applied_by: String::new(),
            duration: None,
            reason: None,
            error: None,
            requires: Vec::new(),
            segments,
        };
        let taken = |direction, recorded: &Recorded| {
            let mut step = Step { direction, ..step.clone() };
            step.take_progress(recorded);
            let left: Vec<usize> = step.left().map(|(no, _)| no).collect();
            (step.segments.iter().map(|s| s.progress).collect::<Vec<_>>(), left)
        };
        let (todo, started, done) = (Progress::Todo, Progress::Started, Progress::Done);
        // the ledger may know of a segment that the file has no more
        let applied = recorded(vec![state(forward, 0, true), state(forward, 1, false), state(forward, 7, true)]);
        assert_eq!(taken(forward, &applied), (vec![done, started, todo], vec![1, 2]));
        assert_eq!(taken(back, &applied), (vec![todo; 3], vec![0, 1, 2]));
        assert!(!applied.is_rollback_begun());
        let undone = recorded(vec![state(forward, 0, true), state(back, 2, true)]);
        assert_eq!(taken(back, &undone), (vec![todo, todo, done], vec![0, 1]));
        assert!(undone.is_rollback_begun());
    }
}

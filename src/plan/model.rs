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

/// A plan: the ordered steps for one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The version of this format: 1.
    pub format: u32,
    /// The environment that the plan is for.
    pub environment: String,
    /// The direction of the steps.
    pub direction: Direction,
    /// The schema of the ledger.
    pub ledger_schema: String,
    /// The changesets whose id in the ledger changes before the first step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<Renamed>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Changesets that wait for a soak time.
    pub waiting: Vec<Waiting>,
    /// Changesets that cannot run because a dependency waits, is held or failed.
    pub blocked: Vec<Blocked>,
    /// Changesets that are not for this environment.
    pub excluded: Vec<String>,
    /// The change types whose built-in template the project overrides.
    pub overridden_templates: Vec<String>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.renamed.is_empty()
    }
}

/// A step: the segments of one changeset in one direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The id of the changeset.
    pub changeset: String,
    /// The file of the changeset, relative to the project; absent if the changeset is only in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The description of the changeset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The labels of the changeset.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The environments that the changeset is for; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// The phase: expand, migrate or contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The direction of the step.
    pub direction: Direction,
    /// The wave of the step, from 1. Steps of one wave can run in parallel; waves run one after the other.
    pub wave: u32,
    /// The reason why the step is in the plan.
    pub why: StepReason,
    /// The direct dependencies.
    pub requires: Vec<String>,
    /// True if the changeset is applied again when its content changes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeatable: bool,
    /// The checksum of the changeset (`d1:…`), the same in every environment.
    pub checksum: String,
    /// The checksum of the SQL that was rendered for this environment.
    pub digest: String,
    /// The normalised changeset, as the ledger stores it; for a step of the attic its `entries`.
    pub body: Content,
    /// The objects that the step touches; absent if they are unknown, so that the step runs alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touches: Option<Vec<Touch>>,
    /// The conditions before the first statement.
    #[serde(default)]
    pub preconditions: Vec<StepCheck>,
    /// The segments, in order.
    pub segments: Vec<Segment>,
    /// The conditions after the last statement.
    #[serde(default)]
    pub verify: Vec<StepCheck>,
    /// The rollback of the step; for a rollback step the step that it rolled back, unless it restores an
    /// earlier version.
    pub rollback: Rollback,
}

impl Step {
    /// Takes the progress of earlier runs from the ledger.
    pub fn take_progress(&mut self, recorded: &Recorded) {
        for state in recorded.progress(self.direction) {
            if let Some(segment) = self.segments.get_mut(state.no as usize) {
                segment.progress = if state.done { Progress::Done } else { Progress::Started };
            }
        }
    }

    /// The same step without source places, because lines move.
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

    /// The place in the project's files of a character of a statement or check.
    #[must_use]
    pub fn location(&self, origin: Option<&Origin>, sql: &str, position: Option<usize>) -> Option<Location> {
        let origin = origin?;
        let file = origin.file.clone().or_else(|| self.file.clone())?;
        let (line, column) = origin.at(sql, position);
        // what is taken back comes from the ledger
        Some(Location { file, line, column, as_applied: self.direction == Direction::Rollback })
    }

    /// The segments that are still to run, each with its position in the step.
    pub fn left(&self) -> impl Iterator<Item = (usize, &Segment)> {
        self.segments.iter().enumerate().filter(|(_, segment)| segment.progress != Progress::Done)
    }
}

/// The reason why a step is in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepReason {
    /// The changeset was never applied.
    Pending,
    /// The changeset is repeatable and its content changed.
    Changed,
    /// The changeset was started and not finished; the rest runs.
    Resumed,
    /// The user named the changeset, or selected it.
    Requested,
    /// The changeset depends on one that is rolled back.
    Dependent,
    /// The step restores the previous version.
    Restored,
}

/// Statements that run as one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// The mode of the statements.
    pub mode: Mode,
    /// The statements, in order.
    pub statements: Vec<Statement>,
    /// The batches over a table, for a batched segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// The limits of the segment.
    pub limits: Limits,
    /// The progress of earlier runs.
    #[serde(default, skip_serializing_if = "Progress::is_todo")]
    pub progress: Progress,
}

impl Segment {
    /// The limits of a statement outside of a transaction that blocks others; the others have none.
    #[must_use]
    pub fn outside_limits(&self) -> Option<Limits> {
        let limits = self.limits;
        let has_any = limits.lock_timeout.millis > 0 || limits.statement_timeout.millis > 0;
        (self.mode == Mode::Outside && has_any).then_some(limits)
    }
}

/// The progress of a segment in earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Progress {
    /// The segment was not started.
    #[default]
    Todo,
    /// The segment was started; the catalog or its position tells whether it is done.
    Started,
    /// The segment is done.
    Done,
}

impl Progress {
    fn is_todo(&self) -> bool {
        *self == Progress::Todo
    }
}

/// The mode of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// All statements in one transaction, together with the ledger rows.
    Transaction,
    /// One statement outside of a transaction.
    Outside,
    /// One statement per batch, each in a separate transaction.
    Batched,
}

impl Mode {
    /// The mode, in a few words.
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
    /// The text, without the semicolon. In a batched segment it is one batch, with the parameters `$1`
    /// (`jsonb`: the last key of the previous batch), `$2` (`boolean`: true for the first batch of a walk) and
    /// `$3` (`bigint`: the number of rows of the batch).
    pub sql: String,
    /// The position of the change in the changeset, from 0.
    pub change: usize,
    /// The change type.
    pub kind: String,
    /// The known effects of the statement.
    pub facts: Facts,
    /// The place in the source files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// A condition: an SQL query that returns one boolean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepCheck {
    /// The condition, in words.
    pub name: String,
    /// The query.
    pub sql: String,
    /// The place in the source files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// The rollback of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Rollback {
    /// The step can be rolled back with these segments.
    Segments {
        /// True if dagmar derived the segments from the change types; false if the author wrote them.
        derived: bool,
        /// The segments, in order.
        segments: Vec<Segment>,
        /// The conditions after the last statement of the rollback.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        verify: Vec<StepCheck>,
    },
    /// The step cannot be rolled back.
    Irreversible {
        /// The reason, as the author wrote it.
        reason: String,
    },
}

/// A changeset that waits for a soak time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The changeset.
    pub changeset: String,
    /// The dependency that must have been applied for some time.
    pub on: String,
    /// The required time since the dependency was applied.
    pub soak: HumanDuration,
    /// The end of the wait, as RFC 3339 in UTC; absent while the dependency is not applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A changeset that cannot run now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blocked {
    /// The changeset.
    pub changeset: String,
    /// The reason, as a sentence.
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

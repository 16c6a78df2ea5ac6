//! The state of every changeset in one environment: what `status` shows.

use super::compile::{Decision, decide};
use crate::base::{time, words::grouped};
use crate::graph::Graph;
use crate::history::{History, Recorded, RecordedStatus, SegmentState};
use crate::source::{Changelog, SourceSet};
use schemars::JsonSchema;
use serde::Serialize;

/// The state of a changeset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ChangesetState")]
pub enum State {
    /// The changeset is applied.
    Applied,
    /// The changeset is applied and repeatable, and was edited since: the next apply runs it again.
    Changed,
    /// The changeset is applied, and its file was edited since.
    Edited,
    /// The changeset is applied, and no file contains it.
    Missing,
    /// Some segments are done.
    Partly,
    /// The changeset failed; nothing of it remains.
    Failed,
    /// The next apply runs the changeset.
    Pending,
    /// The changeset waits for a soak time.
    Waiting,
    /// A dependency of the changeset does not run.
    Blocked,
    /// The changeset is marked as skipped.
    Skipped,
    /// The changeset is marked as held.
    Held,
    /// The changeset is not for this environment.
    Excluded,
}

impl State {
    /// All states.
    pub const ALL: [State; 12] = [
        State::Applied,
        State::Changed,
        State::Edited,
        State::Missing,
        State::Partly,
        State::Failed,
        State::Pending,
        State::Waiting,
        State::Blocked,
        State::Skipped,
        State::Held,
        State::Excluded,
    ];

    /// The word for people and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            State::Applied => "applied",
            State::Changed => "changed",
            State::Edited => "edited",
            State::Missing => "missing",
            State::Partly => "partly",
            State::Failed => "failed",
            State::Pending => "pending",
            State::Waiting => "waiting",
            State::Blocked => "blocked",
            State::Skipped => "skipped",
            State::Held => "held",
            State::Excluded => "excluded",
        }
    }

    /// The same for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            State::Excluded => "excluded",
            other => other.word(),
        }
    }
}

/// A changeset and its state.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ChangesetStatus")]
pub struct StateRow {
    /// The id of the changeset.
    pub id: String,
    /// The state of the changeset.
    pub state: State,
    /// The file that contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The checksum of the changeset in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// The checksum of the applied changeset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_checksum: Option<String>,
    /// The time of the application, as RFC 3339 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<String>,
    /// The database role that applied the changeset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_by: Option<String>,
    /// The duration in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The reason why the changeset waits, is blocked, skipped or held, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The end of the wait, as RFC 3339 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The error of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The progress of a backfill that was started and not finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backfill: Option<Backfill>,
    /// The progress of the segments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentState>,
}

/// The progress of a backfill.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BackfillProgress")]
pub struct Backfill {
    /// The table.
    pub table: String,
    /// The number of processed rows.
    pub seen: u64,
    /// The estimated number of rows of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The progress in percent, at most 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u64>,
}

impl Backfill {
    /// So many rows of a table that has so many.
    #[must_use]
    pub fn new(table: String, seen: u64, rows: Option<u64>) -> Self {
        let percent = rows.filter(|rows| *rows > 0).map(|rows| (seen.saturating_mul(100) / rows).min(100));
        Self { table, seen, rows, percent }
    }
}

impl std::fmt::Display for Backfill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "backfill of {}: {}", self.table, grouped(self.seen))?;
        match (self.rows, self.percent) {
            (Some(rows), Some(percent)) => write!(f, " of {} rows, {percent} %", grouped(rows)),
            _ => f.write_str(" rows"),
        }
    }
}

/// The state of every changeset: those of the files in their order, then those that only
/// the ledger knows.
#[must_use]
pub fn states(
    changelog: &Changelog,
    graph: &Graph,
    sources: &SourceSet,
    history: &History,
    environment: &str,
) -> Vec<StateRow> {
    let decision = decide(changelog, graph, history, environment, None);
    let history = &*history.with_new_ids(&decision.renamed);
    let mut rows: Vec<StateRow> = Vec::with_capacity(changelog.changesets.len());
    for &position in graph.order() {
        let changeset = &changelog.changesets[position];
        let mut row = of_ledger(&changeset.id, history);
        row.file = Some(sources.get(changeset.file).path.clone());
        row.description = changeset.description.as_ref().map(|d| d.trim().to_owned());
        row.checksum = Some(changeset.checksum.clone());
        refine(&mut row, position, changeset.repeatable, &decision, history);
        rows.push(row);
    }
    for mut row in recorded(history).into_iter().filter(|row| graph.position(&row.id).is_none()) {
        if row.state == State::Applied {
            row.state = State::Missing;
        }
        rows.push(row);
    }
    rows
}

/// What the ledger alone says of its changesets, in the order in which they were applied: where the files
/// cannot be read.
#[must_use]
pub fn recorded(history: &History) -> Vec<StateRow> {
    let mut known: Vec<_> = history.changesets.iter().collect();
    known.sort_by_key(|(_, recorded)| recorded.ordinal);
    let row = |(id, recorded): (&String, &Recorded)| StateRow {
        description: recorded.description.clone(),
        ..of_ledger(id, history)
    };
    known.into_iter().map(row).collect()
}

/// Applied changesets that no file has any more, in the order in which they were applied.
#[must_use]
pub fn missing<'a>(graph: &Graph, history: &'a History) -> Vec<&'a str> {
    let applied = history.changesets.iter().filter(|(_, recorded)| recorded.status == RecordedStatus::Applied);
    let mut gone: Vec<_> = applied.filter(|(id, _)| graph.position(id).is_none()).collect();
    gone.sort_by_key(|(_, recorded)| recorded.ordinal);
    gone.into_iter().map(|(id, _)| id.as_str()).collect()
}

fn of_ledger(id: &str, history: &History) -> StateRow {
    let recorded = history.changesets.get(id);
    StateRow {
        id: id.to_owned(),
        state: match recorded.map(|r| r.status) {
            None => State::Pending,
            Some(RecordedStatus::Applied) => State::Applied,
            Some(RecordedStatus::Partly) => State::Partly,
            Some(RecordedStatus::Failed) => State::Failed,
            Some(RecordedStatus::Skipped) => State::Skipped,
            Some(RecordedStatus::Held) => State::Held,
        },
        file: None,
        description: None,
        checksum: None,
        applied_checksum: recorded.map(|r| r.checksum.clone()),
        applied_at: recorded.map(|r| time::rfc3339(r.applied_at)),
        applied_by: recorded.map(|r| r.applied_by.clone()),
        duration_ms: recorded.and_then(|r| r.duration).map(|d| d.millis),
        reason: recorded.and_then(|r| r.reason.clone()),
        until: None,
        error: recorded.and_then(|r| r.error.clone()),
        backfill: None,
        segments: recorded.map(|r| r.segments.clone()).unwrap_or_default(),
    }
}

fn refine(row: &mut StateRow, position: usize, repeatable: bool, decision: &Decision, history: &History) {
    if decision.excluded.contains(&row.id) {
        row.state = State::Excluded;
    } else if let Some(waiting) = decision.waiting.iter().find(|w| w.changeset == row.id) {
        row.state = State::Waiting;
        row.until.clone_from(&waiting.until);
        row.reason = Some(match &waiting.until {
            Some(until) => format!("`{}` must have been applied for {}: until {until}", waiting.on, waiting.soak),
            None => format!("`{}` must have been applied for {}", waiting.on, waiting.soak),
        });
    } else if let Some(blocked) = decision.blocked.iter().find(|b| b.changeset == row.id) {
        row.state = if row.state == State::Partly { State::Partly } else { State::Blocked };
        row.reason = Some(blocked.reason.clone());
    } else if decision.edited.iter().any(|e| e.position == position) {
        row.state = State::Edited;
    } else if repeatable
        && history.status(&row.id) == Some(RecordedStatus::Applied)
        && row.checksum != row.applied_checksum
    {
        row.state = State::Changed;
    }
}

//! The ledger, read as a value.

use crate::base::HumanDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a database has, and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The version of the ledger; 0: there is none.
    pub version: u32,
    /// The server's clock when it was read, in milliseconds since 1970.
    pub now: i64,
    /// The environment that it belongs to; `None`: nothing was run yet.
    pub environment: Option<String>,
    /// What is recorded, by id.
    pub changesets: BTreeMap<String, Recorded>,
    /// What the owner of the ledger demands that `dagmar.yaml` says, by environment.
    pub policies: BTreeMap<String, Value>,
}

/// A changeset with a changed id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Renamed {
    /// The id in the ledger.
    pub from: String,
    /// The id in the files.
    pub to: String,
}

/// The direction of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// Applies the change.
    Forward,
    /// Rolls the change back.
    Rollback,
    /// Drops its attic entries permanently.
    Purge,
    /// Restores its attic entries.
    Restore,
}

impl Direction {
    /// The word in JSON, ledger and messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Direction::Forward => "forward",
            Direction::Rollback => "rollback",
            Direction::Purge => "purge",
            Direction::Restore => "restore",
        }
    }
}

/// The state of a changeset in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RecordedStatus {
    /// The changeset is applied.
    Applied,
    /// Some segments are done.
    Partly,
    /// The changeset failed; nothing of it remains.
    Failed,
    /// Marked: counts as done, was not run.
    Skipped,
    /// Marked: must not run, and what depends on it must not either.
    Held,
}

impl RecordedStatus {
    /// The word in the ledger, in JSON and in messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            RecordedStatus::Applied => "applied",
            RecordedStatus::Partly => "partly",
            RecordedStatus::Failed => "failed",
            RecordedStatus::Skipped => "skipped",
            RecordedStatus::Held => "held",
        }
    }

    /// The status of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [
            RecordedStatus::Applied,
            RecordedStatus::Partly,
            RecordedStatus::Failed,
            RecordedStatus::Skipped,
            RecordedStatus::Held,
        ]
        .into_iter()
        .find(|s| s.word() == word)
    }

    /// Whether what depends on it may run.
    #[must_use]
    pub fn satisfies(self) -> bool {
        matches!(self, RecordedStatus::Applied | RecordedStatus::Skipped)
    }
}

/// A row of the ledger, without the texts that few commands need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its state.
    pub status: RecordedStatus,
    /// The order in which it came to this database.
    pub ordinal: i64,
    /// Of the changeset as written.
    pub checksum: String,
    /// Of the SQL as rendered.
    pub digest: String,
    /// What it does.
    pub description: Option<String>,
    /// Whether it is applied again when it changes.
    pub repeatable: bool,
    /// How many earlier versions are kept.
    pub versions: u32,
    /// The run that brought it.
    pub run: String,
    /// When, in milliseconds since 1970, by the server's clock.
    pub applied_at: i64,
    /// The database role that brought it.
    pub applied_by: String,
    /// How long it took.
    pub duration: Option<HumanDuration>,
    /// Why it was marked by hand.
    pub reason: Option<String>,
    /// The error.
    pub error: Option<String>,
    /// The changesets that it needs, as recorded.
    pub requires: Vec<String>,
    /// The progress inside of it.
    pub segments: Vec<SegmentState>,
}

/// The progress of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SegmentState {
    /// Forward or rollback.
    pub direction: Direction,
    /// The position of the segment, from 0.
    pub no: u32,
    /// True if the segment is finished; otherwise it was started.
    pub done: bool,
    /// The number of rows that a backfill has changed.
    pub rows: i64,
    /// The last key of a backfill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Value>,
}

impl Recorded {
    /// What earlier runs have done of it in one direction; nothing where it is whole.
    pub fn progress(&self, direction: Direction) -> impl Iterator<Item = &SegmentState> {
        self.segments.iter().filter(move |state| state.direction == direction)
    }

    /// Whether its rollback is not finished: nothing but that rollback continues it.
    #[must_use]
    pub fn is_rollback_begun(&self) -> bool {
        self.progress(Direction::Rollback).next().is_some()
    }
}

impl History {
    /// The status of a changeset; `None`: never heard of.
    #[must_use]
    pub fn status(&self, id: &str) -> Option<RecordedStatus> {
        self.changesets.get(id).map(|r| r.status)
    }

    /// The same with the ids that changesets have now.
    #[must_use]
    pub fn with_new_ids(&self, renamed: &[Renamed]) -> Cow<'_, Self> {
        if renamed.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut history = self.clone();
        let new: BTreeMap<&str, &str> = renamed.iter().map(|r| (r.from.as_str(), r.to.as_str())).collect();
        for Renamed { from, to } in renamed {
            if let Some(recorded) = history.changesets.remove(from) {
                history.changesets.insert(to.clone(), recorded);
            }
        }
        for needed in history.changesets.values_mut().flat_map(|r| &mut r.requires) {
            if let Some(to) = new.get(needed.as_str()) {
                *needed = (*to).to_owned();
            }
        }
        Cow::Owned(history)
    }

    /// What needs this changeset directly, as recorded.
    pub fn dependents<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> {
        self.changesets.iter().filter(move |(_, r)| r.requires.iter().any(|n| n == id)).map(|(id, _)| id.as_str())
    }
}

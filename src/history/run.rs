//! What a run is, and how it ends: the words of the ledger's table `run` and of every JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a run: the operation that took the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunKind {
    /// Applies pending changesets, from files or a sealed plan.
    Apply,
    /// Applies the changesets of another environment.
    Promote,
    /// Rolls changesets back.
    Rollback,
    /// Sets the state of changesets manually.
    Mark,
    /// Corrects the state of a changeset manually.
    Clear,
    /// Adopts the ledger of a copied database.
    Adopt,
    /// Runs a plan as a psql script.
    Script,
    /// Requires a policy for an environment, or removes the requirement.
    Policy,
    /// Drops attic entries permanently.
    Purge,
    /// Restores attic entries.
    Restore,
    /// A dry run, which is rolled back.
    Rehearsal,
}

impl RunKind {
    /// Every kind.
    pub const ALL: [RunKind; 11] = [
        RunKind::Apply,
        RunKind::Promote,
        RunKind::Rollback,
        RunKind::Mark,
        RunKind::Clear,
        RunKind::Adopt,
        RunKind::Script,
        RunKind::Policy,
        RunKind::Purge,
        RunKind::Restore,
        RunKind::Rehearsal,
    ];

    /// The word in the ledger, in JSON and in messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            RunKind::Apply => "apply",
            RunKind::Promote => "promote",
            RunKind::Rollback => "rollback",
            RunKind::Mark => "mark",
            RunKind::Clear => "clear",
            RunKind::Adopt => "adopt",
            RunKind::Script => "script",
            RunKind::Policy => "policy",
            RunKind::Purge => "purge",
            RunKind::Restore => "restore",
            RunKind::Rehearsal => "rehearsal",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// The result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunStatus {
    /// All steps are done.
    Done,
    /// A step failed; later steps did not start.
    Failed,
    /// A signal or a request stopped the run.
    Interrupted,
}

impl RunStatus {
    /// The word in the ledger and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            RunStatus::Done => "done",
            RunStatus::Failed => "failed",
            RunStatus::Interrupted => "interrupted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_that_of_json() {
        for (at, kind) in RunKind::ALL.into_iter().enumerate() {
            assert_eq!((RunKind::from_word(kind.word()), kind as usize), (Some(kind), at));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
        for status in [RunStatus::Done, RunStatus::Failed, RunStatus::Interrupted] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.word());
        }
    }
}

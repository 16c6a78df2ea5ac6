//! What a run is, and how it ends: the words of the ledger's table `run` and of every JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a run: what has taken the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunKind {
    /// Applies what is pending, from files or a sealed plan.
    Apply,
    /// Applies what another environment has.
    Promote,
    /// Takes changesets back.
    Rollback,
    /// Says the state of changesets by hand.
    Mark,
    /// Puts the state of a changeset right by hand.
    Clear,
    /// Takes over the ledger of a copied database.
    Adopt,
    /// A plan as a psql script.
    Script,
    /// Demands a policy of an environment, or releases it.
    Policy,
    /// Drops for good what the attic keeps.
    Purge,
    /// Puts back what the attic keeps.
    Restore,
    /// A dry run, of which nothing remains.
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

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunStatus {
    /// Every step is done.
    Done,
    /// A step failed; those after it were not begun.
    Failed,
    /// Stopped by a signal, or by somebody who asked for it.
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

//! What can happen: the kinds of events.

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A run took the lock.
    RunStarted,
    /// A run came to its end.
    RunFinished,
    /// A run is of a sealed plan.
    SealedPlan,
    /// A hook of `beforeApply` ran.
    BeforeApply,
    /// The first of several transactions of a changeset is about to run.
    Begun,
    /// A changeset is applied.
    Applied,
    /// The first of several transactions of a rollback is about to run.
    RollbackBegun,
    /// A changeset was rolled back.
    RolledBack,
    /// A repeatable changeset is back at the version before.
    Restored,
    /// A lock could not be had; another attempt follows.
    Retried,
    /// A changeset failed.
    Failed,
    /// A rollback failed.
    RollbackFailed,
    /// The state of a changeset was said by hand.
    Marked,
    /// The state of a changeset was put right by hand.
    Cleared,
    /// A changeset has another id.
    Renamed,
    /// The ledger belongs to another environment.
    Adopted,
    /// The ledger has the form of a later version of dagmar.
    Upgraded,
    /// Backfills pause.
    Paused,
    /// Backfills go on.
    Resumed,
    /// A run was asked to stop.
    CancelAsked,
    /// A gate was not met, and a run went past it.
    GateOverridden,
    /// A destructive kind of step was allowed for one run.
    HazardAllowed,
    /// What dagmar.yaml says of the environment differs from the run before.
    PolicyChanged,
    /// The owner of the ledger demands a policy, or demands it no longer.
    PolicyRequired,
    /// A dry run began: it takes the locks of a run.
    RehearsalStarted,
    /// A dry run came to its end; nothing of it remains.
    RehearsalFinished,
    /// A command was refused.
    Refused,
    /// A sealed plan was approved.
    Approved,
    /// A sealed plan was rejected.
    Rejected,
    /// The last hash was signed with a key that the database does not have.
    HeadSigned,
    /// What the attic kept was put back by itself, and not by a rollback.
    AtticRestored,
    /// What the attic kept could not be put back.
    AtticRestoreFailed,
    /// What the attic kept was dropped for good.
    Purged,
    /// What the attic kept could not be dropped.
    PurgeFailed,
    /// Changesets were proven on a database that was thrown away.
    Proven,
    /// The database was compared with what its ledger says.
    DriftChecked,
    /// A sealed plan was uploaded to a service.
    PlanUploaded,
}

impl EventKind {
    /// Every kind with its word in the ledger and in JSON.
    pub const ALL: [(EventKind, &'static str); 37] = [
        (EventKind::RunStarted, "runStarted"),
        (EventKind::RunFinished, "runFinished"),
        (EventKind::SealedPlan, "sealedPlan"),
        (EventKind::BeforeApply, "beforeApply"),
        (EventKind::Begun, "begun"),
        (EventKind::Applied, "applied"),
        (EventKind::RollbackBegun, "rollbackBegun"),
        (EventKind::RolledBack, "rolledBack"),
        (EventKind::Restored, "restored"),
        (EventKind::Retried, "retried"),
        (EventKind::Failed, "failed"),
        (EventKind::RollbackFailed, "rollbackFailed"),
        (EventKind::Marked, "marked"),
        (EventKind::Cleared, "cleared"),
        (EventKind::Renamed, "renamed"),
        (EventKind::Adopted, "adopted"),
        (EventKind::Upgraded, "upgraded"),
        (EventKind::Paused, "paused"),
        (EventKind::Resumed, "resumed"),
        (EventKind::CancelAsked, "cancelAsked"),
        (EventKind::GateOverridden, "gateOverridden"),
        (EventKind::HazardAllowed, "hazardAllowed"),
        (EventKind::PolicyChanged, "policyChanged"),
        (EventKind::PolicyRequired, "policyRequired"),
        (EventKind::RehearsalStarted, "rehearsalStarted"),
        (EventKind::RehearsalFinished, "rehearsalFinished"),
        (EventKind::Refused, "refused"),
        (EventKind::Approved, "approved"),
        (EventKind::Rejected, "rejected"),
        (EventKind::HeadSigned, "headSigned"),
        (EventKind::AtticRestored, "atticRestored"),
        (EventKind::AtticRestoreFailed, "atticRestoreFailed"),
        (EventKind::Purged, "purged"),
        (EventKind::PurgeFailed, "purgeFailed"),
        (EventKind::Proven, "proven"),
        (EventKind::DriftChecked, "driftChecked"),
        (EventKind::PlanUploaded, "planUploaded"),
    ];

    /// The word in the ledger and in JSON.
    ///
    /// # Panics
    /// Never: a test looks for each.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// The kind of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_word() {
        for (at, (kind, word)) in EventKind::ALL.iter().enumerate() {
            assert_eq!((kind.word(), EventKind::from_word(word)), (*word, Some(*kind)));
            assert!(EventKind::ALL[..at].iter().all(|(k, w)| k != kind && w != word), "{word}");
        }
    }
}

//! What can happen: the kinds of events, and the form in which their chain is hashed.

use crate::base::fill;

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
}

impl EventKind {
    /// Every kind with its word in the ledger and in JSON.
    pub const ALL: [(EventKind, &'static str); 34] = [
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

/// What is hashed of an event `e` after the hash `previous`, as SQL. An array keeps the borders of
/// its parts, and NULL; `e2:` in front of the hash says that it is of this form.
pub const CONTENT: &str = "jsonb_build_array({previous}, e.seq, extract(epoch FROM e.at)::text, e.run, e.kind, \
                           e.changeset, e.db_user, e.detail)::text";

/// The same as versions up to 3 of the ledger had it: what is NULL is left out, and the borders of
/// the parts are not kept. The first event after the upgrade has a digest of all of them.
pub const CONTENT_UNTIL_3: &str = "concat_ws('|', {previous}, e.seq, extract(epoch FROM e.at)::text, e.run::text, e.kind, \
                                   coalesce(e.changeset, ''), e.db_user, e.detail::text)";

/// The hash of an event `e` after the hash `previous` (SQL as well).
#[must_use]
pub fn hash_sql(previous: &str) -> String {
    let hash = |content: &str| {
        format!("encode(sha256(convert_to({}, 'UTF8')), 'hex')", content.replace("{previous}", previous))
    };
    format!("CASE WHEN starts_with(e.hash, 'e2:') THEN 'e2:' || {} ELSE {} END", hash(CONTENT), hash(CONTENT_UNTIL_3))
}

/// A digest of all events of the old form, as an SQL expression over the rows `e`.
pub const DIGEST_UNTIL_3: &str = "encode(sha256(convert_to(coalesce(string_agg(encode(sha256(convert_to(jsonb_build_array(e.seq, \
     extract(epoch FROM e.at)::text, e.run, e.kind, e.changeset, e.db_user, e.detail, e.hash)::text, 'UTF8')), 'hex'), '' \
     ORDER BY e.seq), ''), 'UTF8')), 'hex')";

/// What the ledger has of the changeset `c`, as an SQL expression: hashes of its row, its earlier
/// versions and what the attic keeps for it, and its edges. Each event about it holds this.
#[must_use]
pub fn recorded_sql(ledger: &str) -> String {
    let kept = kept_sql(ledger, "c.id");
    fill(include_str!("../../schema/ledger/recorded.sql").trim(), &[("ledger", ledger), ("kept", &kept)])
}

/// A hash of what the attic keeps for a changeset, whose id is SQL; NULL where it keeps nothing.
#[must_use]
pub fn kept_sql(ledger: &str, id: &str) -> String {
    fill(include_str!("../../schema/ledger/kept.sql").trim(), &[("ledger", ledger), ("changeset", id)])
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

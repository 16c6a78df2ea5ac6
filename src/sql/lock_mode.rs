//! The lock modes of tables.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The lock mode that a statement takes on a table, weakest first (manual, chapter 13.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LockMode {
    /// Reads.
    AccessShare,
    /// `SELECT … FOR UPDATE` and foreign key checks.
    RowShare,
    /// Writes.
    RowExclusive,
    /// Concurrent index builds, VALIDATE CONSTRAINT, VACUUM: reads and writes continue.
    ShareUpdateExclusive,
    /// CREATE INDEX: blocks writes.
    Share,
    /// CREATE TRIGGER, ADD FOREIGN KEY: blocks writes.
    ShareRowExclusive,
    /// REFRESH MATERIALIZED VIEW CONCURRENTLY: only plain reads continue.
    Exclusive,
    /// Most forms of ALTER TABLE, DROP, TRUNCATE: blocks all access.
    AccessExclusive,
}

impl LockMode {
    /// The name as the manual writes it.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            LockMode::AccessShare => "ACCESS SHARE",
            LockMode::RowShare => "ROW SHARE",
            LockMode::RowExclusive => "ROW EXCLUSIVE",
            LockMode::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            LockMode::Share => "SHARE",
            LockMode::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            LockMode::Exclusive => "EXCLUSIVE",
            LockMode::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }

    /// All modes, weakest first.
    pub const ALL: [LockMode; 8] = [
        LockMode::AccessShare,
        LockMode::RowShare,
        LockMode::RowExclusive,
        LockMode::ShareUpdateExclusive,
        LockMode::Share,
        LockMode::ShareRowExclusive,
        LockMode::Exclusive,
        LockMode::AccessExclusive,
    ];

    /// Whether two sessions cannot hold these at the same time (manual, table 13.2).
    #[must_use]
    pub fn conflicts(self, other: LockMode) -> bool {
        use LockMode as M;
        let (weak, strong) = if self <= other { (self, other) } else { (other, self) };
        match weak {
            M::AccessShare => strong == M::AccessExclusive,
            M::RowShare => strong >= M::Exclusive,
            M::RowExclusive => strong >= M::Share,
            M::ShareUpdateExclusive => true,
            M::Share => strong != M::Share,
            M::ShareRowExclusive | M::Exclusive | M::AccessExclusive => true,
        }
    }

    /// The name in `pg_locks.mode`.
    #[must_use]
    pub fn in_pg_locks(self) -> &'static str {
        match self {
            LockMode::AccessShare => "AccessShareLock",
            LockMode::RowShare => "RowShareLock",
            LockMode::RowExclusive => "RowExclusiveLock",
            LockMode::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
            LockMode::Share => "ShareLock",
            LockMode::ShareRowExclusive => "ShareRowExclusiveLock",
            LockMode::Exclusive => "ExclusiveLock",
            LockMode::AccessExclusive => "AccessExclusiveLock",
        }
    }

    /// The mode of this name in `pg_locks.mode`; `None` for predicate locks (`SIReadLock`), which block nobody.
    #[must_use]
    pub fn from_pg_locks(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.in_pg_locks() == name)
    }

    /// What users of the table feel, in a few words.
    #[must_use]
    pub fn effect(self) -> &'static str {
        match self {
            LockMode::AccessShare | LockMode::RowShare | LockMode::RowExclusive | LockMode::ShareUpdateExclusive => {
                "blocks nobody"
            }
            LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => "blocks writes",
            LockMode::AccessExclusive => "blocks reads and writes",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_conflict_as_in_the_table_of_the_manual() {
        let table = ["       x", "      xx", "    xxxx", "   xxxxx", "  xx xxx", "  xxxxxx", " xxxxxxx", "xxxxxxxx"];
        for (wanted, row) in LockMode::ALL.into_iter().zip(table) {
            let got: String =
                LockMode::ALL.into_iter().map(|held| if wanted.conflicts(held) { 'x' } else { ' ' }).collect();
            assert_eq!(got, row, "{wanted:?}");
            assert_eq!(LockMode::from_pg_locks(wanted.in_pg_locks()), Some(wanted));
        }
        assert_eq!(LockMode::from_pg_locks("SIReadLock"), None);
    }
}

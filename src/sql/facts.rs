//! What is known of one statement.

use super::also::{AlsoLocked, Through};
use crate::base::QualifiedName;
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

/// A statement that cannot run inside of a transaction block (manual: "cannot be executed inside a transaction
/// block"), by the check that recovery makes after a crash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Outside {
    /// `CREATE INDEX CONCURRENTLY`: does the index exist, and is it valid?
    CreateIndex {
        /// The index, in the schema of its table.
        index: QualifiedName,
        /// The table.
        table: QualifiedName,
    },
    /// `DROP INDEX CONCURRENTLY`: does the index still exist?
    DropIndex {
        /// The index.
        index: QualifiedName,
    },
    /// `DETACH PARTITION … CONCURRENTLY`: is the partition still attached (`pg_inherits`), and is a detach
    /// pending? Then `FINALIZE` completes it.
    DetachPartition {
        /// The partitioned table.
        table: QualifiedName,
        /// The partition.
        partition: QualifiedName,
    },
    /// Can be repeated safely: VACUUM, REINDEX, ALTER SYSTEM, DISCARD.
    Repeatable,
    /// The catalog does not show whether it succeeded.
    Opaque,
}

/// The effects of one statement on the server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The strongest lock on each existing relation that the statement names. If it names only an index, the
    /// index stands for its table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<(QualifiedName, LockMode)>,
    /// The tables that the statement locks as well and does not name, or may lock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<AlsoLocked>,
    /// True if the statement rewrites the whole table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rewrites: bool,
    /// True if the statement reads the whole table while it holds its lock.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scans: bool,
    /// True if rows or values are lost afterwards, except by `UPDATE`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loses_data: bool,
    /// The kind of the statement, if it cannot run in a transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// True if the statement leaves settings in the session (`SET`, temporary tables, `LISTEN`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub session: bool,
}

impl Facts {
    /// Notes a lock; of several on one relation the strongest stays.
    pub fn lock(&mut self, name: QualifiedName, mode: LockMode) {
        match self.locks.iter_mut().find(|(known, _)| *known == name) {
            Some((_, strongest)) => *strongest = (*strongest).max(mode),
            None => self.locks.push((name, mode)),
        }
    }

    /// Notes tables that the text does not name.
    pub(super) fn also(&mut self, through: Through, of: &QualifiedName, mode: LockMode) {
        self.add(AlsoLocked::new(through, Some(of.clone()), mode));
    }

    /// The same with more about them.
    pub(super) fn add(&mut self, also: AlsoLocked) {
        also.add_to(&mut self.also);
    }

    /// Whether the statement runs something whose effect nobody knows.
    #[must_use]
    pub fn runs_unknown(&self) -> bool {
        self.also.iter().any(|also| also.through == Through::Functions)
    }

    /// The strongest lock on any relation.
    #[must_use]
    pub fn strongest(&self) -> Option<LockMode> {
        self.locks.iter().map(|(_, mode)| *mode).max()
    }

    /// Takes over what another statement of the same transaction does.
    pub fn merge(&mut self, other: Facts) {
        for (name, mode) in other.locks {
            self.lock(name, mode);
        }
        for also in other.also {
            self.add(also);
        }
        self.rewrites |= other.rewrites;
        self.scans |= other.scans;
        self.loses_data |= other.loses_data;
        self.session |= other.session;
        if self.outside.is_none() {
            self.outside = other.outside;
        }
    }
}

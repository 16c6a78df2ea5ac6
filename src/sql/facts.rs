//! What is known of one statement.

use super::also::{AlsoLocked, Through};
pub use super::lock_mode::LockMode;
use super::positions::Positions;
use crate::base::QualifiedName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// True if the statement builds an index of the rows of a table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub builds: bool,
    /// True if rows or values are lost afterwards, except by `UPDATE`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loses_data: bool,
    /// The kind of the statement, if it cannot run in a transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// The mode whose conflicting locks the statement also waits for, without taking it: a concurrent build waits for all
    /// writers of the table; who drops an index, rebuilds one or detaches a partition concurrently for all readers
    /// (manual, `CREATE INDEX` and `REINDEX`, Concurrently; `DROP INDEX`; `ALTER TABLE`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<LockMode>,
    /// True if the statement leaves settings in the session (`SET`, temporary tables, `LISTEN`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub session: bool,
    #[serde(skip)]
    pub(crate) positions: Positions,
}

impl Facts {
    /// Notes a lock; of several on one relation the strongest stays.
    pub fn lock(&mut self, name: QualifiedName, mode: LockMode) {
        match self.positions.of_lock(&self.locks, &name) {
            Some(at) => self.locks[at].1 = self.locks[at].1.max(mode),
            None => self.locks.push((name, mode)),
        }
    }

    /// Notes tables that the text does not name.
    pub(super) fn through(&mut self, through: Through, of: &QualifiedName, mode: LockMode) {
        self.add(AlsoLocked::new(through, Some(of.clone()), mode));
    }

    /// The same with more about them.
    pub(super) fn add(&mut self, also: AlsoLocked) {
        match self.positions.of_also(&self.also, &also) {
            Some(at) => self.also[at].strengthen(&also),
            None => self.also.push(also),
        }
    }

    /// Whether the statement runs something whose effect nobody knows.
    #[must_use]
    pub fn runs_unknown(&self) -> bool {
        self.also.iter().any(|also| also.through == Through::Functions)
    }

    /// The modes whose conflicting locks the statement waits for when it takes this lock.
    #[must_use]
    pub fn waits_with(&self, lock: LockMode) -> [LockMode; 2] {
        [lock, self.waits.unwrap_or(lock)]
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
        self.builds |= other.builds;
        self.loses_data |= other.loses_data;
        self.session |= other.session;
        self.waits = self.waits.max(other.waits);
        if self.outside.is_none() {
            self.outside = other.outside;
        }
    }
}

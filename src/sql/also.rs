//! Tables that a statement locks and its text does not name.

use super::lock_mode::LockMode;
use crate::base::QualifiedName;
use crate::effects::ObjectClass;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::hash::Hash;

/// How tables that a statement locks are connected with what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Through {
    /// The partitions and inheritance children of the table, down to the last.
    Descendants,
    /// The partitions of the table, down to the last.
    Partitions,
    /// The default partition of the table, and its partitions.
    DefaultPartition,
    /// The table that it is a partition of, and that table's default partition.
    PartitionedTable,
    /// The tables that foreign keys of the table reference.
    ReferencedTables,
    /// The tables with foreign keys that reference the table.
    ReferencingTables,
    /// The tables with columns of the domain.
    DomainUsers,
    /// The tables `OF` the type.
    TypedTables,
    /// The objects that depend on the object: CASCADE drops them.
    Dependents,
    /// The tables and views that the view selects from.
    BaseRelations,
    /// The sequences that columns of the table own.
    OwnedSequences,
    /// The table of the index or statistics object.
    IndexTable,
    /// The tables that the publication has.
    PublishedTables,
    /// The tables in the schema.
    Schema,
    /// The tables in the database.
    Database,
    /// The tables that the role owns.
    Owner,
    /// The tables in the tablespace.
    Tablespace,
    /// The table itself, if the type of its new column is a domain with constraints or a default.
    ColumnDomain,
    /// The table itself, for a moment: VACUUM truncates the empty end of its file.
    Truncation,
    /// The tables that were connected with the object when it was dropped: by foreign keys, as partitioned table.
    Recalled,
    /// The triggers and rules of the table: their effect is unknown.
    Triggers,
    /// A function, procedure or statement that is only known at run time: its effect is unknown.
    Functions,
}

/// Tables that a statement locks, and its text does not name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlsoLocked {
    /// How the tables are connected with the object.
    pub through: Through,
    /// The object that they are connected with; absent: the database, or an object without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<QualifiedName>,
    /// The class of the object; absent: a table, view, index, or an object of a rare class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ObjectClass>,
    /// The column, constraint or type, if only that part of the object matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<QualifiedName>,
    /// The strongest lock on each of the tables.
    pub mode: LockMode,
    /// True if the statement reads these tables completely.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scans: bool,
    /// True if the statement rewrites these tables.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rewrites: bool,
    /// True if rows or values of these tables are lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loses_data: bool,
    /// The major version of PostgreSQL from which on this is so; absent: every supported version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i32>,
    /// The tables that are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<QualifiedName>,
    /// True if `tables` is complete; false if there may be more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complete: bool,
}

impl AlsoLocked {
    /// Nothing is known of the tables yet.
    #[must_use]
    pub fn new(through: Through, of: Option<QualifiedName>, mode: LockMode) -> Self {
        Self {
            through,
            of,
            class: None,
            part: None,
            mode,
            scans: false,
            rewrites: false,
            loses_data: false,
            since: None,
            tables: Vec::new(),
            complete: false,
        }
    }

    /// Which tables it is about.
    pub(super) fn tables(&self) -> impl Hash + Eq + '_ {
        ((self.through, self.class, self.since), (&self.of, &self.part, &self.tables), self.complete)
    }

    /// Whether this claims as much of all descendants as the other of the partitions.
    pub(super) fn covers(&self, partitions: &Self) -> bool {
        let stronger = |on: bool, than: bool| on || !than;
        self.of == partitions.of
            && self.mode >= partitions.mode
            && stronger(self.scans, partitions.scans)
            && stronger(self.rewrites, partitions.rewrites)
            && stronger(self.loses_data, partitions.loses_data)
    }

    /// Takes over what the other claims of the same tables.
    pub(super) fn strengthen(&mut self, other: &Self) {
        self.mode = self.mode.max(other.mode);
        self.scans |= other.scans;
        self.rewrites |= other.rewrites;
        self.loses_data |= other.loses_data;
    }
}

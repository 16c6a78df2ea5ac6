//! Partitions that come and go: the partitioned table, its default partition, and the other side of its foreign
//! keys (measured on 14 to 18).

use super::altered::Altered;
use crate::base::QualifiedName;
use crate::sql::also::{AlsoLocked, Through};
use crate::sql::facts::{Facts, LockMode, Outside};
use crate::sql::token::Cursor;

/// A new partition: rows that would belong to it are looked for in the default partition, and the foreign keys of
/// the partitioned table are made for it.
pub(super) fn joins(parent: &QualifiedName, facts: &mut Facts) {
    let default = AlsoLocked::new(Through::DefaultPartition, Some(parent.clone()), LockMode::AccessExclusive);
    facts.add(AlsoLocked { scans: true, ..default });
    let referenced = AlsoLocked::new(Through::ReferencedTables, Some(parent.clone()), LockMode::ShareRowExclusive);
    facts.add(AlsoLocked { scans: true, ..referenced });
    facts.through(Through::ReferencingTables, parent, LockMode::ShareRowExclusive);
}

/// `ATTACH PARTITION`.
pub(super) fn attach(mut c: Cursor<'_, '_>, altered: &mut Altered<'_>) -> LockMode {
    // indexes of the partitioned table that the partition does not have are built
    (altered.facts.scans, altered.facts.builds) = (true, true);
    joins(&altered.table, altered.facts);
    if let Some(partition) = c.qname() {
        // foreign keys that it has already become those of the partitioned table
        altered.facts.through(Through::ReferencedTables, &partition, LockMode::AccessExclusive);
        let below = AlsoLocked::new(Through::Descendants, Some(partition.clone()), LockMode::AccessExclusive);
        altered.facts.add(AlsoLocked { scans: true, ..below });
        altered.facts.lock(partition, LockMode::AccessExclusive);
    }
    LockMode::ShareUpdateExclusive
}

/// `DETACH PARTITION`. With CONCURRENTLY the partition alone is locked at the end, in a second transaction
/// of the statement's own.
pub(super) fn detach(mut c: Cursor<'_, '_>, altered: &mut Altered<'_>) -> LockMode {
    let table = altered.table.clone();
    let Some(partition) = c.qname() else { return LockMode::AccessExclusive };
    let facts = &mut *altered.facts;
    facts.lock(partition.clone(), LockMode::AccessExclusive);
    facts.through(Through::Descendants, &partition, LockMode::AccessExclusive);
    facts.through(Through::ReferencedTables, &partition, LockMode::ShareRowExclusive);
    let referencing = AlsoLocked::new(Through::ReferencingTables, Some(table.clone()), LockMode::AccessExclusive);
    facts.add(AlsoLocked { scans: true, ..referencing });
    let concurrent = c.sees("concurrently");
    if concurrent {
        facts.waits = Some(LockMode::AccessExclusive);
        facts.outside = Some(Outside::DetachPartition { table, partition });
        return LockMode::ShareUpdateExclusive;
    }
    if c.sees("finalize") {
        return LockMode::ShareUpdateExclusive;
    }
    facts.through(Through::DefaultPartition, &table, LockMode::AccessExclusive);
    LockMode::AccessExclusive
}

//! Partitions that come to a table that is there, and those that go with their table.

use super::tasks::{Task, Tasks};
use crate::inspect::{ObjectKey, ObjectKind as Kind, Snapshot};
use std::collections::BTreeSet;

impl Tasks<'_> {
    /// Makes a new partition of a table that is there with all that it has, and attaches it: `PARTITION OF` would lock the
    /// table, and bring keys and indexes that have statements of their own. Whether it is one, or a part of one.
    pub(super) fn create_partition(&mut self, key: &ObjectKey) -> bool {
        let mut partition = key.clone();
        while let Some(parent) = parent_of(self.to, &partition).filter(|_| self.from.get(&partition).is_none()) {
            if self.from.get(&parent).is_some() {
                self.all.insert(Task::Create(partition.clone()));
                self.whole.insert(partition);
                return true;
            }
            partition = parent;
        }
        false
    }

    /// Whether a partition is dropped with its table.
    pub(super) fn goes_with_table(&self, key: &ObjectKey) -> bool {
        parent_of(self.from, key).is_some_and(|parent| self.to.get(&parent).is_none())
    }
}

/// The table that a partition belongs to.
fn parent_of(catalog: &Snapshot, key: &ObjectKey) -> Option<ObjectKey> {
    let table = catalog.get(key).filter(|table| table.properties.contains_key("partitionBound"))?;
    let parent = table.property("parents").as_array()?.first()?.as_str()?;
    Some(ObjectKey::new(Kind::Table, parent))
}

/// An object with its parts, their parts, and its partitions.
pub(super) fn with_parts(catalog: &Snapshot, key: &ObjectKey) -> BTreeSet<ObjectKey> {
    let mut all: BTreeSet<ObjectKey> = [key.clone()].into();
    for part in catalog.children(key) {
        all.extend(with_parts(catalog, part));
    }
    if catalog.get(key).is_some_and(|table| table.properties.contains_key("partitionKey")) {
        let tables = catalog.objects().keys().filter(|table| matches!(table.kind, Kind::Table | Kind::ForeignTable));
        for partition in tables.filter(|table| parent_of(catalog, table).as_ref() == Some(key)) {
            all.extend(with_parts(catalog, partition));
        }
    }
    all
}

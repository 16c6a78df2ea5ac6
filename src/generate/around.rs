//! What is made again around a column that gets its new type beside the old one: in the transaction in which the new column
//! takes the place, so that no policy, trigger or view is missing while the column is filled.

use super::tasks::{Task, Tasks};
use crate::inspect::{ObjectKey, ObjectKind as Kind};
use std::collections::BTreeMap;

impl Tasks<'_> {
    /// What is dropped and created again because of such a column, and the column.
    pub(super) fn around_expansions(&self) -> BTreeMap<ObjectKey, ObjectKey> {
        let mut around = BTreeMap::new();
        for column in self.expansions.all.keys() {
            let mut open = self.dependents_of(column);
            while let Some(key) = open.pop() {
                let is_again =
                    [Task::Drop(key.clone()), Task::Create(key.clone())].iter().all(|task| self.all.contains(task));
                if is_again && !around.contains_key(&key) {
                    open.extend(self.dependents_of(&key));
                    around.insert(key, column.clone());
                }
            }
        }
        around
    }

    /// The column in whose changeset a task belongs. The query of a materialized view takes long: it is on its own.
    pub(super) fn beside(&self, task: &Task) -> Option<&ObjectKey> {
        match task {
            Task::Drop(key) | Task::Create(key) => {
                let whole = super::tasks::ancestors(self.from, key).find_map(|of| self.around.get_key_value(of));
                whole.filter(|(of, _)| of.kind != Kind::MaterializedView).map(|(_, column)| column)
            }
            _ => None,
        }
    }
}

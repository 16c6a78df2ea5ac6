//! What is dropped and goes to the attic still uses other objects there.

use super::tasks::{Task, Tasks, ancestors};
use crate::inspect::{ObjectKey, ObjectKind as Kind};

impl Tasks<'_> {
    /// Makes room: parts of dropped tables that use what is dropped too go first, and what a kept column is made of stays.
    pub(super) fn free_the_attic(&mut self) {
        let kept: Vec<ObjectKey> = self.all.iter().filter_map(|task| self.is_kept(task)).collect();
        for whole in &kept {
            let from = self.from;
            let parts = from.children(whole).chain([whole]).cloned().collect::<Vec<_>>();
            for part in parts {
                let Some(object) = from.get(&part) else { continue };
                for used in &object.depends {
                    let of_itself = ancestors(from, used).any(|ancestor| ancestor == whole);
                    let is_dropped = self.all.contains(&Task::Drop(used.clone()))
                        && !matches!(used.kind, Kind::Schema | Kind::Table);
                    if of_itself || !is_dropped {
                        continue;
                    }
                    match part.kind {
                        Kind::Policy
                        | Kind::Trigger
                        | Kind::Rule
                        | Kind::Constraint
                        | Kind::Index
                        | Kind::Statistics => {
                            self.all.insert(Task::Drop(part.clone()));
                        }
                        Kind::Column
                            if object.text("default").is_some()
                                && matches!(used.kind, Kind::Function | Kind::Sequence) =>
                        {
                            self.all.insert(Task::DropDefault(part.clone()));
                        }
                        _ => self.stay(used, &part),
                    }
                }
            }
        }
    }

    /// A table or column that goes to the attic.
    fn is_kept(&self, task: &Task) -> Option<ObjectKey> {
        let Task::Drop(key) = task else { return None };
        let is_of_table = |key: &ObjectKey| {
            let parent = self.from.get(key).and_then(|object| object.parent.as_ref());
            parent.is_some_and(|parent| parent.kind == Kind::Table)
        };
        let is_kept = key.kind == Kind::Table || key.kind == Kind::Column && is_of_table(key);
        (is_kept && !self.all.contains(&Task::Create(key.clone()))).then(|| key.clone())
    }

    /// Leaves an object where it is, and what it depends on.
    fn stay(&mut self, key: &ObjectKey, of: &ObjectKey) {
        if !self.all.remove(&Task::Drop(key.clone())) {
            return;
        }
        self.leave_out(
            key,
            None,
            format!("{of} uses it and is kept in the attic: it can be dropped after the attic is purged"),
        );
        let used: Vec<ObjectKey> = self.from.get(key).into_iter().flat_map(|object| object.depends.clone()).collect();
        for used in used {
            self.stay(&used, key);
        }
    }
}

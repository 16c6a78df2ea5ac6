//! Which task has to be done before which.

use super::partition::with_parts;
use super::tasks::{Task, Tasks, ancestors};
use crate::inspect::{Object, ObjectKey, ObjectKind as Kind, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

/// For each task the numbers of those that have to be done before. `uses`: what the bodies of functions use.
pub(super) fn needs(tasks: &Tasks<'_>, uses: &BTreeSet<(ObjectKey, ObjectKey)>) -> Vec<BTreeSet<usize>> {
    let order: Vec<&Task> = tasks.all.iter().collect();
    let numbers: BTreeMap<&Task, usize> = order.iter().enumerate().map(|(number, task)| (*task, number)).collect();
    let mut finder = Finder { tasks, numbers, needs: vec![BTreeSet::new(); order.len()] };
    for (number, task) in order.iter().enumerate() {
        finder.forward(number, task);
    }
    for (user, used) in uses {
        let doing = [Task::Create(user.clone()), Task::Alter(user.clone())].map(|task| finder.number(task));
        doing.into_iter().flatten().for_each(|number| finder.need_object(number, used));
    }
    finder.columns(&order);
    finder.backward();
    finder.names(&order);
    finder.partitions(&order);
    finder.last(&order);
    finder.beside(&order);
    for (number, needs) in finder.needs.iter_mut().enumerate() {
        needs.remove(&number);
    }
    finder.needs
}

struct Finder<'a> {
    tasks: &'a Tasks<'a>,
    numbers: BTreeMap<&'a Task, usize>,
    needs: Vec<BTreeSet<usize>>,
}

impl Finder<'_> {
    fn number(&self, task: Task) -> Option<usize> {
        self.numbers.get(&task).copied()
    }

    fn need(&mut self, number: usize, task: Task) {
        if let Some(other) = self.number(task) {
            self.needs[number].insert(other);
        }
    }

    /// What makes an object as it has to be.
    fn need_object(&mut self, number: usize, key: &ObjectKey) {
        for ancestor in ancestors(self.tasks.to, key).cloned().collect::<Vec<_>>() {
            self.need(number, Task::Alter(ancestor.clone()));
            self.need(number, Task::Create(ancestor));
        }
    }

    /// What is made or changed needs what it depends on.
    fn forward(&mut self, number: usize, task: &Task) {
        let to = self.tasks.to;
        let key = task.object();
        let Some(object) = to.get(key) else { return };
        if let Some(parent) = &object.parent {
            self.need_object(number, parent);
        }
        match task {
            Task::Drop(_) | Task::DropDefault(_) => {}
            Task::Contract(_) => self.need(number, Task::Alter(key.clone())),
            Task::Expand(_) => self.expand(number, key, object),
            Task::Own(_) => {
                self.need_object(number, key);
                let column = ObjectKey::new(Kind::Column, object.text("ownedBy").unwrap_or_default());
                self.need_object(number, &column);
            }
            Task::SetDefault(_) => {
                self.need_object(number, key);
                self.need(number, Task::DropDefault(key.clone()));
                for other in object.depends.iter().filter(|other| is_of_default(other)) {
                    self.need_object(number, other);
                }
            }
            Task::Create(_) | Task::Alter(_) => {
                match task {
                    Task::Create(_) => self.need(number, Task::Drop(key.clone())),
                    _ => self.need(number, Task::Expand(key.clone())),
                }
                let is_column = |part: &&ObjectKey| matches!(part.kind, Kind::Column | Kind::Attribute);
                let parts: BTreeSet<ObjectKey> = match task {
                    Task::Create(_) if self.tasks.whole.contains(key) => with_parts(to, key),
                    Task::Create(_) => to.children(key).filter(is_column).chain([key]).cloned().collect(),
                    _ => [key.clone()].into(),
                };
                for part in &parts {
                    let Some(object) = to.get(part) else { continue };
                    let waits = self.tasks.later.contains(part);
                    for other in object.depends.iter().filter(|other| !(waits && is_of_default(other))) {
                        // a sequence gets its column later
                        let is_owner = key.kind == Kind::Sequence && other.kind == Kind::Column;
                        if !is_owner && !is_part(to, other, key) && !parts.contains(other) {
                            self.need_object(number, other);
                        }
                    }
                }
            }
        }
    }

    /// The new column needs its type, and what its indexes and constraints need.
    fn expand(&mut self, number: usize, column: &ObjectKey, object: &Object) {
        let to = self.tasks.to;
        let Some(expansion) = self.tasks.expansions.all.get(column) else { return };
        let of_type = object.depends.iter().filter(|other| !is_of_default(other));
        let copies = expansion.copies.iter().filter_map(|(copy, _)| to.get(copy));
        for other in of_type.chain(copies.flat_map(|copy| &copy.depends)).filter(|other| *other != column) {
            self.need_object(number, other);
        }
    }

    /// What is dropped or changed comes after what depended on it.
    fn backward(&mut self) {
        let from = self.tasks.from;
        for (key, object) in from.objects() {
            let doing = [Task::DropDefault(key.clone()), Task::Alter(key.clone())].map(|task| self.number(task));
            let dropped: Vec<usize> =
                ancestors(from, key).filter_map(|ancestor| self.number(Task::Drop(ancestor.clone()))).collect();
            let gone = dropped.first().copied();
            // a part goes before the whole
            let parts = doing[0].into_iter().chain(gone);
            for (part, whole) in parts.flat_map(|part| dropped.iter().map(move |whole| (part, *whole))) {
                self.needs[whole].insert(part);
            }
            for number in doing.into_iter().flatten().chain(gone) {
                for other in &object.depends {
                    if key.kind == Kind::Sequence && other.kind == Kind::Column {
                        continue;
                    }
                    for ancestor in ancestors(from, other).cloned().collect::<Vec<_>>() {
                        let dropped = self.number(Task::Drop(ancestor.clone()));
                        // what is changed, not dropped, keeps what is only changed
                        let goes_before = gone == Some(number)
                            || self.number(Task::DropDefault(key.clone())) == Some(number)
                            || ancestor == *other && self.is_left(key, other);
                        let altered = self.number(Task::Alter(ancestor)).filter(|_| goes_before);
                        for before in dropped.into_iter().chain(altered).filter(|before| *before != number) {
                            self.needs[before].insert(number);
                        }
                    }
                }
            }
        }
    }

    /// Whether an index or constraint is replaced by one that no longer depends on this.
    fn is_left(&self, key: &ObjectKey, other: &ObjectKey) -> bool {
        self.tasks.replaced.contains(key) && self.tasks.to.get(key).is_some_and(|new| !new.depends.contains(other))
    }

    /// What is made again around a column with a new type is dropped when the new column is filled.
    fn beside(&mut self, order: &[&Task]) {
        for (number, task) in order.iter().enumerate() {
            if let Task::Drop(key) = task
                && let Some(column) = self.tasks.around.get(key)
                && let Some(expand) = self.number(Task::Expand(column.clone()))
                && !self.reaches(expand, number)
            {
                self.needs[number].insert(expand);
            }
        }
    }

    fn reaches(&self, from: usize, to: usize) -> bool {
        let (mut open, mut seen) = (vec![from], BTreeSet::new());
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            if seen.insert(at) {
                open.extend(&self.needs[at]);
            }
        }
        false
    }

    /// New columns of a table come in their order.
    fn columns(&mut self, order: &[&Task]) {
        let mut new: BTreeMap<&ObjectKey, Vec<(u32, usize)>> = BTreeMap::new();
        for (number, task) in order.iter().enumerate() {
            if let Task::Create(key) = task
                && key.kind == Kind::Column
                && let Some(column) = self.tasks.to.get(key)
                && let (Some(table), Some(position)) = (&column.parent, column.position)
            {
                new.entry(table).or_default().push((position, number));
            }
        }
        for mut columns in new.into_values() {
            columns.sort_unstable();
            for pair in columns.windows(2) {
                self.needs[pair[1].1].insert(pair[0].1);
            }
        }
    }

    /// A name is free once what had it is dropped.
    fn names(&mut self, order: &[&Task]) {
        let mut free: BTreeMap<(u8, String), Vec<usize>> = BTreeMap::new();
        for (number, task) in order.iter().enumerate() {
            if let Task::Drop(key) = task {
                taken(self.tasks.from, key).into_iter().for_each(|name| free.entry(name).or_default().push(number));
            }
        }
        for (number, task) in order.iter().enumerate() {
            if let Task::Create(key) = task {
                for name in taken(self.tasks.to, key) {
                    self.needs[number].extend(free.get(&name).into_iter().flatten());
                }
            }
        }
    }

    /// A partition comes when those are gone that it may overlap.
    fn partitions(&mut self, order: &[&Task]) {
        let (from, to) = (self.tasks.from, self.tasks.to);
        let parents = |catalog: &Snapshot, key: &ObjectKey| -> BTreeSet<String> {
            let parents = catalog.get(key).and_then(|table| table.property("parents").as_array());
            parents.into_iter().flatten().filter_map(|parent| parent.as_str().map(str::to_owned)).collect()
        };
        let mut leaving: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut coming: Vec<(String, usize)> = Vec::new();
        for (number, task) in order.iter().enumerate() {
            let key = task.object();
            let (old, new) = (parents(from, key), parents(to, key));
            match task {
                Task::Drop(_) => old.into_iter().for_each(|of| leaving.entry(of).or_default().push(number)),
                Task::Create(_) => coming.extend(new.into_iter().map(|of| (of, number))),
                Task::Alter(_) => {
                    old.difference(&new).for_each(|of| leaving.entry(of.clone()).or_default().push(number));
                    let is_moved = |of: &&String| !old.contains(*of) || has_other_bound(from, to, key);
                    coming.extend(new.iter().filter(is_moved).map(|of| (of.clone(), number)));
                }
                _ => {}
            }
        }
        for (of, number) in coming {
            self.needs[number].extend(leaving.get(&of).into_iter().flatten());
        }
    }

    /// What changes the effect of later statements comes last.
    fn last(&mut self, order: &[&Task]) {
        let is_last = |task: &Task| matches!(task, Task::Create(key) if matches!(key.kind, Kind::DefaultPrivileges | Kind::EventTrigger));
        for (number, task) in order.iter().enumerate().filter(|(_, task)| is_last(task)) {
            let rank = task.object().kind;
            let others = order.iter().enumerate().filter(|(_, other)| !is_last(other) || other.object().kind < rank);
            self.needs[number].extend(others.map(|(other, _)| other));
        }
    }
}

/// The names that an object and its parts take, by namespace.
fn taken(catalog: &Snapshot, key: &ObjectKey) -> Vec<(u8, String)> {
    let mut names = Vec::new();
    let plain = |key: &ObjectKey| key.name.split('(').next().unwrap_or_default().to_owned();
    let own: &[u8] = match key.kind {
        // the row type of a relation is a type
        Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView => &[0, 1],
        Kind::Sequence | Kind::Index => &[0],
        Kind::Type | Kind::Domain => &[1],
        Kind::Function | Kind::Procedure | Kind::Aggregate => &[2],
        _ => &[],
    };
    names.extend(own.iter().map(|space| (*space, plain(key))));
    for part in catalog.children(key) {
        names.extend(taken(catalog, part));
    }
    names
}

fn has_other_bound(from: &Snapshot, to: &Snapshot, key: &ObjectKey) -> bool {
    let bound = |catalog: &Snapshot| catalog.get(key).map(|table| table.property("partitionBound").clone());
    bound(from) != bound(to)
}

/// Whether a default, and not a type, depends on objects of this kind.
fn is_of_default(key: &ObjectKey) -> bool {
    matches!(key.kind, Kind::Function | Kind::Sequence | Kind::Aggregate | Kind::Operator)
}

fn is_part(catalog: &Snapshot, key: &ObjectKey, of: &ObjectKey) -> bool {
    ancestors(catalog, key).any(|ancestor| ancestor == of)
}

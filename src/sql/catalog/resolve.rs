//! From a connection to the tables.

use super::{AlsoLocked, Catalog, ForeignKey, Question};
use crate::base::{Ident, QualifiedName};
use crate::sql::also::Through;
use crate::sql::facts::LockMode;
use std::collections::HashSet;

impl Catalog {
    /// The tables of an entry, and whether these are all.
    pub(super) fn tables(&self, also: &AlsoLocked) -> (Vec<QualifiedName>, bool) {
        let Some(of) = also.of.as_ref().map(|of| self.find(of)) else {
            return self.listed(also);
        };
        let found = match also.through {
            Through::Descendants => self.below(&of, false),
            Through::Partitions => self.below(&of, true),
            Through::DefaultPartition => self.default_of(&of),
            Through::PartitionedTable => self.partitioned_table(&of),
            Through::ReferencedTables => self.referenced(&of, also.part.as_ref()),
            Through::ReferencingTables => self.referencing(&of, also),
            Through::OwnedSequences if also.loses_data => {
                let tables = self.referencing(&of, also);
                [&[of.clone()][..], &tables].concat().iter().flat_map(|table| self.owned(table, None)).collect()
            }
            Through::OwnedSequences => self.owned(&of, also.part.as_ref()),
            Through::BaseRelations => self.base_relations(&of),
            _ => return self.listed(also),
        };
        (found, self.knows(&of))
    }

    /// What somebody has looked up, with what is connected with that.
    fn listed(&self, also: &AlsoLocked) -> (Vec<QualifiedName>, bool) {
        let Some(mut question) = Question::of(also) else { return (Vec::new(), false) };
        question.of = question.of.map(|of| self.find(&of));
        let list = self.lists.get(&question);
        let known = match also.through {
            // types and tables that the plan has made
            Through::ColumnDomain | Through::Triggers | Through::TypedTables | Through::DomainUsers => {
                question.of.as_ref().is_some_and(|of| self.knows(of))
            }
            // every index has one; where it is not found, nobody knows which
            Through::IndexTable => list.is_some_and(|tables| !tables.is_empty()),
            _ => self.is_certain && list.is_some(),
        };
        let mut found: Vec<QualifiedName> = list.into_iter().flatten().map(|table| table.name.clone()).collect();
        match also.through {
            // what they do nobody knows
            Through::Triggers => return (Vec::new(), known && found.is_empty()),
            Through::ColumnDomain if !found.is_empty() => {
                found = also.of.iter().map(|table| self.find(table)).collect();
            }
            _ => {}
        }
        match also.through {
            Through::IndexTable | Through::Tablespace => {
                let partitions: Vec<_> = found.iter().flat_map(|table| self.below(table, true)).collect();
                found.extend(partitions);
            }
            Through::TypedTables | Through::DomainUsers => {
                let below: Vec<_> = found.iter().flat_map(|table| self.below(table, false)).collect();
                found.extend(below);
            }
            Through::Dependents | Through::Owner if also.mode == LockMode::AccessExclusive => {
                found.extend(question.of.iter().flat_map(|of| self.views_on(of)));
                let dropped = list.into_iter().flatten().filter(|table| table.is_dropped);
                found.extend(dropped.flat_map(|table| self.taken_along(&table.name)));
                // what a partitioned table loses, its partitions lose
                found = found.iter().flat_map(|table| self.with_partitions(table)).collect();
                found.retain(|table| question.of.as_ref() != Some(table));
            }
            _ => {}
        }
        (found, known)
    }

    /// Partitions and, unless only those are asked for, inheritance children, down to the last.
    fn below(&self, table: &QualifiedName, only_partitions: bool) -> Vec<QualifiedName> {
        self.closure(table, |name| {
            let children = self.children.get(name).into_iter().flatten();
            children.filter(|child| child.partition || !only_partitions).map(|child| child.name.clone()).collect()
        })
    }

    fn default_of(&self, table: &QualifiedName) -> Vec<QualifiedName> {
        let children = self.children.get(table).into_iter().flatten();
        let defaults = children.filter(|child| child.default).map(|child| &child.name);
        defaults.flat_map(|name| [vec![name.clone()], self.below(name, true)].concat()).collect()
    }

    fn partitioned_table(&self, partition: &QualifiedName) -> Vec<QualifiedName> {
        let parents = self.parents.get(partition).into_iter().flatten();
        let parents = parents.filter(|child| child.partition).map(|child| &child.parent);
        parents.flat_map(|parent| [vec![parent.clone()], self.default_of(parent)].concat()).collect()
    }

    /// The tables that foreign keys reference: all keys of a table with its partitions, or those of a part of it.
    /// Keys to a partitioned table are keys to its partitions as well.
    fn referenced(&self, table: &QualifiedName, part: Option<&QualifiedName>) -> Vec<QualifiedName> {
        let mut tables = vec![table.clone()];
        if part.is_none() {
            tables.extend(self.below(table, false));
        }
        let keys = tables.iter().flat_map(|table| self.keys(&self.keys_from, table));
        let keys = keys.filter(|key| {
            let is = |name: &Ident| part.is_some_and(|part| part.name == *name);
            // a name that the server made up begins with that of the table
            let made_up = || part.is_some_and(|part| key.name.is_none() && begins_like(&part.name, &table.name));
            part.is_none() || key.name.as_ref().is_some_and(is) || key.columns.iter().any(is) || made_up()
        });
        keys.flat_map(|key| self.with_partitions(&key.to)).collect()
    }

    /// The tables with foreign keys to a table or its partitions. If rows go, also those that reference these; a
    /// plain DELETE goes on where the key says so.
    fn referencing(&self, table: &QualifiedName, also: &AlsoLocked) -> Vec<QualifiedName> {
        let one = |name: &QualifiedName, part: Option<&QualifiedName>| -> Vec<QualifiedName> {
            let keys = self.with_partitions(name).into_iter().flat_map(|table| {
                let keys: Vec<&ForeignKey> = self.keys(&self.keys_to, &table).collect();
                keys
            });
            let keys = keys.filter(|key| {
                let is = |name: &Ident| part.is_some_and(|part| part.name == *name);
                let fits = part.is_none()
                    || key.to_columns.is_empty()
                    || key.to_columns.iter().any(is)
                    || key.key.as_ref().is_none_or(is);
                fits && (also.mode != LockMode::RowExclusive || key.cascades)
            });
            keys.flat_map(|key| self.with_partitions(&key.from)).collect()
        };
        if also.loses_data { self.closure(table, |name| one(name, None)) } else { one(table, also.part.as_ref()) }
    }

    fn keys<'a>(
        &'a self,
        index: &'a std::collections::HashMap<QualifiedName, Vec<usize>>,
        table: &QualifiedName,
    ) -> impl Iterator<Item = &'a ForeignKey> {
        index.get(table).into_iter().flatten().filter_map(|at| self.keys.get(*at))
    }

    pub(super) fn with_partitions(&self, table: &QualifiedName) -> Vec<QualifiedName> {
        [vec![table.clone()], self.below(table, true)].concat()
    }

    fn owned(&self, table: &QualifiedName, part: Option<&QualifiedName>) -> Vec<QualifiedName> {
        let tables = [vec![table.clone()], self.below(table, false)].concat();
        let all = tables.iter().flat_map(|table| self.sequences.get(table).into_iter().flatten());
        let of = all.filter(|(column, _)| part.is_none_or(|part| part.name == *column));
        of.map(|(_, sequence)| sequence.clone()).collect()
    }

    /// What a view selects from, views below it included, with the children of all of it.
    fn base_relations(&self, view: &QualifiedName) -> Vec<QualifiedName> {
        let found = self.closure(view, |name| self.bases.get(name).cloned().unwrap_or_default());
        found.iter().flat_map(|name| [vec![name.clone()], self.below(name, false)].concat()).collect()
    }

    /// Views that select from a relation, and views on those.
    fn views_on(&self, relation: &QualifiedName) -> Vec<QualifiedName> {
        self.closure(relation, |name| {
            let views = self.bases.iter().filter(|(_, bases)| bases.contains(name));
            views.map(|(view, _)| view.clone()).collect()
        })
    }

    /// What a relation takes along when it is dropped.
    fn taken_along(&self, name: &QualifiedName) -> Vec<QualifiedName> {
        let sides = [self.partitioned_table(name), self.referenced(name, None), self.owned(name, None)];
        [sides.concat(), self.below(name, false)].concat()
    }

    /// The tables that lose rows or values with an object.
    pub(super) fn losing(&self, also: &AlsoLocked) -> HashSet<QualifiedName> {
        let Some(mut question) = Question::of(also) else { return HashSet::new() };
        question.of = question.of.map(|of| self.find(&of));
        let listed = self.lists.get(&question).into_iter().flatten().filter(|table| table.loses_data);
        listed.flat_map(|table| [vec![table.name.clone()], self.below(&table.name, false)].concat()).collect()
    }

    /// What follows from what follows, without the beginning.
    fn closure(&self, from: &QualifiedName, next: impl Fn(&QualifiedName) -> Vec<QualifiedName>) -> Vec<QualifiedName> {
        let mut seen: HashSet<QualifiedName> = HashSet::from([from.clone()]);
        let (mut found, mut todo) = (Vec::new(), vec![from.clone()]);
        while let Some(name) = todo.pop() {
            for other in next(&name) {
                if seen.insert(other.clone()) {
                    found.push(other.clone());
                    todo.push(other);
                }
            }
        }
        found
    }
}

/// Whether both names begin with the same few letters.
fn begins_like(name: &Ident, table: &Ident) -> bool {
    let few: String = table.as_str().chars().take(20).collect();
    name.as_str().starts_with(&few)
}

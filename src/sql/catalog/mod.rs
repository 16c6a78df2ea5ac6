//! What is known of a database's tables beyond their names: partitions, foreign keys, sequences. It turns the
//! connections that [`Facts`] lists into names of tables.
//!
//! Two makers: the statements of a plan in their order ([`Catalog::note`]), and a server
//! (`pg/preflight/catalog.rs`), to which what the plan makes is added in the same way.

mod note;
mod resolve;

use super::also::{AlsoLocked, Through};
use super::facts::Facts;
use crate::base::{Ident, QualifiedName};
use crate::effects::ObjectClass;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// A partition or inheritance child.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Child {
    /// The partitioned table or inheritance parent.
    pub parent: QualifiedName,
    /// The child.
    pub name: QualifiedName,
    /// Whether it is a partition.
    pub partition: bool,
    /// Whether it is the default partition.
    pub default: bool,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ForeignKey {
    /// Its name; absent: the server makes it up.
    pub name: Option<Ident>,
    /// The table that has it.
    pub from: QualifiedName,
    /// Its columns.
    pub columns: Vec<Ident>,
    /// The table that it references.
    pub to: QualifiedName,
    /// The columns that it references; empty: not known.
    pub to_columns: Vec<Ident>,
    /// The constraint or index that it depends on; absent: not known.
    pub key: Option<Ident>,
    /// Whether it changes referencing rows when referenced rows go.
    pub cascades: bool,
}

/// A table of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: QualifiedName,
    /// Whether it goes with the object, with all that belongs to it.
    pub is_dropped: bool,
    /// Whether rows or values of it go.
    pub loses_data: bool,
}

impl Listed {
    /// A table of which nothing goes.
    fn kept(name: QualifiedName) -> Self {
        Self { name, is_dropped: false, loses_data: false }
    }
}

/// A connection of which a list of tables is known: through what, of which object, and of which part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// How the tables are connected with the object.
    pub through: Through,
    /// The object.
    pub of: Option<QualifiedName>,
    /// The class of the object.
    pub class: Option<ObjectClass>,
    /// The part of the object.
    pub part: Option<QualifiedName>,
}

impl Question {
    /// What has to be known to resolve an entry; `None`: nobody can tell.
    #[must_use]
    pub fn of(also: &AlsoLocked) -> Option<Self> {
        let can_tell = match also.through {
            Through::Truncation | Through::Functions | Through::Recalled => false,
            Through::Dependents => also.of.is_some(),
            _ => true,
        };
        // a new column's type is looked at, and not its table
        let (of, part) = match also.through {
            Through::ColumnDomain => (also.part.clone(), None),
            _ => (also.of.clone(), also.part.clone()),
        };
        can_tell.then_some(Self { through: also.through, of, class: also.class, part })
    }
}

/// What is known of the tables of a database.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The major version of the server, where there is one.
    version: Option<i32>,
    /// The names under which the server has what statements name.
    names: HashMap<QualifiedName, QualifiedName>,
    children: HashMap<QualifiedName, Vec<Child>>,
    parents: HashMap<QualifiedName, Vec<Child>>,
    keys: Vec<ForeignKey>,
    keys_from: HashMap<QualifiedName, Vec<usize>>,
    keys_to: HashMap<QualifiedName, Vec<usize>>,
    /// The sequences of a table's columns.
    sequences: HashMap<QualifiedName, Vec<(Ident, QualifiedName)>>,
    /// What a view selects from.
    bases: HashMap<QualifiedName, Vec<QualifiedName>>,
    /// Lists that somebody has made.
    lists: HashMap<Question, Vec<Listed>>,
    /// Objects that the plan has made since it last ran something unknown.
    made: HashSet<QualifiedName>,
    /// Whether a server was asked, and nothing unknown has run since.
    is_certain: bool,
}

impl Catalog {
    /// What a server of this major version says; it was asked everything that the plan needs.
    #[must_use]
    pub fn of_server(version: i32) -> Self {
        Self { version: Some(version), is_certain: true, ..Self::default() }
    }

    /// Whether a server was asked.
    #[must_use]
    pub fn is_of_server(&self) -> bool {
        self.version.is_some()
    }

    /// The server knows an object that is named so by this name.
    pub fn name(&mut self, said: QualifiedName, real: QualifiedName) {
        self.names.insert(said, real);
    }

    /// Adds a partition or inheritance child.
    pub fn child(&mut self, child: Child) {
        self.parents.entry(child.name.clone()).or_default().push(child.clone());
        self.children.entry(child.parent.clone()).or_default().push(child);
    }

    /// Adds a foreign key.
    pub fn foreign_key(&mut self, key: ForeignKey) {
        self.keys_from.entry(key.from.clone()).or_default().push(self.keys.len());
        self.keys_to.entry(key.to.clone()).or_default().push(self.keys.len());
        self.keys.push(key);
    }

    /// Adds a sequence that a column owns.
    pub fn sequence(&mut self, table: QualifiedName, column: Ident, sequence: QualifiedName) {
        self.sequences.entry(table).or_default().push((column, sequence));
    }

    /// Adds a table or view that a view selects from.
    pub fn base(&mut self, view: QualifiedName, base: QualifiedName) {
        self.bases.entry(view).or_default().push(base);
    }

    /// Answers a question.
    pub fn list(&mut self, question: Question, tables: Vec<Listed>) {
        self.lists.insert(question, tables);
    }

    /// The name that an object has.
    fn find(&self, name: &QualifiedName) -> QualifiedName {
        self.names.get(name).unwrap_or(name).clone()
    }

    /// Whether everything is known that is connected with an object of this real name.
    fn knows(&self, name: &QualifiedName) -> bool {
        self.is_certain || self.made.contains(name)
    }

    /// Names the tables that a statement locks through its connections, as far as they are known; what is known not
    /// to exist is left out.
    pub fn resolve(&self, facts: &mut Facts) {
        let all = std::mem::take(&mut facts.also);
        for mut also in all {
            if self.version.is_some_and(|version| also.since.is_some_and(|since| version < since)) {
                continue;
            }
            let (mut tables, complete) = self.tables(&also);
            tables.retain(|table| !self.is_claimed(table, &also, facts));
            tables.sort();
            tables.dedup();
            if complete && tables.is_empty() {
                continue;
            }
            also.since = None;
            also.complete = complete;
            // of what depends on an object some may only lose a constraint or default
            if also.loses_data && matches!(also.through, Through::Dependents | Through::Owner) && complete {
                let losing = self.losing(&also);
                let (lose, keep): (Vec<_>, Vec<_>) = tables.into_iter().partition(|table| losing.contains(table));
                for (tables, loses_data) in [(lose, true), (keep, false)] {
                    if !tables.is_empty() {
                        facts.add(AlsoLocked { tables, loses_data, ..also.clone() });
                    }
                }
                continue;
            }
            also.tables = tables;
            facts.add(also);
        }
        // partitions are descendants
        let below: Vec<AlsoLocked> =
            facts.also.iter().filter(|also| also.through == Through::Descendants).cloned().collect();
        facts.also.retain(|also| also.through != Through::Partitions || !below.iter().any(|below| below.covers(also)));
    }

    /// Whether the statement names a table, and claims as much of it.
    fn is_claimed(&self, table: &QualifiedName, also: &AlsoLocked, facts: &Facts) -> bool {
        let covers = (!also.scans || facts.scans)
            && (!also.rewrites || facts.rewrites)
            && (!also.loses_data || facts.loses_data);
        covers && facts.locks.iter().any(|(name, mode)| self.find(name) == *table && *mode >= also.mode)
    }
}

#[cfg(test)]
mod tests;

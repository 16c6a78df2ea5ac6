//! What all changesets of the project say of its tables: columns, keys, indexes, checks, and where rows are moved to.

use crate::base::{Ident, QualifiedName};
use crate::sql::review::{Action, Does, Keeps, NewColumn, NewConstraint};
use std::collections::{HashMap, HashSet};

/// The tables of a project.
#[derive(Debug, Default)]
pub(super) struct Schema {
    tables: HashMap<QualifiedName, Table>,
    /// Tables and columns into which rows of other tables are moved.
    moved: HashSet<(QualifiedName, String)>,
}

#[derive(Debug, Default)]
struct Table {
    /// Whether all its columns and keys are known.
    is_whole: bool,
    primary_key: Option<Vec<String>>,
    /// Types of columns, and whether the server fills them in.
    columns: HashMap<String, (String, bool)>,
    /// Columns of unique keys.
    unique: Vec<Vec<String>>,
    /// Columns of indexes that find every row with a value.
    indexes: Vec<Vec<String>>,
    /// Whether a unique index is partial, or over expressions.
    has_odd_keys: bool,
    checks: Vec<String>,
}

impl Schema {
    /// Takes over what a forward statement does.
    pub fn take(&mut self, action: &Action) {
        match &action.does {
            Does::CreateTable { table, columns, constraints, derives } => {
                let known = self.tables.entry(table.clone()).or_default();
                known.is_whole = !derives;
                columns.iter().for_each(|column| known.column(column));
                constraints.iter().for_each(|constraint| known.constraint(constraint));
            }
            Does::AddColumn { table, column } => self.tables.entry(table.clone()).or_default().column(column),
            Does::AddConstraint { table, constraint } => {
                self.tables.entry(table.clone()).or_default().constraint(constraint);
            }
            Does::CreateIndex(index) => {
                let known = self.tables.entry(index.table.clone()).or_default();
                let columns: Vec<String> = index.columns.iter().map(|column| first_name(column)).collect();
                let is_plain = index.condition.is_none() && !columns.iter().any(String::is_empty);
                if index.unique && is_plain {
                    known.unique.push(columns.clone());
                }
                known.has_odd_keys |= index.unique && !is_plain;
                // rows without a reference are not looked for
                let covers = index.condition.as_ref().is_none_or(|condition| is_of_rows_with(condition, &columns));
                if covers {
                    known.indexes.push(columns);
                }
            }
            // its name may be that of another table now
            Does::Rename { kind: "table", of, to, .. } => {
                let renamed = to.parse::<QualifiedName>().map(|new| of.sibling(new.name));
                let moved = self.tables.remove(of);
                if let (Ok(new), Some(table)) = (renamed, moved) {
                    self.tables.insert(new, table);
                }
            }
            Does::Insert(insert) if !insert.from.is_empty() => {
                self.moved.insert((insert.table.clone(), String::new()));
                let columns = insert.columns.iter().map(|c| (insert.table.clone(), c.as_str().to_owned()));
                self.moved.extend(columns);
            }
            Does::Change(change) if !change.deletes => {
                self.moved.insert((change.table.clone(), String::new()));
                self.moved.extend(change.set.iter().map(|(c, _)| (change.table.clone(), c.as_str().to_owned())));
            }
            _ => {}
        }
    }

    /// Whether a rule may look at an action with all that is known; others need not be kept.
    pub fn wants(action: &Action) -> bool {
        matches!(
            action.does,
            Does::CreateTable { .. }
                | Does::AddColumn { .. }
                | Does::AddConstraint { .. }
                | Does::CreateIndex(_)
                | Does::Rename { kind: "table", .. }
                | Does::Insert(_)
                | Does::Change(_)
        )
    }

    /// Whether the project makes the table, with all its columns in sight.
    pub fn is_known(&self, table: &QualifiedName) -> bool {
        self.tables.get(table).is_some_and(|known| known.is_whole)
    }

    /// Whether it has a primary key; a table that another name has now may have one.
    pub fn has_primary_key(&self, table: &QualifiedName) -> bool {
        self.tables.get(table).is_none_or(|known| known.primary_key.is_some())
    }

    /// The columns of its primary key.
    pub fn primary_key(&self, table: &QualifiedName) -> Option<&[String]> {
        self.tables.get(table)?.primary_key.as_deref().filter(|key| !key.is_empty())
    }

    /// Whether an index begins with these columns, in any order.
    pub fn has_index(&self, table: &QualifiedName, columns: &[&str]) -> bool {
        let begins = |index: &Vec<String>| {
            index.len() >= columns.len() && index[..columns.len()].iter().all(|c| columns.contains(&c.as_str()))
        };
        self.tables.get(table).is_some_and(|known| known.indexes.iter().any(begins))
    }

    /// The columns of each unique key.
    pub fn unique_keys(&self, table: &QualifiedName) -> impl Iterator<Item = &Vec<String>> {
        self.tables.get(table).into_iter().flat_map(|known| &known.unique)
    }

    /// Whether a unique index is partial or over expressions.
    pub fn has_odd_keys(&self, table: &QualifiedName) -> bool {
        self.tables.get(table).is_some_and(|known| known.has_odd_keys)
    }

    /// Whether the server fills in a column that is not given.
    pub fn is_generated(&self, table: &QualifiedName, column: &str) -> bool {
        self.tables.get(table).and_then(|known| known.columns.get(column)).is_some_and(|(_, generated)| *generated)
    }

    /// The type that a column got when it was added.
    pub fn type_of(&self, table: &QualifiedName, column: &str) -> Option<&str> {
        self.tables.get(table)?.columns.get(column).map(|(type_, _)| type_.as_str())
    }

    /// Whether a check says that the column is not NULL.
    pub fn is_checked_not_null(&self, table: &QualifiedName, column: &str) -> bool {
        let wanted = format!("{} is not null", column.to_lowercase());
        let mut checks = self.tables.get(table).into_iter().flat_map(|known| &known.checks);
        checks.any(|check| check.trim_matches(['(', ')']) == wanted)
    }

    /// Whether the table has a check.
    pub fn has_check(&self, table: &QualifiedName) -> bool {
        self.tables.get(table).is_some_and(|known| !known.checks.is_empty())
    }

    /// Whether rows are moved into a table, or a column of it.
    pub fn is_moved_to(&self, table: &QualifiedName, column: &str) -> bool {
        self.moved.contains(&(table.clone(), column.to_owned()))
    }
}

impl Table {
    fn column(&mut self, column: &NewColumn) {
        let default = column.default.as_deref().unwrap_or_default();
        // a constant is the same in each row
        let generated = column.identity || column.type_.contains("serial") || default.contains('(');
        self.columns.entry(column.name.as_str().to_owned()).or_insert((column.type_.clone(), generated));
        column.constraints.iter().for_each(|constraint| self.constraint(constraint));
    }

    fn constraint(&mut self, constraint: &NewConstraint) {
        let columns: Vec<String> = constraint.columns.iter().map(|c| c.as_str().to_owned()).collect();
        match constraint.kind {
            Keeps::PrimaryKey | Keeps::Unique => {
                if constraint.kind == Keeps::PrimaryKey {
                    self.primary_key = Some(columns.clone());
                }
                // by its index, which is known by its own statement
                if constraint.using_index.is_none() {
                    self.unique.push(columns.clone());
                    self.indexes.push(columns);
                }
            }
            Keeps::Check => {
                let text = constraint.expression.as_deref().unwrap_or_default().to_lowercase();
                self.checks.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            Keeps::ForeignKey | Keeps::Exclusion => {}
        }
    }
}

/// Whether a condition leaves out only rows in which a column is NULL.
fn is_of_rows_with(condition: &str, columns: &[String]) -> bool {
    let text = condition.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    matches!(words.as_slice(), [column, "is", "not", "null"] if columns.iter().any(|c| c == column))
}

/// The column that an entry of an index is; empty: an expression.
fn first_name(entry: &str) -> String {
    let is_expression = entry.contains('(');
    let name = entry.split_whitespace().next().filter(|_| !is_expression);
    name.and_then(|name| name.parse::<QualifiedName>().ok())
        .map(|name| name.name)
        .as_ref()
        .map_or("", Ident::as_str)
        .to_owned()
}

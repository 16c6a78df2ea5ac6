//! The rows that are there.

use crate::rows::contents::Value;
use crate::rows::table::{Constraint, Oid, Table};
use std::collections::BTreeMap;

/// The rows of tables that are known: those that were read and those that were made.
#[derive(Debug, Clone, Default)]
pub struct Known {
    tables: BTreeMap<Oid, (Vec<i16>, Vec<Vec<Value>>)>,
    /// Rows that will be made, of tables that foreign keys lead to in a circle.
    promised: BTreeMap<Oid, (Vec<i16>, Vec<Vec<Value>>)>,
}

impl Known {
    /// Adds a row of a table, with the values of all columns.
    pub fn add(&mut self, table: &Table, row: Vec<Value>) {
        let numbers = || table.columns.iter().map(|column| column.number).collect();
        self.tables.entry(table.oid).or_insert_with(|| (numbers(), Vec::new())).1.push(row);
    }

    /// Keeps the first rows of a table.
    pub fn truncate(&mut self, table: &Table, rows: usize) {
        if let Some((_, known)) = self.tables.get_mut(&table.oid) {
            known.truncate(rows);
        }
    }

    /// The rows of a table.
    #[must_use]
    pub fn rows(&self, oid: Oid) -> &[Vec<Value>] {
        self.tables.get(&oid).map_or(&[], |(_, rows)| rows)
    }

    /// Adds a row that a table will get: the values that can be told in advance.
    pub fn promise(&mut self, table: &Table, row: Vec<Value>) {
        let numbers = || table.columns.iter().map(|column| column.number).collect();
        self.promised.entry(table.oid).or_insert_with(|| (numbers(), Vec::new())).1.push(row);
    }

    /// The values that a foreign key leads to: those of rows; for a constraint that can wait for the end of the
    /// transaction also those of rows that will be made.
    pub(super) fn of_key(&self, key: &Constraint) -> Vec<Vec<Value>> {
        let Some(oid) = key.references else { return Vec::new() };
        let there = values(&self.tables, oid, &key.referenced);
        if there.is_empty() && key.deferrable { values(&self.promised, oid, &key.referenced) } else { there }
    }
}

/// The values of these columns in the rows of a table in which none of them is NULL.
fn values(tables: &BTreeMap<Oid, (Vec<i16>, Vec<Vec<Value>>)>, oid: Oid, columns: &[i16]) -> Vec<Vec<Value>> {
    let Some((numbers, rows)) = tables.get(&oid) else { return Vec::new() };
    let positions: Vec<usize> = columns.iter().filter_map(|c| numbers.iter().position(|n| n == c)).collect();
    if positions.len() != columns.len() {
        return Vec::new();
    }
    let values = rows.iter().map(|row| positions.iter().map(|p| row[*p].clone()).collect::<Vec<Value>>());
    values.filter(|values| values.iter().all(Option::is_some)).collect()
}

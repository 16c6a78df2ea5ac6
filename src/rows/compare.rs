//! Compares the rows of tables at two moments.

use super::contents::{Contents, TableContents, Value};
use super::difference::{RowDifference, RowDifferenceKind, RowSample, SAMPLES, shortened};
use crate::base::QualifiedName;
use std::collections::HashMap;

/// Columns that name a row of a table without a primary key.
const FIRST: usize = 2;

/// The differences between `before` and `after`, in the order of tables and columns. Only tables and columns of
/// `before` are compared, by their names; tables that one of the two could not read are not.
///
/// Rows are matched by the primary key if the table has the same one on both sides, otherwise by all values. Rows
/// that are left over on both sides and are equal in some columns differ in the others.
#[must_use]
pub fn compare(before: &Contents, after: &Contents) -> Vec<RowDifference> {
    let nothing = TableContents::default();
    let mut found = Vec::new();
    for (name, table) in &before.tables {
        if after.unread.contains_key(name) {
            continue;
        }
        match after.tables.get(name) {
            Some(other) => Comparison::new(name, table, other).differences(&mut found),
            None => Comparison::new(name, table, &nothing).whole(&mut found),
        }
    }
    found
}

/// A row of each side.
type Pair<'a> = (&'a [Value], &'a [Value]);

struct Comparison<'a> {
    name: &'a QualifiedName,
    before: &'a TableContents,
    after: &'a TableContents,
    /// The columns of both sides: their positions before and after.
    common: Vec<(usize, usize)>,
}

impl<'a> Comparison<'a> {
    fn new(name: &'a QualifiedName, before: &'a TableContents, after: &'a TableContents) -> Self {
        let at: HashMap<&str, usize> = after.columns.iter().enumerate().map(|(n, c)| (c.as_str(), n)).collect();
        let common = before.columns.iter().enumerate().filter_map(|(n, c)| Some((n, *at.get(c.as_str())?))).collect();
        Self { name, before, after, common }
    }

    /// The table is not there any more.
    fn whole(&self, out: &mut Vec<RowDifference>) {
        let rows: Vec<&[Value]> = self.before.rows.iter().map(Vec::as_slice).collect();
        self.rows(RowDifferenceKind::Lost, &rows, out);
    }

    fn differences(&self, out: &mut Vec<RowDifference>) {
        let (mut pairs, mut lost, mut invented) = self.matched();
        self.similar(&mut pairs, &mut lost, &mut invented);
        for (n, column) in self.before.columns.iter().enumerate() {
            match self.common.iter().find(|(at, _)| *at == n) {
                Some((at, then)) => {
                    let changed: Vec<Pair<'_>> =
                        pairs.iter().filter(|(old, new)| old[*at] != new[*then]).copied().collect();
                    if !changed.is_empty() {
                        let samples = changed.iter().take(SAMPLES).map(|(old, new)| RowSample {
                            before: Some(shortened(old[*at].as_deref())),
                            after: Some(shortened(new[*then].as_deref())),
                            ..self.sample(self.before, old)
                        });
                        out.push(self.difference(RowDifferenceKind::Changed, Some(column), changed.len(), samples));
                    }
                }
                None => {
                    let valued: Vec<&Vec<Value>> = self.before.rows.iter().filter(|row| row[n].is_some()).collect();
                    if !valued.is_empty() {
                        let samples = valued.iter().take(SAMPLES).map(|row| RowSample {
                            before: Some(shortened(row[n].as_deref())),
                            ..self.sample(self.before, row)
                        });
                        out.push(self.difference(RowDifferenceKind::Lost, Some(column), valued.len(), samples));
                    }
                }
            }
        }
        self.rows(RowDifferenceKind::Lost, &lost, out);
        self.rows(RowDifferenceKind::Invented, &invented, out);
    }

    /// The rows with the same key on both sides, and those of one side alone.
    fn matched(&self) -> (Vec<Pair<'a>>, Vec<&'a [Value]>, Vec<&'a [Value]>) {
        let mut keys: Vec<(usize, usize)> =
            self.common.iter().filter(|(at, _)| self.before.key.contains(at)).copied().collect();
        let has_key = !keys.is_empty()
            && keys.len() == self.before.key.len()
            && self.after.key.len() == keys.len()
            && keys.iter().all(|(_, then)| self.after.key.contains(then));
        if !has_key {
            keys.clone_from(&self.common);
        }
        let mut there: HashMap<Vec<&Value>, Vec<&'a [Value]>> = HashMap::with_capacity(self.after.rows.len());
        for row in self.after.rows.iter().rev() {
            there.entry(keys.iter().map(|(_, then)| &row[*then]).collect()).or_default().push(row);
        }
        let (mut pairs, mut lost) = (Vec::new(), Vec::new());
        for row in &self.before.rows {
            let key: Vec<&Value> = keys.iter().map(|(at, _)| &row[*at]).collect();
            match there.get_mut(&key).and_then(Vec::pop) {
                Some(other) => pairs.push((row.as_slice(), other)),
                None => lost.push(row.as_slice()),
            }
        }
        // in the order of the table
        let mut left: Vec<&[Value]> = there.into_values().flatten().collect();
        let order: HashMap<*const Value, usize> =
            self.after.rows.iter().enumerate().map(|(n, row)| (row.as_ptr(), n)).collect();
        left.sort_by_key(|row| order.get(&row.as_ptr()));
        (pairs, lost, left)
    }

    /// Pairs the rows that are left over if they are equal in all columns but those that differ as a whole.
    fn similar(&self, pairs: &mut Vec<Pair<'a>>, lost: &mut Vec<&'a [Value]>, invented: &mut Vec<&'a [Value]>) {
        if lost.len() != invented.len() || lost.is_empty() {
            return;
        }
        let column = |rows: &[&'a [Value]], at: usize| {
            let mut values: Vec<&'a Value> = rows.iter().map(|row| &row[at]).collect();
            values.sort_unstable();
            values
        };
        let same: Vec<(usize, usize)> =
            self.common.iter().filter(|(at, then)| column(lost, *at) == column(invented, *then)).copied().collect();
        if same.is_empty() {
            return;
        }
        let by = |row: &'a [Value], positions: &dyn Fn(&(usize, usize)) -> usize| -> Vec<&'a Value> {
            same.iter().map(|both| &row[positions(both)]).collect()
        };
        let (mut old, mut new) = (lost.clone(), invented.clone());
        old.sort_by_cached_key(|row| by(row, &|both| both.0));
        new.sort_by_cached_key(|row| by(row, &|both| both.1));
        if old.iter().zip(&new).all(|(old, new)| by(old, &|both| both.0) == by(new, &|both| both.1)) {
            pairs.extend(old.into_iter().zip(new));
            lost.clear();
            invented.clear();
        }
    }

    fn rows(&self, kind: RowDifferenceKind, rows: &[&[Value]], out: &mut Vec<RowDifference>) {
        if rows.is_empty() {
            return;
        }
        let of = if kind == RowDifferenceKind::Invented { self.after } else { self.before };
        let samples = rows.iter().take(SAMPLES).map(|row| self.sample(of, row));
        out.push(self.difference(kind, None, rows.len(), samples));
    }

    fn difference(
        &self,
        kind: RowDifferenceKind,
        column: Option<&String>,
        count: usize,
        samples: impl Iterator<Item = RowSample>,
    ) -> RowDifference {
        let of = if kind == RowDifferenceKind::Invented { self.after } else { self.before };
        RowDifference {
            table: self.name.clone(),
            column: column.cloned(),
            kind,
            count: count as u64,
            of: of.rows.len() as u64,
            samples: samples.collect(),
        }
    }

    fn sample(&self, of: &TableContents, row: &[Value]) -> RowSample {
        let first: Vec<usize> = (0..of.columns.len().min(FIRST)).collect();
        let positions = if of.key.is_empty() { &first } else { &of.key };
        let key = positions.iter().map(|n| (of.columns[*n].clone(), shortened(row[*n].as_deref()))).collect();
        RowSample { key, before: None, after: None }
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;

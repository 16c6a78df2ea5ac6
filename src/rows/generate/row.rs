//! Chooses the values of a row.

use super::factors::{Checked, Probe, Rows, groups, key_values, without_rows};
use super::hints::{Candidate, Shows};
use super::known::Known;
use super::values::{Kind, value};
use crate::base::name::{quote_ident, quote_literal};
use crate::rows::contents::Value;
use crate::rows::filled::Style;
use crate::rows::table::{Constraint, Oid, Table, TypeKind, Types, nullable};
use std::collections::BTreeSet;

/// Rows that a table gets, unless it has more partitions.
const ROWS: usize = 4;

/// Rows of a table with many partitions.
const MOST_ROWS: usize = 12;

/// Numbers between the values of two rounds.
const ROUND: u64 = 16;

/// Combinations that are tried here for a row that is unique among the known ones.
const UNIQUE: usize = 200;

/// The value of a column in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cell {
    Value(Value),
    /// What the server fills in.
    Default,
}

/// A statement for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insert {
    /// The statement. It answers the stored row.
    pub sql: String,
    /// The values of all columns, as far as they are known before.
    pub values: Vec<Value>,
}

/// Makes rows for one table.
#[derive(Debug)]
pub struct Generator<'a> {
    table: &'a Table,
    types: &'a Types,
    checked: Vec<Checked>,
    /// The foreign keys that share no column with a check, by their positions among the foreign keys.
    keys: Vec<Vec<usize>>,
    style: Style,
    round: u32,
}

impl<'a> Generator<'a> {
    /// Rows for `table`; another `round` has other values. `known` has the rows of the tables that its foreign keys
    /// lead to.
    #[must_use]
    pub fn new(table: &'a Table, types: &'a Types, known: &Known, round: u32, style: Style) -> Self {
        let (checked, keys) = groups(table, types, known, u64::from(round) * ROUND);
        Self { table, types, checked, keys, style, round }
    }

    /// The number of rows to make: each partition gets one where possible.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.table.partitions.len().clamp(ROWS, MOST_ROWS)
    }

    /// The values that the rows will have in columns without constraints among each other.
    #[must_use]
    pub fn promises(&self) -> Vec<Vec<Value>> {
        let taken: BTreeSet<usize> = self.checked.iter().flat_map(Checked::columns).collect();
        let is_free = |position: &usize| !taken.contains(position);
        let row = |number: usize| {
            let n = self.number(number, 0);
            let value = |position: usize| match self.free(position, n, Shows::Plain) {
                Ok(Cell::Value(value)) if is_free(&position) => value,
                _ => None,
            };
            (0..self.table.columns.len()).map(value).collect()
        };
        (0..self.rows()).map(row).collect()
    }

    /// The number from which the values of a row are made.
    fn number(&self, row: usize, attempt: usize) -> u64 {
        u64::from(self.round) * ROUND + (row + attempt * 100) as u64
    }

    /// What has to be asked before rows can be made.
    #[must_use]
    pub fn probes(&self) -> Vec<Probe> {
        self.checked.iter().enumerate().map(|(n, group)| group.probe(n, self.table, self.types)).collect()
    }

    /// Takes over the answer to a question. Without one, and without any combination, the columns are filled as if they
    /// had no constraint, and the server decides.
    pub fn answer(&mut self, probe: &Probe, rows: &Rows) {
        if let Some(group) = self.checked.get_mut(probe.group) {
            group.answer(rows);
        }
    }

    /// The statement for the row of this number; a later `attempt` has other values.
    ///
    /// # Errors
    /// Why there is none.
    pub fn insert(&self, number: usize, attempt: usize, known: &Known) -> Result<Insert, String> {
        let mut conflict = None;
        for to_itself in [false, true] {
            for turn in 0..UNIQUE {
                let cells = self.cells(number, attempt, turn, known, to_itself)?;
                match self.conflict(&cells, known) {
                    None => return Ok(Insert { sql: self.sql(&cells), values: values(cells) }),
                    Some(index) => conflict = Some(index),
                }
            }
        }
        Err(format!("no further row is unique (`{}`)", conflict.unwrap_or("unique")))
    }

    fn shows(&self, number: usize, attempt: usize) -> Shows {
        match (self.style, number % ROWS, attempt) {
            (Style::Plain, ..) | (_, 0, _) | (_, _, 2..) => Shows::Plain,
            (_, 1, _) => Shows::Null,
            (_, 2, _) => Shows::Low,
            _ => Shows::High,
        }
    }

    /// The cells of a row. `turn` counts through the combinations of what there is only little of; `to_itself`: the row
    /// leads to itself, and not to an earlier one of its table.
    fn cells(
        &self,
        number: usize,
        attempt: usize,
        turn: usize,
        known: &Known,
        to_itself: bool,
    ) -> Result<Vec<Cell>, String> {
        let shows = self.shows(number, attempt);
        let round = self.round as usize;
        let n = self.number(number, attempt);
        let mut turns = turn;
        let start = number + attempt + round * ROWS;
        // among the first `best` of `count`, and among all in later turns
        let mut pick = |count: usize, best: usize| {
            let here = turns % count.max(1);
            turns /= count.max(1);
            if here == 0 { start % best.max(1) } else { (start % best.max(1) + here) % count.max(1) }
        };
        let mut cells: Vec<Option<Cell>> = vec![None; self.table.columns.len()];
        let put = |cells: &mut Vec<Option<Cell>>, columns: &[usize], chosen: &[Candidate]| {
            for (column, candidate) in columns.iter().zip(chosen) {
                cells[*column] = Some(Cell::Value(candidate.value.clone()));
            }
        };
        for group in self.checked.iter().filter(|group| group.is_found()) {
            let (wanted, best) = group.wanted(shows, number + round);
            let chosen = &wanted[pick(wanted.len(), best)];
            for (column, candidate) in chosen {
                cells[*column] = Some(Cell::Value(candidate.value.clone()));
            }
        }
        let all: Vec<&Constraint> = self.table.foreign_keys().collect();
        let mut own = Vec::new();
        for these in &self.keys {
            let keys: Vec<&Constraint> = these.iter().map(|k| all[*k]).collect();
            let is_own = |key: &&Constraint| key.references == Some(self.table.oid);
            if to_itself && keys.iter().all(is_own) {
                own.extend(keys);
                continue;
            }
            let (columns, options) = key_values(self.table, &keys, self.types, known);
            let is_null = |option: &&Vec<Candidate>| option.iter().any(|candidate| candidate.value.is_none());
            let (nulls, values): (Vec<_>, Vec<_>) = options.iter().partition(is_null);
            let wanted = if values.is_empty() || shows == Shows::Null && !nulls.is_empty() { nulls } else { values };
            if wanted.is_empty() {
                let missing = without_rows(&keys, known);
                if missing.iter().all(is_own) && !missing.is_empty() {
                    own.extend(missing);
                    continue;
                }
                return Err(match missing.first() {
                    Some(key) => {
                        let target = key.target.as_deref().unwrap_or_default();
                        format!("the foreign key `{}` leads to {target}, which has no rows", key.name)
                    }
                    None => "no rows of other tables fit to all foreign keys together".to_owned(),
                });
            }
            put(&mut cells, &columns, wanted[pick(wanted.len(), wanted.len())]);
        }
        for (position, column) in self.table.columns.iter().enumerate() {
            if cells[position].is_some() {
                continue;
            }
            let is_null = shows == Shows::Null && nullable(self.table, position, self.types);
            cells[position] = Some(if column.generated {
                Cell::Default
            } else if is_null {
                Cell::Value(None)
            } else {
                let few = self.few(column.kind);
                let n = if few > 1 { pick(few, few) as u64 } else { n };
                self.free(position, n, shows)?
            });
        }
        let mut cells: Vec<Cell> = cells.into_iter().map(|cell| cell.unwrap_or(Cell::Default)).collect();
        // a row that leads to itself
        for key in own {
            let positions = self.table.positions(&key.columns).into_iter().zip(self.table.positions(&key.referenced));
            for (from, to) in positions {
                cells[from] = cells[to].clone();
            }
        }
        Ok(cells)
    }

    /// The number of values of a type that has only few; 1 for any other.
    fn few(&self, kind: Oid) -> usize {
        match self.types.get(&kind) {
            Some(kind) if kind.kind == TypeKind::Enum => kind.labels.len().max(1),
            Some(kind) if kind.name == "bool" => 2,
            _ => 1,
        }
    }

    fn free(&self, position: usize, n: u64, shows: Shows) -> Result<Cell, String> {
        let column = &self.table.columns[position];
        let apart = column.counted || self.table.tells_apart(column.number);
        let what = match shows {
            // there is only one of each
            _ if apart && self.round > 0 => Kind::Plain,
            Shows::Low => Kind::Low,
            Shows::High => Kind::High,
            _ => Kind::Plain,
        };
        match value(self.types, column.kind, &column.written, n, what, apart) {
            Some(text) => Ok(Cell::Value(Some(text.into_boxed_str()))),
            None if nullable(self.table, position, self.types) => Ok(Cell::Value(None)),
            None if column.default.is_some() => Ok(Cell::Default),
            None => Err(format!("no value is known for the type `{}` of the column `{}`", column.written, column.name)),
        }
    }

    /// The unique index in which a known row has the same values.
    fn conflict(&self, cells: &[Cell], known: &Known) -> Option<&'a str> {
        let rows = known.rows(self.table.oid);
        self.table.unique.iter().filter(|index| !index.partial && !index.columns.contains(&0)).find_map(|index| {
            let positions = self.table.positions(&index.columns);
            let values: Option<Vec<&Value>> = positions
                .iter()
                .map(|position| match &cells[*position] {
                    Cell::Value(value) if value.is_some() || index.nulls_equal => Some(value),
                    _ => None,
                })
                .collect();
            let values = values?;
            rows.iter().any(|row| positions.iter().map(|p| &row[*p]).eq(values.iter().copied())).then_some(&*index.name)
        })
    }

    fn sql(&self, cells: &[Cell]) -> String {
        let table = format!("{}.{}", quote_ident(&self.table.schema), quote_ident(&self.table.name));
        let names: Vec<_> = self.table.columns.iter().map(|column| quote_ident(&column.name)).collect();
        let given = || cells.iter().enumerate().filter(|(position, _)| !self.table.columns[*position].generated);
        let columns: Vec<&str> = given().map(|(position, _)| &*names[position]).collect();
        let values: Vec<String> = given()
            .map(|(_, cell)| match cell {
                Cell::Value(Some(text)) => quote_literal(text),
                Cell::Value(None) => "NULL".to_owned(),
                Cell::Default => "DEFAULT".to_owned(),
            })
            .collect();
        let what = match columns.len() {
            0 => "DEFAULT VALUES".to_owned(),
            _ => format!("({}) OVERRIDING SYSTEM VALUE VALUES ({})", columns.join(", "), values.join(", ")),
        };
        let answer = if names.is_empty() { "1".to_owned() } else { names.join(", ") };
        format!("INSERT INTO {table} {what} RETURNING {answer}")
    }
}

fn values(cells: Vec<Cell>) -> Vec<Value> {
    let value = |cell| match cell {
        Cell::Value(value) => value,
        Cell::Default => None,
    };
    cells.into_iter().map(value).collect()
}

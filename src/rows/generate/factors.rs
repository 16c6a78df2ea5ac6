//! Columns whose values depend on each other: those of a foreign key have the values of one row of the other table,
//! those of a CHECK are looked for together.

use super::hints::{Candidate, Shows, options};
use super::known::Known;
use crate::base::name::{quote_ident, quote_literal};
use crate::rows::contents::Value;
use crate::rows::table::{Constraint, ConstraintKind, Table, TypeKind, Types, accepts_null, nullable};
use crate::sql::with_value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Combinations of values that are looked at for the constraints of some columns.
const COMBINATIONS: f64 = 2_000.0;

/// Combinations that are enough for a table.
const ANSWERS: usize = 300;

/// Columns of one group beyond which combinations are not tried.
const MOST_COLUMNS: usize = 12;

/// Rows that a foreign key chooses from.
const MOST_KEYS: usize = 60;

/// Combinations that are tried one by one if all at once cannot be evaluated.
const ONE_BY_ONE: usize = 40;

/// Columns that take their values together, and the values to choose from.
#[derive(Debug, Clone)]
struct Factor {
    columns: Vec<usize>,
    options: Vec<Vec<Candidate>>,
}

/// Columns with constraints, and the values that the server has found to be right.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    factors: Vec<Factor>,
    /// Conditions on the columns.
    conditions: Vec<String>,
    /// The conditions of the partitions, of which one must hold.
    partitions: Vec<String>,
    /// What was found: the position of an option per factor, and that of the partition.
    found: Vec<(Vec<usize>, usize)>,
}

/// A question to the server: which combinations of values meet the constraints.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The group of columns that it is about.
    pub(super) group: usize,
    /// Queries for many combinations: all, and those without the extremes of a type, which some conditions fail with.
    /// The first that the server can evaluate is the answer.
    pub at_once: Vec<String>,
    /// Queries for single combinations, if it can evaluate none of them.
    pub one_by_one: Vec<String>,
}

/// The rows of an answer.
pub type Rows = Vec<Vec<Option<String>>>;

/// Columns and the values that they take together.
pub(super) type Chosen<'a> = Vec<(usize, &'a Candidate)>;

impl Checked {
    /// The columns, by their positions in the table.
    pub fn columns(&self) -> BTreeSet<usize> {
        self.factors.iter().flat_map(|factor| &factor.columns).copied().collect()
    }

    pub fn probe(&self, group: usize, table: &Table, types: &Types) -> Probe {
        let most = COMBINATIONS.powf(1.0 / self.factors.len().max(1) as f64).floor().max(2.0) as usize;
        let take = |keep: &dyn Fn(&[Candidate]) -> bool| -> Vec<Vec<usize>> {
            let of =
                |factor: &Factor| (0..factor.options.len()).filter(|n| keep(&factor.options[*n])).take(most).collect();
            self.factors.iter().map(of).collect()
        };
        let is_extreme = |candidate: &Candidate| matches!(candidate.what, Shows::Low | Shows::High);
        let all = take(&|_| true);
        let modest = take(&|option| !option.iter().any(is_extreme));
        let can_be_asked = |options: &&Vec<Vec<usize>>| options.iter().all(|numbers| !numbers.is_empty());
        let at_once = [&all, &modest].into_iter().filter(can_be_asked).map(|o| self.query(o, table, types)).collect();
        let one_by_one = diagonal(&modest, ONE_BY_ONE)
            .into_iter()
            .map(|one| self.query(&one.into_iter().map(|n| vec![n]).collect::<Vec<_>>(), table, types))
            .collect();
        Probe { group, at_once, one_by_one }
    }

    fn query(&self, options: &[Vec<usize>], table: &Table, types: &Types) -> String {
        let mut select = String::new();
        let mut from = Vec::new();
        for (f, (factor, numbers)) in self.factors.iter().zip(options).enumerate() {
            let _ = write!(select, "\"dagmar {f}\", ");
            let rows: Vec<String> = numbers
                .iter()
                .map(|n| {
                    let values = factor.columns.iter().zip(&factor.options[*n]).map(|(column, option)| {
                        let value = option.value.as_deref().map_or("NULL".to_owned(), quote_literal);
                        format!(", CAST({value} AS {})", cast(table, *column, types))
                    });
                    format!("({n}{})", values.collect::<String>())
                })
                .collect();
            let names = factor.columns.iter().map(|column| format!(", {}", quote_ident(&table.columns[*column].name)));
            from.push(format!("(VALUES {}) f{f} (\"dagmar {f}\"{})", rows.join(", "), names.collect::<String>()));
        }
        let mut case = String::from("CASE");
        for (p, condition) in self.partitions.iter().enumerate() {
            let _ = write!(case, " WHEN {condition} THEN {p}");
        }
        let (partition, wanted) = match self.partitions.len() {
            0 => ("0".to_owned(), "true".to_owned()),
            _ => (format!("{case} END"), format!("{case} END IS NOT NULL")),
        };
        let conditions: String =
            self.conditions.iter().map(|condition| format!(" AND ({condition}) IS NOT FALSE")).collect();
        let order: Vec<String> = (0..options.len()).map(|f| format!("\"dagmar {f}\"")).collect();
        // those that are enough, but some of each partition
        let most = if self.partitions.is_empty() { ANSWERS } else { COMBINATIONS as usize };
        format!(
            "SELECT {select}{partition} FROM {} WHERE {wanted}{conditions} ORDER BY {} LIMIT {most}",
            from.join(" CROSS JOIN "),
            order.join(" OPERATOR(pg_catalog.+) ")
        )
    }

    /// Takes over an answer.
    pub fn answer(&mut self, rows: &Rows) {
        for row in rows {
            let numbers: Option<Vec<usize>> = row.iter().map(|n| n.as_deref()?.parse().ok()).collect();
            let Some(mut numbers) = numbers else { continue };
            let Some(partition) = numbers.pop() else { continue };
            let exist = numbers.iter().zip(&self.factors).all(|(n, factor)| *n < factor.options.len());
            if exist && numbers.len() == self.factors.len() {
                self.found.push((numbers, partition));
            }
        }
    }

    /// The combinations, those first that show what is wanted, of this partition if there is one; and how many show it.
    pub fn wanted(&self, shows: Shows, partition: usize) -> (Vec<Chosen<'_>>, usize) {
        let partition = partition % self.partitions.len().max(1);
        let has_partition = self.found.iter().any(|(_, other)| *other == partition);
        let mut found: Vec<(usize, Chosen<'_>)> = self
            .found
            .iter()
            .filter(|(_, other)| !has_partition || *other == partition)
            .map(|(numbers, _)| {
                let options = numbers
                    .iter()
                    .zip(&self.factors)
                    .flat_map(|(n, factor)| factor.columns.iter().copied().zip(&factor.options[*n]));
                let chosen: Chosen<'_> = options.collect();
                let fitting = |option: &Candidate| match shows {
                    Shows::Plain => option.what != Shows::Null,
                    other => option.what == other,
                };
                (chosen.iter().filter(|(_, option)| fitting(option)).count(), chosen)
            })
            .collect();
        let best = found.iter().map(|(score, _)| *score).max().unwrap_or(0);
        found.sort_by_key(|(score, _)| *score != best);
        let count = found.iter().filter(|(score, _)| *score == best).count();
        (found.into_iter().map(|(_, chosen)| chosen).collect(), count)
    }

    pub fn is_found(&self) -> bool {
        !self.found.is_empty()
    }
}

/// The type of a column for a cast: that below a domain, whose checks are among the conditions.
fn cast<'a>(table: &'a Table, column: usize, types: &'a Types) -> &'a str {
    let column = &table.columns[column];
    let mut written = column.written.as_str();
    let mut kind = types.get(&column.kind);
    while let Some(domain) = kind.filter(|kind| kind.kind == TypeKind::Domain) {
        written = domain.written.as_deref().unwrap_or(written);
        kind = domain.of.and_then(|of| types.get(&of));
    }
    written
}

/// The first combinations, those of the first options first.
fn diagonal(options: &[Vec<usize>], most: usize) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    let longest: usize = options.iter().map(Vec::len).sum();
    for sum in 0..=longest {
        let before = found.len();
        sums(options, sum, most, &mut Vec::new(), &mut found);
        if found.len() >= most || (before == found.len() && sum > 0) {
            break;
        }
    }
    found
}

fn sums(options: &[Vec<usize>], left: usize, most: usize, head: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
    let Some(here) = options.get(head.len()) else {
        if left == 0 && out.len() < most {
            out.push(head.clone());
        }
        return;
    };
    for (n, number) in here.iter().enumerate().take(left + 1) {
        if out.len() >= most {
            return;
        }
        head.push(*number);
        sums(options, left - n, most, head, out);
        head.pop();
    }
}

/// The groups of columns that constraints join, and the foreign keys of the other columns, joined where they share one.
pub(super) fn groups(table: &Table, types: &Types, known: &Known, n: u64) -> (Vec<Checked>, Vec<Vec<usize>>) {
    let keys: Vec<&Constraint> = table.foreign_keys().collect();
    let mut joined: Vec<(BTreeSet<usize>, Vec<usize>)> = Vec::new();
    for (k, key) in keys.iter().enumerate() {
        let mut columns: BTreeSet<usize> = table.positions(&key.columns).into_iter().collect();
        let mut these = vec![k];
        joined.retain(|(other, of)| {
            let apart = other.is_disjoint(&columns);
            if !apart {
                columns.extend(other);
                these.extend(of);
            }
            apart
        });
        these.sort_unstable();
        joined.push((columns, these));
    }
    let mut checks: Vec<(BTreeSet<usize>, Vec<String>, Vec<String>)> = Vec::new();
    let mut add = |mut columns: BTreeSet<usize>, conditions: Vec<String>, partitions: Vec<String>| {
        for (of_key, _) in &joined {
            if !of_key.is_disjoint(&columns) {
                columns.extend(of_key);
            }
        }
        let (mut conditions, mut partitions) = (conditions, partitions);
        checks.retain_mut(|(other, with, of)| {
            let apart = other.is_disjoint(&columns);
            if !apart {
                columns.append(other);
                conditions.append(with);
                partitions.append(of);
            }
            apart
        });
        checks.push((columns, conditions, partitions));
    };
    for constraint in table.constraints.iter().filter(|c| c.kind == ConstraintKind::Check) {
        let columns: BTreeSet<usize> = table.positions(&constraint.columns).into_iter().collect();
        let is_computed = columns.iter().any(|column| table.columns[*column].generated);
        if let Some(expression) = constraint.expression.clone().filter(|_| !columns.is_empty() && !is_computed) {
            add(columns, vec![expression], Vec::new());
        }
    }
    for (position, column) in table.columns.iter().enumerate().filter(|(_, column)| !column.generated) {
        let mut kind = types.get(&column.kind);
        while let Some(domain) = kind.filter(|kind| kind.kind == TypeKind::Domain) {
            for check in &domain.checks {
                add(BTreeSet::from([position]), vec![with_value(check, &quote_ident(&column.name))], Vec::new());
            }
            kind = domain.of.and_then(|of| types.get(&of));
        }
    }
    if !table.partitions.is_empty() {
        let words: BTreeSet<String> =
            table.partitions.iter().flat_map(|condition| crate::sql::constants(condition).words).collect();
        let named = |column: &str| words.contains(column);
        let columns: BTreeSet<usize> =
            table.columns.iter().enumerate().filter(|(_, column)| named(&column.name)).map(|(n, _)| n).collect();
        if !columns.is_empty() {
            add(columns, Vec::new(), table.partitions.clone());
        }
    }
    checks.retain(|(columns, ..)| columns.len() <= MOST_COLUMNS);
    let mut groups = Vec::new();
    for (columns, conditions, partitions) in checks {
        let expressions: Vec<String> = conditions.iter().chain(&partitions).cloned().collect();
        let mut factors = Vec::new();
        let mut left = columns.clone();
        for (of_key, these) in joined.iter().filter(|(of_key, _)| of_key.is_subset(&columns)) {
            let these: Vec<&Constraint> = these.iter().map(|k| keys[*k]).collect();
            let (order, options) = key_values(table, &these, types, known);
            factors.push(Factor { columns: order, options });
            left.retain(|column| !of_key.contains(column));
        }
        for position in left {
            let column = &table.columns[position];
            let apart = column.counted || table.tells_apart(column.number);
            let options = options(types, column, &expressions, n, nullable(table, position, types), apart);
            factors.push(Factor {
                columns: vec![position],
                options: options.into_iter().map(|option| vec![option]).collect(),
            });
        }
        groups.push(Checked { factors, conditions, partitions, found: Vec::new() });
    }
    let taken: BTreeSet<usize> = groups.iter().flat_map(Checked::columns).collect();
    let free = joined.into_iter().filter(|(columns, _)| columns.is_disjoint(&taken)).map(|(_, these)| these).collect();
    (groups, free)
}

/// The values that the columns of foreign keys can have together: those of known rows, and NULL where that is accepted,
/// last.
pub(super) fn key_values(
    table: &Table,
    keys: &[&Constraint],
    types: &Types,
    known: &Known,
) -> (Vec<usize>, Vec<Vec<Candidate>>) {
    let mut columns: Vec<usize> = Vec::new();
    let mut joined: Vec<BTreeMap<usize, Value>> = vec![BTreeMap::new()];
    for key in keys {
        let own = table.positions(&key.columns);
        for column in &own {
            if !columns.contains(column) {
                columns.push(*column);
            }
        }
        let there = known.of_key(key);
        if there.is_empty() && accepts_null(table, key, types) {
            let of_others = |column: &usize| {
                let others = keys.iter().filter(|other| other.name != key.name);
                others.flat_map(|other| table.positions(&other.columns)).any(|other| other == *column)
            };
            for column in own.iter().filter(|column| nullable(table, **column, types) && !of_others(column)) {
                joined.iter_mut().for_each(|row| drop(row.insert(*column, None)));
            }
            continue;
        }
        let mut next = Vec::new();
        for values in &there {
            for row in &joined {
                let fits = own.iter().zip(values).all(|(c, value)| row.get(c).is_none_or(|other| other == value));
                if fits && next.len() < MOST_KEYS {
                    let mut row = row.clone();
                    row.extend(own.iter().copied().zip(values.iter().cloned()));
                    if !next.contains(&row) {
                        next.push(row);
                    }
                }
            }
        }
        joined = next;
    }
    let option = |value: &Value| Candidate {
        value: value.clone(),
        what: if value.is_none() { Shows::Null } else { Shows::Plain },
    };
    let mut options: Vec<Vec<Candidate>> = joined
        .iter()
        .filter_map(|row| columns.iter().map(|column| row.get(column).map(option)).collect::<Option<Vec<_>>>())
        .collect();
    let nulls: Vec<bool> = columns.iter().map(|column| nullable(table, *column, types)).collect();
    if keys.iter().all(|key| accepts_null(table, key, types)) {
        // columns that refuse NULL have any value: the key is not looked at
        let row = columns.iter().zip(&nulls).enumerate().map(|(n, (column, null))| {
            if *null {
                return Some(Candidate { value: None, what: Shows::Null });
            }
            options.first().map(|row| row[n].clone()).or_else(|| plain(table, *column, types))
        });
        options.extend(row.collect::<Option<Vec<Candidate>>>());
    }
    (columns, options)
}

fn plain(table: &Table, column: usize, types: &Types) -> Option<Candidate> {
    let column = &table.columns[column];
    let value = super::values::value(types, column.kind, &column.written, 0, super::values::Kind::Plain, true)?;
    Some(Candidate { value: Some(value.into_boxed_str()), what: Shows::Plain })
}

/// Those keys that lead to a table without rows.
pub(super) fn without_rows<'a>(keys: &[&'a Constraint], known: &Known) -> Vec<&'a Constraint> {
    keys.iter().copied().filter(|key| known.of_key(key).is_empty()).collect()
}

//! Tables as far as their rows depend on them.

use crate::base::{Ident, QualifiedName};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The number of an object in the catalog.
pub type Oid = u32;

/// Tables and the types of their columns, as a server describes them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Described {
    /// The tables, and those that their foreign keys lead to.
    pub tables: Vec<Table>,
    /// The types of columns, and those that they are made of.
    pub types: Vec<Type>,
}

/// A table.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Table {
    /// Its number in the catalog.
    pub oid: Oid,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Whether rows may be generated for it: it belongs to the user.
    pub own: bool,
    /// Whether it was asked for; others are there because a foreign key leads to them.
    pub selected: bool,
    /// Whether it is partitioned.
    pub partitioned: bool,
    /// The columns, in their order.
    pub columns: Vec<Column>,
    /// The constraints: CHECK, FOREIGN KEY and EXCLUDE.
    pub constraints: Vec<Constraint>,
    /// The unique indexes, those of constraints too.
    pub unique: Vec<UniqueIndex>,
    /// The condition of each partition that holds rows.
    pub partitions: Vec<String>,
    /// The constraints that are checked at the end of the transaction, as SQL names.
    pub deferred: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    /// Its number in the table.
    pub number: i16,
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Oid,
    /// Its type as it is written in SQL, with its length.
    pub written: String,
    /// Whether it refuses NULL.
    pub not_null: bool,
    /// The default, as SQL.
    pub default: Option<String>,
    /// Whether the server computes it from other columns.
    pub generated: bool,
    /// Whether the server counts it: an identity column, or one with a sequence.
    pub counted: bool,
}

/// The kind of a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ConstraintKind {
    /// CHECK.
    #[serde(rename = "c")]
    Check,
    /// FOREIGN KEY.
    #[serde(rename = "f")]
    ForeignKey,
    /// EXCLUDE.
    #[serde(rename = "x")]
    Exclude,
}

/// A constraint of a table.
#[derive(Debug, Clone, Deserialize)]
pub struct Constraint {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ConstraintKind,
    /// The numbers of its columns.
    pub columns: Vec<i16>,
    /// The expression of a CHECK.
    pub expression: Option<String>,
    /// The table that a foreign key leads to.
    pub references: Option<Oid>,
    /// Its name.
    pub target: Option<String>,
    /// The numbers of the columns there.
    pub referenced: Vec<i16>,
    /// Whether a foreign key is MATCH FULL: all of its columns are NULL, or none.
    pub full: bool,
    /// Whether its check can wait for the end of the transaction.
    pub deferrable: bool,
}

/// A unique index.
#[derive(Debug, Clone, Deserialize)]
pub struct UniqueIndex {
    /// Its name, which is that of its constraint.
    pub name: String,
    /// The numbers of its columns; 0 is an expression.
    pub columns: Vec<i16>,
    /// Whether it covers only some rows.
    pub partial: bool,
    /// Whether two rows with NULL are equal.
    pub nulls_equal: bool,
}

/// The kind of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TypeKind {
    /// A base type.
    #[serde(rename = "b")]
    Base,
    /// A composite type, or the rows of a table.
    #[serde(rename = "c")]
    Composite,
    /// A domain.
    #[serde(rename = "d")]
    Domain,
    /// An enum.
    #[serde(rename = "e")]
    Enum,
    /// A pseudo-type.
    #[serde(rename = "p")]
    Pseudo,
    /// A range.
    #[serde(rename = "r")]
    Range,
    /// A multirange.
    #[serde(rename = "m")]
    Multirange,
}

/// A type.
#[derive(Debug, Clone, Deserialize)]
pub struct Type {
    /// Its number in the catalog.
    pub oid: Oid,
    /// Its name in the catalog: `int4`.
    pub name: String,
    /// Its kind.
    pub kind: TypeKind,
    /// Its category (manual, table 52.65).
    pub category: char,
    /// What it is made of: the type of a domain, the elements of an array, the bounds of a range, the ranges of a
    /// multirange.
    pub of: Option<Oid>,
    /// Whether it is an array of `of`.
    pub array: bool,
    /// The type of a domain as it is written in SQL, with its length.
    pub written: Option<String>,
    /// The labels of an enum, in their order.
    pub labels: Vec<String>,
    /// The types of a composite type's attributes, and how they are written.
    pub attributes: Vec<(Oid, String)>,
    /// Whether a domain refuses NULL.
    pub not_null: bool,
    /// The checks of a domain; `VALUE` is the value.
    pub checks: Vec<String>,
    /// Values that a domain accepts, once they are known.
    #[serde(default)]
    pub samples: Vec<String>,
}

/// The types by their numbers.
pub type Types = BTreeMap<Oid, Type>;

impl Described {
    /// The types by their numbers.
    #[must_use]
    pub fn types(&self) -> Types {
        self.types.iter().map(|kind| (kind.oid, kind.clone())).collect()
    }
}

impl Table {
    /// The name with its schema; `None` for a name that no server has.
    #[must_use]
    pub fn qualified(&self) -> Option<QualifiedName> {
        Some(QualifiedName { schema: Some(Ident::new(&*self.schema).ok()?), name: Ident::new(&*self.name).ok()? })
    }

    /// The position of a column by its number.
    #[must_use]
    pub fn position(&self, number: i16) -> Option<usize> {
        self.columns.iter().position(|column| column.number == number)
    }

    /// The positions of columns, as far as they exist.
    #[must_use]
    pub fn positions(&self, numbers: &[i16]) -> Vec<usize> {
        numbers.iter().filter_map(|number| self.position(*number)).collect()
    }

    /// The foreign keys.
    pub fn foreign_keys(&self) -> impl Iterator<Item = &Constraint> {
        self.constraints.iter().filter(|constraint| constraint.kind == ConstraintKind::ForeignKey)
    }

    /// Whether a value of the column tells its row from others: it is part of a unique index or an exclusion.
    #[must_use]
    pub fn tells_apart(&self, number: i16) -> bool {
        let excluded = self.constraints.iter().filter(|c| c.kind == ConstraintKind::Exclude).map(|c| &c.columns);
        self.unique.iter().map(|index| &index.columns).chain(excluded).any(|columns| columns.contains(&number))
            || self.unique.iter().any(|index| index.columns.contains(&0))
    }
}

/// The positions of `tables` in an order in which rows can be made: the tables that foreign keys lead to come first. In
/// a cycle, the table that comes first has a foreign key to one that has no rows yet; keys that accept NULL are the
/// first to be left behind.
#[must_use]
pub fn order(tables: &[Table], types: &Types) -> Vec<usize> {
    let at: BTreeMap<Oid, usize> = tables.iter().enumerate().map(|(n, table)| (table.oid, n)).collect();
    let needs = |strict: bool| -> Vec<BTreeSet<usize>> {
        let leads = |(n, table): (usize, &Table)| {
            table
                .foreign_keys()
                .filter(|key| !strict || !table.positions(&key.columns).iter().any(|c| nullable(table, *c, types)))
                .filter_map(|key| at.get(&key.references?).copied())
                .filter(|other| *other != n)
                .collect()
        };
        tables.iter().enumerate().map(leads).collect()
    };
    let (all, strict) = (needs(false), needs(true));
    let mut order: Vec<usize> = Vec::with_capacity(tables.len());
    let mut left: BTreeSet<usize> = (0..tables.len()).collect();
    while !left.is_empty() {
        let free = |needs: &[BTreeSet<usize>]| -> Vec<usize> {
            left.iter().filter(|n| needs[**n].is_disjoint(&left)).copied().collect()
        };
        let mut next = free(&all);
        if next.is_empty() {
            next = free(&strict).into_iter().take(1).collect();
        }
        if next.is_empty() {
            next = left.iter().take(1).copied().collect();
        }
        left.retain(|n| !next.contains(n));
        order.extend(next);
    }
    order
}

/// Whether a column accepts NULL.
#[must_use]
pub fn nullable(table: &Table, position: usize, types: &Types) -> bool {
    let column = &table.columns[position];
    !column.not_null && !types.get(&column.kind).is_some_and(|kind| kind.kind == TypeKind::Domain && kind.not_null)
}

/// Whether a foreign key is not looked at if the columns that accept NULL are NULL.
#[must_use]
pub fn accepts_null(table: &Table, key: &Constraint, types: &Types) -> bool {
    let mut columns = table.positions(&key.columns).into_iter();
    let accepts = |column: usize| nullable(table, column, types);
    if key.full { columns.all(accepts) } else { columns.any(accepts) }
}

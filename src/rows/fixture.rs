//! Rows that the project gives for proofs and tests.

use crate::base::QualifiedName;
use serde_json::Value;

/// A file of fixtures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fixture {
    /// Rows of tables: a YAML or CSV file.
    Rows(Vec<FixtureTable>),
    /// Statements: an SQL file.
    Text(FixtureText),
}

/// The rows of one table in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureTable {
    /// The file, relative to the project.
    pub file: String,
    /// The table; a name without a schema is looked up along the `search_path`.
    pub table: QualifiedName,
    /// The rows, in the order of the file.
    pub rows: Vec<FixtureRow>,
}

/// A row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureRow {
    /// The line at which it begins, from 1.
    pub line: u32,
    /// The values by column; columns that are not named get their defaults. A list is an array or JSON, by the type of
    /// the column; a mapping is JSON.
    pub values: Vec<(String, Value)>,
}

/// A file of statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureText {
    /// The file, relative to the project.
    pub file: String,
    /// The statements.
    pub sql: String,
    /// The changeset after which they run; absent: as soon as all relations that they name exist.
    pub after: Option<String>,
}

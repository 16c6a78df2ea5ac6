//! Tests as values: checked, with their places, for one environment.

use crate::base::{FileId, Ident, Place, QualifiedName};
use crate::change::value::SqlValue;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A test.
#[derive(Debug, Clone)]
pub struct Test {
    /// The name, once in its file.
    pub name: String,
    /// The file.
    pub file: FileId,
    /// The place of its name.
    pub place: Place,
    /// The environments that it is for, if it is not for this one: it has no steps here.
    pub elsewhere: Vec<String>,
    /// What runs before the first changeset.
    pub setup: Arc<Vec<SqlText>>,
    /// What is applied first.
    pub apply_to: Chosen,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// Changesets that a test names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// All.
    All,
    /// None.
    None,
    /// These.
    Ids(Vec<String>),
}

/// A step of a test.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its place.
    pub place: Place,
    /// What its SQL runs with.
    pub session: Session,
    /// What it does.
    pub action: Action,
}

/// What the SQL of a step runs with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// The role; `None`: a superuser.
    pub role: Option<Ident>,
    /// Settings, as name and value.
    pub settings: Vec<(String, String)>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Makes rows.
    Given(Vec<Given>),
    /// Applies changesets.
    Apply(Chosen),
    /// Rolls changesets back.
    Rollback(Chosen),
    /// Runs SQL.
    Sql(SqlText),
    /// Compares the result of a query.
    Expect(SqlText, Expected),
    /// Does what must fail.
    Fails(Box<Action>, ExpectedFailure),
}

/// Rows that are there.
#[derive(Debug, Clone)]
pub enum Given {
    /// Rows of a table.
    Rows(QualifiedName, Vec<GivenRow>),
    /// SQL that makes rows.
    Sql(SqlText),
}

/// A row that is there.
#[derive(Debug, Clone)]
pub struct GivenRow {
    /// Its place.
    pub place: Place,
    /// Its values.
    pub values: BTreeMap<Ident, SqlValue>,
}

/// A text of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlText {
    /// The SQL with the values of variables.
    pub sql: String,
    /// The SQL as it is written.
    pub written: String,
    /// Where it is written.
    pub place: Place,
}

/// The expected result of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// These rows.
    Rows(ExpectedRows),
    /// One row with one column of this value.
    Value(Value),
    /// This number of rows.
    Count(u64),
    /// No rows, or at least one.
    Empty(bool),
}

/// Expected rows.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedRows {
    /// The columns that are compared; `None`: all, in their order.
    pub columns: Option<Vec<String>>,
    /// The rows; all have the same number of values.
    pub rows: Vec<Vec<Value>>,
    /// Whether their order matters.
    pub is_ordered: bool,
}

/// An expected failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedFailure {
    /// The SQLSTATE.
    pub sqlstate: Option<String>,
    /// A part of the message.
    pub message: Option<String>,
}

//! Which environment has what: the states of all changesets in all environments.

use super::states::{State, StateRow};
use crate::base::{Failure, Remedy};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// The states of all changesets in all environments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    /// The environments, in the order of promotion.
    pub environments: Vec<Column>,
    /// The changesets: those of the files in their order, then those that are only in ledgers.
    pub changesets: Vec<Row>,
}

/// One environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name of the environment.
    pub name: String,
    /// What it answered, or why it did not.
    pub answer: Result<Answer, EnvironmentError>,
}

/// What an environment answered.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "EnvironmentAnswer")]
pub struct Answer {
    /// The address of the database, without secrets.
    pub place: String,
    /// The database.
    pub database: String,
    /// The version of the ledger; 0: there is no ledger.
    pub ledger_version: u32,
    /// The environment that the ledger belongs to, if it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub belongs_to: Option<String>,
    /// The number of changesets per state.
    pub counts: BTreeMap<State, usize>,
}

/// The reason why an environment could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentError {
    /// The error.
    pub message: String,
    /// The remedy.
    pub help: Option<Remedy>,
}

impl From<Failure> for EnvironmentError {
    fn from(failure: Failure) -> Self {
        Self { message: failure.message, help: failure.help }
    }
}

/// A changeset.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The changeset.
    pub id: String,
    /// The description.
    pub description: Option<String>,
    /// Its state in each environment; `None`: not known, or nothing there has heard of it.
    pub cells: Vec<Option<StateRow>>,
}

/// What came of asking an environment: its answer and the states of its changesets.
pub type EnvironmentResult = Result<(Answer, Vec<StateRow>), EnvironmentError>;

impl Matrix {
    /// Puts together what the environments answered.
    #[must_use]
    pub fn of(answers: Vec<(String, EnvironmentResult)>) -> Self {
        let width = answers.len();
        let mut matrix = Self::default();
        let mut rows: HashMap<String, usize> = HashMap::new();
        let mut late: Vec<Row> = Vec::new();
        for (at, (name, answer)) in answers.into_iter().enumerate() {
            let answer = answer.map(|(mut answer, states)| {
                for state in states {
                    *answer.counts.entry(state.state).or_default() += 1;
                    // what no file has comes last, whoever names it first
                    let list = if state.file.is_some() { &mut matrix.changesets } else { &mut late };
                    let row = *rows.entry(state.id.clone()).or_insert_with(|| {
                        list.push(Row { id: state.id.clone(), description: None, cells: vec![None; width] });
                        list.len() - 1
                    });
                    let row = &mut list[row];
                    row.description = row.description.take().or_else(|| state.description.clone());
                    row.cells[at] = Some(state);
                }
                answer
            });
            matrix.environments.push(Column { name, answer });
        }
        matrix.changesets.append(&mut late);
        matrix
    }

    /// Whether at least one environment answered.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        self.environments.iter().any(|e| e.answer.is_ok())
    }
}

//! The matrix for programs.

use crate::plan::matrix::{Answer, EnvironmentError, Matrix};
use crate::plan::states::StateRow;
use crate::report::json;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The states of all changesets in all environments.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Matrix")]
pub struct MatrixAnswer<'a> {
    /// The environments, in the order of promotion.
    environments: Vec<Environment<'a>>,
    /// The changesets: those of the files in their order, then those that are only in ledgers.
    changesets: Vec<Changeset<'a>>,
}

/// An environment: its state, or the reason why it could not be read.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "MatrixEnvironment")]
enum Environment<'a> {
    /// The environment was reached.
    Reached {
        /// What it answered.
        #[serde(flatten)]
        answer: &'a Answer,
        /// The name of the environment.
        name: &'a str,
        /// Whether the environment was reached: true.
        reached: bool,
    },
    /// The environment was not reached.
    Silent {
        /// The reason.
        error: &'a EnvironmentError,
        /// The name of the environment.
        name: &'a str,
        /// Whether the environment was reached: false.
        reached: bool,
    },
}

/// A changeset.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MatrixChangeset")]
struct Changeset<'a> {
    /// The changeset.
    id: &'a str,
    /// The description.
    description: Option<&'a str>,
    /// The state in each environment, by its name; null: unknown, or the changeset is not known there.
    #[schemars(with = "BTreeMap<String, Option<StateRow>>")]
    environments: Map<String, Value>,
}

impl<'a> From<&'a Matrix> for MatrixAnswer<'a> {
    fn from(matrix: &'a Matrix) -> Self {
        let environments = matrix.environments.iter().map(|column| match (&column.answer, column.name.as_str()) {
            (Ok(answer), name) => Environment::Reached { answer, name, reached: true },
            (Err(error), name) => Environment::Silent { error, name, reached: false },
        });
        let changesets = matrix.changesets.iter().map(|row| {
            let names = matrix.environments.iter().map(|column| column.name.clone());
            Changeset {
                id: &row.id,
                description: row.description.as_deref(),
                environments: names.zip(row.cells.iter().map(|cell| serde_json::json!(cell))).collect(),
            }
        });
        Self { environments: environments.collect(), changesets: changesets.collect() }
    }
}

pub(super) fn render(matrix: &Matrix) -> String {
    json::pretty(&MatrixAnswer::from(matrix))
}

//! The matrix for programs.

use crate::base::{Remedy, Wording};
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
        error: ErrorAnswer<'a>,
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
    /// The state in each environment, by its name; null: unknown, or the changeset is unavailable there.
    #[schemars(with = "BTreeMap<String, Option<StateRow>>")]
    environments: Map<String, Value>,
}

/// Why an environment did not answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "EnvironmentError")]
struct ErrorAnswer<'a> {
    /// What went wrong.
    message: &'a str,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    /// The same as text, operations and options; absent: it is text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    help_parts: Option<&'a Remedy>,
}

impl<'a> MatrixAnswer<'a> {
    /// For programs.
    #[must_use]
    pub fn of(matrix: &'a Matrix, wording: Wording) -> Self {
        let silence = |EnvironmentError { message, help }: &'a EnvironmentError| ErrorAnswer {
            message,
            help: help.as_ref().map(wording),
            help_parts: help.as_ref().and_then(Remedy::named),
        };
        let environments = matrix.environments.iter().map(|column| match (&column.answer, column.name.as_str()) {
            (Ok(answer), name) => Environment::Reached { answer, name, reached: true },
            (Err(error), name) => Environment::Silent { error: silence(error), name, reached: false },
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

pub(super) fn render(matrix: &Matrix, wording: Wording) -> String {
    json::pretty(&MatrixAnswer::of(matrix, wording))
}

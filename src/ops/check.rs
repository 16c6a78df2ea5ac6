//! What a check of the files comes to.

use super::Target;
use crate::base::Diagnostics;
use crate::pipeline::View;
use crate::plan::Compiled;
use crate::report::diag::{self, Problem};
use schemars::JsonSchema;
use serde::Serialize;

/// What a check of files without errors comes to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Warnings.
    pub diagnostics: Vec<Problem>,
    /// The environment that was compiled for.
    pub environment: String,
    /// How many changesets there are.
    pub changesets: usize,
    /// How many of them this environment gets.
    pub for_this_environment: usize,
    /// How many of those cannot be taken back.
    pub irreversible: usize,
    /// How many of those are more than one transaction, or cannot run in one.
    pub not_one_transaction: usize,
}

impl Checked {
    /// The counts of what was compiled.
    #[must_use]
    pub fn of(target: &Target, view: &View<'_>, compiled: &Compiled, warnings: &Diagnostics) -> Self {
        Self {
            diagnostics: diag::entries(warnings),
            environment: target.environment.clone(),
            changesets: view.changelog.changesets.len(),
            for_this_environment: compiled.for_here,
            irreversible: compiled.irreversible,
            not_one_transaction: compiled.not_one_transaction,
        }
    }
}

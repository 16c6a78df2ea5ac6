//! What a check of the files comes to.

use super::Target;
use crate::base::{Diagnostics, Wording};
use crate::pipeline::View;
use crate::plan::Compiled;
use crate::report::diag::{self, Problem};
use schemars::JsonSchema;
use serde::Serialize;

/// The result of a check without errors.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// The warnings.
    pub diagnostics: Vec<Problem>,
    /// The environment that the files were compiled for.
    pub environment: String,
    /// The number of changesets.
    pub changesets: usize,
    /// The number of changesets for this environment.
    pub for_this_environment: usize,
    /// The number of those that cannot be rolled back.
    pub irreversible: usize,
    /// The number of those that have several transactions, or cannot run in one.
    pub not_one_transaction: usize,
}

impl Checked {
    /// Counts the changesets that were compiled for an empty database.
    #[must_use]
    pub fn of(target: &Target, view: &View<'_>, compiled: &Compiled, warnings: &Diagnostics, wording: Wording) -> Self {
        Self {
            diagnostics: diag::entries(warnings, wording),
            environment: target.environment.clone(),
            changesets: view.changelog.changesets.len(),
            for_this_environment: compiled.for_here,
            irreversible: compiled.irreversible,
            not_one_transaction: compiled.not_one_transaction,
        }
    }
}

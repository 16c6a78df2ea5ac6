//! What a check of the files comes to.

use super::Target;
use crate::base::{Diagnostics, Wording};
use crate::pipeline::View;
use crate::plan::{Mode, Plan, Rollback};
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
    /// Counts. The plan is that of an empty database.
    #[must_use]
    pub fn of(target: &Target, view: &View<'_>, plan: &Plan, warnings: &Diagnostics, wording: Wording) -> Self {
        let number = |counts: fn(&crate::plan::Step) -> bool| plan.steps.iter().filter(|step| counts(step)).count();
        Self {
            diagnostics: diag::entries(warnings, wording),
            environment: target.environment.clone(),
            changesets: view.changelog.changesets.len(),
            for_this_environment: plan.steps.len() + plan.waiting.len() + plan.blocked.len(),
            irreversible: number(|step| matches!(step.rollback, Rollback::Irreversible { .. })),
            not_one_transaction: number(|step| step.segments.iter().any(|s| s.mode != Mode::Transaction)),
        }
    }
}

//! All or nothing: a whole plan in one transaction.

use super::frames::is_single;
use crate::base::{Failure, FailureKind, Setting};
use crate::plan::{Mode, Plan, Step};

/// Whether a plan can be one transaction.
///
/// # Errors
/// Names the steps that cannot be part of one.
pub fn check(plan: &Plan) -> Result<(), Failure> {
    let reason = |step: &Step| {
        let mode = step.segments.iter().map(|s| s.mode).find(|mode| *mode != Mode::Transaction);
        format!("`{}`: {}", step.changeset, mode.map_or("it has several segments, or was started before", Mode::words))
    };
    let misfits: Vec<String> = plan.steps.iter().filter(|step| !is_single(step)).map(reason).collect();
    if misfits.is_empty() {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Refused, "the plan cannot be one transaction; nothing was run")
        .help(
            "apply these on their own first (" + Setting::Select + "), or use " + Setting::Transaction.to("changeset"),
        )
        .notes(misfits))
}

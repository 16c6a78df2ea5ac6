//! The secret variables that a plan's SQL needs, and the passwords that stand in it openly.

use super::model::{Direction, Plan, Rollback, Segment, Step};
use crate::base::secret::Secrets;
use crate::base::{Failure, FailureKind, Remedy, Secret};
use crate::sql::{self, secret};
use std::collections::BTreeMap;

/// The secret variables that are filled in when a plan runs, each with the changesets that
/// need it.
#[must_use]
pub fn needed(plan: &Plan) -> BTreeMap<&str, Vec<&str>> {
    let mut needed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for step in &plan.steps {
        for name in texts(step).flat_map(secret::names) {
            let of = needed.entry(name).or_default();
            if of.last() != Some(&step.changeset.as_str()) {
                of.push(&step.changeset);
            }
        }
    }
    needed
}

/// Refuses a plan whose SQL needs a secret that is not there, or that cannot stand where it is
/// used: before anything is run.
///
/// # Errors
/// Every such variable.
pub fn check(plan: &Plan, secrets: &Secrets) -> Result<(), Failure> {
    let value = |name: &str| secrets.value(name).map(Secret::expose);
    let mut wrong: Option<Failure> = None;
    for step in &plan.steps {
        for text in texts(step).filter(|text| secret::has_secrets(text)) {
            let Err(why) = secret::fill(text, &value) else { continue };
            let failure = wrong.get_or_insert_with(|| Failure::new(FailureKind::Usage, &why.message).help(why.help));
            let note: Remedy = match failure.message == why.message {
                true => format!("`{}` needs it", step.changeset).into(),
                false => format!("`{}`: {}", step.changeset, why.message).into(),
            };
            if !failure.notes.contains(&note) {
                failure.notes.push(note);
            }
        }
    }
    wrong.map_or(Ok(()), Err)
}

/// Everything of a step that is sent to the server as the author wrote it.
fn texts(step: &Step) -> impl Iterator<Item = &str> {
    // what a check takes back again after several transactions is a part of the run
    let back: &[Segment] = match &step.rollback {
        Rollback::Segments { segments, .. }
            if step.direction == Direction::Forward && step.segments.len() > 1 && !step.verify.is_empty() =>
        {
            segments
        }
        _ => &[],
    };
    let left = step.left().map(|(_, segment)| segment);
    left.chain(back).flat_map(of_segment).chain(step.preconditions.iter().chain(&step.verify).map(|c| c.sql.as_str()))
}

fn of_segment(segment: &Segment) -> impl Iterator<Item = &str> {
    let left = segment.batch.as_ref().and_then(|batch| batch.left.as_deref());
    segment.statements.iter().map(|s| s.sql.as_str()).chain(left)
}

/// The changesets whose SQL has a password in it, forward or back: it will be in the ledger, in
/// sealed plans and in what is shown.
pub fn exposed(plan: &Plan) -> impl Iterator<Item = &str> {
    plan.steps.iter().filter(|step| is_exposed(step)).map(|step| step.changeset.as_str())
}

/// Whether the SQL of a changeset has a password in it, forward or back.
#[must_use]
pub fn is_exposed(step: &Step) -> bool {
    let back: &[Segment] = match &step.rollback {
        Rollback::Segments { segments, .. } => segments,
        Rollback::Irreversible { .. } => &[],
    };
    step.segments.iter().chain(back).flat_map(|s| &s.statements).any(|s| sql::has_password(&s.sql))
}

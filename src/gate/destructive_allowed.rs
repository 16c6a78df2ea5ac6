//! What destroys was allowed, by the environment or by name for this run.

use super::evidence::Evidence;
use super::{Outcome, some};
use crate::change;
use crate::plan::{Direction, Plan, Progress, Rollback, Step};
use crate::source::policy::Hazard;
use crate::sql;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(allow) = &evidence.policy.allow else { return Outcome::NotAsked };
    let refused: Vec<Hazard> = Hazard::ALL
        .into_iter()
        .filter(|h| !allow.contains(h) && !evidence.allowed.contains(h) && !having(evidence.plan, *h).is_empty())
        .collect();
    if refused.is_empty() {
        let by_word = evidence.allowed.iter().filter(|h| !allow.contains(h) && !having(evidence.plan, **h).is_empty());
        let words: Vec<&str> = by_word.map(|h| h.word()).collect();
        return Outcome::met(match words.as_slice() {
            [] => "nothing is destroyed without leave".to_owned(),
            words => format!("allowed by name: {}", words.join(", ")),
        });
    }
    let reasons: Vec<String> = refused
        .iter()
        .map(|hazard| {
            let names: Vec<String> = having(evidence.plan, *hazard).iter().map(|id| format!("`{id}`")).collect();
            format!("{}: {}", hazard.word(), names.join(", "))
        })
        .collect();
    let flags: Vec<String> = refused.iter().map(|hazard| format!("--allow {}", hazard.word())).collect();
    Outcome::unmet(some(&reasons), format!("if that is meant: {}", flags.join(" ")))
}

/// The changesets of a plan with this hazard.
#[must_use]
pub fn having(plan: &Plan, hazard: Hazard) -> Vec<&str> {
    plan.steps.iter().filter(|step| has(step, hazard)).map(|step| step.changeset.as_str()).collect()
}

fn has(step: &Step, hazard: Hazard) -> bool {
    let mut statements = step
        .segments
        .iter()
        .filter(|segment| segment.progress != Progress::Done)
        .flat_map(|segment| &segment.statements);
    match hazard {
        Hazard::LosesData => statements.any(|s| s.facts.loses_data),
        Hazard::Rewrites => statements.any(|s| s.facts.rewrites),
        Hazard::Irreversible => matches!(step.rollback, Rollback::Irreversible { .. }),
        // of the built in types, dagmar knows what they do
        Hazard::Opaque if step.direction == Direction::Forward => {
            statements.any(|s| is_authors(&s.kind) && sql::is_opaque(&s.sql))
        }
        Hazard::Opaque => false,
    }
}

/// Whether the SQL of a change of this type is the author's own: raw, or of a template of the project.
fn is_authors(kind: &str) -> bool {
    matches!(kind, "sql" | "sqlFile") || change::find(kind).is_none()
}

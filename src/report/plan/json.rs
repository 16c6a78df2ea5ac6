//! The plan for programs: its serialised form, the one that a plan file holds, with what is said about it.

use super::Preview;
use crate::base::QualifiedName;
use crate::plan::{About, Destructive, Hazard, HeldBy, Plan, TableLock, Work};
use crate::report::gates::VerdictAnswer;
use crate::report::json;
use crate::report::preflight::FindingAnswer;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// A plan with additional information.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanAnswer<'a> {
    /// For which database it is, when and by whom it was made.
    #[serde(flatten)]
    about: &'a About,
    /// The plan.
    #[serde(flatten)]
    plan: &'a Plan,
    /// The hazards of each changeset that has any, worst first.
    hazards: BTreeMap<&'a str, Vec<Hazard>>,
    /// The impact of the statements that lock tables, in the order of the plan; absent if no database was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    impacts: Option<Vec<ImpactAnswer<'a>>>,
    /// The seal; absent if the plan is not sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<Sealed<'a>>,
    /// The verdicts of the gates; absent if no gate was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    gates: Option<Vec<VerdictAnswer<'a>>>,
    /// The findings of the preflight; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    preflight: Option<Vec<FindingAnswer<'a>>>,
}

/// What a statement does to the running database.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Impact")]
struct ImpactAnswer<'a> {
    /// The changeset.
    changeset: &'a str,
    /// The position of the segment in the step, from 0.
    segment: usize,
    /// The position of the statement in the segment, from 0.
    statement: usize,
    /// The longest work that is done while the locks of the statement are held.
    held: Work,
    /// What does this work, in the same transaction; absent: the statement itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<HeldBy>,
    /// The estimated time in milliseconds until the locks are released, from the sizes of the tables; absent: unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate_ms: Option<u64>,
    /// The locks of other sessions for which the statement would wait now; with `--against`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits_for: Vec<LockAnswer>,
    /// The locks for which other sessions wait now; with `--against`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<LockAnswer>,
    /// The kinds of destructive steps that the environment does not allow; with `--against`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<Destructive>,
}

/// A lock of another session on a table.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "OtherLock")]
struct LockAnswer {
    /// The table.
    table: QualifiedName,
    /// The lock.
    #[serde(flatten)]
    lock: TableLock,
}

impl<'a> ImpactAnswer<'a> {
    fn all(preview: &Preview<'a>) -> Vec<Self> {
        let mut all = Vec::new();
        let impacts = preview.whole().impacts;
        for (number, step) in preview.plan.steps.iter().enumerate() {
            for (segment, of) in step.left() {
                for (statement, impact) in impacts.of_segment(number, segment).iter().cloned().enumerate() {
                    let facts = &of.statements[statement].facts;
                    if facts.locks.is_empty() && facts.also.is_empty() && impact.refused.is_empty() {
                        continue;
                    }
                    let locks = |locks: Vec<(QualifiedName, TableLock)>| {
                        locks.into_iter().map(|(table, lock)| LockAnswer { table, lock }).collect()
                    };
                    all.push(Self {
                        changeset: &step.changeset,
                        segment,
                        statement,
                        held: impact.held,
                        held_by: impact.by,
                        estimate_ms: impact.estimate_ms,
                        waits_for: locks(impact.waits_for),
                        waiting: locks(impact.waiting),
                        refused: impact.refused,
                    });
                }
            }
        }
        all
    }
}

/// The identification of a sealed plan.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Seal")]
struct Sealed<'a> {
    /// The digest of the plan.
    digest: &'a str,
    /// The key of the signature; null: the plan is not signed.
    signed_by: Option<&'a str>,
    /// The expiry time, as RFC 3339 in UTC.
    expires_at: &'a str,
}

/// One object; of several plans an object with all of them.
pub(super) fn render(previews: &[Preview<'_>]) -> String {
    #[derive(Serialize)]
    struct All<'a> {
        plans: Vec<PlanAnswer<'a>>,
    }
    match previews {
        [one] => json::pretty(&PlanAnswer::from(one)),
        several => json::pretty(&All { plans: several.iter().map(PlanAnswer::from).collect() }),
    }
}

impl<'a> From<&Preview<'a>> for PlanAnswer<'a> {
    fn from(preview: &Preview<'a>) -> Self {
        let seal = preview.seal.map(|seal| Sealed {
            digest: &seal.digest,
            signed_by: seal.signed_by.as_deref(),
            expires_at: &seal.expires_at,
        });
        let Preview { plan, about, gates, findings, wording, .. } = *preview;
        let hazards = plan.steps.iter().map(|step| (step.changeset.as_str(), plan.hazards(step)));
        let hazards = hazards.filter(|(_, found)| !found.is_empty()).collect();
        let gates = gates.map(|gates| VerdictAnswer::of(gates, wording));
        let preflight = findings.map(|findings| FindingAnswer::of(findings, wording));
        let impacts = about.is_of_database().then(|| ImpactAnswer::all(preview));
        Self { about, plan, hazards, impacts, seal, gates, preflight }
    }
}

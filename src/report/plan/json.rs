//! The plan for programs: its serialised form, the one that a plan file holds, with what is said about it.

use super::Preview;
use crate::gate::GateVerdict;
use crate::plan::{About, Hazard, Plan};
use crate::report::json;
use crate::run::Finding;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// A plan with what is said about it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanAnswer<'a> {
    /// For which database it is, when and by whom it was made.
    #[serde(flatten)]
    about: &'a About,
    /// What runs.
    #[serde(flatten)]
    plan: &'a Plan,
    /// What may hurt, by changeset, worst first; of those that have something.
    hazards: BTreeMap<&'a str, Vec<Hazard>>,
    /// What a sealed plan is known by; absent: it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<Sealed<'a>>,
    /// What the gates say; absent: they were not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    gates: Option<&'a [GateVerdict]>,
    /// What was found in the database that is against it; absent: nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    preflight: Option<&'a [Finding]>,
}

/// What a sealed plan is known by.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Seal")]
struct Sealed<'a> {
    /// Its digest.
    digest: &'a str,
    /// The key that it is signed with; null: it is not signed.
    signed_by: Option<&'a str>,
    /// Until when it may be run, as RFC 3339 in UTC.
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
        let Preview { plan, about, gates, findings, .. } = *preview;
        let hazards = plan.steps.iter().map(|step| (step.changeset.as_str(), plan.hazards(step)));
        let hazards = hazards.filter(|(_, found)| !found.is_empty()).collect();
        Self { about, plan, hazards, seal, gates, preflight: findings }
    }
}

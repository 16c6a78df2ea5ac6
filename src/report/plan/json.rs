//! The plan for programs: its serialised form, the one that a plan file holds, with what is said about it.

use super::Preview;
use crate::plan::{About, Hazard, Plan};
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
        Self { about, plan, hazards, seal, gates, preflight }
    }
}

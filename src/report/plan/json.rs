//! The plan for programs: its serialised form, the one that a plan file holds, with what is said about it.

use super::Preview;
use crate::gate::Verdict;
use crate::plan::{About, Hazard, Plan};
use crate::report::json;
use crate::run::Finding;
use serde::Serialize;
use std::collections::BTreeMap;

/// One plan, all of it in one object.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    about: &'a About,
    #[serde(flatten)]
    plan: &'a Plan,
    /// What may hurt of each changeset that has something.
    hazards: BTreeMap<&'a str, Vec<Hazard>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<Sealed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gates: Option<&'a [Verdict]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preflight: Option<&'a [Finding]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sealed<'a> {
    digest: &'a str,
    signed_by: Option<&'a str>,
    expires_at: &'a str,
}

/// One object; of several plans an object with all of them.
pub(super) fn render(previews: &[Preview<'_>]) -> String {
    #[derive(Serialize)]
    struct All<'a> {
        plans: Vec<Whole<'a>>,
    }
    match previews {
        [one] => json::pretty(&whole(one)),
        several => json::pretty(&All { plans: several.iter().map(whole).collect() }),
    }
}

fn whole<'a>(preview: &Preview<'a>) -> Whole<'a> {
    let seal = preview.seal.map(|seal| Sealed {
        digest: &seal.digest,
        signed_by: seal.signed_by.as_deref(),
        expires_at: &seal.expires_at,
    });
    let Preview { plan, about, gates, findings, .. } = *preview;
    let hazards = plan.steps.iter().map(|step| (step.changeset.as_str(), plan.hazards(step)));
    let hazards = hazards.filter(|(_, found)| !found.is_empty()).collect();
    Whole { about, plan, hazards, seal, gates, preflight: findings }
}

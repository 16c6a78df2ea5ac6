//! The plan for programs: its serialised form, the one that a plan file holds, with what is said about it.

use super::Preview;
use crate::gate::Verdict;
use crate::plan::{About, Plan};
use crate::report::json;
use crate::run::Finding;
use serde::Serialize;

/// One plan, all of it in one object.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    about: &'a About,
    #[serde(flatten)]
    plan: &'a Plan,
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
    Whole { about, plan, seal, gates, preflight: findings }
}

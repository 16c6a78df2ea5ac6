//! SARIF 2.1.0.

use super::answer::{LintAnswer, LintFinding};
use super::gitlab::fingerprint;
use crate::base::percent::encoded_path;
use crate::base::{Level, Rule};
use crate::lint::rules;
use crate::report::json::pretty;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn render(answer: &LintAnswer) -> String {
    let mut used: Vec<Rule> = answer.findings.iter().map(|finding| finding.code).collect();
    used.sort_unstable();
    used.dedup();
    let mut seen = BTreeMap::new();
    let results: Vec<Value> = answer.findings.iter().map(|finding| result(answer, finding, &used, &mut seen)).collect();
    pretty(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "dagmar",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": used.iter().map(|rule| descriptor(*rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "SRCROOT": { "description": { "text": "the root of the repository" } } },
            "results": results,
        }],
    }))
}

fn descriptor(rule: Rule) -> Value {
    let definition = rules::all().into_iter().find(|definition| definition.rule == rule);
    json!({
        "id": rule,
        "shortDescription": { "text": rule.meaning() },
        "fullDescription": { "text": definition.map_or(rule.meaning(), |definition| definition.reason) },
        "defaultConfiguration": { "level": level(rule.level()) },
    })
}

/// The level of SARIF for a severity.
fn level(severity: Level) -> &'static str {
    match severity {
        Level::Blocking | Level::High => "error",
        Level::Medium => "warning",
        Level::Low => "note",
        Level::Off => "none",
    }
}

fn result(answer: &LintAnswer, finding: &LintFinding, used: &[Rule], seen: &mut BTreeMap<String, u32>) -> Value {
    let safe = finding.safe_form.as_ref().map(|safe| format!(":\n{}", safe.trim_end())).unwrap_or_default();
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": used.iter().position(|rule| *rule == finding.code),
        "level": level(finding.severity),
        "message": { "text": format!("{}{safe}", finding.words()) },
        "partialFingerprints": { "finding/v1": fingerprint(finding, seen) },
        "properties": { "severity": finding.severity, "changeset": finding.changeset, "rollback": finding.rollback },
    });
    if let Some(place) = &finding.place {
        result["locations"] = json!([{ "physicalLocation": {
            "artifactLocation": { "uri": encoded_path(&answer.path(place)), "uriBaseId": "SRCROOT" },
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.end_line,
                "endColumn": place.end_column,
            },
        } }]);
    }
    result
}

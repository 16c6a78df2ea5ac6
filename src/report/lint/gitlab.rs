//! The code quality report of GitLab.

use super::answer::{LintAnswer, LintFinding};
use crate::base::{Level, checksum::hex};
use crate::report::json::pretty;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

pub(super) fn render(answer: &LintAnswer) -> String {
    let mut seen = BTreeMap::new();
    let entries: Vec<Value> = answer
        .findings
        .iter()
        .map(|finding| {
            let severity = match finding.severity {
                Level::Blocking => "blocker",
                Level::High => "critical",
                Level::Medium => "major",
                Level::Low | Level::Off => "minor",
            };
            // a report without a place is not shown
            let (path, line) = match &finding.place {
                Some(place) => (answer.path(place), place.line),
                None => (format!("{}dagmar.yaml", answer.prefix), 1),
            };
            json!({
                "description": finding.words(),
                "check_name": finding.code,
                "fingerprint": fingerprint(finding, &mut seen),
                "severity": severity,
                "location": { "path": path, "lines": { "begin": line } },
            })
        })
        .collect();
    pretty(&entries)
}

/// What names a finding when lines move: its rule, changeset and message, and how many the same there are before it.
pub(super) fn fingerprint(finding: &LintFinding, seen: &mut BTreeMap<String, u32>) -> String {
    let same = format!("{}\n{}\n{}\n{}", finding.code, finding.changeset, finding.rollback, finding.message);
    let before = seen.entry(same.clone()).or_default();
    let bytes = Sha256::digest(format!("{same}\n{before}"));
    *before += 1;
    hex(&bytes[..16])
}

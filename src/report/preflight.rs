//! Findings of a preflight.

use super::escape::{self, code_span};
use super::lines::{Line, Text};
use super::page::prose;
use super::style::Tone;
use crate::base::text::line;
use crate::base::{Remedy, Wording, count};
use crate::run::{Finding, FindingSeverity};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;

/// What a check of the preflight found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Finding")]
pub struct FindingAnswer<'a> {
    /// The check.
    check: &'static str,
    /// How much it matters.
    severity: FindingSeverity,
    /// What it is.
    message: &'a str,
    /// How to mend it.
    remedy: String,
    /// The same as text, operations and options; absent: it is text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy_parts: Option<&'a Remedy>,
}

impl<'a> FindingAnswer<'a> {
    /// For programs.
    #[must_use]
    pub fn of(findings: &'a [Finding], wording: Wording) -> Vec<Self> {
        let one = |finding: &'a Finding| Self {
            check: finding.check,
            severity: finding.severity,
            message: &finding.message,
            remedy: wording(&finding.remedy),
            remedy_parts: finding.remedy.named(),
        };
        findings.iter().map(one).collect()
    }
}

/// The findings for a terminal.
#[must_use]
pub fn text(findings: &[Finding], wording: Wording) -> Text {
    let mut out = Text::from(Line::new().paint(Tone::Strong, "preflight").plain(format!(": {}", summary(findings))));
    for finding in findings {
        let tone = match finding.severity {
            FindingSeverity::Error => Tone::Bad,
            FindingSeverity::Warning => Tone::Warn,
            FindingSeverity::Note => Tone::Muted,
        };
        let word = Line::from("  ").paint(tone, finding.severity.word());
        out.line(word.plain(format!(" [{}] {}", finding.check, line(&finding.message))));
        out.line(Line::from("    ").paint(Tone::Muted, "help:").plain(format!(" {}", line(&wording(&finding.remedy)))));
    }
    out
}

/// `1 error, 2 warnings`; `nothing found`.
#[must_use]
pub fn summary(findings: &[Finding]) -> String {
    let of = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let counts = [FindingSeverity::Error, FindingSeverity::Warning, FindingSeverity::Note].map(|s| (of(s), s.word()));
    let parts: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| count(*n, word)).collect();
    if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") }
}

/// The findings for a comment; rows beyond so many are counted.
pub(super) fn markdown(findings: &[Finding], rows: usize, wording: Wording) -> String {
    let mut out = format!("#### Preflight: {}\n", summary(findings));
    if !findings.is_empty() {
        out.push_str("\n| | Check | What | Remedy |\n| --- | --- | --- | --- |\n");
    }
    for finding in findings.iter().take(rows) {
        let _ = writeln!(
            out,
            "| **{}** | {} | {} | {} |",
            finding.severity.word(),
            code_span(finding.check),
            escape::markdown(&finding.message),
            escape::markdown(&wording(&finding.remedy))
        );
    }
    if findings.len() > rows {
        let _ = writeln!(out, "\n… and {} more", findings.len() - rows);
    }
    out
}

/// The findings for a page.
pub(super) fn page(findings: &[Finding], wording: Wording) -> String {
    let mut out = format!("<h2>Preflight</h2>\n<p>{}</p>\n", summary(findings));
    if findings.is_empty() {
        return out;
    }
    out.push_str("<table class=\"stack\">\n<tr><th>Check</th><th></th><th>What</th><th>Remedy</th></tr>\n");
    for finding in findings {
        let class = match finding.severity {
            FindingSeverity::Error => " bad",
            FindingSeverity::Warning => " warn",
            FindingSeverity::Note => "",
        };
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td><span class=\"tag{class}\">{}</span></td><td>{}</td><td>{}</td></tr>",
            finding.check,
            finding.severity.word(),
            prose(&finding.message),
            prose(&wording(&finding.remedy))
        );
    }
    out.push_str("</table>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plan::tests::{about, nothing};
    use crate::report::plan::{PlanFormat, PlanOptions, Preview};
    use serde_json::Value;

    fn findings() -> Vec<Finding> {
        let one = |severity, message: &str| Finding {
            check: "rights",
            severity,
            message: message.to_owned(),
            remedy: "GRANT it".into(),
        };
        vec![
            one(FindingSeverity::Error, "<b>|\u{1b}[31m"),
            one(FindingSeverity::Warning, "w"),
            one(FindingSeverity::Warning, "v"),
        ]
    }

    #[test]
    fn every_format_has_the_findings_and_nothing_escapes() {
        let (plan, about) = (nothing(), about());
        let found = findings();
        let preview = Preview { findings: Some(&found), ..Preview::new(&plan, &about, ToString::to_string) };
        for format in PlanFormat::ALL {
            let text = format.render(&[preview], PlanOptions::default()).plain();
            assert!(text.contains("GRANT it") && !text.contains('\u{1b}'), "{text}");
            match format {
                PlanFormat::Json => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(value["preflight"][0]["severity"], "error");
                    assert_eq!(value["preflight"][2]["message"], "v");
                }
                PlanFormat::Html => assert!(!text.contains("<b>") && text.trim_end().ends_with("</html>"), "{text}"),
                PlanFormat::Markdown => assert!(!text.contains("<b>|"), "{text}"),
                PlanFormat::Text => assert!(text.contains("preflight: 1 error, 2 warnings\n"), "{text}"),
            }
        }
        assert_eq!(summary(&[]), "nothing found");
    }
}

//! Findings of a preflight.

use super::escape::{self, code_span, markup};
use super::lines::{Line, Text};
use super::style::Tone;
use crate::base::count;
use crate::base::text::line;
use crate::run::{Finding, FindingSeverity};
use std::fmt::Write;

/// The findings for a terminal.
#[must_use]
pub fn text(findings: &[Finding]) -> Text {
    let mut out = Text::from(Line::new().paint(Tone::Strong, "preflight").plain(format!(": {}", summary(findings))));
    for finding in findings {
        let tone = match finding.severity {
            FindingSeverity::Error => Tone::Bad,
            FindingSeverity::Warning => Tone::Warn,
            FindingSeverity::Note => Tone::Muted,
        };
        let word = Line::from("  ").paint(tone, finding.severity.word());
        out.line(word.plain(format!(" [{}] {}", finding.check, line(&finding.message))));
        out.line(Line::from("    ").paint(Tone::Muted, "help:").plain(format!(" {}", line(&finding.remedy))));
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
pub(super) fn markdown(findings: &[Finding], rows: usize) -> String {
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
            escape::markdown(&finding.remedy)
        );
    }
    if findings.len() > rows {
        let _ = writeln!(out, "\n… and {} more", findings.len() - rows);
    }
    out
}

/// The findings for a page.
pub(super) fn page(findings: &[Finding]) -> String {
    let mut out = format!("<h2>Preflight</h2>\n<p>{}</p>\n", summary(findings));
    if findings.is_empty() {
        return out;
    }
    out.push_str("<table>\n<tr><th></th><th>Check</th><th>What</th><th>Remedy</th></tr>\n");
    for finding in findings {
        let class = match finding.severity {
            FindingSeverity::Error => " bad",
            FindingSeverity::Warning => " warn",
            FindingSeverity::Note => "",
        };
        let _ = writeln!(
            out,
            "<tr><td><span class=\"tag{class}\">{}</span></td><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            finding.severity.word(),
            finding.check,
            markup(&line(&finding.message)),
            markup(&line(&finding.remedy))
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
            remedy: "GRANT it".to_owned(),
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
        let preview = Preview { findings: Some(&found), ..Preview::new(&plan, &about) };
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

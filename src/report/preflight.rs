//! Findings of a preflight, alone and after a plan.

use super::escape::{code_span, markdown, markup};
use super::lines::{Line, Rendered, Text};
use super::plan::{PlanFormat, PlanOptions};
use super::style::Tone;
use super::text::line;
use crate::base::count;
use crate::plan::Plan;
use crate::run::{Finding, Severity};
use serde_json::{Value, json};
use std::fmt::Write;

/// Rows in a comment on a pull request: what the plan leaves room for.
const ROWS: usize = 20;

/// A plan with what was found about it.
#[must_use]
pub fn with_plan(format: PlanFormat, plan: &Plan, findings: &[Finding], options: PlanOptions) -> Rendered {
    let mut out = match format.render(plan, options) {
        Rendered::Document(out) => out,
        Rendered::Text(mut out) => {
            out.gap();
            out.append(text(findings));
            return Rendered::Text(out);
        }
    };
    match format {
        PlanFormat::Text => {}
        PlanFormat::Json => {
            let mut value: Value = serde_json::from_str(&out).unwrap_or_default();
            value["preflight"] = json!(findings);
            out = super::json::pretty(&value);
        }
        PlanFormat::Markdown => {
            let _ = write!(out, "\n{}", comment(findings));
        }
        PlanFormat::Html => {
            let at = out.rfind("<footer>").unwrap_or(out.len());
            out.insert_str(at, &page(findings));
        }
    }
    Rendered::Document(out)
}

/// The findings for a terminal.
#[must_use]
pub fn text(findings: &[Finding]) -> Text {
    let mut out = Text::from(Line::new().paint(Tone::Strong, "preflight").plain(format!(": {}", summary(findings))));
    for finding in findings {
        let tone = match finding.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Warn,
            Severity::Note => Tone::Muted,
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
    let counts = [Severity::Error, Severity::Warning, Severity::Note].map(|s| (of(s), s.word()));
    let parts: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| count(*n, word)).collect();
    if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") }
}

fn comment(findings: &[Finding]) -> String {
    let mut out = format!("#### Preflight: {}\n", summary(findings));
    if !findings.is_empty() {
        out.push_str("\n| | Check | What | Remedy |\n| --- | --- | --- | --- |\n");
    }
    for finding in findings.iter().take(ROWS) {
        let _ = writeln!(
            out,
            "| **{}** | {} | {} | {} |",
            finding.severity.word(),
            code_span(finding.check),
            markdown(&finding.message),
            markdown(&finding.remedy)
        );
    }
    if findings.len() > ROWS {
        let _ = writeln!(out, "\n… and {} more", findings.len() - ROWS);
    }
    out
}

fn page(findings: &[Finding]) -> String {
    let mut out = format!("<h2>Preflight</h2>\n<p>{}</p>\n", summary(findings));
    if findings.is_empty() {
        return out;
    }
    out.push_str("<table>\n<tr><th></th><th>Check</th><th>What</th><th>Remedy</th></tr>\n");
    for finding in findings {
        let class = match finding.severity {
            Severity::Error => " bad",
            Severity::Warning => " warn",
            Severity::Note => "",
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
    use crate::report::plan::tests::nothing;

    fn findings() -> Vec<Finding> {
        let one = |severity, message: &str| Finding {
            check: "rights",
            severity,
            message: message.to_owned(),
            remedy: "GRANT it".to_owned(),
        };
        vec![one(Severity::Error, "<b>|\u{1b}[31m"), one(Severity::Warning, "w"), one(Severity::Warning, "v")]
    }

    #[test]
    fn every_format_has_the_findings_and_nothing_escapes() {
        for format in PlanFormat::ALL {
            let text = with_plan(*format, &nothing(), &findings(), PlanOptions::default()).plain();
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

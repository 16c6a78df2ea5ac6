//! The findings of a review on a page.

use super::escape::markup;
use super::lint::LintFinding;
use super::page::{prose, sql, text};
use crate::base::Level;
use std::fmt::Write;

/// A severity as a tag with these words.
pub(super) fn tag(severity: Level, words: &str) -> String {
    let class = match severity {
        Level::Blocking | Level::High => "bad",
        Level::Medium => "warn",
        Level::Low | Level::Off => "next",
    };
    format!("<span class=\"tag {class}\">{words}</span>")
}

/// A list of findings; nothing if there is none.
pub(super) fn page<'a>(findings: impl Iterator<Item = &'a LintFinding>) -> String {
    let items: Vec<String> = findings.map(item).collect();
    if items.is_empty() { String::new() } else { format!("<ul class=\"findings\">\n{}</ul>\n", items.concat()) }
}

fn item(finding: &LintFinding) -> String {
    let mut out = String::new();
    let severity = tag(finding.severity, finding.severity.word());
    let code = text(finding.code.code());
    let _ = write!(out, "<li>{severity}<code>{code}</code> {}", prose(&finding.message));
    if let Some(place) = &finding.place {
        let _ = write!(out, " <span class=\"soft\">{}:{}</span>", text(&place.file), place.line);
    }
    if !finding.remedy.is_empty() {
        let _ = write!(out, "<br>Instead: {}", prose(&finding.remedy));
    }
    if let Some(safe) = &finding.safe_form {
        let safe = safe.trim_end();
        let safe = if finding.is_sql() { sql(safe) } else { markup(safe) };
        let _ = write!(out, "\n<pre><code>{safe}</code></pre>");
    }
    out + "</li>\n"
}

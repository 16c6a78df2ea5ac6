//! The review as a comment on a pull request: the verdict first.

use super::answer::LintAnswer;
use crate::base::{Level, count};
use crate::report::escape::{code_block, code_span, markdown};
use std::fmt::Write;

/// The most characters of a comment on GitHub, less what is said of the rest.
const MOST_CHARACTERS: usize = 60_000;

pub(super) fn render(answer: &LintAnswer) -> String {
    let mut out = String::new();
    let verdict = match answer.verdict {
        crate::lint::Verdict::DoNotMerge => "Do not merge",
        crate::lint::Verdict::Merge => "Can be merged",
    };
    let since = answer.base.as_ref().map(|base| format!(" since {}", code_span(base))).unwrap_or_default();
    let _ = writeln!(out, "## {verdict}: {}\n", answer.counted());
    let _ = writeln!(
        out,
        "Reviewed {}{since} for the environment {}.\n",
        count(answer.changesets, "changeset"),
        code_span(&answer.environment)
    );
    let _ = writeln!(out, "| blocking | high | medium | low |\n|---|---|---|---|");
    let numbers: Vec<String> = Level::SEVERITIES.iter().map(|level| answer.counts.get(*level).to_string()).collect();
    let _ = writeln!(out, "| {} |", numbers.join(" | "));
    let mut left = answer.findings.len();
    for level in Level::SEVERITIES {
        for finding in answer.findings.iter().filter(|finding| finding.severity == level) {
            if out.len() > MOST_CHARACTERS {
                let _ = writeln!(out, "\n… and {} more.", count(left, "finding"));
                return out;
            }
            left -= 1;
            let _ = writeln!(out, "\n### {}: {}\n", finding.severity.word(), code_span(finding.code.code()));
            let place = finding.place.as_ref().map(|place| format!("{}:{}", answer.path(place), place.line));
            let place = place.map(|place| format!("{}, ", code_span(&place))).unwrap_or_default();
            let _ = writeln!(out, "{place}changeset {}: {}.\n", code_span(&finding.changeset), prose(&finding.message));
            let Some(safe) = &finding.safe_form else {
                let _ = writeln!(out, "Instead: {}.", prose(&finding.remedy));
                continue;
            };
            let _ = writeln!(out, "Instead: {}:\n", prose(&finding.remedy));
            out.push_str(&code_block(if finding.is_sql() { "sql" } else { "yaml" }, safe));
        }
    }
    out
}

/// A sentence whose parts in backticks are code.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for (i, part) in text.split('`').enumerate() {
        let escaped = if i % 2 == 0 { markdown(part) } else { code_span(part) };
        // the blanks around code stay
        let blank = |is_there: bool| if is_there && i % 2 == 0 { " " } else { "" };
        out.push_str(blank(part.starts_with(' ')));
        out.push_str(escaped.trim());
        out.push_str(blank(part.ends_with(' ') && part.len() > 1));
    }
    out
}

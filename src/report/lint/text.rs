//! The review for people: each finding as rustc draws it, then the verdict.

use super::answer::{LintAnswer, LintFinding};
use crate::base::text::printable;
use crate::base::{Level as Severity, Sources, count};
use crate::report::Style;
use crate::report::diag::Drawing;
use annotate_snippets::{Level, Renderer};

/// Findings that are drawn; nobody reads more at once.
const MOST: usize = 100;

pub(super) fn render(answer: &LintAnswer, sources: &dyn Sources, style: Style) -> String {
    let renderer = if style.is_colored() { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for finding in answer.findings.iter().take(MOST) {
        let (level, word) = match finding.severity {
            Severity::Blocking => (Level::ERROR, "blocking"),
            Severity::High => (Level::ERROR, "high"),
            Severity::Medium => (Level::WARNING, "medium"),
            Severity::Low | Severity::Off => (Level::NOTE, "low"),
        };
        let drawing = Drawing {
            level: level.with_name(word),
            id: finding.code.code(),
            message: &finding.message,
            place: finding.source.as_ref(),
            label: None,
            related: &[],
            notes: Vec::new(),
            help: Some(help(finding)),
        };
        out.push_str(&drawing.draw(Some(sources), &renderer));
        out.push_str("\n\n");
    }
    if answer.findings.len() > MOST {
        out.push_str(&format!("... and {} more\n\n", count(answer.findings.len() - MOST, "finding")));
    }
    let reviewed = match &answer.base {
        Some(base) => format!("{} since {}", count(answer.changesets, "changeset"), printable(base)),
        None => count(answer.changesets, "changeset"),
    };
    let verdict = answer.verdict.words();
    out.push_str(&format!(
        "{verdict}: {}; {reviewed}; environment {}\n",
        answer.counted(),
        printable(&answer.environment)
    ));
    out
}

/// What to do, with the safe form below it.
fn help(finding: &LintFinding) -> String {
    match &finding.safe_form {
        Some(safe) => format!("{}:\n{}", finding.remedy, safe.trim_end()),
        None => finding.remedy.clone(),
    }
}

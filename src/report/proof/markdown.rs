//! The proof as a comment on a pull request: the verdict first.

use super::answer::{ProofAnswer, ProofVerdict};
use crate::base::count;
use crate::proof::{Leg, ProofFinding, Severity};
use crate::report::escape::{code_block, code_span, markdown};
use std::fmt::Write;

/// The most characters of a comment on GitHub, less what is said of the rest.
const MOST_CHARACTERS: usize = 60_000;

pub(super) fn render(answer: &ProofAnswer) -> String {
    let mut out = String::new();
    let verdict = match answer.verdict {
        ProofVerdict::Proven => "Proven",
        ProofVerdict::NotProven => "Not proven",
    };
    let _ = writeln!(out, "## {verdict}: {}\n", answer.counted());
    let since = answer.base.as_ref().map(|base| format!(" since {}", code_span(base))).unwrap_or_default();
    let _ = writeln!(
        out,
        "On PostgreSQL {}, {}{since}, for the environment {}.\n",
        markdown(&answer.server_version),
        count(answer.changesets.len(), "changeset"),
        code_span(&answer.environment)
    );
    let legs: Vec<&str> = Leg::ALL.iter().map(|leg| leg.word()).collect();
    let _ = writeln!(out, "| changeset | {} |\n|---{}|", legs.join(" | "), "|---".repeat(legs.len()));
    for proof in &answer.changesets {
        let verdicts: Vec<&str> = Leg::ALL.iter().map(|leg| proof.verdict(*leg).word()).collect();
        let _ = writeln!(out, "| {} | {} |", code_span(&proof.id), verdicts.join(" | "));
        if out.len() > MOST_CHARACTERS {
            out.push_str("\nThe rest is left out.\n");
            return out;
        }
    }
    for proof in &answer.changesets {
        let told: Vec<&ProofFinding> = proof.differences.iter().filter(|f| f.severity != Severity::Note).collect();
        if told.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n### {}\n", code_span(&proof.id));
        for finding in told {
            if out.len() > MOST_CHARACTERS {
                out.push_str("\nThe rest is left out.\n");
                return out;
            }
            let place = finding.location.as_ref().map(|at| format!(", {}", code_span(&at.to_string())));
            let accepted = finding.accepted.as_ref().map(|reason| format!("; accepted: {}", markdown(reason)));
            let _ = writeln!(
                out,
                "- **{}** ({}{}): {}{}",
                finding.leg.word(),
                finding.severity.word(),
                place.unwrap_or_default(),
                markdown(&finding.message),
                accepted.unwrap_or_default()
            );
            block("", &finding.details, &mut out);
            block("sql", &finding.mend, &mut out);
        }
    }
    out
}

/// Lines below an item of a list.
fn block(language: &str, lines: &[String], out: &mut String) {
    if lines.is_empty() {
        return;
    }
    out.push('\n');
    for line in code_block(language, &lines.join("\n")).lines() {
        let _ = writeln!(out, "  {line}");
    }
    out.push('\n');
}

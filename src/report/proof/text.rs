//! The proof for people: a line for each changeset, what is wrong below it.

use super::answer::ProofAnswer;
use crate::base::count;
use crate::proof::{ChangesetProof, Leg, ProofFinding, Severity, Verdict};
use crate::report::lines::{Line, Text};
use crate::report::style::Tone;

/// Findings of one changeset that are shown; nobody reads more at once.
const MOST: usize = 20;

pub(super) fn render(answer: &ProofAnswer) -> Text {
    let mut text = Text::new();
    let head = Line::new().paint(Tone::Strong, "proof").plain(format!(
        " of {} on PostgreSQL {}, environment {}",
        count(answer.changesets.len(), "changeset"),
        answer.server_version,
        answer.environment
    ));
    text.line(head);
    let width = answer.changesets.iter().map(|proof| crate::base::text::width(&proof.id)).max().unwrap_or(0).min(40);
    for proof in &answer.changesets {
        changeset(proof, answer.strict, width, &mut text);
    }
    if !answer.tables_without_rows.is_empty() {
        text.line(format!("without rows: {}", count(answer.tables_without_rows.len(), "table")));
        for (table, why) in &answer.tables_without_rows {
            text.line(Line::from(format!("  {table}: {why}")).hang(4));
        }
    }
    for what in &answer.not_compared {
        text.line(Line::from(format!("not compared: {}: {}", what.what, what.why)));
    }
    if let Some(recorded) = answer.recorded {
        text.line(format!("recorded in the ledger of {}: {}", answer.environment, count(recorded, "changeset")));
    }
    let seconds = answer.took_ms as f64 / 1000.0;
    text.line(format!("{} ({seconds:.1} s)", answer.counted()));
    text
}

fn changeset(proof: &ChangesetProof, strict: bool, width: usize, text: &mut Text) {
    let (sign, tone) = match (proof.up, proof.is_proven(strict)) {
        (Verdict::Skipped, _) => ("-", Tone::Muted),
        (_, true) => ("✓", Tone::Good),
        (_, false) => ("✗", Tone::Bad),
    };
    let blank = " ".repeat(width.saturating_sub(crate::base::text::width(&proof.id)));
    let mut line = Line::from("  ").paint(tone, sign).plain(format!(" {}{blank}", proof.id));
    for leg in Leg::ALL {
        let verdict = proof.verdict(leg);
        let tone = match verdict {
            Verdict::Ok => Tone::Muted,
            Verdict::Skipped => continue,
            Verdict::Accepted => Tone::Warn,
            Verdict::Differs | Verdict::Failed => Tone::Bad,
        };
        line = line.plain("  ").paint(tone, format!("{} {}", leg.word(), verdict.word()));
    }
    text.line(line);
    for finding in proof.differences.iter().take(MOST) {
        tell(finding, text);
    }
    if proof.differences.len() > MOST {
        text.line(format!("      ... and {} more", count(proof.differences.len() - MOST, "finding")));
    }
}

fn tell(finding: &ProofFinding, text: &mut Text) {
    let tone = match finding.severity {
        _ if finding.accepted.is_some() => Tone::Muted,
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Warn,
        Severity::Note => Tone::Muted,
    };
    let code = finding.sqlstate.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let line = Line::from("      ").paint(tone, finding.leg.word()).plain(format!(": {}{code}", finding.message));
    text.line(line.hang(8));
    if let Some(reason) = &finding.accepted {
        text.line(Line::from(format!("        accepted: {reason}")).hang(18));
    }
    if let Some(location) = &finding.location {
        text.line(format!("        at {location}"));
    }
    for detail in &finding.details {
        text.block("        ", detail);
    }
    for (n, sql) in finding.mend.iter().enumerate() {
        let head = if n == 0 { "mend: " } else { "      " };
        for line in sql.lines() {
            text.line(Line::from(format!("        {head}")).paint(Tone::Next, line).hang(14));
        }
    }
}

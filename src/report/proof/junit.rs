//! JUnit XML: a test suite for each changeset, a test case for each leg.

use super::answer::ProofAnswer;
use crate::proof::{ChangesetProof, Leg, ProofFinding, Severity, Verdict};
use crate::report::junit::{self, Case, End, Suite};

pub(super) fn render(answer: &ProofAnswer) -> String {
    let suite = |proof: &ChangesetProof| Suite {
        name: proof.id.clone(),
        took_ms: Some(proof.took_ms),
        cases: Leg::ALL.iter().map(|leg| case(proof, *leg, answer.strict)).collect(),
    };
    junit::render("dagmar prove", &answer.changesets.iter().map(suite).collect::<Vec<_>>())
}

fn case(proof: &ChangesetProof, leg: Leg, strict: bool) -> Case {
    let findings: Vec<&ProofFinding> = proof.differences.iter().filter(|found| found.leg == leg).collect();
    let warns = strict && findings.iter().any(|found| found.counts_as(Severity::Warning));
    let lines: Vec<String> = findings.iter().flat_map(|found| lines(found)).collect();
    let verdict = proof.verdict(leg);
    let end = if verdict.is_bad() || warns {
        let message = findings.first().map(|found| found.message.clone()).unwrap_or_default();
        End::Failed(verdict.word(), message, lines.join("\n"))
    } else if verdict == Verdict::Skipped {
        End::Skipped(lines.join("; "))
    } else if lines.is_empty() {
        End::Passed
    } else {
        End::Said(lines.join("\n"))
    };
    Case {
        class: proof.id.clone(),
        name: leg.word().to_owned(),
        place: proof.file.clone().map(|file| (file, None)),
        took_ms: None,
        end,
    }
}

fn lines(finding: &ProofFinding) -> Vec<String> {
    let place = finding.location.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    let mut lines = vec![format!("{}: {place}{}", finding.severity.word(), finding.message)];
    lines.extend(finding.accepted.iter().map(|reason| format!("accepted: {reason}")));
    lines.extend(finding.details.iter().cloned());
    lines.extend(finding.mend.iter().map(|sql| format!("mend: {sql}")));
    lines
}

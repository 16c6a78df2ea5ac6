//! JUnit XML: a test suite for each changeset, a test case for each leg.

use super::answer::ProofAnswer;
use crate::proof::{ChangesetProof, Leg, ProofFinding, Severity, Verdict};
use crate::report::escape::markup;
use std::fmt::Write;

pub(super) fn render(answer: &ProofAnswer) -> String {
    let tests = answer.changesets.len() * Leg::ALL.len();
    let bad = |proof: &ChangesetProof| Leg::ALL.iter().filter(|leg| fails(proof, **leg, answer.strict)).count();
    let failures: usize = answer.changesets.iter().map(bad).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"dagmar prove\" tests=\"{tests}\" failures=\"{failures}\">");
    for proof in &answer.changesets {
        let skipped = Leg::ALL
            .iter()
            .filter(|leg| proof.verdict(**leg) == Verdict::Skipped && !fails(proof, **leg, answer.strict));
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.3}\">",
            markup(&proof.id),
            Leg::ALL.len(),
            bad(proof),
            skipped.count(),
            proof.took_ms as f64 / 1000.0
        );
        for leg in Leg::ALL {
            case(proof, leg, answer.strict, &mut out);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn fails(proof: &ChangesetProof, leg: Leg, strict: bool) -> bool {
    proof.verdict(leg).is_bad()
        || strict && proof.differences.iter().any(|found| found.leg == leg && found.severity == Severity::Warning)
}

fn case(proof: &ChangesetProof, leg: Leg, strict: bool, out: &mut String) {
    let file = proof.file.as_deref().map(|file| format!(" file=\"{}\"", markup(file))).unwrap_or_default();
    let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"{file}>", markup(&proof.id), leg.word());
    let findings: Vec<&ProofFinding> = proof.differences.iter().filter(|found| found.leg == leg).collect();
    let lines: Vec<String> = findings.iter().flat_map(|found| lines(found)).map(|line| markup(&line)).collect();
    let text = lines.join("\n");
    if fails(proof, leg, strict) {
        let message = findings.first().map(|found| markup(&found.message)).unwrap_or_default();
        let _ = write!(out, "<failure type=\"{}\" message=\"{message}\">{text}</failure>", proof.verdict(leg).word());
    } else if proof.verdict(leg) == Verdict::Skipped {
        let _ = write!(out, "<skipped message=\"{}\"/>", text.replace('\n', "; "));
    } else if !text.is_empty() {
        let _ = write!(out, "<system-out>{text}</system-out>");
    }
    out.push_str("</testcase>\n");
}

fn lines(finding: &ProofFinding) -> Vec<String> {
    let place = finding.location.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    let mut lines = vec![format!("{}: {place}{}", finding.severity.word(), finding.message)];
    lines.extend(finding.details.iter().cloned());
    lines.extend(finding.mend.iter().map(|sql| format!("mend: {sql}")));
    lines
}

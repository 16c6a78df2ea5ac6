//! The verdicts of one changeset.

use super::finding::{ProofFinding, Severity};
use super::verdict::Verdict;
use crate::base::Leg;
use schemars::JsonSchema;
use serde::Serialize;

/// What was proven of a changeset.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangesetProof {
    /// The changeset.
    pub id: String,
    /// The file of the changeset, relative to the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The checksum of the changeset (`d1:…`).
    pub checksum: String,
    /// The checksum of the SQL that was rendered for the environment.
    pub digest: String,
    /// Whether it is proven: all that was tried is as it should be, or accepted.
    pub proven: bool,
    /// Whether it can be applied.
    pub up: Verdict,
    /// Whether its rollback brings the catalog back.
    pub down: Verdict,
    /// Whether it can be applied once more after its rollback.
    pub again: Verdict,
    /// Whether the rows survive.
    pub data: Verdict,
    /// Whether its declared dependencies are enough.
    pub order: Verdict,
    /// Whether it can be applied over its earlier version and rolled back to that, or twice.
    pub retry: Verdict,
    /// What differs, and remarks.
    pub differences: Vec<ProofFinding>,
    /// How long its proof took, in milliseconds.
    pub took_ms: u64,
}

impl ChangesetProof {
    /// Nothing was tried yet.
    #[must_use]
    pub fn new(id: &str, file: Option<&str>, checksum: &str, digest: &str) -> Self {
        Self {
            id: id.to_owned(),
            file: file.map(str::to_owned),
            checksum: checksum.to_owned(),
            digest: digest.to_owned(),
            proven: false,
            up: Verdict::Skipped,
            down: Verdict::Skipped,
            again: Verdict::Skipped,
            data: Verdict::Skipped,
            order: Verdict::Skipped,
            retry: Verdict::Skipped,
            differences: Vec::new(),
            took_ms: 0,
        }
    }

    /// The verdict of a leg.
    #[must_use]
    pub fn verdict(&self, leg: Leg) -> Verdict {
        match leg {
            Leg::Up => self.up,
            Leg::Down => self.down,
            Leg::Again => self.again,
            Leg::Data => self.data,
            Leg::Order => self.order,
            Leg::Retry => self.retry,
        }
    }

    /// Notes the verdict of a leg; a worse one stays.
    pub fn set(&mut self, leg: Leg, verdict: Verdict) {
        let place = self.place(leg);
        *place = (*place).max(verdict);
    }

    fn place(&mut self, leg: Leg) -> &mut Verdict {
        match leg {
            Leg::Up => &mut self.up,
            Leg::Down => &mut self.down,
            Leg::Again => &mut self.again,
            Leg::Data => &mut self.data,
            Leg::Order => &mut self.order,
            Leg::Retry => &mut self.retry,
        }
    }

    /// Accepts errors and warnings for a reason: those of a leg, about an object, or all. A changeset that cannot be
    /// applied is not proven. Gives whether there were any.
    pub fn accept(&mut self, leg: Option<Leg>, object: Option<&str>, reason: &str) -> bool {
        let is_meant = |finding: &&mut ProofFinding| {
            finding.leg != Leg::Up
                && finding.severity != Severity::Note
                && leg.is_none_or(|leg| finding.leg == leg)
                && object.is_none_or(|object| finding.object.as_deref() == Some(object))
        };
        let mut is_used = false;
        for finding in self.differences.iter_mut().filter(is_meant) {
            finding.accepted.get_or_insert_with(|| reason.to_owned());
            is_used = true;
        }
        for leg in Leg::ALL {
            let mut errors =
                self.differences.iter().filter(|f| f.leg == leg && f.severity == Severity::Error).peekable();
            if errors.peek().is_some() && errors.all(|finding| finding.accepted.is_some()) {
                *self.place(leg) = Verdict::Accepted;
            }
        }
        is_used
    }

    /// Adds a finding; an error makes its leg differ at least.
    pub fn find(&mut self, finding: ProofFinding) {
        if finding.severity == Severity::Error {
            self.set(finding.leg, Verdict::Differs);
        }
        self.differences.push(finding);
    }

    /// Adds the finding of a leg that could not run.
    pub fn fail(&mut self, finding: ProofFinding) {
        self.set(finding.leg, Verdict::Failed);
        self.find(finding);
    }

    /// Whether its rollback fails, or does not bring the catalog or the rows back.
    #[must_use]
    pub fn is_rollback_wrong(&self) -> bool {
        [self.down, self.again, self.data].iter().any(|verdict| verdict.is_bad())
    }

    /// Whether all that was tried is as it should be; with `strict` no warning either.
    #[must_use]
    pub fn is_proven(&self, strict: bool) -> bool {
        self.up == Verdict::Ok
            && Leg::ALL.iter().all(|leg| !self.verdict(*leg).is_bad())
            && !(strict && self.differences.iter().any(|finding| finding.counts_as(Severity::Warning)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worse_verdict_stays() {
        let mut proof = ChangesetProof::new("a", None, "d1:a", "d1:b");
        proof.set(Leg::Down, Verdict::Differs);
        proof.set(Leg::Down, Verdict::Ok);
        assert_eq!(proof.down, Verdict::Differs);
        assert!(!proof.is_proven(false), "what was not applied is not proven");
        proof.set(Leg::Up, Verdict::Ok);
        assert!(!proof.is_proven(false));
    }

    #[test]
    fn what_is_accepted_does_not_count() {
        let mut proof = ChangesetProof::new("a", None, "d1:a", "d1:b");
        proof.set(Leg::Up, Verdict::Ok);
        let about = |object: &str| {
            let mut finding = ProofFinding::error(Leg::Down, "gone");
            finding.object = Some(object.to_owned());
            finding
        };
        proof.find(about("table t"));
        proof.find(about("table u"));
        proof.find(ProofFinding::warning(Leg::Data, "fails once rows were written"));
        assert!(!proof.accept(Some(Leg::Order), None, "no"), "nothing is wrong there");
        assert!(proof.accept(None, Some("table t"), "they stay"));
        assert_eq!((proof.down, proof.is_proven(false)), (Verdict::Differs, false), "the other one counts");
        assert!(proof.accept(Some(Leg::Down), None, "both"));
        assert_eq!((proof.down, proof.is_proven(false), proof.is_proven(true)), (Verdict::Accepted, true, false));
        assert_eq!(proof.differences[0].accepted.as_deref(), Some("they stay"), "the first reason stays");
        assert!(proof.accept(None, None, "rows") && proof.is_proven(true));
        proof.fail(ProofFinding::error(Leg::Up, "it cannot be applied"));
        assert!(proof.accept(None, None, "all") && !proof.is_proven(false), "it was not applied");
    }

    #[test]
    fn a_warning_counts_only_where_it_is_asked_for() {
        let mut proof = ChangesetProof::new("a", None, "d1:a", "d1:b");
        proof.set(Leg::Up, Verdict::Ok);
        proof.find(ProofFinding::warning(Leg::Down, "moved"));
        assert_eq!((proof.down, proof.is_proven(false), proof.is_proven(true)), (Verdict::Skipped, true, false));
        proof.find(ProofFinding::error(Leg::Down, "gone"));
        assert_eq!((proof.down, proof.is_proven(false)), (Verdict::Differs, false));
    }
}

//! A proof as the answer of the command.

use crate::base::{Failure, FailureKind, count};
use crate::inspect::NotCompared;
use crate::proof::{ChangesetProof, Leg, Verdict};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a proof comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ProofVerdict {
    /// All chosen changesets are proven.
    Proven,
    /// At least one is not.
    #[default]
    NotProven,
}

/// How many changesets came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProofCounts {
    /// Changesets that are proven.
    pub proven: usize,
    /// Changesets that are proven, with findings that the project accepts.
    pub accepted: usize,
    /// Changesets with a leg that differs, and none that failed.
    pub differs: usize,
    /// Changesets with a leg that failed.
    pub failed: usize,
    /// Changesets that were not tried.
    pub skipped: usize,
    /// Rollbacks that were tried.
    pub rollbacks: usize,
    /// Rollbacks that are wrong: they fail, or do not bring the catalog or the rows back.
    pub wrong_rollbacks: usize,
}

/// The proof of changesets.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Proof")]
pub struct ProofAnswer {
    /// The environment whose changesets were proven.
    pub environment: String,
    /// The version of the server: `15.4`.
    pub server_version: String,
    /// When the proof began, as RFC 3339 in UTC, by the clock of its server.
    pub proved_at: String,
    /// The commit, branch or tag since which changesets were chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// True if warnings count as failures.
    pub strict: bool,
    /// The verdict.
    pub verdict: ProofVerdict,
    /// How many changesets came to what.
    pub counts: ProofCounts,
    /// The changesets, in order.
    pub changesets: Vec<ChangesetProof>,
    /// What is in the catalog and was not compared.
    pub not_compared: Vec<NotCompared>,
    /// The tables for which no rows could be generated, and the reason.
    pub tables_without_rows: BTreeMap<String, String>,
    /// How many changesets the ledger of the environment notes as proven; absent: it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<usize>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

impl ProofAnswer {
    /// Counts, and decides.
    pub fn sum(&mut self) {
        let mut counts = ProofCounts::default();
        for proof in &mut self.changesets {
            proof.proven = proof.is_proven(self.strict);
            let has = |verdict| Leg::ALL.iter().any(|leg| proof.verdict(*leg) == verdict);
            let place = if has(Verdict::Failed) {
                &mut counts.failed
            } else if proof.up == Verdict::Skipped {
                &mut counts.skipped
            } else if proof.proven {
                &mut counts.proven
            } else {
                &mut counts.differs
            };
            *place += 1;
            let is_accepted = proof.differences.iter().any(|finding| finding.accepted.is_some());
            counts.accepted += usize::from(is_accepted && proof.proven);
            counts.rollbacks += usize::from(proof.down != Verdict::Skipped);
            counts.wrong_rollbacks += usize::from(proof.is_rollback_wrong());
        }
        let all = counts.proven == self.changesets.len();
        self.verdict = if all { ProofVerdict::Proven } else { ProofVerdict::NotProven };
        self.counts = counts;
    }

    /// The counts in words.
    #[must_use]
    pub fn counted(&self) -> String {
        let ProofCounts { proven, accepted, differs, failed, skipped, .. } = self.counts;
        let accepted = if accepted > 0 { format!(", {accepted} with accepted findings") } else { String::new() };
        let of = count(self.changesets.len(), "changeset");
        let others = [(differs, "not as before"), (failed, "failed"), (skipped, "not tried")];
        let others: Vec<String> =
            others.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let rest = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
        format!("{proven} of {of} proven{accepted}{rest}")
    }

    /// The failure of a proof that has not proven all.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        (self.verdict == ProofVerdict::NotProven).then(|| Failure::new(FailureKind::Findings, self.counted()))
    }
}

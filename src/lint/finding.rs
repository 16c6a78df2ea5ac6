//! What the review says.

use crate::base::{Level, Place, Rule};
use schemars::JsonSchema;
use serde::Serialize;

/// A finding of the review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The severity in this environment.
    pub severity: Level,
    /// The changeset.
    pub changeset: String,
    /// Whether it is about the rollback.
    pub rollback: bool,
    /// Where it is written; absent: the plan has no files.
    pub place: Option<Place>,
    /// What was found, with its names.
    pub message: String,
    /// What to do instead.
    pub remedy: String,
    /// The safe form of this very change, as YAML or SQL.
    pub safe: Option<String>,
}

/// The number of findings by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "LintCounts")]
pub struct Counts {
    /// Findings that block: data is lost or wrong, access is opened, or a statement fails.
    pub blocking: usize,
    /// Findings of high severity: clients wait or fail, or rows are lost.
    pub high: usize,
    /// Findings of medium severity.
    pub medium: usize,
    /// Findings of low severity.
    pub low: usize,
}

impl Counts {
    /// Counts findings.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let mut counts = Self::default();
        for finding in findings {
            match finding.severity {
                Level::Blocking => counts.blocking += 1,
                Level::High => counts.high += 1,
                Level::Medium => counts.medium += 1,
                Level::Low => counts.low += 1,
                Level::Off => {}
            }
        }
        counts
    }

    /// The number of findings of this severity.
    #[must_use]
    pub fn get(&self, severity: Level) -> usize {
        match severity {
            Level::Blocking => self.blocking,
            Level::High => self.high,
            Level::Medium => self.medium,
            Level::Low => self.low,
            Level::Off => 0,
        }
    }

    /// The number of findings at or above this severity.
    #[must_use]
    pub fn at_least(&self, severity: Level) -> usize {
        Level::SEVERITIES.into_iter().filter(|level| *level >= severity).map(|level| self.get(level)).sum()
    }

    /// The number of all findings.
    #[must_use]
    pub fn all(&self) -> usize {
        self.at_least(Level::Low)
    }
}

/// Whether a change can be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LintVerdict")]
pub enum Verdict {
    /// There is a finding at or above the severity that fails.
    DoNotMerge,
    /// There is none.
    Merge,
}

impl Verdict {
    /// The words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Verdict::DoNotMerge => "do not merge",
            Verdict::Merge => "can be merged",
        }
    }
}

/// The result of a review.
#[derive(Debug, Clone, Default)]
pub struct Review {
    /// The findings, in the order of their places.
    pub findings: Vec<Finding>,
    /// The number of reviewed changesets.
    pub changesets: usize,
}

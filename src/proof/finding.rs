//! What a proof found.

use crate::base::{Leg, Location};
use schemars::JsonSchema;
use serde::Serialize;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ProofSeverity")]
pub enum Severity {
    /// A remark, such as why a leg was skipped.
    Note,
    /// It fails with `--strict` only.
    Warning,
    /// The changeset is not proven.
    Error,
}

impl Severity {
    /// The word in output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// What a proof found in one leg.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProofFinding {
    /// The leg.
    pub leg: Leg,
    /// The severity.
    pub severity: Severity,
    /// What is not as it should be, in one line.
    pub message: String,
    /// The object: `column app.users.email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The reason why the project accepts it; absent: it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// More lines: a diff of definitions, the failed statement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// SQL that would mend the rollback, where it can be derived.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mend: Vec<String>,
    /// The SQLSTATE, if a statement failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// Where the statement that failed is written.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

impl ProofFinding {
    /// Whether it counts: it is of this severity, and not accepted.
    #[must_use]
    pub fn counts_as(&self, severity: Severity) -> bool {
        self.severity == severity && self.accepted.is_none()
    }

    /// A finding.
    #[must_use]
    pub fn new(leg: Leg, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            leg,
            severity,
            message: message.into(),
            object: None,
            accepted: None,
            details: Vec::new(),
            mend: Vec::new(),
            sqlstate: None,
            location: None,
        }
    }

    /// A changeset with it is not proven.
    #[must_use]
    pub fn error(leg: Leg, message: impl Into<String>) -> Self {
        Self::new(leg, Severity::Error, message)
    }

    /// It counts with `--strict` only.
    #[must_use]
    pub fn warning(leg: Leg, message: impl Into<String>) -> Self {
        Self::new(leg, Severity::Warning, message)
    }

    /// A remark.
    #[must_use]
    pub fn note(leg: Leg, message: impl Into<String>) -> Self {
        Self::new(leg, Severity::Note, message)
    }
}

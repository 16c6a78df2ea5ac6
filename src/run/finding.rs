//! What was found before the first statement.

use schemars::JsonSchema;
use serde::Serialize;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FindingSeverity")]
pub enum Severity {
    /// An error: the run would fail, so dagmar refuses it.
    Error,
    /// The run may wait, take longer or cause damage.
    Warning,
    /// For information.
    Note,
}

impl Severity {
    /// The word in JSON and in text.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// The severity of the finding.
    pub severity: Severity,
    /// The finding.
    pub message: String,
    /// The remedy.
    pub remedy: String,
}

//! What was found before the first statement.

use crate::base::Remedy;
use schemars::JsonSchema;
use serde::Serialize;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FindingSeverity {
    /// An error: the run would fail, so dagmar refuses it.
    Error,
    /// The run may wait, take longer or cause damage.
    Warning,
    /// For information.
    Note,
}

impl FindingSeverity {
    /// The word in JSON and in text.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            FindingSeverity::Error => "error",
            FindingSeverity::Warning => "warning",
            FindingSeverity::Note => "note",
        }
    }
}

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// The severity of the finding.
    pub severity: FindingSeverity,
    /// The finding.
    pub message: String,
    /// The remedy.
    pub remedy: Remedy,
}

//! What was found before the first statement.

use schemars::JsonSchema;
use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FindingSeverity {
    /// The run would fail: it is refused.
    Error,
    /// The run may wait, take longer or do harm.
    Warning,
    /// Worth knowing.
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

/// One thing that a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The check.
    pub check: &'static str,
    /// How much it matters.
    pub severity: FindingSeverity,
    /// What it is.
    pub message: String,
    /// How to mend it.
    pub remedy: String,
}

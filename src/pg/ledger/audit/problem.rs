//! What an audit finds.

use schemars::JsonSchema;
use serde::Serialize;

/// What was tried when the ledger does not answer.
pub(super) const UNREAD: &str = "cannot read the ledger";

/// A place where the history was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditProblem {
    /// The event, or the first missing event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// The kind of the change.
    pub what: AuditProblemKind,
    /// A description, as a sentence.
    pub message: String,
}

/// The kind of a change to the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AuditProblemKind {
    /// The row or its hash was changed.
    Changed,
    /// The row was removed.
    Removed,
    /// The row was not written by the ledger.
    Inserted,
    /// The signature of the key is missing.
    Unsigned,
}

//! What an audit finds.

use schemars::JsonSchema;
use serde::Serialize;

/// What was tried when the ledger does not answer.
pub(super) const UNREAD: &str = "cannot read the ledger";

/// A place at which the history was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditProblem {
    /// The event, or the first one that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// What was done to it.
    pub what: AuditProblemKind,
    /// The same in words.
    pub message: String,
}

/// What was done to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AuditProblemKind {
    /// Its columns or its hash are not what they were.
    Changed,
    /// It is not there any more.
    Removed,
    /// It was not written by the ledger.
    Inserted,
    /// The key that should have signed it has not.
    Unsigned,
}

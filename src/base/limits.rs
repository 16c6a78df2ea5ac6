//! The server's limits for what runs.

use super::HumanDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The server's limits for a segment; zero is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The longest wait for a lock (`lock_timeout`).
    pub lock_timeout: HumanDuration,
    /// The longest a statement may take (`statement_timeout`).
    pub statement_timeout: HumanDuration,
    /// How often a wait for a lock may be given up and tried again.
    pub lock_retries: u32,
}

/// What one transaction holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Granularity {
    /// A changeset, or a segment of it.
    #[default]
    Changeset,
    /// The whole plan: all or nothing.
    Plan,
}

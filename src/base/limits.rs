//! The server's limits for what runs.

use super::HumanDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits for a segment; zero means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The maximum wait for a lock (`lock_timeout`).
    pub lock_timeout: HumanDuration,
    /// The maximum duration of a statement (`statement_timeout`).
    pub statement_timeout: HumanDuration,
    /// The number of retries after a lock timeout.
    pub lock_retries: u32,
}

/// The scope of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Granularity {
    /// A changeset, or a segment of it.
    #[default]
    Changeset,
    /// The whole plan: all or nothing.
    Plan,
}

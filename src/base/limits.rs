//! The server's limits for what runs.

use super::Span;
use serde::{Deserialize, Serialize};

/// The server's limits for a segment; zero is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The longest wait for a lock (`lock_timeout`).
    pub lock_timeout: Span,
    /// The longest a statement may take (`statement_timeout`).
    pub statement_timeout: Span,
    /// How often a wait for a lock may be given up and tried again.
    pub lock_retries: u32,
}

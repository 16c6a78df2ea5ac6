//! What comes of what is tried.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What came of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It was not tried; a finding says why.
    #[default]
    Skipped,
    /// It is as it should be.
    Ok,
    /// It is not as it should be, and the project accepts that with a reason.
    Accepted,
    /// It ran, and something is not as it should be.
    Differs,
    /// It could not run.
    Failed,
}

impl Verdict {
    /// The word in output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Skipped => "skipped",
            Verdict::Ok => "ok",
            Verdict::Accepted => "accepted",
            Verdict::Differs => "differs",
            Verdict::Failed => "failed",
        }
    }

    /// Whether something is wrong.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Verdict::Differs | Verdict::Failed)
    }
}

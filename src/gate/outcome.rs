//! What every gate answers with.

use crate::base::Remedy;

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The environment does not ask for it, or it is about a promotion and this is none.
    NotAsked,
    /// The gate is met.
    Met(String),
    /// The gate is not met.
    Unmet {
        /// Why not.
        reason: String,
        /// What has to be done.
        remedy: Remedy,
    },
}

impl Outcome {
    /// The gate is met.
    pub fn met(reason: impl Into<String>) -> Self {
        Outcome::Met(reason.into())
    }

    /// It does not.
    pub fn unmet(reason: impl Into<String>, remedy: impl Into<Remedy>) -> Self {
        Outcome::Unmet { reason: reason.into(), remedy: remedy.into() }
    }
}

/// A few of many facts in one line.
pub(super) fn some(facts: &[String]) -> String {
    const MOST: usize = 4;
    let more = facts.len().saturating_sub(MOST);
    let shown = facts.iter().take(MOST).cloned().collect::<Vec<_>>().join("; ");
    if more > 0 { format!("{shown}; and {more} more") } else { shown }
}

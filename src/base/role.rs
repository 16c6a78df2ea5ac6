//! What callers of the service may do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a caller of the service may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ServiceRole")]
pub enum Role {
    /// Reads everything.
    Read,
    /// Previews.
    Plan,
    /// Approves and rejects.
    Approve,
    /// Runs, rolls back, promotes, cancels.
    Run,
    /// Overrides what otherwise refuses.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 5] = [Role::Read, Role::Plan, Role::Approve, Role::Run, Role::Admin];

    /// The word for people and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Plan => "plan",
            Role::Approve => "approve",
            Role::Run => "run",
            Role::Admin => "admin",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_json() {
        for role in Role::ALL {
            assert_eq!(serde_json::json!(role), role.word());
            assert_eq!(Role::from_word(role.word()), Some(role));
        }
        assert_eq!(Role::from_word("Run"), None);
    }
}

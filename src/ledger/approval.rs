//! What somebody said of a sealed plan, as the ledger of its target has it.

use serde::{Deserialize, Serialize};

/// The first version of the ledger that has approvals.
pub const SINCE: u32 = 3;

/// A yes or a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It may run.
    Approve,
    /// It must not run.
    Reject,
}

impl Verdict {
    /// The word in the ledger and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Approve => "approve",
            Verdict::Reject => "reject",
        }
    }
}

/// What somebody said of a sealed plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The database user: the server's word.
    pub by: String,
    /// The roles that the user was a member of then, and still is.
    pub role_memberships: Vec<String>,
    /// The operating system's user, as the client said.
    pub os_user: String,
    /// When, in milliseconds since 1970, by the server's clock.
    pub at: i64,
    /// Until when it counts, likewise; absent: as long as the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// The plan.
    pub digest: String,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

/// The last word of each user, in the order in which they were said: a later one replaces an
/// earlier one.
#[must_use]
pub fn last_words(all: &[Approval]) -> Vec<&Approval> {
    let last = |(i, a): &(usize, &Approval)| !all[i + 1..].iter().any(|later| later.by == a.by);
    all.iter().enumerate().filter(last).map(|(_, a)| a).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_word_replaces_an_earlier_one() {
        let said = |by: &str, verdict| Approval {
            by: by.to_owned(),
            role_memberships: Vec::new(),
            os_user: String::new(),
            at: 0,
            expires_at: None,
            digest: String::new(),
            verdict,
            reason: String::new(),
        };
        let all = [said("a", Verdict::Reject), said("b", Verdict::Approve), said("a", Verdict::Approve)];
        let last: Vec<(&str, Verdict)> = last_words(&all).iter().map(|a| (a.by.as_str(), a.verdict)).collect();
        assert_eq!(last, [("b", Verdict::Approve), ("a", Verdict::Approve)]);
    }
}

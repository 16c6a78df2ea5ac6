//! What somebody said of a sealed plan, as the ledger of its target has it.

use crate::base::{Origin, time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The first version of the ledger that has approvals.
pub const SINCE: u32 = 3;

/// An approval or a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ApprovalVerdict {
    /// The plan may run.
    Approve,
    /// The plan must not run.
    Reject,
}

impl ApprovalVerdict {
    /// The word in the ledger and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ApprovalVerdict::Approve => "approve",
            ApprovalVerdict::Reject => "reject",
        }
    }
}

/// An approval or rejection of a sealed plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The database user, set by the server.
    pub by: String,
    /// The roles that the user was a member of at that time, and still is.
    pub role_memberships: Vec<String>,
    /// The operating system's user, as the client reported it.
    pub os_user: String,
    /// The host, as the client reported it.
    pub host: String,
    /// The time in milliseconds since 1970, by the server's clock.
    pub at: i64,
    /// The expiry time in milliseconds since 1970, by the server's clock; absent: as long as the plan is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// The digest of the plan.
    pub digest: String,
    /// Approved or rejected.
    pub verdict: ApprovalVerdict,
    /// The reason.
    pub reason: String,
    /// The request with which the user asked a service, as the service reported it; absent: the database user decided
    /// without a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl std::fmt::Display for Approval {
    /// Who said it, when and why.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let until = self.expires_at.map_or_else(String::new, |at| format!(", until {}", time::rfc3339(at)));
        write!(f, "{} at {}{until}: {}", self.who(), time::rfc3339(self.at), self.reason)
    }
}

/// Whose word an approval is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity<'a> {
    /// That of a database user.
    Role(&'a str),
    /// That of a person for whom a service approved, in lower case.
    Person(String),
}

impl Approval {
    /// The person for whom one of these services approved; `None`: the database user counts.
    #[must_use]
    pub fn person(&self, services: &[String]) -> Option<&str> {
        let is_of_service = self.origin.is_some() && services.contains(&self.by);
        is_of_service.then_some(self.os_user.as_str())
    }

    /// Whose word it is; `services` are the database users that speak for people.
    #[must_use]
    pub fn identity(&self, services: &[String]) -> Identity<'_> {
        self.person(services).map_or(Identity::Role(&self.by), |person| Identity::Person(person.to_lowercase()))
    }

    /// Whether a word of the same identity may stand in place of this earlier one: the rejection of a person stays until the
    /// same person says something else, also where nobody has listed the service.
    fn may_replace(&self, earlier: &Approval) -> bool {
        let is_of_person = earlier.verdict == ApprovalVerdict::Reject && earlier.origin.is_some();
        !is_of_person || self.origin.is_some() && self.os_user.to_lowercase() == earlier.os_user.to_lowercase()
    }

    /// The database user, and the user of the client or of the service.
    #[must_use]
    pub fn who(&self) -> String {
        let via = self.origin.as_ref().map_or_else(String::new, |origin| format!(" via {}", origin.words()));
        format!("{} ({}{via})", self.by, self.os_user)
    }
}

/// The last word of each user, and of each person for whom one of these services speaks, in the order in which they were
/// said: a later one replaces an earlier one. By the server's clock, which no client sets; at the same time the one that was
/// read later.
#[must_use]
pub fn last_words<'a>(all: impl IntoIterator<Item = &'a Approval>, services: &[String]) -> Vec<&'a Approval> {
    let mut all: Vec<&Approval> = all.into_iter().collect();
    all.sort_by_key(|a| a.at);
    let is_of = |later: &&Approval, i: usize| {
        later.identity(services) == all[i].identity(services) && later.may_replace(all[i])
    };
    let is_last = |i: &usize| !all[i + 1..].iter().any(|later| is_of(later, *i));
    (0..all.len()).filter(is_last).map(|i| all[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_word_replaces_an_earlier_one() {
        let said = |by: &str, verdict, at| Approval {
            by: by.to_owned(),
            role_memberships: Vec::new(),
            os_user: String::new(),
            host: String::new(),
            at,
            expires_at: None,
            digest: String::new(),
            verdict,
            reason: String::new(),
            origin: None,
        };
        let words = |all: &[Approval]| -> Vec<(String, ApprovalVerdict)> {
            last_words(all, &[]).iter().map(|a| (a.by.clone(), a.verdict)).collect()
        };
        let (a, b) = ("a".to_owned(), "b".to_owned());
        let all = [
            said("a", ApprovalVerdict::Reject, 0),
            said("b", ApprovalVerdict::Approve, 0),
            said("a", ApprovalVerdict::Approve, 0),
        ];
        assert_eq!(words(&all), [(b.clone(), ApprovalVerdict::Approve), (a.clone(), ApprovalVerdict::Approve)]);
        // whatever the order in which they are numbered
        let all = [
            said("a", ApprovalVerdict::Approve, 2),
            said("b", ApprovalVerdict::Approve, 1),
            said("a", ApprovalVerdict::Reject, 0),
        ];
        assert_eq!(words(&all), [(b, ApprovalVerdict::Approve), (a, ApprovalVerdict::Approve)]);
    }

    #[test]
    fn a_service_speaks_for_people_where_the_environment_says_so() {
        let said = |person: &str, verdict, at| Approval {
            by: "service".to_owned(),
            role_memberships: Vec::new(),
            os_user: person.to_owned(),
            host: String::new(),
            at,
            expires_at: None,
            digest: String::new(),
            verdict,
            reason: String::new(),
            origin: Some(Origin {
                way: "token".to_owned(),
                name: None,
                address: None,
                request: String::new(),
                key: None,
                groups: Vec::new(),
                content: None,
            }),
        };
        let own = Approval { origin: None, ..said("anna", ApprovalVerdict::Approve, 3) };
        let all = [
            said("anna", ApprovalVerdict::Reject, 0),
            said("ben", ApprovalVerdict::Approve, 1),
            said("Anna", ApprovalVerdict::Approve, 2),
            own,
        ];
        let words = |services: &[String]| -> Vec<String> {
            last_words(&all, services).iter().map(|a| format!("{} {}", a.os_user, a.verdict.word())).collect()
        };
        assert_eq!(words(&[]), ["anna approve"]);
        // what the role says without a request is its own word
        assert_eq!(words(&["service".to_owned()]), ["ben approve", "Anna approve", "anna approve"]);
        assert_eq!(all[0].who(), "service (anna via token)");
    }
}

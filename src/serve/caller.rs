//! Who asks, how he showed it, and what he may do.

pub use crate::base::Role;
use crate::base::{Actor, Origin};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// The role and those that it includes: who may do anything may read, who runs may preview.
const fn bits(role: Role) -> u8 {
    match role {
        Role::Read => 1,
        Role::Plan => 1 | 2,
        Role::Approve => 1 | 4,
        Role::Run => 1 | 2 | 8,
        Role::Admin => 1 | 16,
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles(u8);

impl Roles {
    /// These, and those that they include.
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        Self(roles.iter().fold(0, |all, role| all | bits(*role)))
    }

    /// Whether it has this one.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.0 & bits(role) == bits(role)
    }
}

/// How a caller showed who he is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By the one secret of the service.
    Secret,
    /// By a token of the file of tokens.
    Token {
        /// The id of its entry, by which it can be looked up again.
        id: String,
        /// Its name.
        name: String,
    },
    /// By a token of an issuer of OpenID Connect.
    Oidc {
        /// The issuer.
        issuer: String,
    },
    /// By a trusted proxy, which has signed him in.
    Proxy,
}

impl Way {
    /// The word for logs and the ledger.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Way::Secret => "secret",
            Way::Token { .. } => "token",
            Way::Oidc { .. } => "oidc",
            Way::Proxy => "proxy",
        }
    }

    /// Whether a browser shows it with every request, also with those that a foreign page sends.
    #[must_use]
    pub fn is_ambient(&self) -> bool {
        matches!(self, Way::Proxy)
    }

    /// The name of what was shown, for the ledger.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Way::Secret | Way::Proxy => None,
            Way::Token { name, .. } => Some(name),
            Way::Oidc { issuer } => Some(issuer),
        }
    }
}

/// By what somebody was let in. It never holds what was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "camelCase")]
pub enum Proof {
    /// The one secret of the service, by a digest of it: another secret ends the session.
    Secret {
        /// The digest.
        mark: String,
    },
    /// A token of the file of tokens.
    Token {
        /// The id of its entry.
        id: String,
    },
    /// A token of an issuer of OpenID Connect.
    Oidc {
        /// The issuer.
        issuer: String,
        /// The name of the person.
        person: String,
        /// The groups of the person.
        groups: Vec<String>,
    },
}

/// The most bytes of groups that an event of the ledger has; its details have a limit.
const GROUPS: usize = 2048;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the person or program.
    pub person: String,
    /// How he showed it.
    pub way: Way,
    /// The address of the client; `None`: it came through the Unix socket.
    pub address: Option<IpAddr>,
    /// What he may do.
    pub roles: Roles,
    /// The environments that he sees; `None`: all.
    pub environments: Option<BTreeSet<String>>,
    /// The groups that he belongs to.
    pub groups: Vec<String>,
    /// Until when he may, in milliseconds since 1970; `None`: without an end.
    pub expires: Option<i64>,
}

impl Caller {
    /// Who acts by this request, for the ledger.
    #[must_use]
    pub fn actor(&self, request: &RequestId) -> Actor {
        let address = self.address.map(|address| address.to_string());
        let origin = Origin {
            way: self.way.word().to_owned(),
            name: self.way.name().map(str::to_owned),
            address: address.clone(),
            request: request.to_string(),
            key: None,
            groups: self.groups_within(GROUPS),
            content: None,
        };
        Actor::through(&self.person, address.unwrap_or_else(|| "socket".to_owned()), origin)
    }

    /// Whether he may do what needs this role.
    #[must_use]
    pub fn may(&self, role: Role) -> bool {
        self.roles.has(role)
    }

    /// Whether he sees this environment: another one is none for him.
    #[must_use]
    pub fn sees(&self, environment: &str) -> bool {
        self.environments.as_ref().is_none_or(|environments| environments.contains(environment))
    }

    /// The first groups, as many as have these bytes.
    fn groups_within(&self, bytes: usize) -> Vec<String> {
        let sizes = self.groups.iter().scan(0, |sum, group| {
            *sum += group.len() + 3;
            Some(*sum)
        });
        let fitting = sizes.take_while(|sum| *sum <= bytes).count();
        self.groups[..fitting].to_vec()
    }

    /// What rate limits are counted by: who it is, never from where.
    #[must_use]
    pub fn bucket(&self) -> String {
        match &self.way {
            Way::Oidc { issuer } => format!("oidc:{issuer} {}", self.person),
            way => format!("{}:{}", way.word(), self.person),
        }
    }
}

/// The id of a request: 16 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// A new one; `None` if the system has no random numbers.
    #[must_use]
    pub fn new() -> Option<Self> {
        let mut bytes = [0; 8];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(Self(format!("{:016x}", u64::from_be_bytes(bytes))))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_include_what_they_need() {
        let has = |roles: &[Role]| -> Vec<&str> {
            let roles = Roles::of(roles);
            Role::ALL.into_iter().filter(|role| roles.has(*role)).map(Role::word).collect()
        };
        assert_eq!(has(&[]), [""; 0]);
        assert_eq!(has(&[Role::Read]), ["read"]);
        assert_eq!(has(&[Role::Plan]), ["read", "plan"]);
        assert_eq!(has(&[Role::Approve]), ["read", "approve"]);
        assert_eq!(has(&[Role::Run]), ["read", "plan", "run"]);
        assert_eq!(has(&[Role::Admin]), ["read", "admin"]);
        assert_eq!(has(&[Role::Approve, Role::Run]), ["read", "plan", "approve", "run"]);
        assert_eq!(has(&Role::ALL), ["read", "plan", "approve", "run", "admin"]);
    }

    #[test]
    fn a_caller_sees_his_environments_and_acts_by_name() {
        let caller = |environments: Option<&[&str]>| Caller {
            person: "ci".to_owned(),
            way: Way::Token { id: "9f3a01bc".to_owned(), name: "ci".to_owned() },
            address: "10.1.2.3".parse().ok(),
            roles: Roles::of(&[Role::Run]),
            environments: environments.map(|all| all.iter().map(|name| (*name).to_owned()).collect()),
            groups: vec!["dba".to_owned(), "x".repeat(2000), "long".repeat(20)],
            expires: None,
        };
        assert!(caller(None).sees("live") && caller(Some(&["live"])).sees("live"));
        assert!(!caller(Some(&["live"])).sees("Live") && !caller(Some(&[])).sees("live"));
        let actor = caller(None).actor(&RequestId::new().unwrap());
        let origin = actor.origin.clone().unwrap();
        assert_eq!((actor.to_string(), origin.words()), ("ci@10.1.2.3".to_owned(), "token ci".to_owned()));
        assert_eq!(origin.groups, ["dba".to_owned(), "x".repeat(2000)]);
        assert_eq!(caller(None).bucket(), "token:ci");
    }

    #[test]
    fn ids_are_16_digits_and_differ() {
        let (one, other) = (RequestId::new().unwrap(), RequestId::new().unwrap());
        assert_ne!(one, other);
        assert!(one.as_str().len() == 16 && one.as_str().bytes().all(|b| b.is_ascii_hexdigit()), "{one}");
    }
}

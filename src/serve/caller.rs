//! Who asks, how he showed it, and what he may do.

use crate::base::{Actor, Origin};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use std::net::IpAddr;

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// The role and those that it includes: who may do anything may read, who runs may preview.
    const fn bits(self) -> u8 {
        match self {
            Role::Read => 1,
            Role::Plan => 1 | 2,
            Role::Approve => 1 | 4,
            Role::Run => 1 | 2 | 8,
            Role::Admin => 1 | 16,
        }
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles(u8);

impl Roles {
    /// These, and those that they include.
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        Self(roles.iter().fold(0, |all, role| all | role.bits()))
    }

    /// Whether it has this one.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.0 & role.bits() == role.bits()
    }
}

/// How a caller showed who he is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By the one secret of the service.
    Secret,
}

impl Way {
    /// The word for logs and the ledger.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Way::Secret => "secret",
        }
    }
}

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
}

impl Caller {
    /// Who acts by this request, for the ledger.
    #[must_use]
    pub fn actor(&self, request: &RequestId) -> Actor {
        let address = self.address.map(|address| address.to_string());
        let origin = Origin {
            way: self.way.word().to_owned(),
            name: None,
            address: address.clone(),
            request: request.to_string(),
            key: None,
            content: None,
        };
        Actor::through(&self.person, address.unwrap_or_else(|| "socket".to_owned()), origin)
    }

    /// Whether he may do what needs this role.
    #[must_use]
    pub fn may(&self, role: Role) -> bool {
        self.roles.has(role)
    }

    /// What rate limits are counted by: who it is, never from where.
    #[must_use]
    pub fn bucket(&self) -> String {
        format!("{}:{}", self.way.word(), self.person)
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
    fn ids_are_16_digits_and_differ() {
        let (one, other) = (RequestId::new().unwrap(), RequestId::new().unwrap());
        assert_ne!(one, other);
        assert!(one.as_str().len() == 16 && one.as_str().bytes().all(|b| b.is_ascii_hexdigit()), "{one}");
    }
}

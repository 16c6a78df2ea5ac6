//! Who acts.

/// The acting user, as known to the operating system or to the service that acts for the user. The ledger keeps
/// it in addition to the database role, which the server reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name of the user.
    pub user: String,
    /// The host of the request.
    pub host: String,
}

impl Actor {
    /// A user at a host.
    pub fn new(user: impl Into<String>, host: impl Into<String>) -> Self {
        Self { user: user.into(), host: host.into() }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.user, self.host)
    }
}

//! Who acts.

/// Who acts, as the operating system knows him, or the service that he asked. The ledger keeps it
/// beside the database role, which is the server's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name of the user.
    pub user: String,
    /// The host that the request came from.
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

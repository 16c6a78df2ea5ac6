//! Who acts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The acting user, as known to the operating system or to the service that acts for the user. The ledger keeps
/// it in addition to the database role, which the server reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name of the user.
    pub user: String,
    /// The host of the request.
    pub host: String,
    /// The request of a service that acts for the user; absent: the user acts himself.
    pub origin: Option<Origin>,
}

/// The request with which a user asked a service to act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RequestOrigin")]
pub struct Origin {
    /// How the user proved to be the user: `secret`, `token`, `oidc`, `proxy`.
    pub way: String,
    /// The name of the token, or the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address of the client; absent for a Unix socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The id of the request.
    pub request: String,
    /// The digest of the key that marks a repeated request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The groups of the user, as far as they were recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The digest of what was asked for, which a repeated request has too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

impl Actor {
    /// A user at a host.
    pub fn new(user: impl Into<String>, host: impl Into<String>) -> Self {
        Self { user: user.into(), host: host.into(), origin: None }
    }

    /// A user for whom a service acts.
    pub fn through(user: impl Into<String>, host: impl Into<String>, origin: Origin) -> Self {
        Self { origin: Some(origin), ..Self::new(user, host) }
    }

    /// Adds to the details of an event who acts, and how.
    pub fn sign(&self, detail: &mut Value) {
        detail["by"] = json!(self.to_string());
        if let Some(origin) = &self.origin {
            detail["origin"] = json!(origin);
        }
    }
}

impl Origin {
    /// How the user came: `token ci`.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.name {
            Some(name) => format!("{} {name}", self.way),
            None => self.way.clone(),
        }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.user, self.host)
    }
}

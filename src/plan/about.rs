//! What is to be said about a plan besides the plan: for which database it is, and when, by whom, with
//! which dagmar and from which files it was made. Values that the caller knows: nothing here looks at a
//! clock, a server or a repository.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What stands on top of every plan, in every format.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The database that was read; null: none, so that the plan assumes an empty ledger.
    pub target: Option<Destination>,
    /// The time when the plan was made, as RFC 3339 in UTC.
    pub made_at: String,
    /// The user that made the plan.
    pub made_by: Maker,
    /// The version of dagmar that made the plan.
    pub dagmar: String,
    /// The commit of the project; absent if the project is not in a repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The changes of repeatable changesets that are applied again, as unified diffs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub diffs: BTreeMap<String, String>,
    /// True if the whole plan runs in one transaction.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub one_transaction: bool,
    /// The existing tables that the plan locks or rewrites, by their names in the plan.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, Size>,
}

impl About {
    /// True if the plan was made with a database, and not for a file or offline.
    #[must_use]
    pub fn is_of_database(&self) -> bool {
        self.target.as_ref().is_some_and(|target| target.address.is_some())
    }
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// The name of the database.
    pub database: String,
    /// The address of the server, as `host:port`, without secrets; absent in a sealed plan, which does not
    /// depend on the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The version of the server: `15.4`; in a sealed plan the major version.
    pub server: String,
    /// The server's system identifier, which a sealed plan is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// The user that made a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Maker {
    /// The operating system's user and host: `alice@laptop`.
    pub os: String,
    /// The database user; absent if no database was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

/// The commit of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Commit {
    /// The full commit id.
    pub id: String,
    /// True if the project has uncommitted changes.
    pub uncommitted: bool,
}

/// The size of a table, as estimated by the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TableSize")]
pub struct Size {
    /// The estimated number of rows; absent if the table was never analyzed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The size in bytes, without indexes.
    pub bytes: u64,
    /// The size in bytes with indexes and TOAST.
    pub total_bytes: u64,
}

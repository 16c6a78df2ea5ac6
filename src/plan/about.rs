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
    /// The database that was asked; null: none was, the plan is as if nothing were applied.
    pub target: Option<Destination>,
    /// When it was made, as RFC 3339 in UTC.
    pub made_at: String,
    /// Who made it.
    pub made_by: Maker,
    /// The version of dagmar that made it.
    pub dagmar: String,
    /// The commit of the project; absent where it is in no repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// For repeatable changesets that are applied again: what has changed since, as unified diffs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub diffs: BTreeMap<String, String>,
    /// The tables that are there already and are locked or rewritten, by the names that the plan has for
    /// them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, Size>,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// Its name.
    pub database: String,
    /// Where its server is, as `host:port`; absent in a sealed plan, which is for the database wherever it
    /// is reached. Never a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The version of the server: `15.4`; of a sealed plan the major version.
    pub server: String,
    /// The server's system identifier, by which a sealed plan knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// Who made a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Maker {
    /// The operating system's user and host: `alice@laptop`.
    pub os: String,
    /// The database user; absent where no database was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

/// A commit of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Commit {
    /// Its id in full.
    pub id: String,
    /// Whether the project's files differ from it.
    pub uncommitted: bool,
}

/// How large a table is, as the server's catalog has it: estimates, without a look at the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TableSize")]
pub struct Size {
    /// Rows; absent where nobody has counted them yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Bytes, without indexes.
    pub bytes: u64,
}

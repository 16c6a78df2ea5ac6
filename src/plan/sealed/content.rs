//! What a sealed plan holds.

use crate::base::{Failure, FailureKind};
use crate::plan::about::Commit;
use crate::plan::model::Plan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of the file's form.
pub const FORMAT: u32 = 1;

/// What is sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Content {
    /// The version of this form: 1.
    pub format: u32,
    /// The dagmar that sealed it.
    pub dagmar: String,
    /// Who sealed it: the operating system's user and host.
    pub author: String,
    /// The database user who sealed it, at the first target.
    pub db_user: String,
    /// When, in milliseconds since 1970, by the clock of the first target.
    pub sealed_at: i64,
    /// From when on it must not be run any more.
    pub expires_at: i64,
    /// The commit of the project that it was made from, where it is in a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// What runs where, in the order of promotion.
    pub environments: Vec<Part>,
}

/// What runs in one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// The environment.
    pub environment: String,
    /// Its database, as it was seen.
    pub target: SealedTarget,
    /// What `dagmar.yaml` says of the environment, without its connection and variables.
    pub policy: Value,
    /// What the ledger had, as [`super::state`] sees it, of those that are applied again or go on.
    pub before: BTreeMap<String, String>,
    /// The plan.
    pub plan: Plan,
}

/// What a database is known by, wherever it may be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SealedTarget {
    /// The server's system identifier: its standbys have the same, no other server has.
    pub system: String,
    /// The name of the database.
    pub database: String,
    /// The ledger's installation; absent: there was no ledger, or one of an earlier version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// The major version of the server.
    pub server: i32,
    /// How many changesets the ledger had.
    pub recorded: usize,
    /// A digest of what they were.
    pub state: String,
}

/// The file is none.
pub(super) fn no_plan(why: &str) -> Failure {
    Failure::new(FailureKind::Drift, "the file is no sealed plan")
        .note(why)
        .help("`dagmar plan --out FILE` makes one; take it from where it was made, unchanged")
}

/// It is not as it was written.
pub(super) fn changed() -> Failure {
    Failure::new(FailureKind::Drift, "the sealed plan was changed after it was sealed")
        .help("take it from where it was made, unchanged; or seal a new one with `dagmar plan --out FILE`")
}

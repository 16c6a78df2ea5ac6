//! What a sealed plan holds.

use crate::base::{Failure, FailureKind, Operation, Setting};
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
    /// The version of this format: 1.
    pub format: u32,
    /// The dagmar that sealed it.
    pub dagmar: String,
    /// The operating system's user and host that sealed the plan.
    pub author: String,
    /// The database user that sealed the plan, at the first target.
    pub db_user: String,
    /// When, in milliseconds since 1970, by the clock of the first target.
    pub sealed_at: i64,
    /// From when on it must not be run any more.
    pub expires_at: i64,
    /// The commit of the project that it was made from, where it is in a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The environments with their plans, in the order of promotion.
    pub environments: Vec<Part>,
}

/// The plan for one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// The environment.
    pub environment: String,
    /// The database that the plan is bound to.
    pub target: SealedTarget,
    /// The policy of the environment in `dagmar.yaml`, without connection and variables.
    pub policy: Value,
    /// What the ledger had, as [`super::state`] sees it, of those that are applied again or go on.
    pub before: BTreeMap<String, String>,
    /// The plan.
    pub plan: Plan,
    /// The proofs of its changesets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<SealedProof>,
}

/// A proof that a sealed plan carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SealedProof {
    /// The changeset.
    pub changeset: String,
    /// The checksum of the SQL that was proven, as rendered, in both directions.
    pub digest: String,
    /// The major version of the server on which it was proven.
    pub server: i32,
    /// When it was proven, in milliseconds since 1970, by the clock of that server.
    pub at: i64,
}

/// The identification of a database, independent of its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SealedTarget {
    /// The server's system identifier, which it shares only with its standbys.
    pub system: String,
    /// The name of the database.
    pub database: String,
    /// The installation id of the ledger; absent if there was no ledger, or one of an earlier version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// The major version of the server.
    pub server: i32,
    /// The number of changesets in the ledger.
    pub recorded: usize,
    /// A digest of their states.
    pub state: String,
}

/// The file is none.
pub(super) fn no_plan(why: &str) -> Failure {
    Failure::new(FailureKind::Drift, "the file is not a sealed plan")
        .note(why)
        .help(Operation::Plan.with(Setting::Out.open()) + " makes one; take it from where it was made, unchanged")
}

/// It is not as it was written.
pub(super) fn changed() -> Failure {
    Failure::new(FailureKind::Drift, "the sealed plan was changed after it was sealed").help(
        "take it from where it was made, unchanged; or seal a new one with "
            + Operation::Plan.with(Setting::Out.open()),
    )
}

//! The form of a problem, for the documentation. [`Problem`](super::problem::Problem) makes it member by member.

use crate::base::{Location, Remedy};
use crate::report::LintAnswer;
use crate::report::diag::Problem as Diagnosis;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Why a request is not answered as asked (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemDetails {
    /// The kind of the problem: `urn:dagmar:problem:` and the code.
    pub r#type: String,
    /// The kind of the problem, for people.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// The kind of the problem, for programs.
    pub code: String,
    /// What happened.
    pub detail: String,
    /// The id of the request, which is in the header `X-Request-Id` and in the log too.
    pub request: String,
    /// Further facts, one line each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Vec<String>>,
    /// The remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The same as text, operations and options; absent: it is text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy_parts: Option<Remedy>,
    /// The problems in the project's files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Vec<Diagnosis>>,
    /// The differences from the expected content, as unified diffs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diffs: Option<Vec<String>>,
    /// Where in the project's files that stands which failed on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The review that has findings of the severity that fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<LintAnswer>,
    /// The id of the request that asked for the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The run in the ledger; null: it has not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Value>,
    /// What the run applied before it failed; of `/status`: what the database has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<Vec<Value>>,
    /// What the run rolled back before it failed.
    #[serde(rename = "rolled_back", skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<Vec<String>>,
    /// The failed steps; of `/status`: the changesets that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Vec<Value>>,
    /// The run that is in progress; null: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<Value>,
    /// The environments whose ledgers have the plan by this upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<Vec<String>>,
    /// The environments whose ledgers had the plan already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub already_there: Option<Vec<String>>,
    /// The environments whose ledgers do not have the plan, each with the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_stored: Option<BTreeMap<String, String>>,
    /// The environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The name of the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

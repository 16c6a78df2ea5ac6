//! The results of tests as a value, for programs and for the other formats.

use crate::testing::{Counts, TestResult};
use schemars::JsonSchema;
use serde::Serialize;

/// The results of the tests of a project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestAnswer {
    /// The environment whose variables were used.
    pub environment: String,
    /// The version of the private server: `15.4`; absent: no test was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The number of tests by result.
    pub counts: Counts,
    /// The duration in milliseconds.
    pub took_ms: u64,
    /// The tests, by file and position.
    pub tests: Vec<TestResult>,
}

//! How tests ended.

use super::difference::Difference;
use crate::base::Location;
use schemars::JsonSchema;
use serde::Serialize;

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TestStatus {
    /// Every expectation was met.
    Passed,
    /// An expectation was not met.
    Failed,
    /// Something else went wrong, before the expectations could be looked at.
    Error,
    /// It is for other environments.
    Skipped,
}

/// The result of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// The name of the test.
    pub name: String,
    /// The file, relative to the project.
    pub file: String,
    /// The line of the name, from 1.
    pub line: u32,
    /// How it ended.
    pub status: TestStatus,
    /// The duration in milliseconds.
    pub took_ms: u64,
    /// The environments that it is for, if it was skipped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<TestFailure>,
}

/// Why a test did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestFailure {
    /// What was running: `setup`, `applyTo`, `given`, or a step with its number from 1: `step 2`.
    pub part: String,
    /// What is wrong, in one line.
    pub message: String,
    /// The place of the expectation or step.
    #[serde(flatten)]
    pub location: Location,
    /// The SQL that failed, or whose result differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// The difference of expected and found rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// Further facts, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How many tests ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TestCounts")]
pub struct Counts {
    /// All their expectations were met.
    pub passed: usize,
    /// An expectation was not met.
    pub failed: usize,
    /// Something else went wrong.
    pub errors: usize,
    /// They are for other environments.
    pub skipped: usize,
    /// They were not run, because one before them did not pass.
    pub not_run: usize,
}

impl Counts {
    /// Those of these results; `all` is the number of tests that were to be run.
    #[must_use]
    pub fn of<'a>(results: impl IntoIterator<Item = &'a TestResult>, all: usize) -> Self {
        let mut counts = Self::default();
        let mut there = 0;
        for result in results {
            there += 1;
            match result.status {
                TestStatus::Passed => counts.passed += 1,
                TestStatus::Failed => counts.failed += 1,
                TestStatus::Error => counts.errors += 1,
                TestStatus::Skipped => counts.skipped += 1,
            }
        }
        counts.not_run = all.saturating_sub(there);
        counts
    }

    /// `2 passed, 1 failed`.
    #[must_use]
    pub fn words(&self) -> String {
        let all = [
            (self.passed, "passed"),
            (self.failed, "failed"),
            (self.errors, if self.errors == 1 { "error" } else { "errors" }),
            (self.skipped, "skipped"),
            (self.not_run, "not run"),
        ];
        let some = all.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"));
        some.collect::<Vec<_>>().join(", ")
    }

    /// The number of tests that did not pass.
    #[must_use]
    pub fn wrong(&self) -> usize {
        self.failed + self.errors
    }
}

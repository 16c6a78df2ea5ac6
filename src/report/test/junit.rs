//! JUnit XML: a suite for each file. An expectation that was not met is a failure, anything else an error.

use super::answer::TestAnswer;
use super::text::plain;
use crate::report::junit::{self, Case, End, Suite};
use crate::testing::{TestResult, TestStatus};

pub(super) fn render(answer: &TestAnswer) -> String {
    let suites = answer.tests.chunk_by(|a, b| a.file == b.file).map(|tests| Suite {
        name: tests[0].file.clone(),
        took_ms: None,
        cases: tests.iter().map(case).collect(),
    });
    junit::render("dagmar test", &suites.collect::<Vec<_>>())
}

fn case(test: &TestResult) -> Case {
    let message = test.failure.as_ref().map(|failure| format!("{}: {}", failure.part, failure.message));
    let message = message.unwrap_or_default();
    let text = test.failure.as_ref().map(|failure| plain(test, failure)).unwrap_or_default();
    let end = match test.status {
        TestStatus::Passed => End::Passed,
        TestStatus::Failed => End::Failed("failed", message, text),
        TestStatus::Error => End::Error("error", message, text),
        TestStatus::Skipped => End::Skipped(format!("for {}", test.environments.join(", "))),
    };
    Case {
        class: test.file.clone(),
        name: test.name.clone(),
        place: Some((test.file.clone(), Some(test.line))),
        took_ms: Some(test.took_ms),
        end,
    }
}

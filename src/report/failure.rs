//! Failures for programs.

use super::diag::{self, Problem};
use crate::base::{Failure, FailureKind, Location, Remedy, Wording};
use schemars::JsonSchema;
use serde::Serialize;

/// The reason why a command failed. It can follow other output or lines of JSON.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Failure")]
pub struct FailureAnswer<'a> {
    /// The error.
    error: ErrorAnswer<'a>,
    /// The problems in the project's files, if they are the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<Vec<Problem>>,
}

/// The error.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Error")]
struct ErrorAnswer<'a> {
    /// The kind of the failure.
    kind: FailureKind,
    /// The exit code of the process, not 0.
    exit_code: u8,
    /// The message, in one line.
    message: &'a str,
    /// Further facts, one line each.
    notes: Vec<String>,
    /// The remedy.
    help: Option<String>,
    /// The same as text, operations and options; absent: it is text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    help_parts: Option<&'a Remedy>,
    /// Where in the project's files that stands which failed on the server.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    location: Option<&'a Location>,
    /// The differences from the expected content, as unified diffs.
    #[serde(skip_serializing_if = "slice_is_empty")]
    diffs: &'a [String],
}

fn slice_is_empty(slice: &&[String]) -> bool {
    slice.is_empty()
}

impl<'a> FailureAnswer<'a> {
    /// For programs.
    #[must_use]
    pub fn of(failure: &'a Failure, wording: Wording) -> Self {
        Self {
            error: ErrorAnswer {
                kind: failure.kind,
                exit_code: failure.kind.exit_code(),
                message: &failure.message,
                notes: failure.notes.iter().map(wording).collect(),
                help: failure.help.as_ref().map(wording),
                help_parts: failure.help.as_ref().and_then(Remedy::named),
                location: failure.location.as_ref(),
                diffs: &failure.diffs,
            },
            diagnostics: (!failure.diagnostics.is_empty()).then(|| diag::entries(&failure.diagnostics, wording)),
        }
    }
}

//! Failures for programs.

use super::diag::{self, Problem};
use crate::base::{Failure, Kind, Location, Remedy, Wording};
use schemars::JsonSchema;
use serde::Serialize;

/// Why a command ended without having done its work. It may follow an answer or lines of JSON.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Failure")]
pub struct FailureAnswer<'a> {
    /// What went wrong.
    error: ErrorAnswer<'a>,
    /// The problems of the project's files, where those are the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<Vec<Problem>>,
}

/// What went wrong.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Error")]
struct ErrorAnswer<'a> {
    /// What kind of failure it is.
    kind: Kind,
    /// The exit code of the process, from 1.
    exit_code: u8,
    /// What went wrong, in a line.
    message: &'a str,
    /// Facts that help to understand it, a line each.
    notes: Vec<String>,
    /// What to do about it.
    help: Option<String>,
    /// The same as text, operations and options; absent: it is text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    help_parts: Option<&'a Remedy>,
    /// Where in the project's files that stands which failed on the server.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    location: Option<&'a Location>,
    /// What differs from what was expected, as unified diffs.
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

//! Failures for programs.

use super::diag::{self, Problem};
use crate::base::{Failure, FailureKind, Location};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

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
    kind: FailureKind,
    /// The exit code of the process, from 1.
    exit_code: u8,
    /// What went wrong, in a line.
    message: &'a str,
    /// Facts that help to understand it, a line each.
    notes: &'a [String],
    /// What to do about it.
    help: Option<&'a str>,
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

impl<'a> From<&'a Failure> for FailureAnswer<'a> {
    fn from(failure: &'a Failure) -> Self {
        Self {
            error: ErrorAnswer {
                kind: failure.kind,
                exit_code: failure.kind.exit_code(),
                message: &failure.message,
                notes: &failure.notes,
                help: failure.help.as_deref(),
                location: failure.location.as_ref(),
                diffs: &failure.diffs,
            },
            diagnostics: (!failure.diagnostics.is_empty()).then(|| diag::entries(&failure.diagnostics)),
        }
    }
}

/// Writes a failure beside an answer that is incomplete because of it.
///
/// # Errors
/// Those of the serializer.
pub fn beside<S: Serializer>(failure: &Option<Failure>, to: S) -> Result<S::Ok, S::Error> {
    failure.as_ref().map(FailureAnswer::from).serialize(to)
}

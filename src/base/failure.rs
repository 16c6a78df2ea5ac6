//! Why a command ends without having done its work: one table for exit codes and HTTP.

use super::Remedy;
use super::diag::Diagnostics;
use schemars::JsonSchema;

/// The kind of a failure. Scripts see it as the exit code, HTTP clients as the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FailureKind {
    /// An internal error of dagmar.
    Internal,
    /// The command line is invalid.
    Usage,
    /// The project's files are invalid.
    Source,
    /// The applied state differs from the files or the plan, or the history was changed.
    Drift,
    /// Refused: an explicit flag, approval or confirmation is missing.
    Refused,
    /// Another run holds the lock.
    Locked,
    /// The server cannot be reached or used.
    Database,
    /// A statement, precondition or verify check failed; the state is recorded.
    Failed,
    /// A signal stopped the run; the state is recorded.
    Interrupted,
    /// The review has findings at or above the severity that fails, or a test did not pass.
    Findings,
}

impl FailureKind {
    /// Every kind, in the order of exit codes.
    pub const ALL: [FailureKind; 10] = [
        FailureKind::Internal,
        FailureKind::Usage,
        FailureKind::Source,
        FailureKind::Drift,
        FailureKind::Refused,
        FailureKind::Locked,
        FailureKind::Database,
        FailureKind::Failed,
        FailureKind::Interrupted,
        FailureKind::Findings,
    ];

    /// The process's exit code; 0 is success.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            FailureKind::Internal => 1,
            FailureKind::Usage => 2,
            FailureKind::Source => 3,
            FailureKind::Drift => 4,
            FailureKind::Refused => 5,
            FailureKind::Locked => 6,
            FailureKind::Database => 7,
            FailureKind::Failed => 8,
            FailureKind::Interrupted => 9,
            FailureKind::Findings => 10,
        }
    }

    /// The status of an HTTP answer.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            FailureKind::Internal | FailureKind::Failed => 500,
            FailureKind::Usage => 400,
            FailureKind::Source | FailureKind::Findings => 422,
            FailureKind::Drift | FailureKind::Locked => 409,
            FailureKind::Refused => 403,
            FailureKind::Database | FailureKind::Interrupted => 503,
        }
    }

    /// One line for the documented table.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            FailureKind::Internal => "an internal error of dagmar",
            FailureKind::Usage => "the command line is invalid",
            FailureKind::Source => "the project's files have errors",
            FailureKind::Drift => {
                "the database differs from the files or the plan; or the history was changed manually"
            }
            FailureKind::Refused => "refused: an explicit flag, approval or confirmation is missing",
            FailureKind::Locked => "another run holds the lock",
            FailureKind::Database => "the server cannot be reached or used",
            FailureKind::Failed => "a statement or check failed; the ledger has the state",
            FailureKind::Interrupted => "interrupted by a signal or `cancel`; the ledger has the state",
            FailureKind::Findings => "the review has findings of a severity that fails, or a test did not pass",
        }
    }
}

/// A place in a file of the project, as shown to users.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// The file, relative to the project.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// True if this is the place at the time of the application; the file may have changed since.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub as_applied: bool,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)?;
        f.write_str(if self.as_applied { " when it was applied" } else { "" })
    }
}

/// The reason why an operation failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The kind, which determines exit code and HTTP status.
    pub kind: FailureKind,
    /// The message: one line, lower case, no full stop, never a secret.
    pub message: String,
    /// Further facts, one line each, and remedies of those facts where there are several.
    pub notes: Vec<Remedy>,
    /// The differences from the expected content, as unified diffs.
    pub diffs: Vec<String>,
    /// The remedy.
    pub help: Option<Remedy>,
    /// The place in the project's files of the statement that failed on the server.
    pub location: Option<Location>,
    /// The problems of the source files, if they are the reason.
    pub diagnostics: Diagnostics,
    /// Whether the ledger already has an event for it.
    pub recorded: bool,
    /// The cause, if callers handle it specially.
    pub cause: Option<Cause>,
}

/// A cause that callers handle specially.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A connection of a run was lost in the middle.
    ConnectionLost,
}

impl Failure {
    /// A failure of this kind.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            notes: Vec::new(),
            diffs: Vec::new(),
            help: None,
            location: None,
            diagnostics: Diagnostics::default(),
            recorded: false,
            cause: None,
        }
    }

    /// Sets the cause.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<Remedy>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds facts, a line each.
    #[must_use]
    pub fn notes(mut self, notes: impl IntoIterator<Item: Into<Remedy>>) -> Self {
        self.notes.extend(notes.into_iter().map(Into::into));
        self
    }

    /// Sets the remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<Remedy>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The failure for problems of the source files.
    #[must_use]
    pub fn source(diagnostics: Diagnostics) -> Self {
        let (errors, _) = diagnostics.counts();
        // what is wrong several times counts once
        let message =
            if errors == 1 { "the project has 1 error".to_owned() } else { format!("the project has {errors} errors") };
        Self { diagnostics, ..Self::new(FailureKind::Source, message) }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_distinct() {
        let mut codes: Vec<u8> = FailureKind::ALL.iter().map(|k| k.exit_code()).collect();
        codes.dedup();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
}

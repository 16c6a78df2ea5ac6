//! What goes wrong in a test.

use crate::base::{Failure, FailureKind, Location, Place, Wording};
use crate::pg::ServerError;
use crate::pg::run::FailedStep;
use crate::pipeline::TestSet;
use crate::source::testing::SqlText;
use crate::testing::{Difference, TestFailure, TestStatus};

/// Lines of a statement that are shown.
const MOST_LINES: usize = 12;

/// What ends a test.
pub(super) enum Wrong {
    /// The test did not pass.
    Test(TestStatus, Box<TestFailure>),
    /// The server did not do what was asked.
    Server(Failure),
    /// All tests end.
    Ends(Failure),
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::Interrupted | FailureKind::Internal => Self::Ends(failure),
            _ => Self::Server(failure),
        }
    }
}

/// Why an action did not come to its end.
pub(super) enum ActionEnd {
    /// It failed.
    Failed(Box<ActionError>),
    /// All tests end.
    Ends(Failure),
}

impl From<ActionError> for ActionEnd {
    fn from(error: ActionError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl ActionEnd {
    /// What ended an operation.
    pub(super) fn of(failure: Failure, wording: Wording) -> Self {
        match failure.kind {
            FailureKind::Interrupted | FailureKind::Internal => Self::Ends(failure),
            _ => ActionError::of_failure(&failure, wording).into(),
        }
    }

    /// A signal came.
    pub(super) fn interrupted() -> Self {
        Self::Ends(Failure::new(FailureKind::Interrupted, "stopped by a signal"))
    }

    /// What ends the test.
    pub(super) fn into_wrong(self, status: TestStatus, part: &str, place: &Place, set: &TestSet) -> Wrong {
        match self {
            Self::Failed(error) => error.into_wrong(status, part, place, set),
            Self::Ends(failure) => Wrong::Ends(failure),
        }
    }
}

/// An action that failed: something that a test may expect.
#[derive(Debug, Default)]
pub(super) struct ActionError {
    /// The SQLSTATE, if the server said no.
    pub sqlstate: Option<String>,
    /// The message.
    pub message: String,
    /// The statement.
    pub sql: Option<String>,
    /// Further facts.
    pub notes: Vec<String>,
    /// The place in the test files, if it is known better than that of the step.
    pub place: Option<Place>,
    /// The rows that differ.
    pub difference: Option<Difference>,
}

impl ActionError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// SQL of the test that the server refused.
    pub(super) fn of_sql(error: &ServerError, text: &SqlText, place: Option<Place>) -> Self {
        let detail = error.detail.iter().flat_map(|detail| detail.lines()).map(|line| format!("detail: {line}"));
        let hint = error.hint.iter().map(|hint| format!("hint: {hint}"));
        Self {
            sqlstate: Some(error.sqlstate.clone()),
            message: error.message.clone(),
            sql: Some(shortened(&text.written)),
            notes: detail.chain(hint).collect(),
            place,
            difference: None,
        }
    }

    /// A changeset that failed.
    pub(super) fn of_step(step: &FailedStep, verb: &str) -> Self {
        let FailedStep { changeset, error, .. } = step;
        let place = error.location.iter().map(|at: &Location| format!("at {at}"));
        let detail = error.detail.iter().flat_map(|detail| detail.lines()).map(|line| format!("detail: {line}"));
        let hint = error.hint.iter().map(|hint| format!("hint: {hint}"));
        Self {
            sqlstate: (!error.sqlstate.is_empty()).then(|| error.sqlstate.clone()),
            message: format!("{verb} `{changeset}` failed: {}", error.message),
            sql: error.statement.as_deref().map(shortened),
            notes: place.chain(detail).chain(hint).collect(),
            place: None,
            difference: None,
        }
    }

    /// An operation that was refused.
    pub(super) fn of_failure(failure: &Failure, wording: Wording) -> Self {
        let place = failure.location.iter().map(|at| format!("at {at}"));
        let notes = failure.notes.iter().map(wording);
        let problems = failure.diagnostics.iter().map(|problem| problem.message.clone());
        // an operation that it names would be about an environment
        let help = failure.help.iter().filter(|help| help.named().is_none());
        let help = help.map(|help| format!("help: {}", wording(help)));
        Self {
            message: failure.message.clone(),
            notes: place.chain(notes).chain(problems).chain(help).collect(),
            ..Self::default()
        }
    }

    /// Message and SQLSTATE.
    pub(super) fn words(&self) -> String {
        match &self.sqlstate {
            Some(code) => format!("{} ({code})", self.message),
            None => self.message.clone(),
        }
    }

    /// The failure of the test.
    pub(super) fn into_failure(self, part: &str, place: &Place, set: &TestSet) -> TestFailure {
        TestFailure {
            part: part.to_owned(),
            message: self.words(),
            location: set.location(self.place.as_ref().unwrap_or(place)),
            sql: self.sql,
            difference: self.difference,
            notes: self.notes,
        }
    }

    /// What ends the test.
    pub(super) fn into_wrong(self, status: TestStatus, part: &str, place: &Place, set: &TestSet) -> Wrong {
        Wrong::Test(status, Box::new(self.into_failure(part, place, set)))
    }
}

/// The first lines of a statement.
pub(super) fn shortened(sql: &str) -> String {
    let sql = sql.trim();
    let lines: Vec<&str> = sql.lines().collect();
    if lines.len() <= MOST_LINES {
        return sql.to_owned();
    }
    format!("{}\n… and {} more lines", lines[..MOST_LINES].join("\n"), lines.len() - MOST_LINES)
}

//! One test: its steps, in its own database.

use super::answered;
use super::failed::{ActionEnd, ActionError, Wrong, shortened};
use super::query::give;
use super::server::Servers;
use crate::base::{PathSeg, Place};
use crate::pg::Database;
use crate::pg::connect::mask::hidden;
use crate::source::testing::{Action, ExpectedFailure, Step, Test};
use crate::testing::{Mismatch, TestStatus};

/// A test with its database.
pub(super) struct Case<'c, 'a> {
    pub servers: &'c Servers<'a>,
    pub test: &'c Test,
    pub db: Database,
}

/// How a step ended that did not pass.
enum StepEnd {
    /// An expectation was not met.
    Unmet(ActionError),
    /// Something else went wrong.
    Wrong(ActionEnd),
}

impl From<ActionEnd> for StepEnd {
    fn from(end: ActionEnd) -> Self {
        Self::Wrong(end)
    }
}

impl Case<'_, '_> {
    /// Runs the steps, and drops the database.
    pub(super) async fn run(mut self) -> Result<(), Wrong> {
        let mut result = Ok(());
        for step in &self.test.steps {
            if let Err(end) = self.step(step).await {
                let (part, set) = (part(&step.place), self.servers.set);
                result = Err(match end {
                    StepEnd::Unmet(error) => error.into_wrong(TestStatus::Failed, &part, &step.place, set),
                    StepEnd::Wrong(end) => end.into_wrong(TestStatus::Error, &part, &step.place, set),
                });
                break;
            }
        }
        let discarded = self.servers.discard(self.db).await;
        // what went wrong first is what one wants to know
        result.and_then(|()| discarded.map_err(Wrong::from))
    }

    async fn step(&mut self, step: &Step) -> Result<(), StepEnd> {
        match &step.action {
            Action::Expect(text, expected) => {
                let context = self.servers.context(&self.db.settings);
                let (session, found) = context.run(&step.session, text).await?;
                let compared = answered::compare(&session.connection, text, expected, found).await;
                compared.map_err(|Mismatch { message, mut difference }| {
                    difference.iter_mut().for_each(|rows| rows.each_text(hidden));
                    StepEnd::Unmet(ActionError {
                        message,
                        difference,
                        sql: Some(shortened(&text.written)),
                        ..ActionError::default()
                    })
                })
            }
            Action::Fails(action, expected) => match self.act(step, action).await {
                Ok(()) => {
                    Err(StepEnd::Unmet(ActionError::new(format!("expected {}, but it succeeded", words(expected)))))
                }
                Err(ActionEnd::Failed(error)) if is_expected(&error, expected) => Ok(()),
                Err(ActionEnd::Failed(error)) => {
                    let message = format!("expected {}, but it failed with: {}", words(expected), error.words());
                    Err(StepEnd::Unmet(ActionError { message, sqlstate: None, ..*error }))
                }
                Err(end) => Err(end.into()),
            },
            action => Ok(self.act(step, action).await?),
        }
    }

    /// Does what must succeed, or fail.
    async fn act(&mut self, step: &Step, action: &Action) -> Result<(), ActionEnd> {
        let changer = self.servers.changer;
        match action {
            Action::Given(given) => give(&self.servers.context(&self.db.settings), &step.session, given).await,
            Action::Apply(chosen) => changer.apply(&mut self.db, chosen).await,
            Action::Rollback(chosen) => changer.rollback(&mut self.db, chosen).await,
            Action::Sql(text) | Action::Expect(text, _) => {
                self.servers.context(&self.db.settings).run(&step.session, text).await.map(drop)
            }
            Action::Fails(action, _) => Box::pin(self.act(step, action)).await,
        }
    }
}

/// Whether an error is the expected one.
fn is_expected(error: &ActionError, expected: &ExpectedFailure) -> bool {
    let code = expected.sqlstate.as_ref().is_none_or(|code| error.sqlstate.as_ref() == Some(code));
    let says = |part: &String| error.message.contains(part) || error.notes.iter().any(|note| note.contains(part));
    code && expected.message.as_ref().is_none_or(says)
}

/// An expected failure in words.
fn words(expected: &ExpectedFailure) -> String {
    let message = expected.message.as_ref().map(|message| format!("an error with `{message}`"));
    match (&expected.sqlstate, message) {
        (Some(code), None) => format!("the error {code}"),
        (Some(code), Some(message)) => format!("{message} ({code})"),
        (None, message) => message.unwrap_or_default(),
    }
}

/// The name of a part of a test: `step 2`.
fn part(place: &Place) -> String {
    let number = place.path.windows(2).rev().find_map(|pair| match pair {
        [PathSeg::Key(key), PathSeg::Index(at)] if key == "steps" => Some(at + 1),
        _ => None,
    });
    number.map_or_else(|| "given".to_owned(), |number| format!("step {number}"))
}

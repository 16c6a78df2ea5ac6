//! Steps as one message inside of a transaction that is open.

use super::job::FailedStep;
use crate::base::{Failure, FailureKind, Location, Secrets};
use crate::exec::{Script, StatementTag};
use crate::pg::connect::Connection;
use crate::pg::connect::error::{ServerError, query_failed};
use crate::plan::{Mode, Step};
use futures_util::{StreamExt, pin_mut};
use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::SimpleQueryMessage;

/// The statement that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryRunError {
    /// The changeset.
    pub changeset: String,
    /// The SQLSTATE.
    pub sqlstate: String,
    /// The server's message.
    pub message: String,
    /// The server's DETAIL, which can contain values of rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// Where in the project's files it is written, where that is known.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

impl From<FailedStep> for DryRunError {
    fn from(FailedStep { changeset, error, .. }: FailedStep) -> Self {
        Self {
            changeset,
            sqlstate: error.sqlstate,
            message: error.message,
            detail: error.detail,
            sql: error.statement,
            location: error.location,
        }
    }
}

/// How far a message came.
#[derive(Debug)]
pub struct Played {
    /// How many of its statements ran.
    pub reached: usize,
    /// The statement that failed. The transaction is of no more use then.
    pub failed: Option<(StatementTag, DryRunError)>,
}

/// Sends a message that was printed for a dry run of these steps.
///
/// # Errors
/// A secret variable without a value, or a connection that is lost.
pub async fn play(
    connection: &Connection,
    script: &Script,
    steps: &[Step],
    secrets: &Secrets,
) -> Result<Played, Failure> {
    let filled =
        script.filled(secrets).map_err(|(_, why)| Failure::new(FailureKind::Usage, why.message).help(why.help))?;
    let script = filled.as_ref().map_or(script, |filled| &filled.script);
    let (count, error) = match follow(connection, script).await {
        Ok(reached) => return Ok(Played { reached, failed: None }),
        Err(failed) => failed,
    };
    let failure = ServerError::of(&error);
    if failure.is_connection_lost() {
        return Err(query_failed("the connection was lost", &failure));
    }
    let number = number_of(script, count, &failure);
    let mark = script.mark(number);
    // of another form of the statement it would be a place in that one
    let whole = matches!(mark, StatementTag::Statement(_, segment, _)
        if mark.step().is_some_and(|step| steps[step].segments[segment].mode == Mode::Transaction));
    let position = failure.position.filter(|_| whole).and_then(|p| script.position_in(number, p));
    let written = |p| filled.as_ref().map_or(Some(p), |filled| filled.position(number, p));
    let position = position.and_then(written);
    Ok(Played { reached: count, failed: Some((mark, describe(steps, mark, failure, position))) })
}

async fn follow(connection: &Connection, script: &Script) -> Result<usize, (usize, tokio_postgres::Error)> {
    let mut answered = 0;
    let _rows_are_let_go = connection.streams();
    let stream = connection.stream(&script.sql).await.map_err(|e| (0, e))?;
    pin_mut!(stream);
    while let Some(message) = stream.next().await {
        match message {
            Ok(SimpleQueryMessage::CommandComplete(_)) => answered += 1,
            Ok(_) => {}
            Err(e) => return Err((answered, e)),
        }
    }
    Ok(answered)
}

/// The statement that failed, of a message that was answered up to this one.
fn number_of(script: &Script, statement: usize, failure: &ServerError) -> usize {
    failure.position.and_then(|p| script.statement_at(p)).filter(|at| *at > statement).unwrap_or(statement)
}

/// `position`: where in the statement, in characters from 1.
fn describe(steps: &[Step], mark: StatementTag, failure: ServerError, position: Option<usize>) -> DryRunError {
    let step = mark.step().and_then(|step| steps.get(step));
    let statement = match mark {
        StatementTag::Statement(_, segment, i) => {
            step.and_then(|s| s.segments.get(segment)).and_then(|s| s.statements.get(i))
        }
        _ => None,
    };
    let check = match mark {
        StatementTag::Verify(_, i) => step.and_then(|s| s.verify.get(i)),
        StatementTag::Precondition(_, i) => step.and_then(|s| s.preconditions.get(i)),
        _ => None,
    };
    let location = step.and_then(|step| match (statement, check) {
        (Some(s), _) => step.location(s.origin.as_ref(), &s.sql, position),
        (_, Some(c)) => step.location(c.origin.as_ref(), &c.sql, None),
        _ => None,
    });
    DryRunError {
        changeset: step.map_or_else(|| "the ledger".to_owned(), |s| s.changeset.clone()),
        sqlstate: failure.sqlstate,
        message: failure.message,
        detail: failure.detail,
        sql: statement.map(|s| s.sql.clone()),
        location,
    }
}

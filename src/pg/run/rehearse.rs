//! A dry run on the real server: everything in one transaction that is rolled back.

use super::FailedStep;
use crate::base::{Failure, FailureKind, HumanDuration, Ident, Location, Secrets, Setting};
pub use crate::exec::dry_run::locks;
use crate::exec::dry_run::{DryRun, LeftOut, dry_run};
use crate::exec::{Printer, Script, StatementTag, Writer};
use crate::ledger::record::{Recorder, RunRef};
use crate::ledger::schema;
use crate::pg::connect::Connection;
use crate::pg::connect::error::ServerError;
use crate::pg::stop::Stop;
use crate::plan::{Mode, Plan};
use crate::sql;
use futures_util::{StreamExt, pin_mut};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;
use tokio_postgres::SimpleQueryMessage;

/// Only a commit makes a new enum value usable (manual, ALTER TYPE, notes).
const UNSAFE_NEW_ENUM_VALUE: &str = "55P04";

/// What a dry run found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    /// The number of statements that ran.
    pub ran: usize,
    /// Statements that were omitted or ran in another form.
    pub left_out: Vec<LeftOut>,
    /// The failure, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<DryRunError>,
}

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

/// Runs a plan inside of one transaction and rolls it back, at the latest after `limit` or when
/// `stop` is asked for. The locks are real while it lasts; each is waited for as long as the
/// plan's own limits say, once. A ledger of an earlier `version` (0: none) is brought up to date in
/// it as well.
///
/// # Errors
/// When its time is over, or the connection is lost. Nothing is changed then either.
pub async fn rehearse(
    connection: &Connection,
    version: u32,
    ledger: &Ident,
    plan: &Plan,
    secrets: &Secrets,
    limit: HumanDuration,
    stop: &Stop,
) -> Result<Rehearsal, Failure> {
    let over = tokio::time::sleep(Duration::from_millis(limit.millis));
    let rehearsal = async {
        let mut skipped = Vec::new();
        loop {
            let (rehearsal, unusable) = once(connection, version, ledger, plan, secrets, &skipped).await?;
            match unusable {
                Some(mark) if !skipped.contains(&mark) => skipped.push(mark),
                _ => return Ok(rehearsal),
            }
        }
    };
    let mut rehearsal = std::pin::pin!(rehearsal);
    let ended = tokio::select! {
        rehearsal = &mut rehearsal => return rehearsal,
        () = over => Failure::new(FailureKind::Failed, format!("the dry run exceeded its time limit of {limit}"))
            .note("nothing was changed")
            .help("increase the limit with "
                + Setting::DryRunLimit
                + ", or use a private server with "
                + Setting::Shadow),
        () = stop.requested() => Failure::new(FailureKind::Interrupted, "the dry run was stopped by a signal")
            .note("nothing was changed"),
    };
    let canceler = connection.canceler();
    loop {
        // a cancel that comes between two statements is forgotten by the server
        let _ = canceler.cancel().await;
        if tokio::time::timeout(Duration::from_millis(500), &mut rehearsal).await.is_ok() {
            return Err(ended);
        }
    }
}

/// Rehearses without these statements. Tells also which one failed for using an enum value
/// that the rehearsal itself has added.
async fn once(
    connection: &Connection,
    version: u32,
    ledger: &Ident,
    plan: &Plan,
    secrets: &Secrets,
    skipped: &[StatementTag],
) -> Result<(Rehearsal, Option<StatementTag>), Failure> {
    let mut unusable = None;
    let pieces = if version < schema::VERSION { schema::upgrade(ledger, version) } else { String::new() };
    let pieces = sql::split(&pieces).map_err(|e| Failure::new(FailureKind::Internal, e.message))?;
    let upgrade: Vec<&str> = pieces.iter().map(|piece| piece.text).collect();
    let printer = Printer::DryRun { author_path: connection.author_path().to_owned() };
    let writer = Writer { recorder: Recorder::new(ledger, RunRef::Transaction), printer };
    let DryRun { script, left_out } = dry_run(&writer, plan, &upgrade, skipped);
    let mut result = Rehearsal { left_out, ..Rehearsal::default() };
    let filled =
        script.filled(secrets).map_err(|(_, why)| Failure::new(FailureKind::Usage, why.message).help(why.help))?;
    let script = filled.as_ref().map_or(&script, |filled| &filled.script);
    let answered = follow(connection, script).await;
    let ended = connection.roll_back().await;
    let reached = *answered.as_ref().unwrap_or_else(|(n, _)| n);
    match answered {
        Ok(_) => ended.map_err(|e| crate::pg::connect::error::query_failed("the dry run cannot be rolled back", &e))?,
        Err((count, e)) => {
            let failure = ServerError::of(&e);
            if failure.is_connection_lost() || ended.is_err() {
                return Err(crate::pg::connect::error::query_failed(
                    "the connection was lost during the dry run; its changes are rolled back",
                    &failure,
                ));
            }
            let number = number_of(script, count, &failure);
            let mark = script.mark(number);
            // of another form of the statement it would be a place in that one
            let whole = matches!(mark, StatementTag::Statement(_, segment, _)
                if mark.step().is_some_and(|step| plan.steps[step].segments[segment].mode == Mode::Transaction));
            let position = failure.position.filter(|_| whole).and_then(|p| script.position_in(number, p));
            let written = |p| filled.as_ref().map_or(Some(p), |filled| filled.position(number, p));
            let position = position.and_then(written);
            if failure.sqlstate == UNSAFE_NEW_ENUM_VALUE && matches!(mark, StatementTag::Statement(..)) {
                unusable = Some(mark);
            }
            result.failed = Some(describe(plan, mark, failure, position));
        }
    }
    result.ran =
        script.statements().take(reached).filter(|(mark, _)| matches!(mark, StatementTag::Statement(..))).count();
    Ok((result, unusable))
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
fn describe(plan: &Plan, mark: StatementTag, failure: ServerError, position: Option<usize>) -> DryRunError {
    let step = mark.step().and_then(|step| plan.steps.get(step));
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

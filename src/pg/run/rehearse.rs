//! A dry run on the real server: everything in one transaction that is rolled back.

pub use super::play::DryRunError;
use super::play::{Played, play};
use crate::base::{Failure, FailureKind, HumanDuration, Ident, Secrets, Setting};
pub use crate::exec::dry_run::locks;
use crate::exec::dry_run::{DryRun, LeftOut, dry_run};
use crate::exec::{Printer, StatementTag, Writer};
use crate::ledger::record::{Recorder, RunRef};
use crate::ledger::schema;
use crate::pg::connect::Connection;
use crate::pg::stop::Stop;
use crate::plan::Plan;
use crate::sql;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

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
    let played = play(connection, &script, &plan.steps, secrets).await;
    let ended = connection.roll_back().await;
    let Played { reached, failed } = played.map_err(|failure| Failure {
        message: format!(
            "the connection was lost during the dry run; its changes are rolled back: {}",
            failure.message
        ),
        ..failure
    })?;
    ended.map_err(|e| crate::pg::connect::error::query_failed("the dry run cannot be rolled back", &e))?;
    if let Some((mark, error)) = failed {
        if error.sqlstate == UNSAFE_NEW_ENUM_VALUE && matches!(mark, StatementTag::Statement(..)) {
            unusable = Some(mark);
        }
        result.failed = Some(error);
    }
    result.ran =
        script.statements().take(reached).filter(|(mark, _)| matches!(mark, StatementTag::Statement(..))).count();
    Ok((result, unusable))
}

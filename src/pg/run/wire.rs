//! Sending messages and reading how far they came.

use super::fault::{Row, StatementError, StepEnd};
use super::worker::Worker;
use crate::base::{Failure, FailureKind, QualifiedName, Secret};
use crate::exec::{Script, StatementTag};
use crate::ledger::code;
use crate::pg::connect::error::ServerError;
use crate::pg::connect::query;
use crate::pg::lock::lease;
use crate::pg::lock::lost::{connection_lost, taken_over};
use crate::pg::run::kept;
use crate::plan::Step;
use crate::run::{Event, StepError};
use crate::sql;
use crate::sql::secret::{self, SecretError};
use futures_util::{StreamExt, pin_mut};
use tokio_postgres::SimpleQueryMessage;

impl Worker<'_, '_> {
    /// Sends a message and follows the answers. After a fault no transaction is open.
    pub(super) async fn send(&mut self, script: &Script) -> Result<(), StepEnd> {
        self.exchange(script).await.map(|_| ())
    }

    /// As [`Worker::send`], with the first row of the last statement that answers any.
    pub(super) async fn exchange(&mut self, script: &Script) -> Result<Option<Row>, StepEnd> {
        let filled = match script.filled(&self.shared.secrets) {
            Ok(filled) => filled,
            Err((at, why)) => {
                self.undo().await?;
                return Err(StepEnd::Statement(StatementError { mark: script.mark(at), failure: unfillable(why) }));
            }
        };
        let script = filled.as_ref().map_or(script, |filled| &filled.script);
        let mut answered = 0;
        let mut row = None;
        let outcome = self.follow(script, &mut answered, &mut row).await;
        self.drain_notices();
        let Err(error) = outcome else { return Ok(row.map(|(_, row)| row)) };
        let mut failure = ServerError::of(&error);
        if failure.is_connection_lost() || error.is_closed() {
            return Err(StepEnd::Lost(connection_lost(&failure)));
        }
        let at = failure.position.and_then(|p| script.statement_at(p)).filter(|at| *at > answered).unwrap_or(answered);
        let mark = script.mark(at);
        failure.position = failure.position.and_then(|p| script.position_in(at, p));
        if let Some(filled) = &filled {
            failure.position = failure.position.and_then(|p| filled.position(at, p));
        }
        self.undo().await?;
        if failure.sqlstate == code::TAKEN_OVER {
            return Err(self.taken_over().await);
        }
        self.settle().await?;
        if failure.sqlstate == "57014" && self.shared.halt.is_requested() {
            return Err(StepEnd::Stopped);
        }
        Err(StepEnd::Statement(StatementError { mark, failure }))
    }

    /// Another run has the lock, and so its epoch.
    pub(super) async fn taken_over(&self) -> StepEnd {
        let by = lease::successor(self.connection, &self.ledger(), self.shared.epoch).await;
        StepEnd::Lost(taken_over(by.as_deref()))
    }

    /// Ends the transaction, where one is open.
    pub(super) async fn undo(&mut self) -> Result<(), StepEnd> {
        if let Err(e) = self.connection.roll_back().await {
            return Err(StepEnd::Lost(connection_lost(&e)));
        }
        // outside of a transaction it is only a warning
        while self.connection.notices.try_recv().is_ok() {}
        Ok(())
    }

    async fn follow(
        &mut self,
        script: &Script,
        answered: &mut usize,
        kept: &mut Option<(usize, Row)>,
    ) -> Result<(), tokio_postgres::Error> {
        let canceler = self.connection.canceler();
        let _rows_are_let_go = self.connection.streams();
        let known = self.shared.committed_steps();
        let stream = self.connection.stream(&script.sql).await?;
        pin_mut!(stream);
        let mut cancelled = self.shared.halt.is_requested();
        loop {
            let next = tokio::select! {
                next = stream.next() => next,
                () = self.shared.halt.requested(), if !cancelled => {
                    cancelled = true;
                    // the answer to the cancelled statement comes through the stream
                    let _ = canceler.cancel().await;
                    continue;
                }
            };
            match next {
                None => return Ok(()),
                Some(Err(e)) => return Err(e),
                Some(Ok(SimpleQueryMessage::Row(row))) => {
                    if let StatementTag::Took(_) = script.mark(*answered) {
                        self.took = row.get(0).and_then(|ms| ms.parse().ok()).or(self.took);
                    }
                    // a changeset's own SELECT may answer more rows than there is memory
                    if kept.as_ref().is_none_or(|(of, _)| of != answered) {
                        *kept = Some((*answered, (0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect()));
                    }
                }
                Some(Ok(SimpleQueryMessage::CommandComplete(_))) => {
                    let mark = script.mark(*answered);
                    *answered += 1;
                    match mark {
                        StatementTag::Fence(step) => self.step_begun(step),
                        StatementTag::StepCommitted(step) => self.step_committed(step),
                        StatementTag::StepDone(step) => self.step_done(step, known),
                        _ => {}
                    }
                }
                Some(Ok(_)) => {}
            }
        }
    }

    /// The first row of a query of dagmar's own.
    pub(super) async fn one_row(&mut self, sql: &str) -> Result<Row, Failure> {
        let rows = self.connection.texts(sql).await.map_err(|e| query_failed(&e))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// The first row of what an author asks.
    pub(super) async fn author_row(&mut self, sql: &str) -> Result<Row, Failure> {
        let value = |name: &str| self.shared.secrets.value(name).map(Secret::expose);
        let filled = match secret::has_secrets(sql) {
            true => {
                secret::fill(sql, &value).map_err(|why| Failure::new(FailureKind::Usage, why.message).help(why.help))?
            }
            false => sql.to_owned(),
        };
        let rows = self.connection.author_texts(&filled).await.map_err(|e| query_failed(&e))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// A relation that an author named, as an SQL expression.
    pub(super) fn relation(&self, name: &QualifiedName) -> String {
        query::relation(&self.shared.author_path, &name.sql())
    }

    fn drain_notices(&mut self) {
        while let Ok(notice) = self.connection.notices.try_recv() {
            self.tell(&Event::Notice { severity: notice.severity, message: notice.message });
        }
    }

    /// What went wrong, for people; and for the ledger, without what may be anybody's data.
    pub(super) async fn step_error(&mut self, step: &Step, fault: &StatementError) -> (StepError, StepError) {
        let failure = &fault.failure;
        let failed = match fault.mark {
            StatementTag::Statement(_, segment, statement) => {
                step.segments.get(segment).and_then(|s| s.statements.get(statement))
            }
            _ => None,
        };
        let statement = failed.map(|s| s.sql.clone());
        let location = match fault.mark {
            StatementTag::Verify(_, i) => {
                step.verify.get(i).and_then(|c| step.location(c.origin.as_ref(), &c.sql, None))
            }
            StatementTag::Precondition(_, i) => {
                step.preconditions.get(i).and_then(|c| step.location(c.origin.as_ref(), &c.sql, None))
            }
            _ => failed.and_then(|s| step.location(s.origin.as_ref(), &s.sql, failure.position)),
        };
        let line_column = failure.position.zip(statement.as_deref()).map(|(position, text)| {
            let at = sql::line_column(text, position);
            (at.line, at.column)
        });
        let message = match (fault.mark, failure.sqlstate.as_str()) {
            // a broken question is not the same as the answer no
            (StatementTag::Verify(_, i), state) if state != code::CHECK => {
                format!("the check `{}` cannot be queried: {}", step.verify[i].name, failure.message)
            }
            (StatementTag::Precondition(_, i), state) if state != code::CHECK => {
                format!("the precondition `{}` cannot be queried: {}", step.preconditions[i].name, failure.message)
            }
            _ => failure.message.clone(),
        };
        let blockers = self.blockers(fault).await;
        let shown = StepError {
            sqlstate: failure.sqlstate.clone(),
            message,
            statement,
            location,
            line_column,
            constraint: failure.constraint.clone(),
            detail: failure.detail.clone(),
            hint: failure.hint.clone(),
            blockers: blockers.iter().map(ToString::to_string).collect(),
        };
        let kept = StepError {
            message: kept::message(&shown.sqlstate, &shown.message, shown.statement.as_deref()),
            detail: None,
            hint: shown.hint.clone().filter(|_| kept::names_only(&shown.sqlstate)),
            blockers: blockers.into_iter().map(|blocker| blocker.who).collect(),
            ..shown.clone()
        };
        (shown, kept)
    }
}

/// SQL whose secret variables cannot be filled in.
fn unfillable(why: SecretError) -> ServerError {
    ServerError {
        sqlstate: code::SECRET.to_owned(),
        message: why.message,
        constraint: None,
        table: None,
        column: None,
        position: None,
        detail: None,
        hint: Some(why.help),
    }
}

/// A question about the state of things has no answer.
fn query_failed(failure: &ServerError) -> Failure {
    if failure.is_connection_lost() {
        return connection_lost(failure);
    }
    Failure::new(FailureKind::Database, format!("cannot determine the progress of an earlier run: {failure}"))
        .help("fix the cause (a `verify` check is such a query), then run the command again")
}

//! Runs the hooks of an environment (`beforeApply`) before a run changes anything. Each hook has a time limit, events for
//! the observer, and an event in the ledger. The first failing hook ends the run, before any statement of the plan.

mod before;
mod child;
mod dump;
mod restore_point;
mod variables;

pub use before::Hooks;
use before::{Before, Detail, HookError};

use super::connect::Connection;
use super::connect::error;
use super::run::ready::{Clearance, Judged, Ready};
use super::stop::Stop;
use crate::base::{Failure, FailureKind};
use crate::history::{EventKind, RunStatus};
use crate::ledger::record::OWN_PATH;
use crate::run::{Event, HookOutcome, Observer};
use crate::source::Hook;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Runs the hooks, one after the other, but for the first ones that an earlier attempt of the same run
/// has done, whose connection was lost. Then the plan may run.
///
/// # Errors
/// When one fails; then the run is recorded as failed.
pub async fn run<'l>(
    hooks: &Hooks<'_>,
    judged: Judged<'l>,
    clearance: &mut Clearance,
    connection: &mut Connection,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Ready<'l>, Failure> {
    let (plan, lock) = (judged.plan(), judged.lock());
    let before = Before { hooks, plan, lock, recorder: lock.recorder(hooks.ledger) };
    let done = clearance.hooks_done();
    for hook in hooks.list.iter().skip(*done) {
        // as the file or restore point is called in the end; variables of the process may be secrets
        let name = hook.name().replace("${run}", &lock.run).replace("${environment}", &plan.environment);
        observer.on(&Event::HookStarted { hook: name.clone() });
        let began = Instant::now();
        let result = before.one(hook, connection, observer, stop).await;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (outcome, mut detail, failure) = match result {
            Ok(detail) => (HookOutcome::Done, detail, None),
            Err(HookError::Failed(failure)) => (HookOutcome::Failed, Detail::new(), Some(failure)),
            Err(HookError::Timeout) => (HookOutcome::Timeout, Detail::new(), Some(too_long(hook))),
            Err(HookError::Stopped) => (HookOutcome::Interrupted, Detail::new(), Some(stopped())),
        };
        observer.on(&Event::HookDone { hook: name.clone(), outcome, took_ms });
        detail.insert("hook".to_owned(), name.as_str().into());
        detail.insert("outcome".to_owned(), outcome.word().into());
        detail.insert("tookMs".to_owned(), took_ms.into());
        before.record(connection, detail, failure.as_ref()).await?;
        *done += usize::from(failure.is_none());
        if let Some(failure) = failure {
            let failure = Failure { message: format!("`beforeApply`: `{name}`: {}", failure.message), ..failure };
            return Err(failure.note("nothing was applied; the run is recorded"));
        }
    }
    Ok(judged.ready(clearance))
}

fn too_long(hook: &Hook) -> Failure {
    Failure::new(FailureKind::Failed, format!("did not finish within {} and was stopped", hook.limit()))
        .help("increase `timeout`, or check what it waits for")
}

fn stopped() -> Failure {
    Failure::new(FailureKind::Interrupted, "stopped by a signal").help("run the command again to start over")
}

impl Before<'_> {
    async fn one(
        &self,
        hook: &Hook,
        connection: &mut Connection,
        observer: &mut dyn Observer,
        stop: &Stop,
    ) -> Result<Detail, HookError> {
        let limit = Duration::from_millis(hook.limit().millis);
        match hook {
            Hook { run: Some(command), .. } => {
                let mut program = tokio::process::Command::new(self.program(&command[0]));
                program.args(&command[1..]);
                self.child(program, limit, observer, stop).await?;
                Ok(Detail::new())
            }
            Hook { dump: Some(dump), .. } => dump::make(self, dump, limit, connection, observer, stop).await,
            Hook { restore_point, .. } => {
                let name = self.filled(restore_point.as_deref().unwrap_or_default())?;
                restore_point::make(&name, limit, connection, stop).await
            }
        }
    }

    /// One event, in a transaction that only the holder of the lock can commit; with a run
    /// that has failed where it is the end.
    async fn record(&self, connection: &Connection, detail: Detail, failure: Option<&Failure>) -> Result<(), Failure> {
        let mut sql = vec!["BEGIN".to_owned(), self.recorder.fence(self.lock.epoch, "beforeApply", None, OWN_PATH)];
        if failure.is_some() {
            sql.extend(self.recorder.start_run(&self.hooks.info.start(self.plan)));
        }
        let name = detail.get("hook").and_then(Value::as_str).unwrap_or_default().to_owned();
        sql.push(self.recorder.event(EventKind::BeforeApply, None, &json!(detail)));
        if let Some(failure) = failure {
            let status = match failure.kind {
                FailureKind::Interrupted => RunStatus::Interrupted,
                _ => RunStatus::Failed,
            };
            let message = format!("beforeApply: {name}: {}", failure.message);
            sql.extend(self.recorder.finish_run(status, Some(&message)));
        }
        sql.push("COMMIT".to_owned());
        let done = connection.execute(&sql.join(";\n")).await;
        done.map_err(|e| error::query_failed("cannot record the hook", &e))
    }
}

//! Executes a plan: connections take steps from a schedule.

mod aftermath;
mod batch;
mod blockers;
mod fault;
mod job;
mod kept;
mod outside;
mod pace;
pub mod play;
pub mod ready;
pub mod rehearse;
mod shared;
mod watch;
mod whole;
mod wire;
mod worker;

pub use crate::exec::check_whole;
pub use job::{FailedStep, Finished, Job, OnFailure, RunInfo};

use super::connect::{self, Connection};
use super::lock::{Lock, orphans};
use super::stop::Stop;
use crate::base::{Failure, Granularity};
use crate::exec::script::USE_OWN_PATH;
use crate::exec::{Printer, Script, StatementTag, Writer};
pub use crate::history::{RunKind, RunStatus};
use crate::ledger::schema;
use crate::run::{Event, Observer};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use ready::Ready;
use shared::Shared;
use std::time::{Duration, Instant};
use worker::Worker;

/// Runs a plan.
///
/// # Errors
/// When a connection is lost, or the ledger cannot be written. A step that fails is no error
/// here: it is in the answer, and recorded.
pub async fn execute(
    connection: &mut Connection,
    ready: &Ready<'_>,
    job: &Job<'_>,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Finished, Failure> {
    let began = Instant::now();
    let author_path = connection.author_path().to_owned();
    let (plan, lock) = (ready.plan(), ready.lock());
    let printer = Printer::Wire { epoch: lock.epoch, author_path: author_path.clone() };
    let writer = Writer { recorder: lock.recorder(job.ledger), printer };
    let shared = Shared::new(ready, job, writer, author_path, observer);
    let mut first = Worker::new(connection, &shared);
    start(&mut first, job, lock).await?;
    match job.transaction {
        Granularity::Changeset => run_all(&mut first, &shared, job, stop).await?,
        Granularity::Plan => tokio::select! {
            // what was asked for already must be known before the first message
            biased;
            () = hand_on(stop, &shared) => {}
            ended = first.whole() => ended?,
        },
    }
    let failed = shared.failures.take();
    let status = match failed.is_empty() {
        false => RunStatus::Failed,
        true if shared.done.borrow().len() < plan.steps.len() => RunStatus::Interrupted,
        true => RunStatus::Done,
    };
    if let (RunStatus::Interrupted, Some(why)) = (status, stop.loss()) {
        return Err(why);
    }
    let stopped_by = (status == RunStatus::Interrupted).then(|| stop.by()).flatten();
    end(&mut first, status, failed.first().map(|f| f.kept.as_str()).or(stopped_by)).await?;
    let stopped_by = stopped_by.map(str::to_owned);
    let done: Vec<String> = shared.done.take().iter().map(|i| plan.steps[*i].changeset.clone()).collect();
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    shared.tell(&Event::RunFinished { status, steps: done.len(), took_ms });
    Ok(Finished { status, done, failed, stopped_by })
}

/// Lets connections work until nothing is left: the first one, and more while there is work
/// for them.
async fn run_all(first: &mut Worker<'_, '_>, shared: &Shared<'_>, job: &Job<'_>, stop: &Stop) -> Result<(), Failure> {
    let mut workers: FuturesUnordered<LocalBoxFuture<'_, Result<(), Failure>>> = FuturesUnordered::new();
    workers.push(Box::pin(first.work()));
    let mut watching = std::pin::pin!(watch::watch(shared, job.settings));
    let mut opened = 1;
    let mut outcome = Ok(());
    loop {
        tokio::select! {
            ended = workers.next() => match ended {
                None => return outcome,
                // of several, the first one says why
                Some(result) => outcome = outcome.and(result),
            },
            () = shared.more.notified(), if opened < job.jobs => {
                opened += 1;
                workers.push(Box::pin(further(shared, job)));
            }
            () = &mut watching => {}
            () = stop.requested(), if !shared.halt.is_requested() => {
                shared.close();
                shared.halt.request();
            }
        }
    }
}

/// Hands a request to stop on to the connections; never ends.
async fn hand_on(stop: &Stop, shared: &Shared<'_>) {
    stop.requested().await;
    shared.halt.request();
    std::future::pending::<()>().await;
}

/// One more connection. When it cannot be had, the others do its work.
async fn further(shared: &Shared<'_>, job: &Job<'_>) -> Result<(), Failure> {
    let opening = async {
        let connection = connect::connect(job.settings, Duration::ZERO).await?;
        // a successor waits for this session too
        orphans::register_session(&connection, schema::lock_key(job.ledger)).await?;
        Ok::<_, Failure>(connection)
    };
    let connected = tokio::select! {
        connected = opening => connected,
        // a pooler may let it wait for a place that becomes free only when the run is over
        () = shared.over() => return Ok(()),
    };
    let mut connection: Connection = match connected {
        Ok(connection) => connection,
        Err(failure) => {
            let message = format!("cannot open another connection; fewer steps run in parallel: {failure}");
            shared.tell(&Event::Notice { severity: "WARNING".to_owned(), message });
            return Ok(());
        }
    };
    let mut worker = Worker::new(&mut connection, shared);
    let mut script = Script::default();
    worker.writer.session(&mut script);
    worker.init_session("cannot set up a session", script).await?;
    worker.work().await
}

/// Sets the session up and notes the run: one message.
async fn start(worker: &mut Worker<'_, '_>, job: &Job<'_>, lock: &Lock) -> Result<(), Failure> {
    let (plan, info) = (worker.plan, job.info);
    let mut script = Script::default();
    script.extend(StatementTag::Session, ["BEGIN", USE_OWN_PATH]);
    worker.writer.session(&mut script);
    worker.writer.start(&mut script, &info.start(plan), &plan.renamed);
    script.push(StatementTag::Session, "COMMIT");
    worker.init_session("cannot start the run", script).await?;
    worker.tell(&Event::RunStarted {
        run: lock.run.clone(),
        kind: info.kind,
        environment: plan.environment.clone(),
        steps: plan.steps.len(),
    });
    Ok(())
}

async fn end(worker: &mut Worker<'_, '_>, status: RunStatus, message: Option<&str>) -> Result<(), Failure> {
    let mut script = Script::default();
    worker.writer.end(&mut script, status, message);
    let context = "cannot record the end of the run";
    match status {
        RunStatus::Failed => worker.note(context, &script).await,
        _ => worker.send_required(context, &script).await.map(drop),
    }
}

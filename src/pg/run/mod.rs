//! Running a plan: a schedule of its steps, and connections that take steps from it.

mod aftermath;
mod batch;
mod blockers;
mod kept;
mod outside;
mod pace;
pub mod ready;
pub mod rehearse;
mod shared;
mod watch;
mod whole;
mod wire;
mod worker;

pub use crate::exec::check_whole;

use super::connect::settings::Settings;
use super::connect::{self, Connection};
use super::lock::{Lock, orphans};
use super::stop::Stop;
use crate::base::{Actor, Failure, Granularity, Ident, Secrets};
use crate::exec::session::USE_OWN_PATH;
use crate::exec::{Mark, Printer, Script, Writer};
pub use crate::history::{RunKind, RunStatus};
use crate::ledger::record::RunStart;
use crate::ledger::schema;
use crate::plan::Plan;
use crate::run::{Event, Observer, StepError};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use ready::Ready;
use schemars::JsonSchema;
use serde_json::Value;
use shared::Shared;
use std::time::{Duration, Instant};
use worker::Worker;

/// A step that failed, what went wrong, and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, JsonSchema)]
pub struct FailedStep {
    /// The id of the changeset.
    pub changeset: String,
    /// What went wrong.
    pub error: StepError,
    /// What is left of it, in a sentence.
    pub state: String,
    /// What the ledger keeps of the message.
    #[serde(skip)]
    pub kept: String,
}

/// What happens to the steps that run when one fails. New ones are not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// They come to their end.
    #[default]
    Finish,
    /// They are cancelled, as by Ctrl-C.
    Stop,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Done, failed or interrupted.
    pub status: RunStatus,
    /// The changesets that are done and recorded, as they came to their end.
    pub done: Vec<String>,
    /// The steps that failed; more than one where several ran at the same time.
    pub failed: Vec<FailedStep>,
    /// Who had it stopped, where it was not a signal.
    pub stopped_by: Option<String>,
}

/// Who runs: what the ledger notes of a run.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// What kind of run it is.
    pub kind: RunKind,
    /// Who acts.
    pub actor: Actor,
    /// What dagmar.yaml says of the environment.
    pub policy: Value,
}

impl RunInfo {
    /// The beginning of this run of a plan.
    #[must_use]
    pub fn start<'a>(&'a self, plan: &'a Plan) -> RunStart<'a> {
        RunStart {
            kind: self.kind,
            environment: &plan.environment,
            steps: plan.steps.len(),
            actor: &self.actor,
            policy: Some(&self.policy),
        }
    }
}

/// What is to be run, and how.
pub struct Job<'a> {
    /// Who runs it.
    pub info: &'a RunInfo,
    /// Where the ledger is.
    pub ledger: &'a Ident,
    /// Where further connections go.
    pub settings: &'a Settings,
    /// The most connections that run steps at the same time.
    pub jobs: usize,
    /// What happens to the others when one fails.
    pub on_failure: OnFailure,
    /// What one transaction holds. A plan that is one has passed [`check_whole`].
    pub transaction: Granularity,
    /// The values of the secret variables that the plan needs.
    pub secrets: &'a Secrets,
}

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

/// Hands a wish to stop on to the connections; never ends.
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
        orphans::enter(&connection, schema::lock_key(job.ledger)).await?;
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
            let message = format!("no further connection, so fewer steps run at the same time: {failure}");
            shared.tell(&Event::Notice { severity: "WARNING".to_owned(), message });
            return Ok(());
        }
    };
    let mut worker = Worker::new(&mut connection, shared);
    let mut script = Script::default();
    worker.writer.session(&mut script);
    worker.introduce("cannot set a session up", script).await?;
    worker.work().await
}

/// Sets the session up and notes the run: one message.
async fn start(worker: &mut Worker<'_, '_>, job: &Job<'_>, lock: &Lock) -> Result<(), Failure> {
    let (plan, info) = (worker.plan, job.info);
    let mut script = Script::default();
    script.extend(Mark::Session, ["BEGIN", USE_OWN_PATH]);
    worker.writer.session(&mut script);
    worker.writer.start(&mut script, &info.start(plan), &plan.renamed);
    script.push(Mark::Session, "COMMIT");
    worker.introduce("cannot begin the run", script).await?;
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
    let context = "cannot note the end of the run";
    match status {
        RunStatus::Failed => worker.note(context, &script).await,
        _ => worker.must(context, &script).await.map(drop),
    }
}

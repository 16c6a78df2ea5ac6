//! `GET /status`: what an environment has.

use crate::base::Wording;
use crate::base::time::rfc3339;
use crate::history::RunKind;
use crate::ops::status::{EnvironmentStatus, status};
use crate::pg::ledger::unfinished::Liveness;
use crate::plan::states::{State, StateRow};
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, JSON};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::parameter::ENVIRONMENT;
use crate::serve::problem::{PROBLEM, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::runs::{Live, Phase, Registry};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// What an environment has.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ServiceStatus")]
struct Status<'a> {
    /// The environment.
    environment: &'a str,
    /// The name of the database.
    database: &'a str,
    /// The changesets that the database has.
    applied: Vec<AppliedChangeset<'a>>,
    /// The changesets that the database does not have yet; not known while the files have mistakes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<Vec<PendingChangeset<'a>>>,
    /// The changesets that failed.
    failed: Vec<FailedChangeset<'a>>,
    /// The run that is in progress.
    running: Option<RunInProgress>,
}

/// A changeset that the database has.
#[derive(Debug, Serialize, JsonSchema)]
struct AppliedChangeset<'a> {
    /// The id.
    name: &'a str,
    /// The time of the application, as RFC 3339 in UTC.
    applied_at: Option<&'a str>,
    /// The database role that applied it.
    applied_by: Option<&'a str>,
    /// The duration in milliseconds.
    execution_time_ms: Option<u64>,
}

/// A changeset that the database does not have yet.
#[derive(Debug, Serialize, JsonSchema)]
struct PendingChangeset<'a> {
    /// The id.
    name: &'a str,
    /// `pending`, `waiting` or `blocked`.
    state: State,
    /// Why it waits or is blocked.
    reason: Option<&'a str>,
}

/// A changeset that failed.
#[derive(Debug, Serialize, JsonSchema)]
struct FailedChangeset<'a> {
    /// The id.
    name: &'a str,
    /// The error of the last attempt.
    error: Option<&'a str>,
}

/// A run that is in progress.
#[derive(Debug, Serialize, JsonSchema)]
struct RunInProgress {
    /// The id of the request that asked for it; absent if it was not asked for here.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// `preparing`, `waiting` or `running`.
    status: &'static str,
    /// What it does.
    kind: Option<RunKind>,
    /// Who started it.
    by: String,
    /// The time of its start, as RFC 3339 in UTC; absent while it has not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
}

impl RunInProgress {
    /// A run of this process, which the ledger does not know before it has begun.
    fn here(live: &Live) -> Self {
        let state = live.now();
        Self {
            id: Some(live.id.clone()),
            status: state.phase.word(),
            kind: Some(live.kind),
            by: live.by.clone(),
            started_at: state.started_at.map(rfc3339),
        }
    }

    /// The run that holds the lock, by the ledger.
    fn elsewhere(status: &EnvironmentStatus) -> Option<Self> {
        let run = status.runs.iter().find(|run| matches!(run.liveness, Some(Liveness::Running)))?;
        let (by, started_at) = (run.by.clone(), Some(run.started_at.clone()));
        Some(Self { id: None, status: Phase::Running.word(), kind: run.kind, by, started_at })
    }
}

impl<'a> Status<'a> {
    fn of(status: &'a EnvironmentStatus, here: Option<RunInProgress>) -> Self {
        let rows = |states: &'static [State]| status.changesets.iter().filter(|row| states.contains(&row.state));
        let applied = |row: &'a StateRow| AppliedChangeset {
            name: &row.id,
            applied_at: row.applied_at.as_deref(),
            applied_by: row.applied_by.as_deref(),
            execution_time_ms: row.duration_ms,
        };
        let pending =
            |row: &'a StateRow| PendingChangeset { name: &row.id, state: row.state, reason: row.reason.as_deref() };
        let is_whole = status.broken.is_none();
        Self {
            environment: &status.environment,
            database: &status.database,
            applied: rows(&[State::Applied, State::Changed, State::Edited, State::Missing]).map(applied).collect(),
            pending: is_whole.then(|| rows(&[State::Pending, State::Waiting, State::Blocked]).map(pending).collect()),
            failed: rows(&[State::Failed, State::Partly])
                .map(|row| FailedChangeset { name: &row.id, error: row.error.as_deref() })
                .collect(),
            running: here.or_else(|| RunInProgress::elsewhere(status)),
        }
    }
}

pub(super) const STATUS: Route = Route {
    method: Method::Get,
    path: "/status",
    name: "status",
    about: "Which changesets an environment has, which are pending, and which failed.",
    guard: Guard::Api(Role::Read),
    query: &[ENVIRONMENT],
    body: Body::None,
    patience: Patience::Request,
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<Status<'static>>) },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 422, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: answer,
};

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (aim, wording, runs) = (service.aim(exchange)?, service.wording, service.runs.clone());
        let key = Key { what: STATUS.name, environment: aim.environment.clone(), detail: String::new() };
        service.read(key, move || Box::pin(async move { read(&aim, &runs, wording).await })).await
    })
}

/// Mistakes in the files are a problem that tells what the database has all the same.
async fn read(aim: &Aim, runs: &Registry, wording: Wording) -> Result<Answer, Problem> {
    // before what is applied: a run that ends meanwhile is still shown
    let here = runs.current(&aim.environment).map(|live| RunInProgress::here(&live));
    let asked = async { status(&aim.target().await?, &mut ()).await };
    let found = asked.await.map_err(|failure| Problem::of(&failure, wording))?;
    let known = Status::of(&found, here);
    match &found.broken {
        None => Ok(Answer::json(&known)),
        Some(broken) => Err(Problem::of(broken, wording).and(&known)),
    }
}

//! `…/runs/{run}/cancel`, `…/pause`, `…/resume`: what is asked of a run that is in progress.

use super::known::{Known, find, one};
use super::runs::RUN_ID;
use super::starting::check_reason;
use crate::base::{Failure, text};
use crate::history::RunKind;
use crate::ops::Target;
use crate::ops::control::{self, Cancelled, Paused, Resumed};
use crate::ops::refusal::{Attempt, recorded};
use crate::pg::ledger::request::Running;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, JSON};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::problem::{Kind, PROBLEM, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::runs::{Live, Run};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Deserialize;
use std::rc::Rc;

/// Why something is asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Because {
    /// The reason; the run shows it, the history keeps it.
    #[serde(default)]
    reason: Option<String>,
}

/// No content.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Nothing {}

const CONTROLLING: Route = Route {
    method: Method::Post,
    path: "",
    name: "",
    about: "",
    guard: Guard::Api(Role::Run),
    query: &[],
    body: Body::Json { schema: of::<Because>, empty: true },
    patience: Patience::Request,
    replies: &[],
    handler: cancel,
};

pub(super) const CANCEL: Route = Route {
    path: "/api/v1/environments/{environment}/runs/{run}/cancel",
    name: "cancel",
    about: "Asks a run to stop, whoever carries it out: the server cancels the current statement, the ledger has the state, \
            and the next run continues.",
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<Cancelled>) },
        Reply { status: 403, media: PROBLEM, schema: None },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 409, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: cancel,
    ..CONTROLLING
};

pub(super) const PAUSE: Route = Route {
    path: "/api/v1/environments/{environment}/pause",
    name: "pause",
    about: "Pauses the backfills of the environment, those in progress and those of later runs.",
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<Paused>) },
        Reply { status: 403, media: PROBLEM, schema: None },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: pause,
    ..CONTROLLING
};

pub(super) const RESUME: Route = Route {
    path: "/api/v1/environments/{environment}/resume",
    name: "resume",
    about: "Lets the backfills of the environment go on.",
    body: Body::Json { schema: of::<Nothing>, empty: true },
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<Resumed>) },
        Reply { status: 403, media: PROBLEM, schema: None },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: resume,
    ..CONTROLLING
};

/// The reason that a request gives; an empty one is none.
fn reason(exchange: &Exchange) -> Result<Option<String>, Problem> {
    let Because { reason } = exchange.object()?;
    check_reason(reason.as_deref())?;
    Ok(reason.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
}

fn pause<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async { Ok(Answer::json(&paused(service, exchange, reason(exchange)?).await?)) })
}

/// Pauses the backfills of the environment of a request.
///
/// # Errors
/// As [`control::pause`].
pub(in crate::serve) async fn paused(
    service: &Service,
    exchange: &Exchange,
    reason: Option<String>,
) -> Result<Paused, Problem> {
    let aim = service.aim(exchange)?;
    let ask = move || async move {
        let target = aim.target().await?;
        let asked = control::pause(&target, reason.as_deref(), &mut ()).await;
        noted(asked, "pause", &target).await
    };
    service.work(|| Box::pin(ask())).await
}

fn resume<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let Nothing {} = exchange.object()?;
        Ok(Answer::json(&resumed(service, exchange).await?))
    })
}

/// Lets the backfills of the environment of a request go on.
///
/// # Errors
/// As [`control::resume`].
pub(in crate::serve) async fn resumed(service: &Service, exchange: &Exchange) -> Result<Resumed, Problem> {
    let aim = service.aim(exchange)?;
    let ask = move || async move {
        let target = aim.target().await?;
        noted(control::resume(&target, &mut ()).await, "resume", &target).await
    };
    service.work(|| Box::pin(ask())).await
}

/// A refusal leaves an event.
async fn noted<T>(result: Result<T, Failure>, operation: &'static str, target: &Target) -> Result<T, Failure> {
    recorded(result, Attempt { operation, plan: None }, target, &mut ()).await
}

fn cancel<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let reason = reason(exchange)?;
        Ok(Answer::json(&cancelled(service, exchange, exchange.parameter(RUN_ID), reason).await?))
    })
}

/// Asks the run with this id to stop.
///
/// # Errors
/// It is not in progress, or nobody may ask.
pub(in crate::serve) async fn cancelled(
    service: &Service,
    exchange: &Exchange,
    id: &str,
    reason: Option<String>,
) -> Result<Cancelled, Problem> {
    let aim = service.aim(exchange)?;
    let run = match find(service, &aim, id) {
        Known::Here(live) => match has_begun(&live) {
            true => Run::of(&live),
            false => return Ok(before_it_begins(service, &aim, &live, reason)),
        },
        Known::Elsewhere(name) => one(service, &aim, name).await?,
    };
    let own = run.state.run.clone();
    let place = aim.clone();
    let ask = move || async move {
        let target = place.target().await?;
        let asked = async {
            let found = control::prepare_cancel(&target, &mut ()).await?;
            // a run that the ledger does not know is none that somebody else has begun
            if own.is_none() || found.running.run != own {
                let running = found.running.clone();
                found.db.close().await?;
                return Ok(Err(running));
            }
            found.ask(reason.as_deref()).await.map(Ok)
        };
        noted(asked.await, "cancel", &target).await
    };
    service.work(|| Box::pin(ask())).await?.map_err(|other| another(&aim, &run, &other))
}

/// Whether the ledger may know of it.
fn has_begun(live: &Live) -> bool {
    let state = live.now();
    state.phase.is_over() || state.run.is_some()
}

/// A run that is in no ledger yet: nothing of it is left.
fn before_it_begins(service: &Service, aim: &Aim, live: &Live, reason: Option<String>) -> Cancelled {
    let because = reason.as_ref().map(|reason| format!(": {}", text::one_line(reason))).unwrap_or_default();
    service.runs.cancel(live, &format!("cancelled by {}{because}", aim.actor));
    let cancelled = Running { epoch: 0, holder: live.by.clone(), run: None, kind: Some(live.kind) };
    Cancelled { cancelled, reason }
}

/// Another run is in progress than the one that was named.
fn another(aim: &Aim, run: &Run, running: &Running) -> Problem {
    let kind = running.kind.map_or("run", RunKind::word);
    let detail = format!("the run `{}` is not in progress in `{}`, but another {kind}", run.id, aim.environment);
    Problem::new(Kind::RunInProgress, detail)
        .remedy("look at the run that is in progress, and cancel it by its own id")
        .with("holder", running.holder.as_str())
        .with("run", running.run.clone())
}

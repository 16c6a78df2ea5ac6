//! Asking for a run: whether the request came before, here or by the ledger, and what happens if another run is in
//! progress. The routes of old scripts and those of the API share it.

use super::aim::Aim;
use super::exchange::Exchange;
use super::problem::{Kind, Problem};
use super::runs::past::recorded;
use super::runs::{IfBusy, Live, Order, Repeat, Run, Turned, What, view};
use super::service::Service;
use crate::ops::{Options, runs};
use crate::pg::ledger::runs::RunName;
use std::sync::Arc;

/// The most characters of a key.
pub const KEY: usize = 255;

/// What is asked for.
pub struct Wish {
    /// What is to be done.
    pub what: What,
    /// How.
    pub options: Options,
    /// The digest of what the caller saw; `None`: the request is the confirmation.
    pub digest: Option<String>,
    /// What happens if another run is in progress.
    pub if_busy: IfBusy,
}

/// The run of a request.
pub enum Found {
    /// It is of this process; whether it was asked for before.
    Here(Arc<Live>, bool),
    /// It was asked for before, and another process has carried it out.
    Recorded(Box<Run>),
}

/// How the request is recognised if it comes again; `None`: it has no key.
///
/// # Errors
/// A key that is not valid.
pub fn repeat(exchange: &Exchange, environment: &str) -> Result<Option<Repeat>, Problem> {
    if exchange.head.all("idempotency-key").next().is_none() {
        return Ok(None);
    }
    let key = exchange.head.one("idempotency-key").filter(|key| !key.is_empty() && key.len() <= KEY);
    let key = key.ok_or_else(|| {
        let detail = format!("the header `Idempotency-Key` must be there once, with 1 to {KEY} printable characters");
        Problem::new(Kind::BadRequest, detail)
    })?;
    keyed(exchange, environment, key).map(Some)
}

/// How the request with this key is recognised if it comes again.
///
/// # Errors
/// Nobody asks.
pub fn keyed(exchange: &Exchange, environment: &str, key: &str) -> Result<Repeat, Problem> {
    let bucket = exchange.caller()?.bucket();
    Ok(Repeat::of(&bucket, environment, key, exchange.route, &exchange.body))
}

/// Leaves the order. `wish` is not asked for a repeated request: what a name meant before the run, it may not mean after
/// it.
///
/// # Errors
/// Why the order is not taken.
pub async fn ask(
    service: &Service,
    exchange: &Exchange,
    mut aim: Aim,
    repeat: Option<Repeat>,
    wish: impl Future<Output = Result<Wish, Problem>>,
) -> Result<Found, Problem> {
    if let Some(repeat) = &repeat {
        if let Some(found) = before(service, &aim, repeat).await? {
            return Ok(found);
        }
        if let Some(origin) = &mut aim.actor.origin {
            origin.key = Some(repeat.key.clone());
            origin.content = Some(repeat.content.clone());
        }
    }
    let Wish { what, options, digest, if_busy } = wish.await?;
    let (id, wording) = (exchange.id.clone(), service.wording);
    let order = Order { id, what, options, digest, if_busy, wording, aim, repeat };
    let asked = service.runs.ask(order).map_err(|turned| why(turned, service))?;
    Ok(Found::Here(asked.live, asked.is_repeated))
}

/// The run that was asked for before with this key: here, or by the ledger.
async fn before(service: &Service, aim: &Aim, repeat: &Repeat) -> Result<Option<Found>, Problem> {
    let here = service.runs.repeated(&aim.environment, repeat).map_err(|turned| why(turned, service))?;
    if let Some(asked) = here {
        return Ok(Some(Found::Here(asked.live, true)));
    }
    let (place, name) = (aim.clone(), RunName::Key(repeat.key.clone()));
    let look = move || async move { runs::run(&place.target().await?, &name, &mut ()).await };
    let Some(run) = service.work(|| Box::pin(look())).await? else { return Ok(None) };
    let run = recorded(&aim.environment, run);
    let content = run.origin.as_ref().and_then(|origin| origin.content.as_ref());
    match content.is_none_or(|content| *content == repeat.content) {
        true => Ok(Some(Found::Recorded(Box::new(run)))),
        false => Err(reused(&run.environment, &run.id)),
    }
}

/// Why an order was not taken.
fn why(turned: Turned, service: &Service) -> Problem {
    match turned {
        Turned::Busy(live) => busy(&live.environment, &live.id, &live.by),
        Turned::Full => {
            Problem::new(Kind::QueueFull, "too many runs wait in this environment").header("retry-after", "60")
        }
        Turned::Stopping => Problem::new(Kind::Stopping, "the service stops; nothing was run"),
        Turned::Reused(live) => reused(&live.environment, &live.id),
        Turned::Failed(failure) => Problem::of(&failure, service.wording),
    }
}

/// Another run is in progress.
fn busy(environment: &str, id: &str, by: &str) -> Problem {
    Problem::new(Kind::RunInProgress, format!("another run is in progress in `{environment}`, asked for by {by}"))
        .remedy("wait for its end, or ask to be queued: `\"ifBusy\": \"queue\"`, for `/migrate` and `/rollback` `?if_busy=queue`")
        .with("id", id)
        .header("location", view::path(environment, id))
}

fn reused(environment: &str, id: &str) -> Problem {
    Problem::new(Kind::KeyReused, "another request had the same `Idempotency-Key`; nothing was run")
        .remedy("use a new key for each request; repeat a key only with the same request")
        .with("id", id)
        .header("location", view::path(environment, id))
}

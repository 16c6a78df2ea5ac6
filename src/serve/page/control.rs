//! What is asked of a run that is in progress: that it stops, that its backfills pause or go on.

use super::forms::{FORM, Fields};
use super::words;
use crate::serve::answer::Answer;
use crate::serve::api::control::{cancelled, paused, resumed};
use crate::serve::exchange::Exchange;
use crate::serve::problem::Problem;
use crate::serve::route::{Handling, Route};
use crate::serve::service::Service;
use std::rc::Rc;

pub(super) const CANCEL: Route = Route {
    path: "/e/{environment}/runs/{run}/cancel",
    name: "cancelByPage",
    about: "Asks a run to stop.",
    handler: |service, exchange| Box::pin(cancel(service, exchange)),
    ..FORM
};

pub(super) const PAUSE: Route = Route {
    path: "/e/{environment}/pause",
    name: "pauseByPage",
    about: "Pauses the backfills of the environment.",
    handler: pause,
    ..FORM
};

pub(super) const RESUME: Route = Route {
    path: "/e/{environment}/resume",
    name: "resumeByPage",
    about: "Lets the backfills of the environment go on.",
    handler: resume,
    ..FORM
};

/// The field with the reason; the history keeps it.
const REASON: &str = "reason";

/// The field with the run from whose page the form was sent.
const RUN: &str = "run";

async fn cancel(service: &Service, exchange: &Exchange) -> Result<Answer, Problem> {
    let (fields, id) = (Fields::of(exchange)?, exchange.parameter(RUN));
    cancelled(service, exchange, id, fields.filled(REASON)).await?;
    Ok(Answer::see(words::run(&service.aim(exchange)?.environment, id)))
}

fn pause<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let fields = Fields::of(exchange)?;
        paused(service, exchange, fields.filled(REASON)).await?;
        back(service, exchange, &fields)
    })
}

fn resume<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        resumed(service, exchange).await?;
        back(service, exchange, &Fields::of(exchange)?)
    })
}

/// To the run from whose page it was asked, or to the environment.
fn back(service: &Service, exchange: &Exchange, fields: &Fields) -> Result<Answer, Problem> {
    let name = service.aim(exchange)?.environment;
    Ok(Answer::see(match fields.filled(RUN) {
        Some(run) => words::run(&name, &run),
        None => words::environment(&name),
    }))
}

//! `GET /metrics`: what the service counts and measures.

use crate::serve::answer::Answer;
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::metrics::OPENMETRICS;
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use std::rc::Rc;

/// The routes of the watch.
pub const ROUTES: &[Route] = &[METRICS];

/// The routes of the address that is for metrics alone.
pub const OPEN: &[Route] = &[Route { guard: Guard::Open, ..METRICS }];

const METRICS: Route = Route {
    method: Method::Get,
    path: "/metrics",
    name: "metrics",
    about: "What the service counts and measures, as OpenMetrics. A token that sees only some environments gets no answer.",
    guard: Guard::Api(Role::Read),
    query: &[],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply::of(OPENMETRICS)],
    handler: answer,
};

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        if exchange.caller.as_ref().is_some_and(|caller| caller.environments.is_some()) {
            let detail = "the metrics are of all environments, of which you do not see all";
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        Ok(Answer::new(200, OPENMETRICS, service.metrics.text()))
    })
}

//! `GET /health`: the service lives.

use crate::serve::answer::{Answer, JSON};
use crate::serve::exchange::Exchange;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// Whether the service lives or is ready.
#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// `ok` or `ready`.
    status: &'static str,
}

/// The process answers, whatever state its database is in.
pub(super) const HEALTH: Route = Route {
    method: Method::Get,
    path: "/health",
    name: "health",
    about: "Whether the service answers at all.",
    guard: Guard::Open,
    query: &[],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: JSON, schema: Some(of::<Health>) }],
    handler: health,
};

fn health<'a>(_: &'a Rc<Service>, _: &'a Exchange) -> Handling<'a> {
    Box::pin(async { Ok(Answer::json(&Health { status: "ok" })) })
}

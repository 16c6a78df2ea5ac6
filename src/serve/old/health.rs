//! `GET /health` and `GET /ready`: the service lives, and it can do its work.

use crate::serve::answer::{Answer, JSON};
use crate::serve::exchange::Exchange;
use crate::serve::problem::PROBLEM;
use crate::serve::ready::ready;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// Whether the service lives, or is ready.
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
    handler: |_, _| Box::pin(async { Ok(Answer::json(&Health { status: "ok" })) }),
};

/// The project has no mistakes in dagmar.yaml, and the database of the default environment answers.
pub(super) const READY: Route = Route {
    method: Method::Get,
    path: "/ready",
    name: "ready",
    about: "Whether the service can do its work: its project has no mistakes, and its database answers.",
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<Health>) },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: answer,
    ..HEALTH
};

fn answer<'a>(service: &'a Rc<Service>, _: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        ready(service).await?;
        Ok(Answer::json(&Health { status: "ready" }))
    })
}

//! The run of a sealed plan: what is left of it, the gates, and the form that starts it.

use super::forms::{FORM, Fields};
use super::layout::Shown;
use super::made::part;
use super::proposal::{Proposal, show, start};
use super::sealed::{path, run_path};
use super::sealed_plan::DIGEST;
use crate::serve::answer::HTML;
use crate::serve::api::sealed_runs::what;
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::Problem;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use serde_json::json;
use std::rc::Rc;

pub(super) const LOOK: Route = Route {
    method: Method::Get,
    path: "/e/{environment}/plans/{digest}",
    name: "sealedRunPage",
    about: "What a run of a sealed plan would do now.",
    guard: Guard::Page(Role::Plan),
    query: &[Parameter { name: PROMOTE, about: "Whether it is a promotion.", form: Form::Flag }],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

pub(super) const RUN: Route = Route {
    path: "/e/{environment}/plans/{digest}",
    name: "runPlanByPage",
    about: "Starts the run of a sealed plan that a page has shown.",
    patience: Patience::Handler,
    handler: post,
    ..FORM
};

/// Whether it is a promotion.
const PROMOTE: &str = "promote";

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let promote = exchange.query.flag(PROMOTE);
        show(service, exchange, proposal(service, exchange, promote).await?).await
    })
}

fn post<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let fields = Fields::of(exchange)?;
        let proposal = proposal(service, exchange, fields.is_ticked(PROMOTE)).await?;
        start(service, exchange, &fields, proposal).await
    })
}

async fn proposal(service: &Service, exchange: &Exchange, promote: bool) -> Result<Proposal, Problem> {
    let (name, digest) = (service.aim(exchange)?.environment, exchange.parameter(DIGEST));
    let what = what(service, exchange, (promote, None, false)).await?;
    let from = service.promotes_from(exchange, &name)?;
    let action = run_path(&name, digest);
    let above = part(
        "sealed_run",
        &json!({
            "digest": digest, "href": path(digest), "action": action, "promote": promote, "from": from,
        }),
    )?;
    Ok(Proposal {
        what,
        shown: Shown { title: "Sealed plan", environment: None, tab: "" },
        action,
        choice: vec![(PROMOTE, promote.to_string())],
        above,
    })
}

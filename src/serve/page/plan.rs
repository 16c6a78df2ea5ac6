//! What a run would do now: the plan with its waves, locks, hazards, findings and gates, and the form that starts it.

use super::forms::{FORM, Fields};
use super::layout::Shown;
use super::made::part;
use super::proposal::{Proposal, show, start};
use super::words;
use crate::serve::answer::HTML;
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::Problem;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::runs::What;
use crate::serve::service::Service;
use serde_json::json;
use std::rc::Rc;

pub(super) const PLAN: Route = Route {
    method: Method::Get,
    path: "/e/{environment}/plan",
    name: "planPage",
    about: "What a run would do now.",
    guard: Guard::Page(Role::Plan),
    query: &[Parameter {
        name: SELECT,
        about: "Only these changesets, with spaces or commas between.",
        form: Form::Text,
    }],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

pub(super) const START: Route = Route {
    path: "/e/{environment}/runs",
    name: "runByPage",
    about: "Starts the run that a page has shown.",
    patience: Patience::Handler,
    handler: post,
    ..FORM
};

/// The changesets of a choice.
const SELECT: &str = "select";

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let select = exchange.query.get(SELECT).unwrap_or_default();
        show(service, exchange, proposal(service, exchange, select)?).await
    })
}

fn post<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let fields = Fields::of(exchange)?;
        start(service, exchange, &fields, proposal(service, exchange, fields.text(SELECT))?).await
    })
}

fn proposal(service: &Service, exchange: &Exchange, select: &str) -> Result<Proposal, Problem> {
    let name = service.aim(exchange)?.environment;
    let from = service.promotes_from(exchange, &name)?;
    let home = words::environment(&name);
    let promotion = from.as_ref().map(|_| words::promotion(&name));
    let above = part(
        "plan",
        &json!({"action": format!("{home}/plan"), "select": select, "promotion": promotion, "from": from}),
    )?;
    Ok(Proposal {
        what: What::Apply { select: words::items(select) },
        shown: Shown { title: "Plan", environment: None, tab: "Plan" },
        action: home + "/runs",
        choice: vec![(SELECT, select.to_owned())],
        above,
    })
}

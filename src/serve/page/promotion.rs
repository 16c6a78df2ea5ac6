//! A promotion: what an environment would get from the one before it, the gates, and the form that starts it.

use super::forms::{FORM, Fields};
use super::layout::Shown;
use super::made::part;
use super::proposal::{Proposal, show, start};
use super::words;
use crate::serve::answer::HTML;
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::runs::What;
use crate::serve::service::Service;
use serde_json::json;
use std::rc::Rc;

pub(super) const PROMOTION: Route = Route {
    method: Method::Get,
    path: "/promote/{environment}",
    name: "promotionPage",
    about: "What a promotion would do now.",
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

pub(super) const PROMOTE: Route = Route {
    path: "/promote/{environment}",
    name: "promoteByPage",
    about: "Starts the promotion that a page has shown.",
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
    // what cannot be seen is no source either
    let from = service.promotes_from(exchange, &name)?.ok_or_else(|| {
        let detail = format!("`{name}` gets its changesets from no environment that is served here");
        Problem::new(Kind::NotFound, detail).remedy("name one in dagmar.yaml: `promoteFrom`")
    })?;
    let action = words::promotion(&name);
    let above = part(
        "promotion",
        &json!({ "action": action, "select": select, "from": from, "to": name, "from_href": words::environment(&from) }),
    )?;
    Ok(Proposal {
        what: What::Promote { from: Some(from), select: words::items(select) },
        shown: Shown { title: "Promotion", environment: None, tab: "Promotion" },
        action,
        choice: vec![(SELECT, select.to_owned())],
        above,
    })
}

//! The graph of changesets, with their states in an environment.

use super::layout::{Shown, whole};
use super::made::part;
use super::words;
use crate::base::{Failure, Markup};
use crate::ops::graph::{Around, GraphRequest, NEAR, graph};
use crate::report::graph::svg::picture;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, HTML};
use crate::serve::caller::Role;
use crate::serve::desk::Local;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::Problem;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use serde::Serialize;
use std::rc::Rc;

/// Larger graphs are no picture any more.
const MOST: usize = 400;

/// What a page has room for, in pixels.
const WIDE: f64 = 1060.0;

pub(super) const GRAPH: Route = Route {
    method: Method::Get,
    path: "/e/{environment}/graph",
    name: "graphPage",
    about: "The graph of changesets, with their states in an environment.",
    guard: Guard::Page(Role::Read),
    query: &[
        Parameter { name: "around", about: "Only what is near this changeset.", form: Form::Text },
        Parameter { name: "depth", about: "How many edges away it may be.", form: Form::Number { least: 1, most: 20 } },
    ],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

#[derive(Serialize)]
struct Values<'a> {
    environment: &'a str,
    action: String,
    around: &'a str,
    depth: u32,
    found: usize,
    /// Whether it has too many changesets for a picture.
    is_large: bool,
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (aim, wording) = (service.aim(exchange)?, service.wording);
        let around = exchange.query.get("around").map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned);
        let depth = exchange.query.number("depth").unwrap_or(NEAR);
        let name = aim.environment.clone();
        let key = Key { what: GRAPH.name, environment: name.clone(), detail: format!("{depth} {around:?}") };
        let work = move || -> Local<Result<Answer, Problem>> {
            Box::pin(async move {
                let read = read(&aim, around, depth).await;
                read.map_err(|failure| Problem::of(&failure, wording))?.map(Answer::html)
            })
        };
        let inner = service.read(key, work).await?;
        whole(service, exchange, &Shown { title: "Graph", environment: Some(&name), tab: "Graph" }, &inner)
    })
}

async fn read(aim: &Aim, around: Option<String>, depth: u32) -> Result<Result<Markup, Problem>, Failure> {
    let near = around.clone().map(|changeset| Around { changeset, depth });
    let request = GraphRequest { around: near, against: true, ..GraphRequest::default() };
    let found = graph(&aim.target().await?, &request, &mut ()).await?;
    let is_large = found.nodes.len() > MOST;
    let head = part(
        "graph",
        &Values {
            environment: &aim.environment,
            action: words::environment(&aim.environment) + "/graph",
            around: around.as_deref().unwrap_or_default(),
            depth,
            found: found.nodes.len(),
            is_large,
        },
    );
    let drawn = || picture(&found, WIDE, &|id| words::changeset(&aim.environment, id));
    Ok(head.map(|head| if is_large || found.nodes.is_empty() { head } else { head.and(&drawn()) }))
}

//! The sealed plans that were uploaded, and the form that uploads one.

use super::forms::{FORM, Fields, Hidden};
use super::layout::{Shown, whole};
use super::made::{part, said};
use super::words::{self, encoded};
use crate::base::Markup;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, HTML};
use crate::serve::api::sealed::{PlanItem, listed};
use crate::serve::caller::Role;
use crate::serve::desk::Local;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::problem::Problem;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::sealing::upload;
use crate::serve::service::Service;
use serde::Serialize;
use serde_json::json;
use std::rc::Rc;

/// How many plans the page has.
const MOST: u32 = 100;

pub(super) const PLANS: Route = Route {
    method: Method::Get,
    path: "/plans",
    name: "sealedPlansPage",
    about: "The sealed plans that were uploaded.",
    guard: Guard::Page(Role::Read),
    query: &[],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

pub(super) const UPLOAD: Route = Route {
    path: "/plans",
    name: "uploadPlanByPage",
    about: "Uploads a sealed plan.",
    guard: Guard::Page(Role::Plan),
    body: Body::FormWithPlan,
    handler: post,
    ..FORM
};

#[derive(Serialize)]
struct Row {
    href: String,
    /// The beginning of the digest.
    short: String,
    item: PlanItem,
}

/// The path of a plan's page.
pub(super) fn path(digest: &str) -> String {
    format!("/plans/{}", encoded(digest))
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async { page(service, exchange, None).await })
}

fn post<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let fields = Fields::of(exchange)?;
        // a browser ends the lines of a form in its own way; the file is one line
        let text = format!("{}\n", fields.text("plan").trim());
        match upload(service, exchange, text.into()).await {
            Ok(stored) => Ok(Answer::see(path(&stored.plan.digest))),
            Err(problem) => page(service, exchange, Some(&problem)).await,
        }
    })
}

/// The page; with why a plan was not stored.
async fn page(service: &Service, exchange: &Exchange, refused: Option<&Problem>) -> Result<Answer, Problem> {
    let aims = service.aims(exchange)?;
    let seen: Vec<&str> = aims.iter().map(|aim| aim.environment.as_str()).collect();
    let key = Key { what: PLANS.name, environment: String::new(), detail: format!("{seen:?}") };
    let work =
        move || -> Local<Result<Answer, Problem>> { Box::pin(async move { Ok(Answer::html(read(&aims).await?)) }) };
    let found = service.read(key, work).await?;
    let mut body = String::new();
    if let Some(problem) = refused {
        body += part("problem", &said(problem, exchange.id.as_str()))?.as_str();
    }
    body += &String::from_utf8_lossy(&found.body);
    if exchange.caller()?.may(Role::Plan) {
        let values = json!({ "action": PLANS.path, "hidden": [Hidden::token(exchange)] });
        body += part("sealed_upload", &values)?.as_str();
    }
    let status = refused.map_or(200, Problem::status);
    whole(
        service,
        exchange,
        &Shown { title: "Sealed plans", environment: None, tab: "" },
        &Answer::new(status, HTML, body),
    )
}

async fn read(aims: &[Aim]) -> Result<Markup, Problem> {
    let found = listed(aims, MOST).await;
    let rows = found.plans.into_iter().map(|item| Row {
        href: path(&item.digest),
        short: item.digest.chars().take(15).collect(),
        item,
    });
    let unread: Vec<_> = found.unread.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect();
    part("sealed", &json!({ "rows": rows.collect::<Vec<_>>(), "unread": unread }))
}

/// The path of the page that runs a plan in an environment.
pub(super) fn run_path(environment: &str, digest: &str) -> String {
    format!("{}/plans/{}", words::environment(environment), encoded(digest))
}

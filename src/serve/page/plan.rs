//! What a run would do now: the plan with its waves, locks, hazards, findings and gates.

use super::layout::{Shown, whole};
use super::made::part;
use super::words;
use crate::base::{Markup, Wording};
use crate::report::plan::fragment;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, HTML};
use crate::serve::api::plan::PlanRequest;
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

pub(super) const PLAN: Route = Route {
    method: Method::Get,
    path: "/e/{environment}/plan",
    name: "planPage",
    about: "What a run would do now.",
    guard: Guard::Page(Role::Plan),
    query: &[
        Parameter { name: "select", about: "Only these changesets, with spaces or commas between.", form: Form::Text },
        Parameter { name: "from", about: "The source environment of a promotion.", form: Form::Text },
    ],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

#[derive(Serialize)]
struct Values<'a> {
    action: String,
    select: String,
    from: &'a str,
    /// The environments that one can promote from.
    sources: Vec<Source<'a>>,
    missing: &'a [String],
    digest: &'a str,
}

#[derive(Serialize)]
struct Source<'a> {
    name: &'a str,
    is_chosen: bool,
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (aim, wording) = (service.aim(exchange)?, service.wording);
        let text = |name| exchange.query.get(name).unwrap_or_default().to_owned();
        let (select, from) = (text("select"), text("from"));
        let list = select.split([' ', ',']).filter(|one| !one.is_empty()).map(str::to_owned).collect();
        let from = Some(from).filter(|from| !from.is_empty());
        let request = PlanRequest::of(list, from);
        request.check(service, exchange)?;
        let seen: Vec<String> = service.aims(exchange)?.into_iter().map(|aim| aim.environment).collect();
        let name = aim.environment.clone();
        // gates may name who asks
        let bucket = exchange.caller()?.bucket();
        let detail = format!("{:?} {:?} {seen:?} {bucket}", request.select, request.from);
        let key = Key { what: PLAN.name, environment: name.clone(), detail };
        let work = move || -> Local<Result<Answer, Problem>> {
            Box::pin(async move { Ok(Answer::html(read(&aim, request, &seen, wording).await?)) })
        };
        let inner = service.read(key, work).await?;
        whole(service, exchange, &Shown { title: "Plan", environment: Some(&name), tab: "Plan" }, &inner)
    })
}

async fn read(aim: &Aim, request: PlanRequest, seen: &[String], wording: Wording) -> Result<Markup, Problem> {
    let (select, from) = (request.select.join(" "), request.from.clone().unwrap_or_default());
    let previewed = request.preview(aim, true).await.map_err(|failure| Problem::of(&failure, wording))?;
    if let Some(bound) = &previewed.bound {
        return Err(Problem::of(bound, wording));
    }
    let others = seen.iter().filter(|name| **name != aim.environment);
    let head = part(
        "plan",
        &Values {
            action: words::environment(&aim.environment) + "/plan",
            select,
            from: &from,
            sources: others.map(|name| Source { name, is_chosen: *name == from }).collect(),
            missing: &previewed.missing,
            digest: previewed.digest.as_deref().unwrap_or_default(),
        },
    )?;
    Ok(head.and(&fragment(&previewed.shown(wording), &|id| words::changeset(&aim.environment, id))))
}

//! A run: what it is at, and what can be asked of it.

use super::assets;
use super::control::{ASKED, Asked};
use super::forms::Hidden;
use super::layout::{Shown, whole};
use super::made::part;
use super::run_state::told;
use super::words;
use crate::serve::answer::{Answer, HTML};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use serde::Serialize;
use serde_json::json;
use std::rc::Rc;

pub(super) const RUN: Route = Route {
    method: Method::Get,
    path: "/e/{environment}/runs/{run}",
    name: "runPage",
    about: "A run, while it goes on and after it, whoever carries it out.",
    guard: Guard::Page(Role::Read),
    query: &[ASKED],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

/// The parameter of a path that names a run.
pub(super) const RUN_ID: &str = "run";

#[derive(Serialize)]
struct Controls {
    /// Where the page is sent what changes; `None`: nothing does any more.
    stream: Option<String>,
    script: &'static str,
    may_run: bool,
    /// What was just asked of it.
    asked: Option<&'static str>,
    cancel: String,
    pause: String,
    resume: String,
    hidden: Vec<Hidden>,
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (aim, id) = (service.aim(exchange)?, exchange.parameter(RUN_ID));
        let told = told(service, &aim, id).await?;
        let (here, home) = (words::run(&aim.environment, id), words::environment(&aim.environment));
        let head = part(
            "run",
            &json!({ "heading": told.heading, "environment": aim.environment, "id": id, "said": told.said }),
        )?;
        let controls = part(
            "controls",
            &Controls {
                stream: (!told.over).then(|| format!("{here}/stream")),
                script: &assets::run_script().path,
                may_run: !told.over && exchange.caller()?.may(Role::Run),
                asked: exchange.query.get(ASKED.name).and_then(Asked::said),
                cancel: format!("{here}/cancel"),
                pause: format!("{home}/pause"),
                resume: format!("{home}/resume"),
                hidden: vec![Hidden::token(exchange), Hidden::new(RUN_ID, id)],
            },
        )?;
        // what can be asked of it stands before the steps, which may be many
        let body = [head.as_str(), controls.as_str(), &told.html, "</div>\n"].concat();
        let shown = Shown { title: &told.title, environment: Some(&aim.environment), tab: "Runs" };
        whole(service, exchange, &shown, &Answer::new(200, HTML, body))
    })
}

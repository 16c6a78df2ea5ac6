//! The runs of an environment, the latest first, whoever has carried them out.

use super::forms::Hidden;
use super::layout::{Shown, whole};
use super::made::part;
use super::run_state::tag;
use super::words::{self, Tag};
use crate::base::time::rfc3339;
use crate::base::{Markup, Wording};
use crate::history::RunKind;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, HTML};
use crate::serve::api::runs::{Wanted, page};
use crate::serve::caller::Role;
use crate::serve::desk::Local;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::runs::{Phase, Registry, Run};
use crate::serve::service::Service;
use serde::Serialize;
use serde_json::json;
use std::rc::Rc;

/// How many runs a page has.
const MOST: u32 = 50;

pub(super) const RUNS: Route = Route {
    method: Method::Get,
    path: "/e/{environment}/runs",
    name: "runsPage",
    about: "The runs of an environment, the latest first.",
    guard: Guard::Page(Role::Read),
    query: &[
        Parameter { name: "kind", about: "Only runs of this kind.", form: Form::Text },
        Parameter { name: "status", about: "Only runs in this phase.", form: Form::Text },
        Parameter {
            name: "before",
            about: "The page with earlier runs.",
            form: Form::Number { least: 0, most: 9_000_000_000_000_000 },
        },
    ],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

#[derive(Serialize)]
struct Values {
    action: String,
    kinds: Vec<Choice>,
    phases: Vec<Choice>,
    runs: Vec<Row>,
    earlier: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    word: &'static str,
    is_chosen: bool,
}

#[derive(Serialize)]
struct Row {
    at: Option<String>,
    href: String,
    kind: &'static str,
    id: String,
    tag: Tag,
    why: Option<String>,
    steps: String,
    by: String,
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (aim, wanted) = (service.aim(exchange)?, wanted(exchange)?);
        let (name, registry, wording) = (aim.environment.clone(), service.runs.clone(), service.wording);
        let detail = format!("{:?} {:?} {:?}", wanted.kind, wanted.phase, wanted.before);
        let key = Key { what: RUNS.name, environment: name.clone(), detail };
        let work = move || -> Local<Result<Answer, Problem>> {
            Box::pin(async move { Ok(Answer::html(read(&aim, &registry, &wanted, wording).await?)) })
        };
        let inner = service.read(key, work).await?;
        let mut body = inner.body.to_vec();
        if exchange.caller()?.may(Role::Run) {
            let home = words::environment(&name);
            let (pause, resume, hidden) =
                (format!("{home}/pause"), format!("{home}/resume"), [Hidden::token(exchange)]);
            let backfills = part("backfills", &json!({ "pause": pause, "resume": resume, "hidden": hidden }))?;
            body.extend_from_slice(backfills.as_str().as_bytes());
        }
        let inner = Answer::new(inner.status, HTML, body);
        whole(service, exchange, &Shown { title: "Runs", environment: Some(&name), tab: "Runs" }, &inner)
    })
}

/// What is looked for; a choice of nothing is empty.
fn wanted(exchange: &Exchange) -> Result<Wanted, Problem> {
    let word = |name: &str| exchange.query.get(name).filter(|word| !word.is_empty());
    let wrong = |name: &str, word: &str| {
        Problem::new(Kind::BadRequest, format!("the parameter `{name}` is not valid: there is no `{word}`"))
    };
    let kind = word("kind").map(|word| RunKind::from_word(word).ok_or_else(|| wrong("kind", word))).transpose()?;
    let phase = |word: &str| Phase::ALL.into_iter().find(|phase| phase.word() == word);
    let phase = word("status").map(|word| phase(word).ok_or_else(|| wrong("status", word))).transpose()?;
    Ok(Wanted { kind, phase, before: exchange.query.number("before"), limit: MOST })
}

async fn read(aim: &Aim, registry: &Registry, wanted: &Wanted, wording: Wording) -> Result<Markup, Problem> {
    let (found, next) = page(aim, registry, wanted).await.map_err(|failure| Problem::of(&failure, wording))?;
    let action = words::environment(&aim.environment) + "/runs";
    let (kind, phase) = (wanted.kind.map_or("", RunKind::word), wanted.phase.map_or("", Phase::word));
    part(
        "runs",
        &Values {
            kinds: RunKind::ALL.iter().map(|one| Choice { word: one.word(), is_chosen: one.word() == kind }).collect(),
            phases: Phase::ALL.iter().map(|one| Choice { word: one.word(), is_chosen: one.word() == phase }).collect(),
            runs: found.iter().map(row).collect(),
            earlier: next.map(|next| format!("{action}?kind={kind}&status={phase}&before={next}")),
            action,
        },
    )
}

fn row(run: &Run) -> Row {
    let state = &run.state;
    Row {
        at: state.started_at.or(state.asked_at).map(rfc3339),
        href: words::run(&run.environment, &run.id),
        kind: run.kind.map_or("run", RunKind::word),
        // one that no service was asked for has a long id
        id: run.id.chars().take(16).collect(),
        tag: tag(state.phase),
        why: state.failure.as_ref().map(|failure| failure.message.clone()),
        steps: run.steps.map_or_else(String::new, |of| format!("{} of {of}", run.done_steps)),
        by: run.by.clone(),
    }
}

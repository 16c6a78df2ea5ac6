//! The changesets of an environment.

use super::layout::{Shown, whole};
use super::made::{part, said};
use super::next::{Next, next};
use super::words::{self, Tag};
use crate::base::Markup;
use crate::ops::status::{EnvironmentStatus, status};
use crate::plan::states::{State, StateRow};
use crate::serve::answer::{Answer, HTML};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use serde::Serialize;
use std::rc::Rc;

/// How many changesets a page has.
const MOST: usize = 200;

pub(super) const ENVIRONMENT: Route = Route {
    method: Method::Get,
    path: "/e/{environment}",
    name: "environmentPage",
    about: "The changesets of an environment.",
    guard: Guard::Page(Role::Read),
    query: &[
        Parameter { name: "state", about: "Only those in this state.", form: Form::Text },
        Parameter { name: "q", about: "Only those with this text in their id or description.", form: Form::Text },
        Parameter { name: "page", about: "The page, from 1.", form: Form::Number { least: 1, most: 1_000_000 } },
    ],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

/// What is looked for.
struct Wanted {
    state: Option<State>,
    text: String,
    page: usize,
}

#[derive(Serialize)]
struct Row {
    id: String,
    href: String,
    tag: Tag,
    description: String,
    /// When, and by whom it was applied.
    applied_at: Option<String>,
    applied_by: Option<String>,
    /// Why it is in this state.
    why: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    value: &'static str,
    text: String,
    is_chosen: bool,
}

#[derive(Serialize)]
struct Values<'a> {
    environment: &'a str,
    place: &'a str,
    action: String,
    next: Next,
    states: Vec<Choice>,
    text: &'a str,
    rows: Vec<Row>,
    /// Which of how many these are.
    from: usize,
    to: usize,
    found: usize,
    before: Option<String>,
    after: Option<String>,
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (aim, wanted) = (service.aim(exchange)?, Wanted::of(exchange)?);
        let (name, wording) = (aim.environment.clone(), service.wording);
        let seen = service.seen_by(exchange.caller()?);
        let may_plan = exchange.caller()?.may(Role::Plan);
        let detail = format!("{:?}\n{}\n{}\n{seen:?}\n{may_plan}", wanted.state, wanted.page, wanted.text);
        let key = Key { what: ENVIRONMENT.name, environment: name.clone(), detail };
        let work = move || -> crate::serve::desk::Local<Result<Answer, Problem>> {
            Box::pin(async move {
                let asked = async { status(&aim.target().await?, &mut ()).await };
                let found = asked.await.map_err(|failure| Problem::of(&failure, wording))?;
                let config = &aim.project.workspace().loaded.config;
                let from = config.environment(&aim.environment).and_then(|e| e.promote_from.as_deref());
                let from = from.filter(|from| seen.as_ref().is_none_or(|seen| seen.contains(*from)));
                let mut shown = page(&found, (from, may_plan), &wanted)?;
                if let Some(broken) = &found.broken {
                    let problem = Problem::of(broken, wording);
                    shown = part("broken", &said(&problem, ""))?.and(&shown);
                }
                Ok(Answer::html(shown))
            })
        };
        let inner = service.read(key, work).await?;
        whole(service, exchange, &Shown { title: "Changesets", environment: Some(&name), tab: "Changesets" }, &inner)
    })
}

impl Wanted {
    fn of(exchange: &Exchange) -> Result<Self, Problem> {
        let wrong = |name: &str, why: &str| {
            Problem::new(Kind::BadRequest, format!("the parameter `{name}` is not valid: {why}"))
        };
        let state = match exchange.query.get("state").filter(|state| !state.is_empty()) {
            None => None,
            Some(word) => Some(
                State::ALL
                    .into_iter()
                    .find(|state| state.word() == word)
                    .ok_or_else(|| wrong("state", &format!("`{word}` is no state")))?,
            ),
        };
        let page = match exchange.query.get("page") {
            None => 1,
            Some(text) => {
                text.parse().ok().filter(|n| *n > 0).ok_or_else(|| wrong("page", "it is no number from 1"))?
            }
        };
        Ok(Self { state, text: exchange.query.get("q").unwrap_or_default().trim().to_lowercase(), page })
    }

    fn fits(&self, row: &StateRow) -> bool {
        let has = |text: &str| text.to_lowercase().contains(&self.text);
        self.state.is_none_or(|state| state == row.state)
            && (self.text.is_empty() || has(&row.id) || row.description.as_deref().is_some_and(has))
    }

    /// The path of another page with the same choice.
    fn path(&self, action: &str, page: usize) -> String {
        let state = self.state.map_or("", State::word);
        format!("{action}?state={state}&q={}&page={page}", words::encoded(&self.text))
    }
}

fn page(
    found: &EnvironmentStatus,
    (promote_from, may_plan): (Option<&str>, bool),
    wanted: &Wanted,
) -> Result<Markup, Problem> {
    let action = words::environment(&found.environment);
    let rows: Vec<&StateRow> = found.changesets.iter().filter(|row| wanted.fits(row)).collect();
    let skipped = (wanted.page - 1).saturating_mul(MOST).min(rows.len());
    let shown: Vec<Row> = rows.iter().skip(skipped).take(MOST).map(|row| of(&found.environment, row)).collect();
    let to = skipped + shown.len();
    let states =
        State::ALL.into_iter().filter(|state| found.counts.contains_key(state) || wanted.state == Some(*state));
    part(
        "environment",
        &Values {
            environment: &found.environment,
            place: &found.place,
            next: next(found, promote_from, may_plan),
            states: states
                .map(|state| Choice {
                    value: state.word(),
                    text: format!("{} ({})", state.words(), found.counts.get(&state).copied().unwrap_or_default()),
                    is_chosen: wanted.state == Some(state),
                })
                .collect(),
            text: &wanted.text,
            from: if shown.is_empty() { skipped } else { skipped + 1 },
            to,
            found: rows.len(),
            before: (wanted.page > 1).then(|| wanted.path(&action, wanted.page - 1)),
            after: (to < rows.len()).then(|| wanted.path(&action, wanted.page + 1)),
            rows: shown,
            action,
        },
    )
}

fn of(environment: &str, row: &StateRow) -> Row {
    let progress = row.backfill.as_ref().map(ToString::to_string);
    Row {
        href: words::changeset(environment, &row.id),
        id: row.id.clone(),
        tag: Tag::of(row.state),
        description: row.description.clone().unwrap_or_default(),
        applied_at: row.applied_at.clone(),
        applied_by: row.applied_by.clone(),
        why: row.error.clone().or_else(|| row.reason.clone()).or(progress),
    }
}

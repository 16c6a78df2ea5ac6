//! What happened in an environment: the events of its ledger.

use super::layout::{Shown, whole};
use super::made::part;
use super::words;
use crate::base::{Markup, Wording};
use crate::history::EventKind;
use crate::ops::event_words::told;
use crate::ops::history::{Events, events};
use crate::pg::ledger::read::{Filter, LedgerEvent};
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, HTML};
use crate::serve::caller::Role;
use crate::serve::desk::Local;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use serde::Serialize;
use std::rc::Rc;

/// How many events a page has.
const MOST: u32 = 100;

pub(super) const HISTORY: Route = Route {
    method: Method::Get,
    path: "/e/{environment}/history",
    name: "historyPage",
    about: "What happened in an environment, the latest first.",
    guard: Guard::Page(Role::Read),
    query: &[
        Parameter { name: "changeset", about: "Only events of this changeset.", form: Form::Text },
        Parameter { name: "kind", about: "Only events of this kind.", form: Form::Text },
        Parameter { name: "by", about: "Only events by this database role, person, or person@host.", form: Form::Text },
        Parameter { name: "run", about: "Only events of this run.", form: Form::Text },
        Parameter { name: "before", about: "The page with earlier events.", form: Form::Text },
    ],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

/// What is looked for, as it was written.
#[derive(Clone, Default, Serialize)]
struct Wanted {
    changeset: String,
    kind: String,
    by: String,
    run: String,
}

#[derive(Serialize)]
struct Values<'a> {
    action: String,
    #[serde(flatten)]
    wanted: &'a Wanted,
    kinds: Vec<Choice>,
    events: Vec<Event<'a>>,
    earlier: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    word: &'static str,
    is_chosen: bool,
}

/// An event in a table.
#[derive(Serialize)]
pub(super) struct Event<'a> {
    at: &'a str,
    kind: &'a str,
    changeset: Option<&'a str>,
    href: Option<String>,
    role: &'a str,
    by: Option<&'a str>,
    told: String,
    run: Option<&'a str>,
    run_href: Option<String>,
}

impl<'a> Event<'a> {
    fn of(environment: &str, event: &'a LedgerEvent) -> Self {
        let run_href =
            |run: &String| format!("{}/history?run={}", words::environment(environment), words::encoded(run));
        Self {
            at: &event.at,
            kind: &event.kind,
            changeset: event.changeset.as_deref(),
            href: event.changeset.as_ref().map(|id| words::changeset(environment, id)),
            role: &event.db_user,
            by: event.by.as_deref(),
            told: told(event),
            run: event.run.as_deref().and_then(|run| run.get(..8)),
            run_href: event.run.as_ref().map(run_href),
        }
    }
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (aim, wording) = (service.aim(exchange)?, service.wording);
        let text = |name| exchange.query.get(name).unwrap_or_default().trim().to_owned();
        let wanted = Wanted { changeset: text("changeset"), kind: text("kind"), by: text("by"), run: text("run") };
        let wrong = |name: &str, why: &str| {
            Problem::new(Kind::BadRequest, format!("the parameter `{name}` is not valid: {why}"))
        };
        if !wanted.kind.is_empty() && EventKind::from_word(&wanted.kind).is_none() {
            return Err(wrong("kind", &format!("`{}` is no kind of events", wanted.kind)));
        }
        let before = exchange.query.get("before").map(str::parse).transpose();
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let filter = Filter {
            changeset: some(&wanted.changeset),
            kinds: some(&wanted.kind).into_iter().collect(),
            by: some(&wanted.by),
            run: some(&wanted.run),
            before: before.map_err(|why: String| wrong("before", &why))?,
            limit: MOST,
            ..Filter::default()
        };
        let name = aim.environment.clone();
        let key = Key { what: HISTORY.name, environment: name.clone(), detail: format!("{filter:?}") };
        let work = move || -> Local<Result<Answer, Problem>> {
            Box::pin(async move { Ok(Answer::html(read(&aim, &filter, &wanted, wording).await?)) })
        };
        let inner = service.read(key, work).await?;
        whole(service, exchange, &Shown { title: "History", environment: Some(&name), tab: "History" }, &inner)
    })
}

async fn read(aim: &Aim, filter: &Filter, wanted: &Wanted, wording: Wording) -> Result<Markup, Problem> {
    let asked = async { events(&aim.target().await?, filter, &mut ()).await };
    let found = asked.await.map_err(|failure| Problem::of(&failure, wording))?;
    let action = words::environment(&aim.environment) + "/history";
    part(
        "history",
        &Values {
            earlier: found.next(MOST).map(|next| wanted.path(&action, &next.to_string())),
            action,
            wanted,
            kinds: EventKind::ALL.iter().map(|(_, word)| Choice { word, is_chosen: wanted.kind == *word }).collect(),
            events: rows(&found),
        },
    )
}

/// The latest first.
pub(super) fn rows(found: &Events) -> Vec<Event<'_>> {
    found.events.iter().rev().map(|event| Event::of(&found.environment, event)).collect()
}

impl Wanted {
    /// The path of the page with earlier events.
    fn path(&self, action: &str, before: &str) -> String {
        let all = [("changeset", &self.changeset), ("kind", &self.kind), ("by", &self.by), ("run", &self.run)];
        let all = all.into_iter().filter(|(_, text)| !text.is_empty());
        let query: String = all.map(|(name, text)| format!("{name}={}&", words::encoded(text))).collect();
        format!("{action}?{query}before={}", words::encoded(before))
    }
}

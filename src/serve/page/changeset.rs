//! One changeset in an environment: whether it is there, why or why not, and what happened to it.

use super::history::{Event, rows};
use super::layout::{Shown, whole};
use super::made::part;
use super::words::{self, Tag};
use crate::base::{Failure, HumanDuration, Markup, Wording};
use crate::ops::Target;
use crate::ops::changeset::{ChangesetDetail, changeset};
use crate::ops::history::events;
use crate::ops::matrix::matrix;
use crate::ops::why::why;
use crate::pg::ledger::read::Filter;
use crate::plan::matrix::Column;
use crate::plan::states::State;
use crate::report::plan::both_ways;
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
use std::collections::BTreeSet;
use std::rc::Rc;

/// How many events a page has, the latest.
const MOST: u32 = 100;

/// How long another environment may take to answer.
const PATIENCE: HumanDuration = HumanDuration::secs(5);

pub(super) const CHANGESET: Route = Route {
    method: Method::Get,
    path: "/e/{environment}/changeset",
    name: "changesetPage",
    about: "One changeset in an environment.",
    guard: Guard::Page(Role::Read),
    query: &[Parameter { name: "id", about: "The id of the changeset.", form: Form::Text }],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

#[derive(Serialize)]
struct Values<'a> {
    id: &'a str,
    environment: &'a str,
    tag: Tag,
    verdict: String,
    reasons: Vec<Reason<'a>>,
    /// Its state in all environments that the caller sees.
    elsewhere: Vec<Tag>,
    events: Vec<Event<'a>>,
}

#[derive(Serialize)]
struct Reason<'a> {
    message: &'a str,
    until: Option<&'a str>,
    todo: Option<String>,
    who: Option<&'a str>,
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (aim, wording) = (service.aim(exchange)?, service.wording);
        let id = exchange.query.get("id").filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Problem::new(Kind::BadRequest, "the parameter `id` is missing"))?.to_owned();
        let (name, title) = (aim.environment.clone(), id.clone());
        let seen: BTreeSet<String> = service.aims(exchange)?.into_iter().map(|aim| aim.environment).collect();
        let key = Key { what: CHANGESET.name, environment: name.clone(), detail: format!("{id}\n{seen:?}") };
        let work = move || -> Local<Result<Answer, Problem>> {
            Box::pin(async move { Ok(Answer::html(read(&aim, &id, &seen, wording).await?)) })
        };
        let inner = service.read(key, work).await?;
        whole(service, exchange, &Shown { title: &title, environment: Some(&name), tab: "Changesets" }, &inner)
    })
}

async fn read(aim: &Aim, id: &str, seen: &BTreeSet<String>, wording: Wording) -> Result<Markup, Problem> {
    let problem = |failure: Failure| Problem::of(&failure, wording);
    let target = aim.target().await.map_err(problem)?;
    let why = why(&target, id, &|name| seen.contains(name), &mut ()).await.map_err(problem)?;
    let filter = Filter { changeset: Some(why.changeset.clone()), limit: MOST, ..Filter::default() };
    let found = events(&target, &filter, &mut ()).await.map_err(problem)?;
    let state = why.state.and_then(|word| State::ALL.into_iter().find(|state| state.word() == word));
    let reasons = why.reasons.iter().map(|reason| Reason {
        message: &reason.message,
        until: reason.until.as_deref(),
        todo: reason.todo.as_ref().map(wording),
        who: reason.who.as_deref(),
    });
    let detail = changeset(&target, &why.changeset, &mut ()).await.map_err(problem)?;
    let ways = detail.as_ref().and_then(ChangesetDetail::both_ways);
    let sql = ways.map(|(segments, rollback)| both_ways(segments, rollback)).unwrap_or_default();
    let head = part(
        "changeset",
        &Values {
            id: &why.changeset,
            environment: &why.environment,
            tag: state.map_or_else(|| Tag::new("none", why.is), Tag::of),
            verdict: wording(&why.verdict),
            reasons: reasons.collect(),
            elsewhere: elsewhere(&target, &why.changeset, seen).await,
            events: rows(&found),
        },
    )?;
    if sql == Markup::default() { Ok(head) } else { Ok(head.and(&part("changeset_sql", &())?).and(&sql)) }
}

/// Its state in all environments that the caller sees; none if the files cannot be read.
async fn elsewhere(target: &Target, id: &str, seen: &BTreeSet<String>) -> Vec<Tag> {
    let Ok((matrix, _)) = matrix(target, Some(seen), PATIENCE).await else { return Vec::new() };
    let row = matrix.changesets.iter().find(|row| row.id == id);
    let tag = |(at, column): (usize, &Column)| {
        let state = row.and_then(|row| row.cells.get(at)).and_then(Option::as_ref).map(|row| row.state);
        let (tag, words) = match (state, &column.answer) {
            (Some(state), _) => (Tag::of(state), state.words()),
            (None, Ok(_)) => (Tag::new("none", ""), "unknown there"),
            (None, Err(_)) => (Tag::new("none", ""), "not reached"),
        };
        Tag { text: format!("{}: {words}", column.name), href: Some(words::changeset(&column.name, id)), ..tag }
    };
    matrix.environments.iter().enumerate().map(tag).collect()
}

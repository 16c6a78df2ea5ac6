//! `GET …/changesets`: the changesets of an environment, as a list and one by one.

use super::history::{BEFORE, Page, before, page};
use super::reading::{LIMIT, READING, USUAL, followed, is_in, not_found, read, read_for};
use crate::base::{Failure, FailureKind};
use crate::ops::Target;
use crate::ops::changeset::{ChangesetAnswer, ChangesetFilter, ChangesetsAnswer, changeset, find, list};
use crate::ops::history::events;
use crate::ops::why::{WhyAnswer, why};
use crate::pg::ledger::read::Filter;
use crate::plan::states::State;
use crate::serve::answer::Answer;
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::route::{Handling, Reply, Route};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use std::rc::Rc;

pub(super) const CHANGESETS: Route = Route {
    path: "/api/v1/environments/{environment}/changesets",
    name: "changesets",
    about: "The changesets of an environment with their states, in order, page by page.",
    query: &[
        Parameter {
            name: "state",
            about: "Only changesets in these states.",
            form: Form::SomeOf(|| State::ALL.map(State::word).to_vec()),
        },
        Parameter { name: "label", about: "Only changesets with this label.", form: Form::Text },
        Parameter {
            name: "q",
            about: "Only changesets with this text in the id, the description, the author or a label.",
            form: Form::Text,
        },
        Parameter {
            name: "after",
            about: "Only changesets behind this one: `next` of the page before.",
            form: Form::Text,
        },
        LIMIT,
    ],
    replies: &[Reply::json(of::<ChangesetsAnswer<'static>>), Reply::problem(404)],
    handler: changesets,
    ..READING
};

fn changesets<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let query = &exchange.query;
        let words = query.list("state");
        let text = |name: &str| query.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let filter = ChangesetFilter {
            states: State::ALL.into_iter().filter(|state| words.iter().any(|word| word == state.word())).collect(),
            label: text("label"),
            text: text("q"),
            after: text("after"),
            limit: query.number("limit").unwrap_or(USUAL as usize),
        };
        let asked = exchange.clone();
        let answer = read(service, exchange, move |aim, wording| {
            Box::pin(async move {
                let page = list(&aim.target().await?, &filter, &mut ()).await?;
                let answer = Answer::json(&page.answer(wording));
                Ok(Ok(followed(answer, &asked, &CHANGESETS, "after", page.next())))
            })
        });
        answer.await
    })
}

pub(super) const CHANGESET: Route = Route {
    path: "/api/v1/environments/{environment}/changesets/{id}",
    name: "changeset",
    about: "A changeset: its state, its SQL in both directions, what it needs and what needs it, and what the ledger \
            stored when it was applied.",
    replies: &[Reply::json(of::<ChangesetAnswer<'static>>), Reply::problem(404), Reply::problem(422)],
    handler: one,
    ..READING
};

fn one<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let id = exchange.parameter("id").to_owned();
        let answer = read(service, exchange, move |aim, wording| {
            Box::pin(async move {
                let found = changeset(&aim.target().await?, &id, &mut ()).await?;
                Ok(found.map_or_else(|| Err(unknown(&id)), |found| Ok(Answer::json(&found.answer(wording)))))
            })
        });
        answer.await
    })
}

pub(super) const WHY: Route = Route {
    path: "/api/v1/environments/{environment}/changesets/{id}/why",
    name: "why",
    about: "Why a changeset is, or is not yet, applied in an environment, and what is to be done.",
    replies: &[Reply::json(of::<WhyAnswer<'static>>), Reply::problem(404), Reply::problem(422)],
    handler: why_answer,
    ..READING
};

fn why_answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let id = exchange.parameter("id").to_owned();
        let seen = service.seen_by(exchange.caller()?);
        let answer = read_for(service, exchange, move |aim, wording| {
            Box::pin(async move {
                let target = aim.target().await?;
                match why(&target, &id, &|name| is_in(seen.as_ref(), name), &mut ()).await {
                    // it asks the files first, and then the ledger
                    Err(failure) if failure.kind == FailureKind::Usage && !is_in_files(&target, &id)? => {
                        Ok(Err(unknown(&id)))
                    }
                    found => Ok(Ok(Answer::json(&found?.answer(wording)))),
                }
            })
        });
        answer.await
    })
}

pub(super) const EVENTS: Route = Route {
    path: "/api/v1/environments/{environment}/changesets/{id}/history",
    name: "changesetHistory",
    about: "What happened to a changeset in an environment, page by page.",
    query: &[BEFORE, LIMIT],
    replies: &[Reply::json(of::<Page>), Reply::problem(404), Reply::problem(422)],
    handler: history,
    ..READING
};

fn history<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (id, asked) = (exchange.parameter("id").to_owned(), exchange.clone());
        let filter = Filter {
            changeset: Some(id.clone()),
            before: before(exchange)?,
            limit: exchange.query.number(LIMIT.name).unwrap_or(USUAL),
            ..Filter::default()
        };
        let answer = read(service, exchange, move |aim, _| {
            Box::pin(async move {
                let target = aim.target().await?;
                let events = events(&target, &filter, &mut ()).await?;
                if events.events.is_empty() && filter.before.is_none() && !is_in_files(&target, &id)? {
                    return Ok(Err(unknown(&id)));
                }
                Ok(Ok(page(events, &filter, &asked, &EVENTS)))
            })
        });
        answer.await
    })
}

fn unknown(id: &str) -> crate::serve::problem::Problem {
    not_found(&format!("the changeset `{id}`"))
}

fn is_in_files(target: &Target, id: &str) -> Result<bool, Failure> {
    Ok(find(&target.view()?, id).is_some())
}

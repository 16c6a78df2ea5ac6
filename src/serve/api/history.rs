//! `GET …/history` and `GET …/history/verification`: the events of an environment's ledger.

use super::reading::{LIMIT, READING, USUAL, followed, read};
use crate::history::EventKind;
use crate::ops::history::{Audited, Events, audit, events};
use crate::pg::ledger::audit::{Anchor, Kept};
use crate::pg::ledger::read::{EventPlace, Filter, Since};
use crate::serve::accept::{CSV, Offer, choose, document, names};
use crate::serve::answer::{Answer, JSON};
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Handling, Reply, Route};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;
use std::str::FromStr;

/// A page of the events of an environment's ledger.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EventPage")]
pub(super) struct Page {
    /// The events.
    #[serde(flatten)]
    events: Events,
    /// The value of `before` for the page with earlier events; null: there are none.
    next: Option<String>,
}

/// Where a page of events ends.
pub(super) const BEFORE: Parameter = Parameter {
    name: "before",
    about: "Only events before this place: `next` of the page with later events.",
    form: Form::Text,
};

/// A page as JSON.
pub(super) fn page(events: Events, filter: &Filter, exchange: &Exchange, route: &Route) -> Answer {
    let next = events.next(filter.limit).map(|next| next.to_string());
    let answer = Answer::json(&Page { events, next: next.clone() });
    followed(answer, exchange, route, BEFORE.name, next.as_deref())
}

/// Where the page ends that is asked for.
pub(super) fn before(exchange: &Exchange) -> Result<Option<EventPlace>, Problem> {
    exchange.query.get(BEFORE.name).map(|text| parsed(BEFORE.name, text)).transpose()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Json,
    Csv,
}

const OFFERS: &[Offer<As>] =
    &[Offer { name: "json", media: JSON, form: As::Json }, Offer { name: "csv", media: CSV, form: As::Csv }];

pub(super) const HISTORY: Route = Route {
    path: "/api/v1/environments/{environment}/history",
    name: "history",
    about: "The events of the environment's ledger: who did what, when, from where. The latest page comes first; within \
            a page events are in ascending order.",
    query: &[
        Parameter { name: "changeset", about: "Only events of this changeset.", form: Form::Text },
        Parameter {
            name: "kind",
            about: "Only events of these kinds.",
            form: Form::SomeOf(|| EventKind::ALL.map(|(_, word)| word).to_vec()),
        },
        Parameter {
            name: "since",
            about: "Only events since then: `7d` (ago), `2026-03-01`, `2026-03-01T12:00:00Z`.",
            form: Form::Text,
        },
        Parameter {
            name: "run",
            about: "Only events of this run; the beginning of its id is enough.",
            form: Form::Text,
        },
        Parameter { name: "by", about: "Only events by this database role, person, or person@host.", form: Form::Text },
        BEFORE,
        LIMIT,
        Parameter {
            name: "format",
            about: "The form of the answer; default: what `Accept` prefers.",
            form: Form::OneOf(|| names(OFFERS)),
        },
    ],
    replies: &[Reply::json(of::<Page>), Reply::of(CSV), Reply::problem(404), Reply::problem(406)],
    handler: history,
    ..READING
};

fn history<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (offer, query) = (choose(exchange, OFFERS)?, &exchange.query);
        let text = |name: &str| query.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let filter = Filter {
            changeset: text("changeset"),
            kinds: query.list("kind"),
            since: text("since").map(|since| parsed::<Since>("since", &since)).transpose()?,
            run: text("run"),
            by: text("by"),
            before: before(exchange)?,
            limit: query.number(LIMIT.name).unwrap_or(USUAL),
        };
        let asked = exchange.clone();
        let answer = read(service, exchange, move |aim, _| {
            Box::pin(async move {
                let events = events(&aim.target().await?, &filter, &mut ()).await?;
                let next = events.next(filter.limit).map(|next| next.to_string());
                Ok(Ok(match offer.form {
                    As::Json => page(events, &filter, &asked, &HISTORY),
                    As::Csv => {
                        let answer = document(CSV, events.csv());
                        followed(answer, &asked, &HISTORY, BEFORE.name, next.as_deref())
                    }
                }))
            })
        });
        answer.await
    })
}

pub(super) const VERIFICATION: Route = Route {
    path: "/api/v1/environments/{environment}/history/verification",
    name: "verification",
    about: "Verifies that nothing in the ledger was changed, removed or inserted by hand: reads all of it.",
    query: &[Parameter {
        name: "anchor",
        about: "Events and their hashes, `last:head` of earlier verifications, several with commas: they must be there \
                still.",
        form: Form::Texts,
    }],
    replies: &[Reply::json(of::<Audited>), Reply::problem(404)],
    handler: verification,
    ..READING
};

fn verification<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let texts = exchange.query.list("anchor");
        let anchors = texts.iter().map(|text| parsed::<Anchor>("anchor", text)).collect::<Result<Vec<_>, _>>()?;
        let answer = read(service, exchange, move |aim, _| {
            Box::pin(async move {
                let kept = Kept { anchors: &anchors, key: None };
                Ok(Ok(Answer::json(&audit(&aim.target().await?, kept, &mut ()).await?)))
            })
        });
        answer.await
    })
}

fn parsed<T: FromStr<Err = String>>(name: &str, text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|why| Problem::new(Kind::BadRequest, format!("the parameter `{name}` is not valid: `{text}`: {why}")))
}

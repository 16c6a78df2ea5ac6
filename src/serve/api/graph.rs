//! `GET …/graph`: the graph of changesets.

use super::reading::{READING, SELECT, read};
use crate::ops::graph::{Around, GraphRequest, NEAR, graph};
use crate::report::{GraphFormat, GraphOptions, GraphView};
use crate::serve::accept::{DOT, MERMAID, Offer, SVG, TEXT, choose, document, names};
use crate::serve::answer::{Answer, JSON};
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Handling, Reply, Route};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use std::rc::Rc;

const OFFERS: &[Offer<GraphFormat>] = &[
    Offer { name: "json", media: JSON, form: GraphFormat::Json },
    Offer { name: "svg", media: SVG, form: GraphFormat::Svg },
    Offer { name: "dot", media: DOT, form: GraphFormat::Dot },
    Offer { name: "mermaid", media: MERMAID, form: GraphFormat::Mermaid },
    Offer { name: "tree", media: TEXT, form: GraphFormat::Tree },
];

pub(super) const GRAPH: Route = Route {
    path: "/api/v1/environments/{environment}/graph",
    name: "graph",
    about: "The graph of changesets, for programs or as a picture.",
    query: &[
        SELECT,
        Parameter { name: "around", about: "Only this changeset and what is near it.", form: Form::Text },
        Parameter {
            name: "depth",
            about: "With `around`: how many edges away dependencies and dependents may be; default: 2.",
            form: Form::Number { least: 0, most: 100 },
        },
        Parameter {
            name: "against",
            about: "Whether the changesets have their states in the environment's database; default: true.",
            form: Form::Flag,
        },
        Parameter {
            name: "edges",
            about: "Whether the edges have their reasons, with those that are found in the SQL; default: false.",
            form: Form::Flag,
        },
        Parameter {
            name: "format",
            about: "The form of the answer; default: what `Accept` prefers.",
            form: Form::OneOf(|| names(OFFERS)),
        },
    ],
    replies: &[
        Reply::json(of::<GraphView>),
        Reply::of(SVG),
        Reply::of(DOT),
        Reply::of(MERMAID),
        Reply::of(TEXT),
        Reply::problem(404),
        Reply::problem(406),
        Reply::problem(422),
    ],
    handler: answer,
    ..READING
};

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (offer, query) = (choose(exchange, OFFERS)?, &exchange.query);
        let depth = query.number("depth");
        let around = query.get("around").map(str::to_owned);
        if depth.is_some() && around.is_none() {
            return Err(Problem::new(Kind::BadRequest, "the parameter `depth` is only for `around`"));
        }
        let request = GraphRequest {
            select: query.list(SELECT.name),
            around: around.map(|changeset| Around { changeset, depth: depth.unwrap_or(NEAR) }),
            against: query.get("against") != Some("false"),
            edges: query.flag("edges"),
        };
        let answer = read(service, exchange, move |aim, _| {
            Box::pin(async move {
                let picture = graph(&aim.target().await?, &request, &mut ()).await?;
                Ok(Ok(match offer.form {
                    GraphFormat::Json => Answer::json(&picture),
                    form => document(offer.media, form.render(&picture, GraphOptions::default()).plain()),
                }))
            })
        });
        answer.await
    })
}

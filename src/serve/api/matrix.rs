//! `GET /api/v1/matrix`: which environment has what.

use super::reading::{READING, read_project};
use crate::base::HumanDuration;
use crate::ops::matrix::matrix;
use crate::report::{MatrixAnswer, MatrixFormat, MatrixOptions};
use crate::serve::accept::{HTML, MARKDOWN, Offer, TEXT, choose, document, names};
use crate::serve::answer::{Answer, JSON};
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::route::{Handling, Reply, Route};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use std::rc::Rc;

/// How long an environment may take.
const PATIENCE: HumanDuration = HumanDuration::secs(10);

const OFFERS: &[Offer<MatrixFormat>] = &[
    Offer { name: "json", media: JSON, form: MatrixFormat::Json },
    Offer { name: "html", media: HTML, form: MatrixFormat::Html },
    Offer { name: "markdown", media: MARKDOWN, form: MatrixFormat::Markdown },
    Offer { name: "text", media: TEXT, form: MatrixFormat::Text },
];

pub(super) const MATRIX: Route = Route {
    path: "/api/v1/matrix",
    name: "matrix",
    about: "The state of every changeset in every environment. An environment that does not answer within 10 seconds \
            is in the answer with the reason.",
    query: &[Parameter {
        name: "format",
        about: "The form of the answer; default: what `Accept` prefers.",
        form: Form::OneOf(|| names(OFFERS)),
    }],
    replies: &[
        Reply::json(of::<MatrixAnswer<'static>>),
        Reply::of(HTML),
        Reply::of(MARKDOWN),
        Reply::of(TEXT),
        Reply::problem(406),
        Reply::problem(422),
    ],
    handler: answer,
    ..READING
};

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let offer = choose(exchange, OFFERS)?;
        let seen = service.seen_by(exchange.caller()?);
        let answer = read_project(service, exchange, move |aim, wording| {
            Box::pin(async move {
                let target = aim.project.target(aim.spec.clone(), aim.actor.clone())?;
                let (matrix, _) = matrix(&target, seen.as_ref(), PATIENCE).await?;
                let options = MatrixOptions { limit: None, wording };
                Ok(Ok(match offer.form {
                    MatrixFormat::Json => Answer::json(&MatrixAnswer::of(&matrix, wording)),
                    form => document(offer.media, form.render(&matrix, options).plain()),
                }))
            })
        });
        answer.await
    })
}

//! `GET /api/v1/checks` and `GET /api/v1/lint`: the files without a database.

use super::reading::{READING, SELECT, read};
use crate::base::Level;
use crate::ops::check::{Checked, check};
use crate::ops::lint::{LintOptions, lint};
use crate::report::{LintAnswer, LintFormat, Style};
use crate::serve::accept::{MARKDOWN, Offer, SARIF, choose, document, names};
use crate::serve::answer::{Answer, JSON};
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{ENVIRONMENT, Form, Parameter};
use crate::serve::problem::Problem;
use crate::serve::route::{Handling, Reply, Route};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use serde_json::json;
use std::rc::Rc;

pub(super) const CHECKS: Route = Route {
    path: "/api/v1/checks",
    name: "checks",
    about: "Checks the files, compiled for an environment, without a database. Errors are a problem with the status \
            422, which has all of them.",
    query: &[ENVIRONMENT],
    replies: &[Reply::json(of::<Checked>), Reply::problem(404), Reply::problem(422)],
    handler: checks,
    ..READING
};

fn checks<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(read(service, exchange, |aim, wording| {
        Box::pin(async move {
            let target = aim.project.target(aim.spec.clone(), aim.actor.clone())?;
            Ok(Ok(Answer::json(&check(&target, wording)?)))
        })
    }))
}

const OFFERS: &[Offer<LintFormat>] = &[
    Offer { name: "json", media: JSON, form: LintFormat::Json },
    Offer { name: "sarif", media: SARIF, form: LintFormat::Sarif },
    Offer { name: "markdown", media: MARKDOWN, form: LintFormat::Markdown },
];

pub(super) const LINT: Route = Route {
    path: "/api/v1/lint",
    name: "lint",
    about: "The review of changesets: what is likely to go wrong although it can be run.",
    query: &[
        ENVIRONMENT,
        SELECT,
        Parameter {
            name: "base",
            about: "Only changesets that are new or changed since this commit, branch or tag.",
            form: Form::Text,
        },
        Parameter {
            name: "failOn",
            about: "Answers with the status 422 if a finding has this severity or a higher one; default: never.",
            form: Form::OneOf(|| Level::SEVERITIES.map(Level::word).to_vec()),
        },
        Parameter {
            name: "format",
            about: "The form of the answer; default: what `Accept` prefers.",
            form: Form::OneOf(|| names(OFFERS)),
        },
    ],
    replies: &[
        Reply::json(of::<LintAnswer>),
        Reply::of(SARIF),
        Reply::of(MARKDOWN),
        Reply::problem(404),
        Reply::problem(406),
        Reply::problem(422),
    ],
    handler: lint_answer,
    ..READING
};

fn lint_answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let offer = choose(exchange, OFFERS)?;
        let query = &exchange.query;
        let severity = |word: &str| Level::SEVERITIES.into_iter().find(|level| level.word() == word);
        let options = LintOptions {
            selectors: query.list(SELECT.name),
            base: query.get("base").map(str::to_owned),
            fail_on: query.get("failOn").and_then(severity),
        };
        let answer = read(service, exchange, move |aim, wording| {
            Box::pin(async move {
                let target = aim.project.target(aim.spec.clone(), aim.actor.clone())?;
                let linted = lint(&target, &options)?;
                if let Some(failure) = linted.failure() {
                    return Ok(Err(Problem::of(&failure, wording).with("review", json!(linted.answer))));
                }
                Ok(Ok(match offer.form {
                    LintFormat::Json => Answer::json(&linted.answer),
                    form => document(offer.media, form.render(&linted.answer, &*linted.sources, Style::PLAIN)),
                }))
            })
        });
        answer.await
    })
}

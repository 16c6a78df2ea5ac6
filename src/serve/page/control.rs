//! What is asked of a run that is in progress: that it stops, that its backfills pause or go on.

use super::forms::{FORM, Fields};
use super::words;
use crate::serve::answer::Answer;
use crate::serve::api::control::{cancelled, paused, resumed};
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::Problem;
use crate::serve::route::{Handling, Route};
use crate::serve::service::Service;
use std::rc::Rc;

pub(super) const CANCEL: Route = Route {
    path: "/e/{environment}/runs/{run}/cancel",
    name: "cancelByPage",
    about: "Asks a run to stop.",
    handler: |service, exchange| Box::pin(cancel(service, exchange)),
    ..FORM
};

pub(super) const PAUSE: Route = Route {
    path: "/e/{environment}/pause",
    name: "pauseByPage",
    about: "Pauses the backfills of the environment.",
    handler: pause,
    ..FORM
};

pub(super) const RESUME: Route = Route {
    path: "/e/{environment}/resume",
    name: "resumeByPage",
    about: "Lets the backfills of the environment go on.",
    handler: resume,
    ..FORM
};

/// The field with the reason; the history keeps it.
const REASON: &str = "reason";

/// The field with the run from whose page the form was sent.
const RUN: &str = "run";

/// The parameter of a run's page that names what was just asked of it.
pub(super) const ASKED: Parameter = Parameter {
    name: "asked",
    about: "What was just asked of the run.",
    form: Form::OneOf(|| Asked::ALL.map(Asked::word).to_vec()),
};

/// What can be asked of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Cancel,
    Pause,
    Resume,
}

impl Asked {
    const ALL: [Self; 3] = [Self::Cancel, Self::Pause, Self::Resume];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    /// The sentence of the run's page, for the word in its address.
    pub(super) fn said(word: &str) -> Option<&'static str> {
        Self::ALL.into_iter().find(|asked| asked.word() == word).map(|asked| match asked {
            Self::Cancel => "The run was asked to stop. It stops when the server has cancelled its current statement.",
            Self::Pause => "The backfills were asked to pause. They pause after the current batch.",
            Self::Resume => "The backfills were asked to go on.",
        })
    }
}

async fn cancel(service: &Service, exchange: &Exchange) -> Result<Answer, Problem> {
    let (fields, id) = (Fields::of(exchange)?, exchange.parameter(RUN));
    cancelled(service, exchange, id, fields.filled(REASON)).await?;
    Ok(Answer::see(page(&service.aim(exchange)?.environment, id, Asked::Cancel)))
}

fn pause<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let fields = Fields::of(exchange)?;
        paused(service, exchange, fields.filled(REASON)).await?;
        back(service, exchange, &fields, Asked::Pause)
    })
}

fn resume<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        resumed(service, exchange).await?;
        back(service, exchange, &Fields::of(exchange)?, Asked::Resume)
    })
}

/// The path of the page of a run that was just asked for something.
fn page(environment: &str, id: &str, asked: Asked) -> String {
    format!("{}?{}={}", words::run(environment, id), ASKED.name, asked.word())
}

/// To the run from whose page it was asked, or to the environment.
fn back(service: &Service, exchange: &Exchange, fields: &Fields, asked: Asked) -> Result<Answer, Problem> {
    let name = service.aim(exchange)?.environment;
    Ok(Answer::see(match fields.filled(RUN) {
        Some(run) => page(&name, &run, asked),
        None => words::environment(&name),
    }))
}

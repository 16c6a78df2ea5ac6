//! `GET …/status`: what an environment has.

use super::reading::{READING, read};
use crate::ops::status::{StatusAnswer, status};
use crate::serve::answer::Answer;
use crate::serve::exchange::Exchange;
use crate::serve::route::{Handling, Reply, Route};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use std::rc::Rc;

pub(super) const STATUS: Route = Route {
    path: "/api/v1/environments/{environment}/status",
    name: "environmentStatus",
    about: "The state of every changeset in an environment. If the files have errors, the answer has what the ledger \
            says, and the errors in `error` and `diagnostics`.",
    replies: &[Reply::json(of::<StatusAnswer<'static>>), Reply::problem(404)],
    handler: answer,
    ..READING
};

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(read(service, exchange, |aim, wording| {
        Box::pin(async move {
            let found = status(&aim.target().await?, &mut ()).await?;
            Ok(Ok(Answer::json(&found.answer(wording))))
        })
    }))
}

//! `GET …/drift`, `GET …/attic` and `GET …/policy`: what else an environment's ledger says.

use super::reading::{READING, is_in, read, read_for, without_hidden};
use crate::base::remedy::Call;
use crate::ops::attic::{AtticAnswer, kept};
use crate::ops::manual::policy::{Policy, required};
use crate::ops::status::status;
use crate::pg::ledger::drift::DriftCheck;
use crate::serve::answer::Answer;
use crate::serve::exchange::Exchange;
use crate::serve::route::{Handling, Reply, Route};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// The last recorded comparison of an environment's database with its ledger.
#[derive(Debug, Serialize, JsonSchema)]
struct Drift<'a> {
    /// The environment.
    environment: &'a str,
    /// The last comparison; null: none was recorded.
    last: Option<&'a DriftCheck>,
}

pub(super) const DRIFT: Route = Route {
    path: "/api/v1/environments/{environment}/drift",
    name: "drift",
    about: "The last recorded comparison of the database with its ledger.",
    replies: &[Reply::json(of::<Drift<'static>>), Reply::problem(404)],
    handler: drift,
    ..READING
};

fn drift<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(read(service, exchange, |aim, _| {
        Box::pin(async move {
            let found = status(&aim.target().await?, &mut ()).await?;
            Ok(Ok(Answer::json(&Drift { environment: &found.environment, last: found.drift.as_ref() })))
        })
    }))
}

pub(super) const ATTIC: Route = Route {
    path: "/api/v1/environments/{environment}/attic",
    name: "attic",
    about: "What rollbacks and drops would have lost: the entries of the environment's attic.",
    replies: &[Reply::json(of::<AtticAnswer<'static>>), Reply::problem(404)],
    handler: attic,
    ..READING
};

fn attic<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(read(service, exchange, |aim, wording| {
        Box::pin(async move {
            let found = kept(&aim.target().await?, &mut ()).await?;
            // a call alone, without the marks that it has within a sentence
            let command = |call: &Call| wording(&call.clone().into()).trim_matches('`').to_owned();
            Ok(Ok(Answer::json(&found.answer(command))))
        })
    }))
}

pub(super) const POLICY: Route = Route {
    path: "/api/v1/environments/{environment}/policy",
    name: "policy",
    about: "The policy of the environment in dagmar.yaml, and the one that the ledger's owner requires.",
    replies: &[Reply::json(of::<Policy>), Reply::problem(404)],
    handler: policy,
    ..READING
};

fn policy<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let seen = service.seen_by(exchange.caller()?);
        read_for(service, exchange, |aim, _| {
            Box::pin(async move {
                let mut policy = required(&aim.target().await?, &mut ()).await?;
                let sees = |name: &str| is_in(seen.as_ref(), name);
                policy.here = without_hidden(policy.here, sees);
                policy.required = policy.required.map(|required| without_hidden(required, sees));
                Ok(Ok(Answer::json(&policy)))
            })
        })
        .await
    })
}

//! `…/plans/{digest}/approvals`, `approve` and `reject`: what people say of an uploaded plan.

use super::reading::{READING, read_for};
use super::sealed::DIGEST;
use super::starting::check_reason;
use crate::base::HumanDuration;
use crate::history::ApprovalVerdict;
use crate::ops::approval::Decided;
use crate::ops::plans::{self, PlanApprovals};
use crate::serve::answer::{Answer, JSON};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::problem::{PROBLEM, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::sealing::{Uploaded, Word, decide, find, unknown};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Deserialize;
use std::rc::Rc;

/// An approval.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ApprovalRequest {
    /// The reason, of at most 4096 bytes; the history keeps it.
    #[schemars(length(min = 1, max = 4096))]
    reason: String,
    /// How long the approval is valid, more than 0 and at most 36500d; absent: as long as the plan.
    #[serde(default)]
    expires: Option<HumanDuration>,
}

/// A rejection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RejectionRequest {
    /// The reason, of at most 4096 bytes; the history keeps it.
    #[schemars(length(min = 1, max = 4096))]
    reason: String,
}

pub(super) const APPROVALS: Route = Route {
    path: "/api/v1/environments/{environment}/plans/{digest}/approvals",
    name: "planApprovals",
    about: "The decisions on an uploaded plan, and which of them count for a run that the caller would ask for.",
    replies: &[Reply::json(of::<PlanApprovals>), Reply::problem(404), Reply::problem(409)],
    handler: list,
    ..READING
};

/// A route that records a decision, without what makes it one of its own.
const DECIDING: Route = Route {
    method: Method::Post,
    path: "",
    name: "",
    about: "",
    guard: Guard::Api(Role::Approve),
    query: &[],
    body: Body::None,
    patience: Patience::Request,
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<Decided>) },
        Reply { status: 400, media: PROBLEM, schema: None },
        Reply { status: 403, media: PROBLEM, schema: None },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 409, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: |_, exchange| Box::pin(async { Err(unknown(exchange.parameter(DIGEST))) }),
};

pub(super) const APPROVE: Route = Route {
    path: "/api/v1/environments/{environment}/plans/{digest}/approve",
    name: "approvePlan",
    about: "Approves an uploaded plan in the name of the caller, if it could run now.",
    body: Body::Json { schema: of::<ApprovalRequest>, empty: false },
    handler: approve,
    ..DECIDING
};

pub(super) const REJECT: Route = Route {
    path: "/api/v1/environments/{environment}/plans/{digest}/reject",
    name: "rejectPlan",
    about: "Rejects an uploaded plan in the name of the caller: it does not run while the rejection stands.",
    body: Body::Json { schema: of::<RejectionRequest>, empty: false },
    handler: reject,
    ..DECIDING
};

fn list<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let digest = exchange.parameter(DIGEST).to_owned();
        read_for(service, exchange, move |aim, _| {
            Box::pin(async move {
                let Some(Uploaded { plan, .. }) = find(&aim, &digest).await? else { return Ok(Err(unknown(&digest))) };
                let target = aim.target().await?;
                Ok(Ok(Answer::json(&plans::decisions(&target, &plan, &mut ()).await?)))
            })
        })
        .await
    })
}

fn approve<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let ApprovalRequest { reason, expires } = exchange.object()?;
        recorded(service, exchange, Word { verdict: ApprovalVerdict::Approve, reason, expires }).await
    })
}

fn reject<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let RejectionRequest { reason } = exchange.object()?;
        recorded(service, exchange, Word { verdict: ApprovalVerdict::Reject, reason, expires: None }).await
    })
}

async fn recorded(service: &Service, exchange: &Exchange, word: Word) -> Result<Answer, Problem> {
    check_reason(Some(&word.reason))?;
    Ok(Answer::json(&decide(service, exchange, exchange.parameter(DIGEST), word).await?))
}

//! `…/plans/{digest}/preview` and `…/plans/{digest}/runs`: an uploaded plan runs as it is, after a look at it.

use super::previewing::{PREVIEWING, preview};
use super::sealed::DIGEST;
use super::starting::{How, STARTING, check_overrides, start};
use crate::base::Granularity;
use crate::ops::gates::Overrides;
use crate::pg::run::OnFailure;
use crate::plan::Destructive;
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Handling, Route};
use crate::serve::runs::{IfBusy, What};
use crate::serve::sealing::check_there;
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Deserialize;
use std::rc::Rc;

/// The run of an uploaded plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PlanRunRequest {
    /// The digest of the preview: of what is left of the plan, with its database and the states of its gates. It is not
    /// the digest of the sealed plan.
    digest: String,
    /// Whether the plan is promoted: the gates that ask the source environment hold too.
    #[serde(default)]
    promote: bool,
    /// The source environment of a promotion; absent: `promoteFrom` of the environment.
    #[serde(default)]
    from: Option<String>,
    /// Whether the files of the project must still render to the plan.
    #[serde(default)]
    check_render: bool,
    /// The maximum number of connections that run steps concurrently, from 1 to 64; absent: that of the environment.
    #[serde(default)]
    jobs: Option<u16>,
    /// What happens to running steps when a step fails; no new step starts either way.
    #[serde(default)]
    on_failure: OnFailure,
    /// What one transaction holds; absent: that of the environment.
    #[serde(default)]
    transaction: Option<Granularity>,
    /// What happens if another run is in progress.
    #[serde(default)]
    if_busy: IfBusy,
    /// The gates to override; needs the role `admin` and a reason.
    #[serde(default)]
    overrides: Vec<String>,
    /// The hazards to allow, in addition to those that the environment allows; needs the role `admin`.
    #[serde(default)]
    allow: Vec<Destructive>,
    /// The reason of overrides; the history keeps it.
    #[serde(default)]
    reason: Option<String>,
    /// Whether to run even if the preflight reports errors; needs the role `admin`.
    #[serde(default)]
    skip_preflight: bool,
}

/// The uploaded plan to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PlanChoice {
    /// Whether the plan is promoted: the gates that ask the source environment hold too.
    #[serde(default)]
    promote: bool,
    /// The source environment of a promotion; absent: `promoteFrom` of the environment.
    #[serde(default)]
    from: Option<String>,
    /// Whether the files of the project must still render to the plan.
    #[serde(default)]
    check_render: bool,
    /// The gates to override; needs a reason.
    #[serde(default)]
    overrides: Vec<String>,
    /// The hazards to allow, in addition to those that the environment allows.
    #[serde(default)]
    allow: Vec<Destructive>,
    /// The reason of overrides.
    #[serde(default)]
    reason: Option<String>,
}

pub(super) const PREVIEW: Route = Route {
    path: "/api/v1/environments/{environment}/plans/{digest}/preview",
    name: "planPreview",
    about: "What a run of an uploaded plan would do now: what is left of it, the verdict of each gate, and the digest by which \
            the run is asked for. Changes and records nothing.",
    body: Body::Json { schema: of::<PlanChoice>, empty: true },
    handler: look,
    ..PREVIEWING
};

pub(super) const RUN: Route = Route {
    path: "/api/v1/environments/{environment}/plans/{digest}/runs",
    name: "runPlan",
    about: "Runs an uploaded plan as it was previewed, if every gate is met. The answer comes when the run has begun; it \
            goes on without its client. Needs the header `Idempotency-Key`.",
    body: Body::Json { schema: of::<PlanRunRequest>, empty: false },
    handler: post,
    ..STARTING
};

/// What is asked for, if the caller sees where it comes from.
///
/// # Errors
/// There is no such plan, or the source does not exist for the caller.
pub(in crate::serve) async fn what(
    service: &Service,
    exchange: &Exchange,
    (promote, from, check_render): (bool, Option<String>, bool),
) -> Result<What, Problem> {
    match (promote, &from) {
        (true, from) => service.sees_source(exchange, from.as_deref())?,
        (false, Some(_)) => {
            return Err(Problem::new(Kind::BadRequest, "`from` is the source of a promotion: write `promote` too"));
        }
        (false, None) => {}
    }
    let (digest, aim) = (exchange.parameter(DIGEST).to_owned(), service.aim(exchange)?);
    check_there(service, &aim, &digest).await?;
    // a plan that nobody has to sign or approve could be of anybody: it has to be what the project's files say
    let config = &aim.project.workspace().loaded.config;
    let is_vouched_for =
        config.environment(&aim.environment).is_some_and(|own| own.approvals.is_some() || !own.signed_by.is_empty());
    let check_render = check_render || !is_vouched_for && !exchange.caller()?.may(Role::Admin);
    Ok(What::Sealed { digest, promote, from, check_render })
}

fn look<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let PlanChoice { promote, from, check_render, overrides, allow, reason } = exchange.object()?;
        check_overrides(&overrides, reason.as_deref())?;
        let what = what(service, exchange, (promote, from, check_render)).await?;
        preview(service, exchange, what, Overrides { gates: overrides, reason, allow }).await
    })
}

fn post<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let request: PlanRunRequest = exchange.object()?;
        let place = (request.promote, request.from.clone(), request.check_render);
        let what = what(service, exchange, place).await?;
        let wish = request.how().wish(what, exchange.caller()?)?;
        start(service, exchange, wish).await
    })
}

impl PlanRunRequest {
    fn how(self) -> How {
        How {
            digest: self.digest,
            jobs: self.jobs,
            on_failure: self.on_failure,
            transaction: self.transaction,
            if_busy: self.if_busy,
            overrides: self.overrides,
            allow: self.allow,
            reason: self.reason,
            skip_preflight: self.skip_preflight,
        }
    }
}

//! `POST …/promotion-plan` and `POST …/promotions`: applies what another environment has, after a look at it.

use super::previewing::{PREVIEWING, preview};
use super::starting::{How, STARTING, check_overrides, start};
use crate::base::Granularity;
use crate::ops::gates::Overrides;
use crate::pg::run::OnFailure;
use crate::plan::Destructive;
use crate::serve::exchange::Exchange;
use crate::serve::route::{Body, Handling, Route};
use crate::serve::runs::{IfBusy, What};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Deserialize;
use std::rc::Rc;

/// The promotion of what another environment has.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PromotionRequest {
    /// The digest of the plan that was shown, with its database and the states of its gates.
    digest: String,
    /// The source environment; absent: `promoteFrom` of the environment.
    #[serde(default)]
    from: Option<String>,
    /// Only these changesets: `id`, `+id` (with dependencies), `id+` (with dependents), `label:x`; empty: all.
    #[serde(default)]
    select: Vec<String>,
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

/// The promotion to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PromotionChoice {
    /// The source environment; absent: `promoteFrom` of the environment.
    #[serde(default)]
    from: Option<String>,
    /// Only these changesets: `id`, `+id` (with dependencies), `id+` (with dependents), `label:x`; empty: all.
    #[serde(default)]
    select: Vec<String>,
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
    path: "/api/v1/environments/{environment}/promotion-plan",
    name: "promotionPlan",
    about: "What a promotion would do now, with the verdict of each gate and the digest by which it is asked for. Changes and \
            records nothing.",
    body: Body::Json { schema: of::<PromotionChoice>, empty: true },
    handler: look,
    ..PREVIEWING
};

fn look<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let PromotionChoice { from, select, overrides, allow, reason } = exchange.object()?;
        check_overrides(&overrides, reason.as_deref())?;
        // what cannot be seen is no source either
        service.sees_source(exchange, from.as_deref())?;
        let overrides = Overrides { gates: overrides, reason, allow };
        preview(service, exchange, What::Promote { from, select }, overrides).await
    })
}

pub(super) const PROMOTE: Route = Route {
    path: "/api/v1/environments/{environment}/promotions",
    name: "promote",
    about: "Applies what another environment has, as it was previewed, if every gate is met. The answer comes when the \
            run has begun; it goes on without its client. Needs the header `Idempotency-Key`.",
    body: Body::Json { schema: of::<PromotionRequest>, empty: false },
    handler: post,
    ..STARTING
};

fn post<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let request: PromotionRequest = exchange.object()?;
        service.sees_source(exchange, request.from.as_deref())?;
        let what = What::Promote { from: request.from.clone(), select: request.select.clone() };
        let wish = request.how().wish(what, exchange.caller()?)?;
        start(service, exchange, wish).await
    })
}

impl PromotionRequest {
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

//! `POST …/promotions`: applies what another environment has.

use super::starting::{How, STARTING, start};
use crate::base::Granularity;
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

pub(super) const PROMOTE: Route = Route {
    path: "/api/v1/environments/{environment}/promotions",
    name: "promote",
    about: "Applies what another environment has, as it was previewed, if every gate is met. The answer comes when the \
            run has begun; it goes on without its client.",
    body: Body::Json { schema: of::<PromotionRequest>, empty: false },
    handler: post,
    ..STARTING
};

fn post<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let request: PromotionRequest = exchange.object()?;
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

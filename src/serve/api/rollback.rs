//! `POST …/rollback-plan` and `POST …/rollbacks`: takes changesets back, after a look at what that means.

use super::previewing::{PREVIEWING, preview};
use super::starting::{How, STARTING, needs_admin, start};
use crate::base::Granularity;
use crate::ops::gates::Overrides;
use crate::pg::run::OnFailure;
use crate::plan::rollback::Target as Which;
use crate::serve::exchange::Exchange;
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Handling, Route};
use crate::serve::runs::{IfBusy, What};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Deserialize;
use std::rc::Rc;

/// The rollback of `changesets`, of everything after `to`, of `lastRun`, or of `all`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RollbackRequest {
    /// These changesets.
    #[serde(default)]
    changesets: Option<Vec<String>>,
    /// Everything that was applied after this changeset.
    #[serde(default)]
    to: Option<String>,
    /// Everything that the last run applied.
    #[serde(default)]
    last_run: bool,
    /// Everything; needs the role `admin`.
    #[serde(default)]
    all: bool,
    /// With `changesets`: whether to roll back those that depend on them too.
    #[serde(default)]
    cascade: bool,
    /// The digest of the plan that was shown, with its database and the states of its gates.
    digest: String,
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
    /// Whether to run even if the preflight reports errors; needs the role `admin`.
    #[serde(default)]
    skip_preflight: bool,
}

/// What is chosen: `changesets`, everything after `to`, `lastRun`, or `all`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "RollbackChoice")]
struct Choice {
    /// These changesets.
    #[serde(default)]
    changesets: Option<Vec<String>>,
    /// Everything that was applied after this changeset.
    #[serde(default)]
    to: Option<String>,
    /// Everything that the last run applied.
    #[serde(default)]
    last_run: bool,
    /// Everything.
    #[serde(default)]
    all: bool,
    /// With `changesets`: whether to roll back those that depend on them too.
    #[serde(default)]
    cascade: bool,
}

pub(super) const PREVIEW: Route = Route {
    path: "/api/v1/environments/{environment}/rollback-plan",
    name: "rollbackPlan",
    about: "What a rollback would do now, with those changesets that come along, what is lost, and the digest by which it \
            is asked for. Changes and records nothing.",
    body: Body::Json { schema: of::<Choice>, empty: false },
    handler: look,
    ..PREVIEWING
};

pub(super) const ROLLBACK: Route = Route {
    path: "/api/v1/environments/{environment}/rollbacks",
    name: "rollBack",
    about: "Rolls changesets back, as it was previewed, with the SQL that was stored when they were applied. The answer \
            comes when the run has begun; it goes on without its client. Needs the header `Idempotency-Key`.",
    body: Body::Json { schema: of::<RollbackRequest>, empty: false },
    handler: post,
    ..STARTING
};

fn look<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let choice: Choice = exchange.object()?;
        preview(service, exchange, choice.what()?, Overrides::default()).await
    })
}

fn post<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let request: RollbackRequest = exchange.object()?;
        let caller = exchange.caller()?;
        if request.all {
            needs_admin(caller, "rollbacks of everything")?;
        }
        let (choice, how) = request.parts();
        let wish = how.wish(choice.what()?, caller)?;
        start(service, exchange, wish).await
    })
}

impl RollbackRequest {
    fn parts(self) -> (Choice, How) {
        let Self { changesets, to, last_run, all, cascade, .. } = self;
        let choice = Choice { changesets, to, last_run, all, cascade };
        let how = How {
            digest: self.digest,
            jobs: self.jobs,
            on_failure: self.on_failure,
            transaction: self.transaction,
            if_busy: self.if_busy,
            skip_preflight: self.skip_preflight,
            ..How::default()
        };
        (choice, how)
    }
}

impl Choice {
    /// What is rolled back.
    ///
    /// # Errors
    /// Nothing is chosen, or several things are.
    fn what(self) -> Result<What, Problem> {
        let Self { changesets, to, last_run, all, cascade } = self;
        if cascade && changesets.is_none() {
            return Err(Problem::new(Kind::BadRequest, "`cascade` is only for `changesets`"));
        }
        let which = match (changesets, to, last_run, all) {
            (Some(ids), None, false, false) if !ids.is_empty() => Which::Ids(ids),
            (None, Some(id), false, false) => Which::To(id),
            (None, None, true, false) => Which::LastRun,
            (None, None, false, true) => Which::All,
            _ => {
                let detail = "the body must have one of `changesets`, `to`, `lastRun` and `all`";
                return Err(Problem::new(Kind::BadRequest, detail));
            }
        };
        Ok(What::Rollback { which, cascade })
    }
}

//! What a run would do, before it is asked for.

use crate::base::{Failure, Wording};
use crate::gate::GateStatus;
use crate::ops::gates::Overrides;
use crate::ops::preview::{Asked, preview as preview_of};
use crate::report::PlanAnswer;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, JSON};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::problem::{Kind, PROBLEM, Problem};
use crate::serve::route::{Body, Guard, Method, Patience, Reply, Route};
use crate::serve::runs::What;
use crate::serve::runs::thread::sources;
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Serialize;

/// What a run would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RunPreview<'a> {
    /// The digest by which the run is asked for.
    digest: Option<&'a str>,
    /// True if every gate is met or overridden.
    met: bool,
    /// The source environment of a promotion.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    /// Warnings of the gates that do not stop the run.
    warnings: &'a [String],
    /// The plan: the steps in order, with those that come along.
    #[serde(flatten)]
    plan: PlanAnswer<'a>,
}

/// A route that previews a run, without what makes it one of its own.
pub(super) const PREVIEWING: Route = Route {
    method: Method::Post,
    path: "",
    name: "",
    about: "",
    guard: Guard::Api(Role::Plan),
    query: &[],
    body: Body::None,
    patience: Patience::Request,
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<RunPreview<'static>>) },
        Reply { status: 400, media: PROBLEM, schema: None },
        Reply { status: 403, media: PROBLEM, schema: None },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 409, media: PROBLEM, schema: None },
        Reply { status: 422, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: |_, _| Box::pin(async { Err(Problem::new(Kind::NotFound, "there is no such path")) }),
};

/// Previews a run. Changes and records nothing.
///
/// # Errors
/// Why there is no plan.
pub(super) async fn preview(
    service: &Service,
    exchange: &Exchange,
    what: What,
    overrides: Overrides,
) -> Result<Answer, Problem> {
    let (aim, wording) = (service.aim(exchange)?, service.wording);
    let look = move || async move { look(&aim, &what, &overrides, wording).await };
    service.work(|| Box::pin(look())).await
}

async fn look(aim: &Aim, what: &What, overrides: &Overrides, wording: Wording) -> Result<Answer, Failure> {
    let target = aim.target().await?;
    let (source, from) = sources(what, aim, &target).await?;
    let asked = Asked { overrides, from, looks: true, reviews: false };
    let previewed = preview_of(&target, &source, asked, &mut ()).await?;
    if let Some(bound) = previewed.bound {
        return Err(bound);
    }
    let judgement = previewed.now.as_ref().map(|now| &now.judgement);
    Ok(Answer::json(&RunPreview {
        digest: previewed.digest.as_deref(),
        met: previewed.verdicts().iter().all(|verdict| verdict.status != GateStatus::Unmet),
        from: previewed.from.as_deref(),
        warnings: judgement.map_or(&[], |judgement| &judgement.warnings),
        plan: PlanAnswer::from(&previewed.shown(wording)),
    }))
}

//! What a run would do, before it is asked for: the same preparation as that of the run, which then ends.

use crate::base::{Failure, Wording};
use crate::ops::gates::Overrides;
use crate::ops::{Options, Planned};
use crate::report::{PlanAnswer, Preview};
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
    digest: String,
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
    let options = Options { overrides, ..Options::default() };
    let look = move || async move { look(&aim, &what, &options, wording).await };
    service.work(|| Box::pin(look())).await
}

async fn look(aim: &Aim, what: &What, options: &Options, wording: Wording) -> Result<Answer, Failure> {
    let target = aim.target().await?;
    let (source, from) = sources(what, aim, &target).await?;
    let planned = Planned::new(&target, &source, &options.overrides, from, &mut ()).await?;
    let about = planned.about().await;
    let prepared = planned.prepare(options).await?;
    let verdicts = prepared.verdicts();
    let shown = Preview {
        findings: Some(prepared.findings()),
        gates: Some(verdicts).filter(|verdicts| !verdicts.is_empty()),
        ..Preview::new(prepared.plan(), &about, wording)
    };
    let answer = Answer::json(&RunPreview {
        digest: prepared.digest(),
        met: prepared.gates_are_met(),
        from: prepared.planned().gates.source(),
        warnings: &prepared.judgement().warnings,
        plan: PlanAnswer::from(&shown),
    });
    prepared.close().await?;
    Ok(answer)
}

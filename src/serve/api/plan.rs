//! `…/plan` and `…/gates`: what a run would do, and whether the gates let it.

use super::reading::{READING, Read, SELECT, read_for};
use super::starting::check_overrides;
use crate::base::{Failure, FailureKind, Wording};
use crate::ops::gates::Overrides;
use crate::ops::lines::GatesAnswer;
use crate::ops::preview::{Asked, Previewed, preview};
use crate::ops::{RunSource, promotion};
use crate::plan::Destructive;
use crate::report::diag::{self, Problem as Diagnosis};
use crate::report::{Detail, LintAnswer, PlanAnswer, PlanFormat, PlanOptions, script};
use crate::serve::accept::{HTML, MARKDOWN, Offer, SQL, TEXT, choose, document, names};
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, JSON};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Reply, Route};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// What is to be planned.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct PlanRequest {
    /// Only these changesets: `id`, `+id` (with dependencies), `id+` (with dependents), `label:x`.
    select: Vec<String>,
    /// The source environment of a promotion: only what it has is planned.
    from: Option<String>,
    /// The gates to override; needs a reason.
    overrides: Vec<String>,
    /// The destructive kinds of steps to allow, in addition to those that the environment allows.
    allow: Vec<Destructive>,
    /// The reason for the overrides.
    reason: Option<String>,
}

/// What a run would do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PlanPreview")]
struct PreviewAnswer<'a> {
    /// The digest of the plan, of its database and of the states of the gates: a run is confirmed by it.
    digest: &'a str,
    /// The source environment of a promotion.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    /// Applied changesets that are in no file.
    missing: &'a [String],
    /// Warnings of the gates that do not stop the run.
    warnings: &'a [String],
    /// Warnings about passwords in the SQL.
    diagnostics: Vec<Diagnosis>,
    /// The review of the changesets; null: there was none.
    review: Option<&'a LintAnswer>,
    /// The plan.
    #[serde(flatten)]
    plan: PlanAnswer<'a>,
}

/// A form of a plan.
#[derive(Debug, Clone, Copy)]
enum As {
    Json,
    Script,
    Plan(PlanFormat),
}

const OFFERS: &[Offer<As>] = &[
    Offer { name: "json", media: JSON, form: As::Json },
    Offer { name: "html", media: HTML, form: As::Plan(PlanFormat::Html) },
    Offer { name: "sql", media: SQL, form: As::Script },
    Offer { name: "markdown", media: MARKDOWN, form: As::Plan(PlanFormat::Markdown) },
    Offer { name: "text", media: TEXT, form: As::Plan(PlanFormat::Text) },
];

const FROM: Parameter = Parameter {
    name: "from",
    about: "The source environment of a promotion: only what it has is planned. Default: none.",
    form: Form::Text,
};

const FORMAT: Parameter = Parameter {
    name: "format",
    about: "The form of the answer; default: what `Accept` prefers.",
    form: Form::OneOf(|| names(OFFERS)),
};

pub(super) const PLAN: Route = Route {
    path: "/api/v1/environments/{environment}/plan",
    name: "plan",
    about: "What a run would do now, with the gates, the preflight and the digest by which it is confirmed. Changes and \
            records nothing.",
    guard: Guard::Api(Role::Plan),
    query: &[SELECT, FROM, FORMAT],
    replies: &[
        Reply::json(of::<PreviewAnswer<'static>>),
        Reply::of(HTML),
        Reply::of(SQL),
        Reply::of(MARKDOWN),
        Reply::of(TEXT),
        Reply::problem(404),
        Reply::problem(406),
        Reply::problem(409),
        Reply::problem(422),
    ],
    handler: plan,
    ..READING
};

pub(super) const PLAN_WITH: Route = Route {
    method: Method::Post,
    name: "planWith",
    about: "What a run would do now with overrides of gates. Changes and records nothing.",
    query: &[FORMAT],
    body: Body::Json { schema: of::<PlanRequest>, empty: true },
    handler: plan_with,
    ..PLAN
};

pub(super) const GATES: Route = Route {
    path: "/api/v1/environments/{environment}/gates",
    name: "gates",
    about: "Whether the gates would let a run begin now.",
    guard: Guard::Api(Role::Plan),
    query: &[SELECT, FROM],
    replies: &[Reply::json(of::<GatesAnswer<'static>>), Reply::problem(404), Reply::problem(409), Reply::problem(422)],
    handler: gates,
    ..READING
};

fn plan<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async { planned(service, exchange, asked(exchange)).await })
}

fn plan_with<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async { planned(service, exchange, exchange.object()?).await })
}

/// What the query asks for.
fn asked(exchange: &Exchange) -> PlanRequest {
    let from = exchange.query.get(FROM.name).map(str::to_owned);
    PlanRequest::of(exchange.query.list(SELECT.name), from)
}

async fn planned(service: &Service, exchange: &Exchange, request: PlanRequest) -> Result<Answer, Problem> {
    let offer = choose(exchange, OFFERS)?;
    request.check(service, exchange)?;
    let reviews = matches!(offer.form, As::Json | As::Plan(PlanFormat::Html));
    let answer = read_for(service, exchange, move |aim, wording| {
        Box::pin(async move {
            let previewed = request.preview(&aim, reviews).await?;
            if let Some(bound) = &previewed.bound {
                return Ok(Err(Problem::of(bound, wording)));
            }
            written(&previewed, offer, wording)
        })
    });
    answer.await
}

fn gates<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let request = asked(exchange);
        request.check(service, exchange)?;
        let answer = read_for(service, exchange, move |aim, wording| {
            Box::pin(async move {
                let Previewed { plan, about, from, now, bound, .. } = request.preview(&aim, false).await?;
                if let Some(bound) = &bound {
                    return Ok(Err(Problem::of(bound, wording)));
                }
                let judgement = now.map(|now| now.judgement).unwrap_or_default();
                Ok(Ok(Answer::json(&GatesAnswer::of(&plan, &about, from.as_deref(), &judgement, wording))))
            })
        });
        answer.await
    })
}

/// In the form that the client wants.
fn written(previewed: &Previewed, offer: Offer<As>, wording: Wording) -> Read {
    let text = match offer.form {
        As::Json => {
            let now = previewed.now.as_ref();
            return Ok(Ok(Answer::json(&PreviewAnswer {
                digest: previewed.digest.as_deref().unwrap_or_default(),
                from: previewed.from.as_deref(),
                missing: &previewed.missing,
                warnings: now.map_or(&[], |now| &now.judgement.warnings),
                diagnostics: diag::entries(&previewed.exposed, wording),
                review: previewed.review.as_ref(),
                plan: PlanAnswer::from(&previewed.shown(wording)),
            })));
        }
        As::Script => {
            script::script(&previewed.plan, &previewed.about).map_err(|why| Failure::new(FailureKind::Internal, why))?
        }
        As::Plan(format) => {
            let options = PlanOptions { detail: Detail::Sql, limit: None };
            format.render(&[previewed.shown(wording)], options).plain()
        }
    };
    let answer = document(offer.media, text);
    Ok(Ok(match offer.form {
        // a page of another origin than the service's: it is kept, not shown
        As::Plan(PlanFormat::Html) => answer.header("content-disposition", "attachment; filename=\"plan.html\""),
        _ => answer,
    }))
}

impl PlanRequest {
    /// Without overrides.
    fn of(select: Vec<String>, from: Option<String>) -> Self {
        Self { select, from, ..Self::default() }
    }

    /// Checks what its form does not say.
    fn check(&self, service: &Service, exchange: &Exchange) -> Result<(), Problem> {
        check_overrides(&self.overrides, self.reason.as_deref())?;
        if self.overrides.is_empty() && self.reason.is_some() {
            return Err(Problem::new(Kind::BadRequest, "`overrides` and `reason` belong together"));
        }
        // what cannot be seen is no source either
        self.from.as_deref().map_or(Ok(()), |from| service.sees(exchange, from))
    }

    /// Asks on a desk.
    async fn preview(self, aim: &Aim, reviews: bool) -> Result<Previewed, Failure> {
        let Self { select, from, overrides, allow, reason } = self;
        let target = aim.target().await?;
        let source = RunSource::files(&target, &select)?;
        let from = from.map(|from| promotion::source(&target, Some(&from))).transpose()?;
        let overrides = Overrides { gates: overrides, reason, allow };
        preview(&target, &source, Asked { overrides: &overrides, from, looks: true, reviews }, &mut ()).await
    }
}

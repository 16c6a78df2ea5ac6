//! `/api/v1/plans`: sealed plans that were uploaded.

use super::reading::{LIMIT, READING, USUAL, read_project, without_hidden};
use crate::base::{Wording, time};
use crate::ops::plans::{self, ListedPlan};
use crate::ops::seal::SealedAnswer;
use crate::plan::sealed::Sealed;
use crate::report::{Detail, PlanFormat, PlanOptions};
use crate::serve::accept::{HTML, MARKDOWN, Offer, choose, document, names};
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, JSON};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::{Kind, PROBLEM, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::sealing::{PLAN, Stored, StoredIn, Uploaded, find_any, previewed, unknown, upload};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The parameter of a path that names a plan.
pub(super) const DIGEST: &str = "digest";

/// The uploaded plans.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::serve) struct UploadedPlans {
    /// The plans, the latest first.
    pub plans: Vec<PlanItem>,
    /// The environments whose ledgers could not be read, with the reason.
    pub unread: BTreeMap<String, String>,
}

/// An uploaded plan.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct PlanItem {
    /// The digest.
    pub digest: String,
    /// The user and host that sealed it, as the event of the upload says.
    pub author: Option<String>,
    /// The time of sealing, as RFC 3339 in UTC.
    pub sealed_at: Option<String>,
    /// The expiry time, as RFC 3339 in UTC.
    pub expires_at: String,
    /// The key of the signature; null: the plan is not signed.
    pub signed_by: Option<String>,
    /// The environments that have it, in the order of dagmar.yaml.
    pub environments: Vec<PlanPlace>,
    #[serde(skip)]
    at: i64,
}

/// An uploaded plan in one environment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct PlanPlace {
    /// The environment.
    pub environment: String,
    /// The user and address that uploaded it.
    pub uploaded_by: String,
    /// The time of the upload, as RFC 3339 in UTC.
    pub uploaded_at: String,
    /// How many have approved it, whether their approvals count or not.
    pub approved: usize,
    /// How many have rejected it.
    pub rejected: usize,
}

/// A sealed plan after its upload.
#[derive(Debug, Serialize, JsonSchema)]
struct UploadedPlan<'a> {
    /// The plan.
    #[serde(flatten)]
    plan: SealedAnswer<'a>,
    /// The ledgers that have it.
    #[serde(flatten)]
    places: &'a StoredIn,
}

/// A form of a sealed plan.
#[derive(Debug, Clone, Copy)]
enum As {
    Json,
    File,
    Plan(PlanFormat),
}

const OFFERS: &[Offer<As>] = &[
    Offer { name: "json", media: JSON, form: As::Json },
    Offer { name: "plan", media: PLAN, form: As::File },
    Offer { name: "html", media: HTML, form: As::Plan(PlanFormat::Html) },
    Offer { name: "markdown", media: MARKDOWN, form: As::Plan(PlanFormat::Markdown) },
];

pub(super) const UPLOAD: Route = Route {
    method: Method::Post,
    path: "/api/v1/plans",
    name: "uploadPlan",
    about: "Stores a sealed plan for those of its environments that the caller sees, where people approve it. The body is \
            the file of the plan. The answer is 200 where all of them had it already. If one cannot store it, the problem has \
            `stored`, `alreadyThere` and `notStored`; the plan can be uploaded again.",
    guard: Guard::Api(Role::Plan),
    query: &[],
    body: Body::Text { media: PLAN, most: |limits| limits.plan.bytes.into() },
    patience: Patience::Request,
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<UploadedPlan<'static>>) },
        Reply { status: 201, media: JSON, schema: Some(of::<UploadedPlan<'static>>) },
        Reply { status: 400, media: PROBLEM, schema: None },
        Reply { status: 403, media: PROBLEM, schema: None },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 409, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: store,
};

pub(super) const PLANS: Route = Route {
    path: "/api/v1/plans",
    name: "uploadedPlans",
    about: "The sealed plans that were uploaded, of all environments that the caller sees.",
    query: &[ENVIRONMENT, LIMIT],
    replies: &[Reply::json(of::<UploadedPlans>), Reply::problem(404)],
    handler: list,
    ..READING
};

pub(super) const ONE: Route = Route {
    path: "/api/v1/plans/{digest}",
    name: "uploadedPlan",
    about: "A sealed plan, for those of its environments that the caller sees; the file itself (`format=plan`) only if the \
            caller sees all of them.",
    query: &[FORMAT],
    replies: &[
        Reply::json(of::<SealedAnswer<'static>>),
        Reply::of(PLAN),
        Reply::of(HTML),
        Reply::of(MARKDOWN),
        Reply::problem(404),
        Reply::problem(406),
        Reply::problem(409),
    ],
    handler: one,
    ..READING
};

const ENVIRONMENT: Parameter =
    Parameter { name: "environment", about: "Only the plans of this environment; default: of all.", form: Form::Text };

const FORMAT: Parameter = Parameter {
    name: "format",
    about: "The form of the answer; default: what `Accept` prefers.",
    form: Form::OneOf(|| names(OFFERS)),
};

fn store<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let Stored { mut plan, places } = upload(service, exchange, exchange.body.clone()).await?;
        let seen: Vec<String> = service.aims(exchange)?.into_iter().map(|aim| aim.environment).collect();
        narrow(&mut plan, &seen);
        let place = format!("/api/v1/plans/{}", plan.digest);
        let status = if places.stored.is_empty() { 200 } else { 201 };
        let answer = UploadedPlan { plan: SealedAnswer::from(&plan), places: &places };
        Ok(Answer::json(&answer).status(status).header("location", place))
    })
}

fn list<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (mut aims, only) = (service.aims(exchange)?, exchange.query.get(ENVIRONMENT.name).map(str::to_owned));
        aims.retain(|aim| only.as_ref().is_none_or(|only| *only == aim.environment));
        let limit = exchange.query.number(LIMIT.name).unwrap_or(USUAL);
        read_project(service, exchange, move |_, _| {
            Box::pin(async move { Ok(Ok(Answer::json(&listed(&aims, limit).await))) })
        })
        .await
    })
}

/// The plans of these environments, the latest first.
pub(in crate::serve) async fn listed(aims: &[Aim], limit: u32) -> UploadedPlans {
    let (mut all, mut unread) = (Vec::<PlanItem>::new(), BTreeMap::new());
    for aim in aims {
        let found = async { plans::list(&aim.target().await?, limit, &mut ()).await };
        match found.await {
            Ok(found) => found.into_iter().for_each(|plan| add(&mut all, aim, plan)),
            Err(failure) => _ = unread.insert(aim.environment.clone(), failure.message),
        }
    }
    all.sort_by_key(|item| std::cmp::Reverse(item.at));
    all.truncate(limit as usize);
    UploadedPlans { plans: all, unread }
}

fn add(all: &mut Vec<PlanItem>, aim: &Aim, listed: ListedPlan) {
    let ListedPlan { plan, approved, rejected } = listed;
    let text = |key: &str| plan.detail.get(key).and_then(Value::as_str).map(str::to_owned);
    let place = PlanPlace {
        environment: aim.environment.clone(),
        uploaded_by: plan.uploaded_by.clone(),
        uploaded_at: time::rfc3339(plan.uploaded_at),
        approved,
        rejected,
    };
    match all.iter_mut().find(|item| item.digest == plan.digest) {
        Some(item) => {
            item.at = item.at.max(plan.uploaded_at);
            item.environments.push(place);
        }
        None => all.push(PlanItem {
            author: text("author"),
            sealed_at: text("sealedAt"),
            expires_at: time::rfc3339(plan.expires_at),
            signed_by: text("signedBy"),
            environments: vec![place],
            at: plan.uploaded_at,
            digest: plan.digest,
        }),
    }
}

fn one<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (offer, aims) = (choose(exchange, OFFERS)?, service.aims(exchange)?);
        let digest = exchange.parameter(DIGEST).to_owned();
        read_project(service, exchange, move |_, wording| {
            Box::pin(async move {
                let Some(found) = find_any(&aims, &digest).await? else { return Ok(Err(unknown(&digest))) };
                let seen: Vec<String> = aims.into_iter().map(|aim| aim.environment).collect();
                Ok(written(found, &seen, offer, wording))
            })
        })
        .await
    })
}

/// Leaves out the environments that the caller does not see.
fn narrow(plan: &mut Sealed, seen: &[String]) {
    let sees = |name: &str| seen.iter().any(|one| one == name);
    plan.content.environments.retain(|part| sees(&part.environment));
    for part in &mut plan.content.environments {
        part.policy = without_hidden(std::mem::take(&mut part.policy), sees);
    }
}

/// In the form that the client wants, for the environments that he sees.
fn written(found: Uploaded, seen: &[String], offer: Offer<As>, wording: Wording) -> Result<Answer, Problem> {
    let Uploaded { mut plan, text } = found;
    let all = plan.content.environments.len();
    narrow(&mut plan, seen);
    match offer.form {
        As::Json => Ok(Answer::json(&SealedAnswer::from(&plan))),
        As::File if plan.content.environments.len() == all => {
            Ok(Answer::new(200, PLAN, text).header("content-disposition", "attachment; filename=\"dagmar.plan\""))
        }
        As::File => Err(Problem::new(Kind::Forbidden, "the file is for other environments too, which you do not see")),
        As::Plan(format) => {
            let options = PlanOptions { detail: Detail::Sql, limit: None };
            let text = previewed(&mut plan, wording, |previews| format.render(previews, options).plain());
            Ok(document(offer.media, text).header("content-disposition", "attachment"))
        }
    }
}

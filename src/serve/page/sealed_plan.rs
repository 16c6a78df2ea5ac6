//! One sealed plan: what it is, for which environments, who has decided what, and the forms that decide.

use super::forms::{FORM, Fields, Hidden};
use super::layout::{Shown, whole};
use super::made::part;
use super::sealed::{path, run_path};
use super::words;
use crate::base::{Failure, HumanDuration, Wording, time};
use crate::history::ApprovalVerdict;
use crate::ops::plans::{self, JudgedApproval};
use crate::ops::seal::SealedAnswer;
use crate::report::Preview;
use crate::report::plan::fragment;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, HTML};
use crate::serve::caller::Role;
use crate::serve::desk::Local;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::sealing::{Word, decide, find_any, previewed, unknown};
use crate::serve::service::Service;
use serde::Serialize;
use serde_json::{Value, json};
use std::rc::Rc;

/// The parameter of a path that names a plan.
pub(super) const DIGEST: &str = "digest";

pub(super) const PLAN: Route = Route {
    method: Method::Get,
    path: "/plans/{digest}",
    name: "sealedPlanPage",
    about: "A sealed plan with its approvals.",
    guard: Guard::Page(Role::Read),
    query: &[],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

pub(super) const DECISION: Route = Route {
    path: "/e/{environment}/plans/{digest}/decision",
    name: "decideByPage",
    about: "Approves or rejects a sealed plan.",
    guard: Guard::Page(Role::Approve),
    handler: post,
    ..FORM
};

/// What a desk has found.
#[derive(Serialize)]
struct Found {
    digest: String,
    author: String,
    sealed_at: String,
    expires_at: String,
    signed_by: Option<String>,
    places: Vec<Place>,
    /// What it does in each of them: HTML.
    contents: String,
}

/// The plan in one environment.
#[derive(Serialize)]
struct Place {
    name: String,
    href: String,
    changesets: Vec<String>,
    database: String,
    /// Why its decisions are not shown.
    error: Option<String>,
    /// Whether its ledger has the plan.
    is_there: bool,
    required: Option<u16>,
    counted: usize,
    rejected: bool,
    decisions: Vec<Decision>,
    run: String,
    promotes: bool,
    decide: String,
}

#[derive(Serialize)]
struct Decision {
    who: String,
    class: String,
    verdict: String,
    at: String,
    until: Option<String>,
    reason: String,
    counts: bool,
    why: Option<String>,
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (aims, digest) = (service.aims(exchange)?, exchange.parameter(DIGEST).to_owned());
        let seen: Vec<&str> = aims.iter().map(|aim| aim.environment.as_str()).collect();
        // what counts depends on who would run it
        let detail = format!("{digest} {seen:?} {}", exchange.caller()?.bucket());
        let key = Key { what: PLAN.name, environment: String::new(), detail };
        let wording = service.wording;
        let work = move || -> Local<Result<Answer, Problem>> {
            Box::pin(async move {
                let found = read(&aims, &digest, wording).await.map_err(|failure| Problem::of(&failure, wording))?;
                found.map(|found| Answer::json(&found)).ok_or_else(|| unknown(&digest))
            })
        };
        let answer = service.read(key, work).await?;
        let mut found: Value =
            serde_json::from_slice(&answer.body).map_err(|e| Problem::new(Kind::Internal, e.to_string()))?;
        let contents = found["contents"].take();
        let may = |role| exchange.caller().is_ok_and(|caller| caller.may(role));
        let values = json!({
            "plan": found, "hidden": [Hidden::token(exchange)], "may_approve": may(Role::Approve), "may_plan": may(Role::Plan),
        });
        let shown = Shown { title: "Sealed plan", environment: None, tab: "" };
        let body = String::from(part("sealed_plan", &values)?) + contents.as_str().unwrap_or_default();
        whole(service, exchange, &shown, &Answer::new(200, HTML, body))
    })
}

async fn read(aims: &[Aim], digest: &str, wording: Wording) -> Result<Option<Found>, Failure> {
    let Some(uploaded) = find_any(aims, digest).await? else { return Ok(None) };
    let mut seen = uploaded.plan.clone();
    seen.content.environments.retain(|part| aims.iter().any(|aim| aim.environment == part.environment));
    let contents = previewed(&mut seen, wording, |previews| {
        let leads = |preview: &Preview<'_>, id: &str| words::changeset(&preview.plan.environment, id);
        previews.iter().map(|preview| String::from(fragment(preview, &|id| leads(preview, id)))).collect()
    });
    let sealed = SealedAnswer::from(&uploaded.plan);
    let mut places = Vec::new();
    for part in &sealed.environments {
        let Some(aim) = aims.iter().find(|aim| aim.environment == part.environment) else { continue };
        let asked = async {
            let target = aim.target().await?;
            let is_there = plans::is_there(&target, digest, &mut ()).await?;
            Ok::<_, Failure>((is_there, plans::decisions(&target, &uploaded.plan, &mut ()).await?))
        };
        let (decided, error) = match asked.await {
            Ok(decided) => (Some(decided), None),
            Err(failure) => (None, Some(failure.message)),
        };
        let is_there = decided.as_ref().is_some_and(|(is_there, _)| *is_there);
        let decided = decided.map(|(_, decided)| decided);
        let config = &aim.project.workspace().loaded.config;
        places.push(Place {
            href: words::environment(part.environment),
            changesets: part.changesets.iter().map(|id| (*id).to_owned()).collect(),
            database: part.target.database.clone(),
            error,
            is_there,
            required: decided.as_ref().and_then(|decided| decided.required),
            counted: decided.as_ref().map_or(0, |decided| decided.counted),
            rejected: decided.as_ref().is_some_and(|decided| decided.rejected),
            decisions: decided.iter().flat_map(|decided| &decided.approvals).map(shown).collect(),
            run: run_path(part.environment, digest),
            promotes: config.environment(part.environment).is_some_and(|own| own.promote_from.is_some()),
            decide: run_path(part.environment, digest) + "/decision",
            name: part.environment.to_owned(),
        });
    }
    Ok(Some(Found {
        digest: sealed.digest.to_owned(),
        author: sealed.author.to_owned(),
        sealed_at: sealed.sealed_at.clone(),
        expires_at: sealed.expires_at.clone(),
        signed_by: sealed.signed_by.clone(),
        places,
        contents,
    }))
}

fn shown(judged: &JudgedApproval) -> Decision {
    let approval = &judged.approval;
    let (class, verdict) = match approval.verdict {
        ApprovalVerdict::Approve => ("good", "approved"),
        ApprovalVerdict::Reject => ("bad", "rejected"),
    };
    Decision {
        who: approval.who(),
        class: class.to_owned(),
        verdict: verdict.to_owned(),
        at: time::rfc3339(approval.at),
        until: approval.expires_at.map(time::rfc3339),
        reason: approval.reason.clone(),
        counts: judged.counts,
        why: judged.why_not.clone(),
    }
}

fn post<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (fields, digest) = (Fields::of(exchange)?, exchange.parameter(DIGEST));
        let verdict = match fields.text("verdict") {
            "approve" => ApprovalVerdict::Approve,
            "reject" => ApprovalVerdict::Reject,
            _ => return Err(Problem::new(Kind::BadRequest, "the form does not say whether the plan is approved")),
        };
        let expires = fields.filled("expires").filter(|_| verdict == ApprovalVerdict::Approve);
        let expires = expires.map(|text| text.parse::<HumanDuration>()).transpose();
        let expires = expires.map_err(|_| {
            Problem::new(Kind::BadRequest, "the time for which the approval counts is not valid")
                .remedy("write it as `2d` or `12h`, or leave it empty")
        })?;
        let reason = fields.text("reason").to_owned();
        decide(service, exchange, digest, Word { verdict, reason, expires }).await?;
        Ok(Answer::see(path(digest)))
    })
}

//! A run that a page proposes: what it would do, and the form that asks for it.

use super::forms::{Confirmation, Fields, Hidden, confirm};
use super::layout::{Shown, whole};
use super::made::{part, said};
use super::words;
use crate::base::words::count;
use crate::base::{Failure, Markup, Operation, Remedy, Setting, Wording};
use crate::gate::are_met;
use crate::history::RunKind;
use crate::ops::gates::Overrides;
use crate::ops::preview::{Asked, preview};
use crate::report::plan::fragment;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, HTML};
use crate::serve::api::starting::{How, begin};
use crate::serve::caller::Role;
use crate::serve::desk::Local;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::problem::{Kind, Problem};
use crate::serve::runs::What;
use crate::serve::runs::thread::sources;
use crate::serve::service::Service;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::rc::Rc;

/// A run that a page proposes.
pub(super) struct Proposal {
    /// What is to be done.
    pub what: What,
    /// The page.
    pub shown: Shown<'static>,
    /// Where its form is sent.
    pub action: String,
    /// The choice, as the form repeats it.
    pub choice: Vec<(&'static str, String)>,
    /// What stands above it: the form of the choice.
    pub above: Markup,
}

/// What a desk has found.
#[derive(Serialize, Deserialize)]
struct Found {
    html: String,
    digest: Option<String>,
    steps: usize,
    missing: Vec<String>,
    /// Why a run of it would be refused.
    refused: Option<String>,
    /// How an administrator overrides that.
    overrides: Option<String>,
}

/// The page of a proposal.
///
/// # Errors
/// The page cannot be made. Why there is no plan stands on the page, with the status.
pub(super) async fn show(service: &Service, exchange: &Exchange, proposal: Proposal) -> Result<Answer, Problem> {
    with_notice(service, exchange, proposal, None).await
}

/// Starts what a form confirms, and leads to the run.
///
/// # Errors
/// The page cannot be made. Why nothing was run stands on the page of the proposal as it is now, with the status.
pub(super) async fn start(
    service: &Rc<Service>,
    exchange: &Exchange,
    fields: &Fields,
    proposal: Proposal,
) -> Result<Answer, Problem> {
    let aim = service.aim(exchange)?;
    let environment = aim.environment.as_str();
    let repeat = fields.repeat(exchange, environment)?;
    if !fields.is_confirmed(environment) {
        let detail = format!("the name that was typed is not `{environment}`; nothing was run");
        let problem =
            Problem::new(Kind::BadRequest, detail).remedy("type the name of the environment as it stands there");
        return with_notice(service, exchange, proposal, Some((problem, fields.digest()))).await;
    }
    let how = How { digest: fields.digest().to_owned(), ..How::default() };
    let wish = how.wish(proposal.what.clone(), exchange.caller()?)?;
    match begin(service, exchange, wish, repeat).await {
        Ok((run, _)) => Ok(Answer::see(words::run(environment, &run.id))),
        Err(problem) => with_notice(service, exchange, proposal, Some((problem, fields.digest()))).await,
    }
}

/// The page; with why nothing was run of what had this digest.
async fn with_notice(
    service: &Service,
    exchange: &Exchange,
    proposal: Proposal,
    refused: Option<(Problem, &str)>,
) -> Result<Answer, Problem> {
    let aim = service.aim(exchange)?;
    let environment = aim.environment.clone();
    let found = find(service, exchange, aim, &proposal.what).await;
    let mut status = 200;
    let mut above = proposal.above;
    if let Some((problem, seen)) = &refused {
        status = problem.status();
        let is_other = found.as_ref().is_ok_and(|found| found.digest.as_deref().is_some_and(|digest| digest != *seen));
        above = notice(&environment, problem, is_other)?.and(&above);
    }
    let mut body = String::from(above);
    match &found {
        Err(problem) => {
            status = problem.status();
            body += part("problem", &said(problem, exchange.id.as_str()))?.as_str();
        }
        Ok(found) => {
            let may = |role| exchange.caller().is_ok_and(|caller| caller.may(role));
            let button = button(proposal.what.kind(), found.steps);
            let is_asked = may(Role::Run) && found.steps > 0 && found.refused.is_none();
            body += part(
                "found",
                &json!({ "missing": found.missing, "digest": found.digest, "is_asked": is_asked, "button": button }),
            )?
            .as_str();
            body += &found.html;
            body += match (&found.refused, &found.digest) {
                (Some(why), _) if may(Role::Run) => {
                    let overrides = found.overrides.as_deref().filter(|_| may(Role::Admin));
                    part("refused", &json!({ "why": why, "overrides": overrides }))?
                }
                (None, Some(digest)) if is_asked => {
                    let choice = proposal.choice.into_iter().map(|(name, value)| Hidden::new(name, value));
                    confirm(
                        exchange,
                        Confirmation {
                            environment: &environment,
                            action: &proposal.action,
                            digest,
                            hidden: choice.collect(),
                            button: &button,
                        },
                    )?
                }
                _ => Markup::default(),
            }
            .as_str();
        }
    }
    let shown = Shown { environment: Some(&environment), ..proposal.shown };
    whole(service, exchange, &shown, &Answer::new(status, HTML, body))
}

/// What the button says that starts it.
fn button(kind: RunKind, steps: usize) -> String {
    let changesets = count(steps, "changeset");
    match kind {
        RunKind::Promote => format!("Promote {changesets}"),
        RunKind::Rollback => format!("Roll back {changesets}"),
        _ => format!("Apply {changesets}"),
    }
}

/// Why nothing was run.
fn notice(environment: &str, problem: &Problem, is_other: bool) -> Result<Markup, Problem> {
    let document = problem.document("");
    let text = |name: &str| document.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let title = match is_other {
        true => "Nothing was run: what a run would do now differs from what was seen. Look at it as it is now.",
        false => "Nothing was run.",
    };
    let other = document.get("id").and_then(|id| id.as_str()).filter(|_| problem.code() == "runInProgress");
    part(
        "notice",
        &json!({
            "title": title, "detail": text("detail"), "cause": document.get("cause"), "remedy": remedy(problem, text("remedy")),
            "href": other.map(|id| words::run(environment, id)), "link": "The run in progress",
        }),
    )
}

/// The remedy; not one that only programs can follow.
fn remedy<'a>(problem: &Problem, text: &'a str) -> &'a str {
    match problem.code() {
        "runInProgress" => "wait for its end, or cancel it",
        "locked" => "wait for its end; it is among the runs of the environment",
        _ => text,
    }
}

/// Looks on a desk, together with all who ask the same.
async fn find(service: &Service, exchange: &Exchange, aim: Aim, what: &What) -> Result<Found, Problem> {
    // gates may name who asks
    let (what, bucket, wording) = (what.clone(), exchange.caller()?.bucket(), service.wording);
    let key = Key { what: "proposal", environment: aim.environment.clone(), detail: format!("{what:?} {bucket}") };
    let work = move || -> Local<Result<Answer, Problem>> {
        Box::pin(async move {
            let found = look(&aim, &what, wording).await.map_err(|failure| Problem::of(&failure, wording))?;
            Ok(Answer::json(&found))
        })
    };
    let answer = service.read(key, work).await?;
    serde_json::from_slice(&answer.body).map_err(|e| Problem::new(Kind::Internal, e.to_string()))
}

async fn look(aim: &Aim, what: &What, wording: Wording) -> Result<Found, Failure> {
    let target = aim.target().await?;
    let (source, from) = sources(what, aim, &target).await?;
    let overrides = Overrides::default();
    let asked = Asked { overrides: &overrides, from, looks: true, reviews: true };
    let previewed = preview(&target, &source, asked, &mut ()).await?;
    if let Some(bound) = previewed.bound {
        return Err(bound);
    }
    let by_gate = !are_met(previewed.verdicts());
    let operation = if what.kind() == RunKind::Promote { Operation::Promote } else { Operation::Apply };
    let overriding = Remedy::from(operation.call()) + " with " + vec![Setting::Override.open(), Setting::Reason.open()];
    Ok(Found {
        html: fragment(&previewed.shown(wording), &|id| words::changeset(&aim.environment, id)).into(),
        digest: previewed.digest.clone(),
        steps: previewed.plan.steps.len(),
        refused: previewed.refused.map(|failure| failure.message.replace("; nothing was run", "")),
        overrides: by_gate.then(|| wording(&overriding)),
        missing: previewed.missing,
    })
}

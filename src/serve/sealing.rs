//! What the routes of the API and the pages do with sealed plans that were uploaded.

use super::aim::Aim;
use super::exchange::Exchange;
use super::problem::{Kind, Problem};
use super::service::Service;
use crate::base::{Failure, HumanDuration, Wording, time};
use crate::history::ApprovalVerdict;
use crate::ops::approval::{self, Decided, Decision};
use crate::ops::keys::open_text;
use crate::ops::plans;
use crate::ops::refusal::{Attempt, recorded};
use crate::ops::run::check_reason;
use crate::ops::seal::{SealedAnswer, about_of};
use crate::plan::About;
use crate::plan::sealed::Sealed;
use crate::report::{Preview, Seal};
use crate::sql::Catalog;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// The media type of a sealed plan.
pub const PLAN: &str = "application/vnd.dagmar.plan+json";

/// A plan as it was uploaded.
pub struct Uploaded {
    /// The plan.
    pub plan: Sealed,
    /// Its file.
    pub text: String,
}

/// A plan that the ledgers of its environments have.
pub struct Stored {
    /// The plan.
    pub plan: Sealed,
    /// Where it was stored.
    pub places: StoredIn,
}

/// The environments that the caller sees whose ledgers have a plan after an upload.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoredIn {
    /// The environments whose ledgers have the plan by this upload.
    pub stored: Vec<String>,
    /// The environments whose ledgers had it already and keep their copy, with its signature.
    pub already_there: Vec<String>,
}

/// Stores a plan in the ledger of each of its environments that the caller sees. One that cannot be written does not keep
/// it from the others.
///
/// # Errors
/// It is no sealed plan, its signature is invalid, its time is over, or the caller sees none of its environments; or a
/// ledger could not be written: where it was stored is said.
pub async fn upload(service: &Service, exchange: &Exchange, text: Bytes) -> Result<Stored, Problem> {
    let wording = service.wording;
    let aims = service.aims(exchange)?;
    let work = move || async move {
        let Ok(text) = std::str::from_utf8(&text) else {
            return Ok(Err(Problem::new(Kind::BadRequest, "the plan is not valid UTF-8")));
        };
        let sealed = open_text(text, "the uploaded plan", None)?;
        let known = sealed.environments();
        let own: Vec<&Aim> = aims.iter().filter(|aim| known.contains(&aim.environment.as_str())).collect();
        if own.is_empty() {
            return Ok(Err(Problem::new(Kind::NotFound, "the plan is for no environment that you see here")));
        }
        let (mut places, mut failed) = (StoredIn::default(), Vec::new());
        for aim in own {
            let uploaded = async { plans::upload(&aim.target().await?, &sealed, text, &mut ()).await };
            let name = aim.environment.clone();
            match uploaded.await {
                Ok(true) => places.stored.push(name),
                Ok(false) => places.already_there.push(name),
                Err(failure) => failed.push((name, failure)),
            }
        }
        Ok(match not_everywhere(&places, failed, wording) {
            Some(problem) => Err(problem),
            None => Ok(Stored { plan: sealed, places }),
        })
    };
    service.work(|| Box::pin(work())).await?
}

/// The problem of the first ledger that could not be written, with what became of the plan in the others.
fn not_everywhere(places: &StoredIn, failed: Vec<(String, Failure)>, wording: Wording) -> Option<Problem> {
    let why: BTreeMap<String, String> = failed.iter().map(|(name, why)| (name.clone(), why.message.clone())).collect();
    let mut failure = failed.into_iter().next()?.1;
    let there: Vec<&String> = places.stored.iter().chain(&places.already_there).collect();
    if there.len() + why.len() > 1 {
        for name in there {
            failure = failure.note(format!("the ledger of `{name}` has the plan; it can be uploaded again"));
        }
        for (name, why) in &why {
            failure = failure.note(format!("the plan was not stored for `{name}`: {why}"));
        }
    }
    Some(Problem::of(&failure, wording).and(places).with("notStored", json!(why)))
}

/// A plan by the ledger of an environment.
///
/// # Errors
/// It is not there, or was changed manually.
pub async fn find(aim: &Aim, digest: &str) -> Result<Option<Uploaded>, Failure> {
    let found = plans::find(&aim.target().await?, digest, &mut ()).await?;
    Ok(found.map(|(plan, text)| Uploaded { plan, text }))
}

/// A plan by the ledger of the first of these environments that has it. One that does not answer is passed over where
/// another one has the plan.
///
/// # Errors
/// None has it, and why one could not be asked.
pub async fn find_any(aims: &[Aim], digest: &str) -> Result<Option<Uploaded>, Failure> {
    let mut why = None;
    for aim in aims {
        match find(aim, digest).await {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) => {}
            Err(failure) => why = why.or(Some(failure)),
        }
    }
    why.map_or(Ok(None), Err)
}

/// Writes what a sealed plan holds, for each of its environments, without asking their databases.
pub fn previewed<T>(plan: &mut Sealed, wording: Wording, write: impl FnOnce(&[Preview<'_>]) -> T) -> T {
    for part in &mut plan.content.environments {
        crate::plan::resolve(&mut part.plan, Catalog::default());
    }
    let abouts: Vec<About> = plan.content.environments.iter().map(|part| about_of(plan, part)).collect();
    let seal = Seal {
        digest: plan.digest.clone(),
        signed_by: SealedAnswer::from(&*plan).signed_by,
        expires_at: time::rfc3339(plan.content.expires_at),
    };
    let parts = plan.content.environments.iter().zip(&abouts);
    let previews: Vec<Preview<'_>> =
        parts.map(|(part, about)| Preview { seal: Some(&seal), ..Preview::new(&part.plan, about, wording) }).collect();
    write(&previews)
}

/// There is no such plan.
#[must_use]
pub fn unknown(digest: &str) -> Problem {
    Problem::new(Kind::NotFound, format!("there is no uploaded plan `{digest}`"))
        .remedy("upload the plan; it is stored for those of its environments that the caller sees")
}

/// Refuses a plan that the ledger of the environment does not have.
///
/// # Errors
/// It has none.
pub async fn check_there(service: &Service, aim: &Aim, digest: &str) -> Result<(), Problem> {
    let (place, name) = (aim.clone(), digest.to_owned());
    let look = move || async move { plans::is_there(&place.target().await?, &name, &mut ()).await };
    match service.work(|| Box::pin(look())).await? {
        true => Ok(()),
        false => Err(unknown(digest)),
    }
}

/// A decision of the caller.
pub struct Word {
    /// Approved or rejected.
    pub verdict: ApprovalVerdict,
    /// The reason.
    pub reason: String,
    /// How long an approval is valid; `None`: as long as the plan.
    pub expires: Option<HumanDuration>,
}

/// Records what the caller says of a plan, in his name.
///
/// # Errors
/// The plan does not exist or may not be approved, or the database does not let the service approve.
pub async fn decide(service: &Service, exchange: &Exchange, digest: &str, word: Word) -> Result<Decided, Problem> {
    let (aim, name) = (service.aim(exchange)?, digest.to_owned());
    let work = move || async move {
        let Some(Uploaded { plan, .. }) = find(&aim, &name).await? else { return Ok(None) };
        let target = aim.target().await?;
        let operation = match word.verdict {
            ApprovalVerdict::Approve => "approve",
            ApprovalVerdict::Reject => "reject",
        };
        let reason = word.reason.trim();
        let decision = Decision { plan: &plan, verdict: word.verdict, reason, expires: word.expires };
        let decided = async {
            check_reason(reason)?;
            approval::prepare(&target, &decision, &mut ()).await?.record().await
        };
        let attempt = Attempt { operation, plan: Some(&plan.digest) };
        recorded(decided.await, attempt, &target, &mut ()).await.map(Some)
    };
    service.work(|| Box::pin(work())).await?.ok_or_else(|| unknown(digest))
}

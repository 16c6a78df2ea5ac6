//! Sealed plans that were uploaded to a service. A stored plan is text from outside: digest and signature are verified
//! whenever it is read, and whether it may run is decided as for a file.

use super::keys::{open_text, signature};
use super::refusal::{Attempt, recorded};
use super::run::install;
use super::{Target, release};
use crate::base::{Failure, FailureKind, time};
use crate::gate::{Weighed, weigh};
use crate::history::approval::{Approval, ApprovalVerdict, last_words};
use crate::ledger::schema;
use crate::pg::ledger::plans::{self, NewPlan, UploadedPlan};
use crate::pg::ledger::{approvals, evidence, fingerprint};
use crate::plan::sealed::Sealed;
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;

/// The name of the operation in events.
const UPLOAD: &str = "upload";

/// A decision on a plan, and whether it counts.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JudgedApproval {
    /// The decision.
    #[serde(flatten)]
    pub approval: Approval,
    /// Whether it counts for a run that the caller would ask for now.
    pub counts: bool,
    /// Why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// The decisions on a plan in one environment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanApprovals {
    /// The environment.
    pub environment: String,
    /// The digest of the plan.
    pub plan: String,
    /// How many approvals the environment requires; null: none.
    pub required: Option<u16>,
    /// How many approvals count.
    pub counted: usize,
    /// Whether somebody has rejected the plan.
    pub rejected: bool,
    /// All decisions, in the order in which they were made.
    pub approvals: Vec<JudgedApproval>,
}

/// An uploaded plan in one environment, with what was decided.
#[derive(Debug, Clone)]
pub struct ListedPlan {
    /// The plan.
    pub plan: UploadedPlan,
    /// How many have approved it, whether their approvals count or not.
    pub approved: usize,
    /// How many have rejected it.
    pub rejected: usize,
}

/// Stores a plan in the ledger of an environment; false: it was there already, and stays as it is. A signature replaces
/// none, and one of a key of `signedBy` replaces one of another key.
///
/// # Errors
/// If the plan is not for the environment, its time is over, or the ledger cannot be written.
pub async fn upload(
    target: &Target,
    sealed: &Sealed,
    text: &str,
    observer: &mut dyn Observer,
) -> Result<bool, Failure> {
    let result = store(target, sealed, text, observer).await;
    let attempt = Attempt { operation: UPLOAD, plan: Some(&sealed.digest) };
    recorded(result, attempt, target, observer).await
}

async fn store(target: &Target, sealed: &Sealed, text: &str, observer: &mut dyn Observer) -> Result<bool, Failure> {
    sealed.part(&target.environment)?;
    sealed.check_range()?;
    let mut db = target.connect(observer).await?;
    db.check_writable()?;
    let history = db.history().await?;
    let seen = fingerprint::look(&db.connection, &db.server, target.ledger(), &history).await?;
    sealed.check_expiry(seen.now)?;
    if history.version < schema::VERSION {
        install(target, &mut db).await?;
    }
    let content = &sealed.content;
    let signed_by = key(sealed);
    // not those that it is for beside this one: who reads this ledger may not see them
    let detail = json!({
        "plan": sealed.digest, "author": content.author, "sealedAt": time::rfc3339(content.sealed_at),
        "expiresAt": time::rfc3339(content.expires_at), "signedBy": signed_by, "environment": target.environment,
    });
    let new = NewPlan { digest: &sealed.digest, content: text, expires_at: content.expires_at, detail };
    let trusted: Vec<String> = target.trusted_keys().into_iter().flatten().collect();
    let replaces = |there: &str| replaces(there, sealed, &trusted);
    let stored = plans::store(&db.connection, target.ledger(), &target.actor, new, replaces).await?;
    db.close().await?;
    Ok(stored)
}

/// Whether a plan takes the place of the copy with this text, which can differ from it in the signature alone.
fn replaces(there: &str, sealed: &Sealed, trusted: &[String]) -> bool {
    // one that was changed manually is of no use
    let Some(there) = open_text(there, "the uploaded plan", None).ok().filter(|there| there.digest == sealed.digest)
    else {
        return true;
    };
    match (key(&there), key(sealed)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(old), Some(new)) => trusted.contains(&new) && !trusted.contains(&old),
    }
}

/// The key of the signature.
fn key(sealed: &Sealed) -> Option<String> {
    signature(sealed).flatten().map(|signature| signature.key)
}

/// The plan with this digest in the ledger of the environment, verified, and its file; `None`: it is not there.
///
/// # Errors
/// If the ledger cannot be read, or has another text than was uploaded.
pub async fn find(
    target: &Target,
    digest: &str,
    observer: &mut dyn Observer,
) -> Result<Option<(Sealed, String)>, Failure> {
    let db = target.connect(observer).await?;
    let version = db.history().await?.version;
    let text = plans::content(&db.connection, version, target.ledger(), digest).await?;
    db.close().await?;
    let Some(text) = text else { return Ok(None) };
    let sealed = open_text(&text, "the uploaded plan", None)?;
    if sealed.digest != digest {
        return Err(Failure::new(FailureKind::Drift, "an uploaded plan in the ledger was changed manually")
            .note(format!("it is stored as {digest} and has the digest {}", sealed.digest))
            .help("upload the plan again"));
    }
    Ok(Some((sealed, text)))
}

/// Whether the ledger of the environment has a plan with this digest.
///
/// # Errors
/// If the ledger cannot be read.
pub async fn is_there(target: &Target, digest: &str, observer: &mut dyn Observer) -> Result<bool, Failure> {
    let db = target.connect(observer).await?;
    let version = db.history().await?.version;
    let found = plans::is_there(&db.connection, version, target.ledger(), digest).await?;
    db.close().await?;
    Ok(found)
}

/// As [`find`], for a run.
///
/// # Errors
/// If there is none.
pub async fn open(target: &Target, digest: &str, observer: &mut dyn Observer) -> Result<Sealed, Failure> {
    let found = find(target, digest, observer).await?;
    let gone = || {
        Failure::new(FailureKind::Usage, format!("the ledger of `{}` has no plan {digest}", target.environment))
            .help("upload the plan")
    };
    found.map(|(sealed, _)| sealed).ok_or_else(gone)
}

/// The latest plans in the ledger of the environment, the latest first.
///
/// # Errors
/// If the ledger cannot be read.
pub async fn list(target: &Target, limit: u32, observer: &mut dyn Observer) -> Result<Vec<ListedPlan>, Failure> {
    let db = target.connect(observer).await?;
    let version = db.history().await?.version;
    let plans = plans::list(&db.connection, version, target.ledger(), limit).await?;
    let said = match plans.is_empty() {
        true => Vec::new(),
        false => approvals::read(&db.connection, &db.server, version, target.ledger(), None).await?,
    };
    db.close().await?;
    let of = |plan: UploadedPlan| {
        let words = last_words(said.iter().filter(|word| word.digest == plan.digest), target.approval_services());
        let rejected = words.iter().filter(|word| word.verdict == ApprovalVerdict::Reject).count();
        ListedPlan { plan, approved: words.len() - rejected, rejected }
    };
    Ok(plans.into_iter().map(of).collect())
}

/// The decisions on a plan, and which of them count for a run by the actor of the target.
///
/// # Errors
/// If the plan is not for the environment, or the ledger cannot be read.
pub async fn decisions(
    target: &Target,
    sealed: &Sealed,
    observer: &mut dyn Observer,
) -> Result<PlanApprovals, Failure> {
    let part = sealed.part(&target.environment)?;
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    let (connection, server, ledger) = (&db.connection, &db.server, target.ledger());
    let said = approvals::read(connection, server, history.version, ledger, Some(&sealed.digest)).await?;
    // what is left of it is weighed; where nothing may run any more, all of it
    let left = release::may_be_approved(sealed, target, &db, &history).await;
    let plan = left.as_ref().unwrap_or(&part.plan);
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.changeset.as_str()).collect();
    let none = crate::source::Environment::default();
    let config = target.config().unwrap_or(&none);
    let seen = evidence::target(connection, server, ledger, config, &ids, &target.actor).await?;
    db.close().await?;
    let policy = config.approvals.clone();
    let all: Vec<&Approval> = said.iter().collect();
    let weighed = weigh(&all, &release::evidence(sealed), plan, &policy.clone().unwrap_or_default(), &seen);
    let (mut counted, mut rejected) = (BTreeSet::new(), false);
    let judged = said.iter().zip(weighed).map(|(approval, weight)| {
        let why_not = match weight {
            Weighed::Counts(name) => {
                counted.insert(name);
                None
            }
            Weighed::Rejects => {
                rejected = true;
                None
            }
            Weighed::Not(why) => Some(why),
            Weighed::Replaced => Some("was replaced by a later decision"),
        };
        let (approval, why_not) = (approval.clone(), why_not.map(str::to_owned));
        JudgedApproval { approval, counts: why_not.is_none(), why_not }
    });
    let approvals = judged.collect();
    Ok(PlanApprovals {
        environment: target.environment.clone(),
        plan: sealed.digest.clone(),
        required: policy.map(|policy| policy.count),
        counted: counted.len(),
        rejected,
        approvals,
    })
}

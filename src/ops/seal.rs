//! Sealing what is pending into a plan that is run as it is, or not at all.

use super::compile::compile;
use super::keys::signature;
use super::proofs::{self, ProofFile};
use super::{Target, about};
use crate::base::{Diagnostics, Failure, FailureKind, HumanDuration, time};
use crate::pg::ledger::fingerprint;
use crate::plan::about::Commit;
use crate::plan::sealed::{Content, FORMAT, Part, Sealed, SealedProof, before};
use crate::plan::signature::PrivateKey;
use crate::plan::{About, Destination, Maker, Plan, secrets};
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// A request to seal a plan.
pub struct SealRequest<'a> {
    /// The environments, in the order of promotion.
    pub targets: &'a [Target],
    /// The selectors; empty: all changesets.
    pub select: &'a [String],
    /// The private key.
    pub sign: Option<&'a PrivateKey>,
    /// How long the plan is valid.
    pub expires: HumanDuration,
    /// Proofs of its changesets, which the plan carries: answers of `dagmar prove`.
    pub proofs: &'a [ProofFile],
}

/// A sealed plan with warnings.
pub struct SealedPlan {
    /// The plan.
    pub sealed: Sealed,
    /// Warnings, for example about passwords in the SQL.
    pub warnings: Vec<Diagnostics>,
}

/// A sealed plan, for programs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SealedPlan")]
pub struct SealedAnswer<'a> {
    /// The digest: `p1:` and the SHA-256 of the content.
    pub digest: &'a str,
    /// The operating system's user and host that sealed the plan.
    pub author: &'a str,
    /// The database user that sealed the plan, at the first target.
    pub db_user: &'a str,
    /// The version of dagmar that sealed it.
    pub dagmar: &'a str,
    /// The time of sealing, as RFC 3339 in UTC, by the clock of the first target.
    pub sealed_at: String,
    /// The expiry time, as RFC 3339 in UTC.
    pub expires_at: String,
    /// The key of the signature; null: the plan is not signed.
    pub signed_by: Option<String>,
    /// The commit of the project; null: the project was not in a repository.
    pub commit: Option<&'a Commit>,
    /// The environments with their plans, in the order of promotion.
    pub environments: Vec<SealedPart<'a>>,
}

/// The plan for one environment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "SealedEnvironment")]
pub struct SealedPart<'a> {
    /// The environment.
    pub environment: &'a str,
    /// The database that the plan is bound to.
    pub target: &'a crate::plan::sealed::SealedTarget,
    /// The policy of the environment in `dagmar.yaml`, without connection and variables.
    pub policy: &'a Value,
    /// The changesets to run, in order.
    pub changesets: Vec<&'a str>,
    /// The secret variables that are inserted when the plan runs.
    pub secrets: Vec<&'a str>,
    /// The plan.
    pub plan: &'a Plan,
    /// The proofs of its changesets that the plan carries.
    pub proofs: &'a [SealedProof],
}

impl<'a> From<&'a Sealed> for SealedAnswer<'a> {
    fn from(sealed: &'a Sealed) -> Self {
        let content = &sealed.content;
        let parts = content.environments.iter().map(|part| SealedPart {
            environment: &part.environment,
            target: &part.target,
            policy: &part.policy,
            changesets: part.plan.steps.iter().map(|step| step.changeset.as_str()).collect(),
            secrets: secrets::needed(&part.plan).into_keys().collect(),
            plan: &part.plan,
            proofs: &part.proofs,
        });
        Self {
            digest: &sealed.digest,
            author: &content.author,
            db_user: &content.db_user,
            dagmar: &content.dagmar,
            sealed_at: time::rfc3339(content.sealed_at),
            expires_at: time::rfc3339(content.expires_at),
            signed_by: signature(sealed).flatten().map(|signature| signature.key),
            commit: content.commit.as_ref(),
            environments: parts.collect(),
        }
    }
}

/// Seals the pending changesets of each environment.
///
/// # Errors
/// If a server cannot be reached, or there is no plan.
pub async fn seal(request: &SealRequest<'_>, observer: &mut dyn Observer) -> Result<SealedPlan, Failure> {
    let names: Vec<&str> = request.targets.iter().map(|target| target.environment.as_str()).collect();
    let (mut parts, mut first, mut commit, mut warnings) = (Vec::new(), None, None, Vec::new());
    for target in request.targets {
        in_order(target, &names)?;
        commit = about::commit(&target.workspace().loaded.root);
        let view = target.view()?;
        let db = target.connect(observer).await?;
        let history = db.history().await?;
        let plan = compile(&view, &db, &history, view.select(request.select)?.as_ref()).await?;
        warnings.push(view.exposed_passwords(&plan));
        let seen = fingerprint::look(&db.connection, &db.server, target.ledger(), &history).await?;
        db.close().await?;
        first.get_or_insert_with(|| (target, seen.now, seen.session_user.clone()));
        let (environment, before) = (target.environment.clone(), before(&plan, &history));
        let proofs = proofs::of(&plan, request.proofs, seen.now);
        parts.push(Part { environment, target: seen.target, policy: target.policy(), before, plan, proofs });
    }
    proofs::check(request.proofs, &parts)?;
    let (target, now, db_user) = first.ok_or_else(|| Failure::new(FailureKind::Usage, "no environment was named"))?;
    let content = Content {
        format: FORMAT,
        dagmar: env!("CARGO_PKG_VERSION").to_owned(),
        author: target.actor.to_string(),
        db_user,
        sealed_at: now,
        expires_at: now.saturating_add(i64::try_from(request.expires.millis).unwrap_or(i64::MAX)),
        commit,
        environments: parts,
    };
    let mut sealed = Sealed::seal(&content)?;
    sealed.check_range()?;
    sealed.signature = request.sign.map(|key| json!(key.sign(&sealed.digest)));
    Ok(SealedPlan { sealed, warnings })
}

/// What a sealed plan says of itself.
#[must_use]
pub fn about_of(sealed: &Sealed, part: &Part) -> About {
    let (content, target) = (&sealed.content, &part.target);
    About {
        one_transaction: false,
        target: Some(Destination {
            database: target.database.clone(),
            address: None,
            server: target.server.to_string(),
            system: Some(target.system.clone()),
        }),
        made_at: time::rfc3339(content.sealed_at),
        made_by: Maker { os: content.author.clone(), database: Some(content.db_user.clone()) },
        dagmar: content.dagmar.clone(),
        commit: content.commit.clone(),
        tables: Default::default(),
        diffs: Default::default(),
    }
}

/// Refuses a list that is not in the order of promotion.
fn in_order(target: &Target, names: &[&str]) -> Result<(), Failure> {
    let config = &target.workspace().loaded.config;
    let known: Vec<&str> = config.environment_list.iter().map(|(name, _)| name.as_str()).collect();
    let places: Vec<_> = names.iter().map(|name| known.iter().position(|k| *k == *name)).collect();
    if places.is_sorted_by(|a, b| a.is_none() || b.is_none() || a < b) {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Usage, "the environments are not in the order of promotion")
        .help(format!("dagmar.yaml has: {}", known.join(", "))))
}

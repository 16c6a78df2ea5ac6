//! Sealing what is pending into a plan that is run as it is, or not at all.

use super::compile::compile;
use super::{Target, about};
use crate::base::{Diagnostics, Failure, Kind, Span};
use crate::pg::ledger::fingerprint;
use crate::plan::sealed::{Content, FORMAT, Part, Sealed, before};
use crate::plan::signature::PrivateKey;
use crate::run::Observer;
use serde_json::json;

/// What is to be sealed.
pub struct SealRequest<'a> {
    /// The environments, in the order of promotion.
    pub targets: &'a [Target],
    /// Which changesets; empty: all.
    pub select: &'a [String],
    /// The private key.
    pub sign: Option<&'a PrivateKey>,
    /// How long it may be run.
    pub expires: Span,
}

/// A sealed plan, and what is odd in it.
pub struct SealedPlan {
    /// The plan.
    pub sealed: Sealed,
    /// Passwords that stand in its SQL, and their like.
    pub warnings: Vec<Diagnostics>,
}

/// Seals what is pending in each environment.
///
/// # Errors
/// When a server is not reached, or there is no plan.
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
        parts.push(Part { environment, target: seen.target, policy: target.policy(), before, plan });
    }
    let (target, now, db_user) = first.ok_or_else(|| Failure::new(Kind::Usage, "no environment was named"))?;
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
    sealed.signature = request.sign.map(|key| json!(key.sign(&sealed.digest)));
    Ok(SealedPlan { sealed, warnings })
}

/// Refuses a list that is not in the order of promotion.
fn in_order(target: &Target, names: &[&str]) -> Result<(), Failure> {
    let config = &target.workspace().loaded.config;
    let known: Vec<&str> = config.environment_list.iter().map(|(name, _)| name.as_str()).collect();
    let places: Vec<_> = names.iter().map(|name| known.iter().position(|k| *k == *name)).collect();
    if places.is_sorted_by(|a, b| a.is_none() || b.is_none() || a < b) {
        return Ok(());
    }
    Err(Failure::new(Kind::Usage, "the environments are not in the order of promotion")
        .help(format!("dagmar.yaml has: {}", known.join(", "))))
}

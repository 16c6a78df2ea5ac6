//! What the owner of a ledger demands that dagmar.yaml says.

use super::{ManualChange, ManualOptions, write};
use crate::base::Failure;
use crate::gate::differences;
use crate::history::RunKind;
use crate::ops::Target;
use crate::pg::{Database, Stop};
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// The required policy of an environment, and its policy in dagmar.yaml.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Policy {
    /// The environment.
    pub environment: String,
    /// The policy that the owner of the ledger requires; null: none.
    pub required: Option<Value>,
    /// The policy in dagmar.yaml.
    pub here: Value,
    /// The keys with different values.
    pub differing: Vec<String>,
}

impl Policy {
    fn of(target: &Target, required: Option<Value>) -> Self {
        let here = target.policy();
        let differing = required.as_ref().map(|required| differences(required, &here)).unwrap_or_default();
        let differing = differing.into_iter().map(str::to_owned).collect();
        Self { environment: target.environment.clone(), required, here, differing }
    }
}

/// The required policy of the environment.
///
/// # Errors
/// If the ledger cannot be read.
pub async fn required(target: &Target, observer: &mut dyn Observer) -> Result<Policy, Failure> {
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    db.close().await?;
    Ok(Policy::of(target, history.policies.get(&target.environment).cloned()))
}

/// A required policy that can be written.
pub struct PreparedPolicy<'a> {
    target: &'a Target,
    options: &'a ManualOptions,
    /// The policy to require; absent: none.
    pub wanted: Option<Value>,
    /// The database.
    pub db: Database,
}

/// Connects. `require`: the policy of dagmar.yaml becomes the required one; otherwise the requirement is
/// removed.
///
/// # Errors
/// If the ledger cannot be written, or belongs to another environment.
pub async fn prepare<'a>(
    target: &'a Target,
    require: bool,
    options: &'a ManualOptions,
    observer: &mut dyn Observer,
) -> Result<PreparedPolicy<'a>, Failure> {
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    db.check_writable()?;
    target.check_bound(&history)?;
    Ok(PreparedPolicy { target, options, wanted: require.then(|| target.policy()), db })
}

impl PreparedPolicy<'_> {
    /// Writes it under the lock.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub async fn write(self, observer: &mut dyn Observer, stop: &Arc<Stop>) -> Result<Policy, Failure> {
        let Self { target, options, wanted, db } = self;
        let change = ManualChange { kind: RunKind::Policy, steps: 0, options };
        let rows = write(&change, target, db, observer, stop, |_, recorder| {
            Ok(recorder.require_policy(&target.environment, wanted.as_ref(), &options.reason))
        });
        rows.await.map(|()| Policy::of(target, wanted))
    }
}

//! Taking over a ledger that came from another environment.

use super::{ManualChange, ManualOptions, write};
use crate::base::{Failure, FailureKind};
use crate::history::RunKind;
use crate::ops::Target;
use crate::pg::{Database, Stop};
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// A ledger that was adopted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Adopted {
    /// The environment that it belonged to; null: nobody.
    pub from: Option<String>,
    /// The environment that it belongs to.
    pub to: String,
    /// Why.
    pub reason: String,
}

/// A ledger that may be adopted.
pub struct PreparedAdoption<'a> {
    target: &'a Target,
    options: &'a ManualOptions,
    /// Its database.
    pub db: Database,
    /// The environment that it belongs to; absent: nobody.
    pub from: Option<String>,
}

/// Connects, and looks whom the ledger belongs to.
///
/// # Errors
/// When there is no ledger, or it belongs to the environment already.
pub async fn prepare<'a>(
    target: &'a Target,
    options: &'a ManualOptions,
    observer: &mut dyn Observer,
) -> Result<PreparedAdoption<'a>, Failure> {
    let db = target.connect(observer).await?;
    db.check_writable()?;
    if !db.server.has_ledger {
        return Err(Failure::new(FailureKind::Refused, "this database has no ledger to adopt")
            .help("`dagmar apply` makes one; check where you are connected"));
    }
    let (here, from) = (&target.environment, db.history().await?.environment);
    if from.as_deref() == Some(here.as_str()) {
        return Err(Failure::new(
            FailureKind::Refused,
            format!("the ledger belongs to `{here}` already; nothing was changed"),
        )
        .help("name the environment that it shall belong to with `--env`"));
    }
    Ok(PreparedAdoption { target, options, db, from })
}

impl PreparedAdoption<'_> {
    /// Gives the ledger the environment's name and a new identity.
    ///
    /// # Errors
    /// When another run has changed the ledger meanwhile.
    pub async fn write(self, observer: &mut dyn Observer, stop: &Arc<Stop>) -> Result<Adopted, Failure> {
        let Self { target, options, db, from } = self;
        let change = ManualChange { kind: RunKind::Adopt, steps: 0, options };
        write(&change, target, db, observer, stop, |history, recorder| {
            if history.environment != from {
                return Err(Failure::new(
                    FailureKind::Drift,
                    "another run has changed the ledger meanwhile; nothing was adopted",
                )
                .help("run the command again and look at what it says"));
            }
            Ok(recorder.adopt(from.as_deref(), &target.environment, &options.reason))
        })
        .await?;
        Ok(Adopted { from, to: target.environment.clone(), reason: options.reason.clone() })
    }
}

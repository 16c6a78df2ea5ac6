//! Taking over a ledger that came from another environment.

use super::{ManualChange, ManualOptions, write};
use crate::base::{Failure, FailureKind, Operation, Setting};
use crate::history::RunKind;
use crate::ops::Target;
use crate::pg::{Database, Stop};
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// An adopted ledger.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Adopted {
    /// The previous environment of the ledger; null: none.
    pub from: Option<String>,
    /// The new environment of the ledger.
    pub to: String,
    /// The reason.
    pub reason: String,
}

/// A ledger that can be adopted.
pub struct PreparedAdoption<'a> {
    target: &'a Target,
    options: &'a ManualOptions,
    /// The database of the ledger.
    pub db: Database,
    /// The current environment of the ledger; absent: none.
    pub from: Option<String>,
}

/// Connects and reads the environment of the ledger.
///
/// # Errors
/// If there is no ledger, or it already belongs to the environment.
pub async fn prepare<'a>(
    target: &'a Target,
    options: &'a ManualOptions,
    observer: &mut dyn Observer,
) -> Result<PreparedAdoption<'a>, Failure> {
    let db = target.connect(observer).await?;
    db.check_writable()?;
    if !db.server.has_ledger {
        return Err(Failure::new(FailureKind::Refused, "this database has no ledger")
            .help(Operation::Apply + " creates one; check the connection"));
    }
    let (here, from) = (&target.environment, db.history().await?.environment);
    if from.as_deref() == Some(here.as_str()) {
        return Err(Failure::new(
            FailureKind::Refused,
            format!("the ledger already belongs to `{here}`; nothing was changed"),
        )
        .help("name the new environment with " + Setting::Env));
    }
    Ok(PreparedAdoption { target, options, db, from })
}

impl PreparedAdoption<'_> {
    /// Writes the environment's name and a new installation id into the ledger.
    ///
    /// # Errors
    /// If another run has changed the ledger in the meantime.
    pub async fn write(self, observer: &mut dyn Observer, stop: &Arc<Stop>) -> Result<Adopted, Failure> {
        let Self { target, options, db, from } = self;
        let change = ManualChange { kind: RunKind::Adopt, steps: 0, options };
        write(&change, target, db, observer, stop, |history, recorder| {
            if history.environment != from {
                return Err(Failure::new(
                    FailureKind::Drift,
                    "another run changed the ledger in between; nothing was adopted",
                )
                .help("run the command again and check what it reports"));
            }
            Ok(recorder.adopt(from.as_deref(), &target.environment, &options.reason))
        })
        .await?;
        Ok(Adopted { from, to: target.environment.clone(), reason: options.reason.clone() })
    }
}

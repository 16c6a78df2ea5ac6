//! Approving and rejecting a sealed plan.

use super::run::install;
use super::{Target, release};
use crate::base::{Failure, HumanDuration};
use crate::history::{ApprovalVerdict, History};
use crate::ledger::schema;
use crate::pg::Database;
use crate::pg::ledger::approvals::{self, NewApproval};
use crate::plan::sealed::Sealed;
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;

/// A decision that was recorded.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Decided {
    /// Yes or no.
    pub verdict: ApprovalVerdict,
    /// The digest of the plan.
    pub plan: String,
    /// The environment in whose ledger it stands.
    pub environment: String,
    /// Why.
    pub reason: String,
}

/// A yes or a no to a sealed plan.
pub struct Decision<'a> {
    /// The plan.
    pub plan: &'a Sealed,
    /// Yes or no.
    pub verdict: ApprovalVerdict,
    /// Why; the history keeps it.
    pub reason: &'a str,
    /// How long it counts; absent: as long as the plan.
    pub expires: Option<HumanDuration>,
}

/// A decision that may be recorded.
pub struct PreparedDecision<'a> {
    target: &'a Target,
    decision: &'a Decision<'a>,
    db: Database,
    history: History,
}

/// Connects, and looks whether there is anything to decide: a plan that could not run is nothing to
/// approve; to reject it needs less.
///
/// # Errors
/// When the plan is for another environment; to approve: does not fit the database any more.
pub async fn prepare<'a>(
    target: &'a Target,
    decision: &'a Decision<'a>,
    observer: &mut dyn Observer,
) -> Result<PreparedDecision<'a>, Failure> {
    let db = target.connect(observer).await?;
    db.check_writable()?;
    let history = db.history().await?;
    match decision.verdict {
        ApprovalVerdict::Approve => drop(release::may_be_approved(decision.plan, target, &db, &history).await?),
        ApprovalVerdict::Reject => _ = decision.plan.part(&target.environment)?,
    }
    Ok(PreparedDecision { target, decision, db, history })
}

impl PreparedDecision<'_> {
    /// Records it in the ledger of the environment.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn record(mut self) -> Result<Decided, Failure> {
        if self.history.version < schema::VERSION {
            install(self.target, &mut self.db).await?;
        }
        let Decision { plan, verdict, reason, expires } = *self.decision;
        let word = NewApproval { digest: &plan.digest, verdict, reason, expires };
        approvals::write(&self.db.connection, self.target.ledger(), &self.target.actor, &word).await?;
        self.db.close().await?;
        let (plan, environment) = (plan.digest.clone(), self.target.environment.clone());
        Ok(Decided { verdict, plan, environment, reason: reason.to_owned() })
    }
}

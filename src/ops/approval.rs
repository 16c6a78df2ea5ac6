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

/// A recorded approval or rejection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Decided {
    /// Approved or rejected.
    pub verdict: ApprovalVerdict,
    /// The digest of the plan.
    pub plan: String,
    /// The environment whose ledger records it.
    pub environment: String,
    /// The reason.
    pub reason: String,
}

/// An approval or a rejection of a sealed plan, as requested.
pub struct Decision<'a> {
    /// The plan.
    pub plan: &'a Sealed,
    /// Approved or rejected.
    pub verdict: ApprovalVerdict,
    /// The reason; the history keeps it.
    pub reason: &'a str,
    /// How long the approval is valid; absent: as long as the plan.
    pub expires: Option<HumanDuration>,
}

/// A decision that can be recorded.
pub struct PreparedDecision<'a> {
    target: &'a Target,
    decision: &'a Decision<'a>,
    db: Database,
    history: History,
}

/// Connects and checks the plan. To approve it, the plan must be able to run; to reject it, it need not.
///
/// # Errors
/// If the plan is for another environment or, for an approval, does not fit the database any more.
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
    /// Records the decision in the ledger of the environment.
    ///
    /// # Errors
    /// If the ledger cannot be written.
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

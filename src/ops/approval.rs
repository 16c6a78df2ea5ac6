//! Approving and rejecting a sealed plan.

use super::run::install;
use super::{Target, release};
use crate::base::{Failure, FailureKind, HumanDuration};
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

/// The longest reason that the ledger keeps, in bytes.
const MOST_REASON: usize = 4096;

/// The longest time for which an approval can be valid: 100 years of 365 days.
const MOST_EXPIRES: HumanDuration = HumanDuration::secs(36_500 * 86_400);

impl Decision<'_> {
    /// Refuses what the ledger cannot keep, and an approval that would never count: it would still replace an earlier one.
    fn check(&self) -> Result<(), Failure> {
        let usage = |message: String, help: &'static str| Err(Failure::new(FailureKind::Usage, message).help(help));
        match self.expires {
            Some(span) if span.millis == 0 => {
                return usage(
                    "an approval cannot be valid for 0s".to_owned(),
                    "reject the plan to withdraw an approval",
                );
            }
            Some(span) if span > MOST_EXPIRES => {
                let message = format!("an approval cannot be valid for {span}");
                return usage(message, "give at most 36500d; without a time it is valid as long as the plan");
            }
            _ => {}
        }
        if self.reason.len() > MOST_REASON {
            let message = format!("the reason has {} bytes", self.reason.len());
            return usage(message, "give a reason of at most 4096 bytes, for example the number of a ticket");
        }
        if self.reason.contains('\0') {
            return usage(
                "the reason has a character that a database cannot keep: U+0000".to_owned(),
                "give a reason without it",
            );
        }
        Ok(())
    }
}

/// Connects and checks the plan. To approve it, the plan must be able to run; to reject it, it need not.
///
/// # Errors
/// If the ledger cannot keep the decision, the plan is for another environment or, for an approval, does not fit the database
/// any more.
pub async fn prepare<'a>(
    target: &'a Target,
    decision: &'a Decision<'a>,
    observer: &mut dyn Observer,
) -> Result<PreparedDecision<'a>, Failure> {
    decision.check()?;
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

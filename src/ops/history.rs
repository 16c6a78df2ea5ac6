//! The events of a ledger, and whether somebody changed it by hand.

use super::Target;
use crate::base::Failure;
use crate::history::approval::Approval;
use crate::pg::ledger::approvals;
use crate::pg::ledger::audit::{self, Audit, Kept};
use crate::pg::ledger::read::{self, Filter, LedgerEvent};
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;

/// The events of an environment's ledger.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Events {
    /// The environment.
    pub environment: String,
    /// The latest matching events, in ascending order.
    pub events: Vec<LedgerEvent>,
}

/// The result of `history --verify`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Audited {
    /// The environment.
    pub environment: String,
    /// True if nobody changed the ledger manually.
    pub intact: bool,
    /// The result for the chain of events.
    pub audit: Audit,
}

/// The approvals and rejections of sealed plans in an environment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Approvals {
    /// The environment.
    pub environment: String,
    /// The approvals and rejections, oldest first.
    pub approvals: Vec<Approval>,
}

/// The latest events that match the filter.
///
/// # Errors
/// If the server cannot be reached, or its ledger is of a later version.
pub async fn events(target: &Target, filter: &Filter, observer: &mut dyn Observer) -> Result<Events, Failure> {
    let db = target.connect(observer).await?;
    // a ledger of a later version is refused here as well
    let version = db.history().await?.version;
    let events = read::events(&db.connection, &db.server, version, target.ledger(), filter).await?;
    db.close().await?;
    Ok(Events { environment: target.environment.clone(), events })
}

/// Verifies the chain of events, and compares it with the rows and with the given anchors and keys.
///
/// # Errors
/// If the ledger cannot be read. Detected changes are in the answer.
pub async fn audit(target: &Target, kept: Kept<'_>, observer: &mut dyn Observer) -> Result<Audited, Failure> {
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    let audit = audit::audit(&db.connection, &db.server, target.ledger(), &history, kept).await?;
    db.close().await?;
    Ok(Audited { environment: target.environment.clone(), intact: audit.problems.is_empty(), audit })
}

/// The approvals and rejections of all sealed plans, or of the plan with this digest.
///
/// # Errors
/// If the ledger cannot be read.
pub async fn approvals(
    target: &Target,
    digest: Option<&str>,
    observer: &mut dyn Observer,
) -> Result<Approvals, Failure> {
    let db = target.connect(observer).await?;
    let version = db.history().await?.version;
    let approvals = approvals::read(&db.connection, &db.server, version, target.ledger(), digest).await?;
    db.close().await?;
    Ok(Approvals { environment: target.environment.clone(), approvals })
}

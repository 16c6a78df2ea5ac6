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

/// Events of an environment's ledger.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Events {
    /// The environment.
    pub environment: String,
    /// The latest events that pass the filter, the latest last.
    pub events: Vec<LedgerEvent>,
}

/// Whether somebody changed a ledger by hand.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Audited {
    /// The environment.
    pub environment: String,
    /// Whether nothing was changed.
    pub intact: bool,
    /// What the chain of events came to.
    pub audit: Audit,
}

/// What was said of sealed plans in an environment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Approvals {
    /// The environment.
    pub environment: String,
    /// What was said, the first first.
    pub approvals: Vec<Approval>,
}

/// The latest events that pass the filter.
///
/// # Errors
/// When the server is not reached, or its ledger is of a later version.
pub async fn events(target: &Target, filter: &Filter, observer: &mut dyn Observer) -> Result<Events, Failure> {
    let db = target.connect(observer).await?;
    // a ledger of a later version is refused here as well
    let version = db.history().await?.version;
    let events = read::events(&db.connection, &db.server, version, target.ledger(), filter).await?;
    db.close().await?;
    Ok(Events { environment: target.environment.clone(), events })
}

/// Follows the chain of events, and compares it with the rows and with what was kept elsewhere.
///
/// # Errors
/// When the ledger cannot be read. What is wrong with it is in the answer.
pub async fn audit(target: &Target, kept: Kept<'_>, observer: &mut dyn Observer) -> Result<Audited, Failure> {
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    let audit = audit::audit(&db.connection, &db.server, target.ledger(), &history, kept).await?;
    db.close().await?;
    Ok(Audited { environment: target.environment.clone(), intact: audit.problems.is_empty(), audit })
}

/// What was said of sealed plans, or of the one with this digest.
///
/// # Errors
/// When the ledger cannot be read.
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

//! The events of a ledger, and whether somebody changed it by hand.

use super::Target;
use crate::base::Failure;
use crate::history::approval::Approval;
use crate::pg::ledger::approvals;
use crate::pg::ledger::audit::{self, Audit, Kept};
use crate::pg::ledger::read::{self, EventPlace, Filter, LedgerEvent};
use crate::report::{csv, json};
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

impl Events {
    /// Comma-separated values: a line for each event, the detail as JSON.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = csv::line(&[
            "seq",
            "at",
            "kind",
            "changeset",
            "dbUser",
            "by",
            "from",
            "run",
            "environment",
            "detail",
            "hash",
        ]);
        for e in &self.events {
            let (seq, detail) = (e.seq.map_or_else(String::new, |seq| seq.to_string()), json::line(&e.detail));
            let or_none = |text: &'_ Option<String>| text.clone().unwrap_or_default();
            let rest = [&e.changeset, &Some(e.db_user.clone()), &e.by, &e.from, &e.run, &e.environment].map(or_none);
            let mut row = vec![seq.as_str(), &e.at, &e.kind];
            row.extend(rest.iter().map(String::as_str));
            row.push(detail.trim_end());
            row.push(e.hash.as_deref().unwrap_or_default());
            text.push_str(&csv::line(&row));
        }
        text
    }

    /// Where the events before these end, if there may be more than this many; `None`: these are all.
    #[must_use]
    pub fn next(&self, limit: u32) -> Option<EventPlace> {
        let is_full = u32::try_from(self.events.len()).is_ok_and(|number| number >= limit);
        self.events.first().filter(|_| is_full).map(|event| event.place)
    }
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

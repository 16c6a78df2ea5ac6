//! What the ledger knows of drift: the last recorded comparison.

use crate::base::time::rfc3339;
use crate::base::{Failure, Ident};
use crate::history::EventKind;
use crate::pg::connect::Connection;
use crate::pg::connect::query::millis;
use schemars::JsonSchema;
use serde::Serialize;

/// A recorded comparison of a database with its ledger (`drift --record`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftCheck {
    /// When it was made.
    pub at: String,
    /// How old it is, in milliseconds.
    pub age_ms: i64,
    /// How many differences it found that are not ignored.
    pub differences: u64,
    /// The database role that recorded it.
    pub by: String,
}

/// The last one; `None`: there is none. Details that are not a number of differences were written by somebody else, and
/// are passed over.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn last(connection: &Connection, ledger: &Ident) -> Result<Option<DriftCheck>, Failure> {
    let sql = format!(
        "SELECT {}, greatest(0, (extract(epoch FROM clock_timestamp() - at) * 1000)::int8), detail ->> 'differences', db_user \
         FROM {}.event WHERE kind = '{}' AND isfinite(at) AND jsonb_typeof(detail -> 'differences') = 'number' \
         AND seq > coalesce((SELECT max(seq) FROM {}.event WHERE kind = '{}'), 0) ORDER BY seq DESC LIMIT 1",
        millis("at"),
        ledger.sql(),
        EventKind::DriftChecked.word(),
        ledger.sql(),
        // what was recorded before is of another database
        EventKind::Adopted.word()
    );
    let rows = connection.query("cannot read the ledger", &sql).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(DriftCheck {
        at: rfc3339(row.get(0)?),
        age_ms: row.get(1)?,
        // what is no whole number counts as drift
        differences: row.get::<String>(2)?.parse().unwrap_or(u64::MAX),
        by: row.get(3)?,
    }))
}

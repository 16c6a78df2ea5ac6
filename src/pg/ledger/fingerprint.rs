//! What a database is known by: the target of a sealed plan.

use crate::base::{Failure, FailureKind, Ident};
use crate::history::History;
use crate::pg::connect::Connection;
use crate::pg::connect::server::Server;
use crate::plan::sealed::{self, SealedTarget};

/// A target as it is now.
#[derive(Debug, Clone)]
pub struct TargetState {
    /// What it is known by.
    pub target: SealedTarget,
    /// The server's clock, in milliseconds since 1970.
    pub now: i64,
    /// The database user.
    pub session_user: String,
}

/// Looks at the target; its history was read before.
///
/// # Errors
/// When the server does not answer.
pub async fn look(
    connection: &Connection,
    server: &Server,
    ledger: &Ident,
    history: &History,
) -> Result<TargetState, Failure> {
    let installation = match server.has_ledger {
        true => format!("(SELECT value FROM {}.meta WHERE key = 'installation')", ledger.sql()),
        false => "NULL::text".to_owned(),
    };
    let sql = format!(
        "SELECT (SELECT system_identifier::text FROM pg_catalog.pg_control_system()), {installation}, \
         (extract(epoch FROM clock_timestamp()) * 1000)::int8, session_user::text"
    );
    let rows = connection.query("cannot identify the server", &sql).await?;
    let row = rows.first().ok_or_else(|| Failure::new(FailureKind::Database, "the server returned no row"))?;
    let target = SealedTarget {
        system: row.get(0)?,
        database: server.database.clone(),
        installation: row.get(1)?,
        server: server.major(),
        recorded: sealed::recorded(history),
        state: sealed::state(history),
    };
    Ok(TargetState { target, now: row.get(2)?, session_user: row.get(3)? })
}

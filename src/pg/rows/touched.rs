//! The tables that the open transaction may have changed.

use super::selection::{is_of_user, name_at};
use crate::base::{Failure, Ident, QualifiedName};
use crate::pg::connect::Connection;
use std::collections::BTreeSet;

/// The tables whose rows the open transaction may have changed, by its locks: a statement that writes rows holds ROW
/// EXCLUSIVE on their table until the transaction ends, one that creates, rewrites, truncates or renames a table ACCESS
/// EXCLUSIVE. Statements that were taken back to a savepoint hold nothing any more. A partition stands for its
/// partitioned table; tables of the schemas `without` are left out, and so are those that were dropped.
///
/// # Errors
/// If the server does not answer.
pub async fn touched(connection: &Connection, without: &BTreeSet<Ident>) -> Result<BTreeSet<QualifiedName>, Failure> {
    let query = format!(
        "SELECT DISTINCT n.nspname::text, c.relname::text FROM pg_catalog.pg_locks l \
         JOIN pg_catalog.pg_class c ON c.oid = COALESCE(pg_catalog.pg_partition_root(l.relation), l.relation) \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' \
         AND l.database = (SELECT o.oid FROM pg_catalog.pg_database o WHERE o.datname = pg_catalog.current_database()) \
         AND l.mode IN ('RowExclusiveLock', 'AccessExclusiveLock') AND {}",
        is_of_user(without)
    );
    let rows = connection.query("cannot query which tables were changed", &query).await?;
    rows.iter().map(|row| name_at(row, 0)).collect()
}

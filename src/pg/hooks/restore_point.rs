//! A named point in the server's log, to which a recovery can go back.

use super::before::{Detail, HookError};
use crate::base::name::{MAX_BYTES, quote_literal};
use crate::base::{Failure, FailureKind};
use crate::pg::connect::Connection;
use crate::pg::stop::Stop;
use std::time::Duration;

pub(super) async fn make(
    name: &str,
    limit: Duration,
    connection: &Connection,
    stop: &Stop,
) -> Result<Detail, HookError> {
    if name.len() > MAX_BYTES {
        let message = format!("the name `{name}` has more than {MAX_BYTES} bytes");
        return Err(Failure::new(FailureKind::Failed, message).help("make it shorter").into());
    }
    let sql = format!("SELECT pg_catalog.pg_create_restore_point({})::text", quote_literal(name));
    let rows = tokio::select! {
        rows = connection.try_query(&sql) => rows,
        () = tokio::time::sleep(limit) => return Err(ended(connection, HookError::Timeout).await),
        () = stop.requested() => return Err(ended(connection, HookError::Stopped).await),
    };
    let rows = rows.map_err(|failure| {
        let help = match failure.sqlstate.as_str() {
            "42501" => "GRANT EXECUTE ON FUNCTION pg_create_restore_point TO the role, or connect as a superuser",
            "55000" => {
                "set `wal_level` to `replica` or `logical` on the server: recovery to a restore point requires it"
            }
            _ => "check the server's log",
        };
        Failure::new(FailureKind::Failed, failure.message.clone())
            .help(failure.hint.clone().unwrap_or_else(|| help.to_owned()))
    })?;
    let at: String = rows.first().map(|row| row.get(0)).transpose()?.unwrap_or_default();
    Ok(Detail::from_iter([("restorePoint".to_owned(), name.into()), ("lsn".to_owned(), at.into())]))
}

async fn ended(connection: &Connection, trouble: HookError) -> HookError {
    let _ = connection.canceler().cancel().await;
    trouble
}

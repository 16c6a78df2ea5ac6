//! Statements that leave nothing behind when they fail, in the transaction that is open.

use super::selection::author_path;
use crate::base::name::quote_literal;
use crate::base::{Failure, FailureKind};
use crate::exec::script::USE_OWN_PATH;
use crate::exec::session::set_path;
use crate::pg::connect::query::Texts;
use crate::pg::connect::{Connection, ServerError};

/// Settings under which values are written as texts, the same on every server and for every role. The catalog is read
/// along its indexes, so that the time does not depend on the number of all tables: a new database has no statistics.
const FORM: &str = "SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres'; SET LOCAL TimeZone = 'UTC'; \
                    SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL xmloption = 'content'; \
                    SET LOCAL lc_monetary = 'C'; SET LOCAL row_security = off; SET LOCAL quote_all_identifiers = off; \
                    SET LOCAL jit = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; \
                    SET LOCAL enable_mergejoin = off";

const NAME: &str = "dagmar_rows";
const BEGIN: &str = "SAVEPOINT dagmar_rows";
const KEEP: &str = "RELEASE SAVEPOINT dagmar_rows";
const BACK: &str = "ROLLBACK TO SAVEPOINT dagmar_rows; RELEASE SAVEPOINT dagmar_rows";

/// Reads under fixed settings. Neither them nor anything else stays.
pub(super) async fn read(connection: &Connection, sql: &str) -> Result<Result<Vec<Texts>, ServerError>, Failure> {
    attempt(connection, &format!("{BEGIN}; {FORM}; {sql}; {BACK}")).await
}

/// Runs statements under the path of authors, for the triggers and functions that they run. What the statements did
/// stays, unless one of them fails.
pub(super) async fn write(connection: &Connection, sql: &str) -> Result<Result<Vec<Texts>, ServerError>, Failure> {
    let path = set_path(&quote_literal(author_path(connection).await?), true);
    let asked = attempt(connection, &format!("{BEGIN}; {path}; {sql}; {KEEP}; {USE_OWN_PATH}")).await?;
    Ok(asked.map(|mut rows| {
        rows.drain(..rows.len().min(1));
        rows
    }))
}

/// Asks under the path of authors; nothing of it stays.
pub(super) async fn probe(connection: &Connection, sql: &str) -> Result<Result<Vec<Texts>, ServerError>, Failure> {
    let path = set_path(&quote_literal(author_path(connection).await?), true);
    let asked = attempt(connection, &format!("{BEGIN}; {path}; {sql}; {BACK}")).await?;
    Ok(asked.map(|mut rows| {
        rows.drain(..rows.len().min(1));
        rows
    }))
}

/// Runs statements and keeps what follows apart, until [`end`].
pub(super) async fn begin(connection: &Connection, sql: &str) -> Result<(), Failure> {
    connection.execute(&format!("SAVEPOINT dagmar_fill; {sql}")).await.map_err(|why| lost(&why))
}

/// Keeps what was done since [`begin`], or takes it back.
pub(super) async fn end(connection: &Connection, keep: bool) -> Result<(), Failure> {
    let ended = match keep {
        true => connection.execute("RELEASE SAVEPOINT dagmar_fill").await,
        false => connection.roll_back_and_release("dagmar_fill").await,
    };
    ended.map_err(|why| lost(&why))
}

async fn attempt(connection: &Connection, sql: &str) -> Result<Result<Vec<Texts>, ServerError>, Failure> {
    match connection.texts(sql).await {
        Ok(rows) => Ok(Ok(rows)),
        Err(why) if why.is_connection_lost() => Err(lost(&why)),
        Err(why) => {
            connection
                .roll_back_and_release(NAME)
                .await
                .map_err(|back| lost(if back.sqlstate == "25P01" { &why } else { &back }))?;
            Ok(Err(why))
        }
    }
}

fn lost(why: &ServerError) -> Failure {
    Failure::new(FailureKind::Database, format!("cannot read or write rows: {}", why.message))
}

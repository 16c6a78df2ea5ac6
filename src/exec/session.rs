//! The settings of a session that runs changesets.

use super::script::{Script, StatementTag, USE_OWN_PATH};
use crate::base::Limits;

/// Sets the `search_path`, given as SQL, of the transaction (`local`) or of the session; answers one
/// row.
#[must_use]
pub fn set_path(path: &str, local: bool) -> String {
    format!("SELECT pg_catalog.set_config('search_path', {path}, {local}) AS path")
}

/// Limits as SQL, for the session.
#[must_use]
pub fn limits_sql(limits: Limits) -> [String; 2] {
    [
        format!("SET lock_timeout = {}", limits.lock_timeout.millis),
        format!("SET statement_timeout = {}", limits.statement_timeout.millis),
    ]
}

/// No limits any more.
pub const NO_LIMITS: [&str; 2] = ["SET lock_timeout = 0", "SET statement_timeout = 0"];

/// The settings of every session that runs changesets. The role's own timeouts must not end
/// a run in the middle, and its settings must not change what SQL means.
#[must_use]
pub fn session_sql() -> Vec<String> {
    let mut sql: Vec<String> = [
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("standard_conforming_strings", "on"),
        ("check_function_bodies", "on"),
        ("row_security", "on"),
        ("default_transaction_read_only", "off"),
        ("default_transaction_isolation", "'read committed'"),
        ("default_transaction_deferrable", "off"),
        ("DateStyle", "'ISO, YMD'"),
        ("IntervalStyle", "'postgres'"),
        ("TimeZone", "'UTC'"),
    ]
    .iter()
    .map(|(name, value)| format!("SET {name} = {value}"))
    .collect();
    // known since 14 and 17; unknown settings would be errors
    for (name, since) in [("idle_session_timeout", 140_000), ("transaction_timeout", 170_000)] {
        sql.push(format!(
            "DO $$ BEGIN IF current_setting('server_version_num')::int >= {since} THEN PERFORM set_config('{name}', '0', \
             false); END IF; END $$"
        ));
    }
    // a statement whose client is dead ends; an error where the server's system cannot tell
    sql.push(
        "DO $$ BEGIN PERFORM set_config('client_connection_check_interval', '2s', false); \
         EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$"
            .to_owned(),
    );
    sql
}

/// Puts a session back after statements that left something in it: the next changeset must
/// not see it.
pub(super) fn reset(script: &mut Script, frame: StatementTag) {
    script.extend(frame, ["RESET ALL", "DISCARD TEMP", "UNLISTEN *", "CLOSE ALL", "DEALLOCATE ALL", USE_OWN_PATH]);
    script.extend(frame, session_sql());
}

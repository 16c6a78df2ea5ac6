//! Roles of a server whose rights are of no account: those of servers that stand for others.

use super::connect::{Connection, error};
use crate::base::Failure;
use crate::base::name::quote_ident;
use std::collections::BTreeSet;

/// The names of all roles but those that every server has.
///
/// # Errors
/// When the server does not answer.
pub async fn names(server: &Connection) -> Result<BTreeSet<String>, Failure> {
    const ASK: &str = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_'";
    let rows = server.query("cannot read the roles of the server", ASK).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Makes the roles that are not there yet, without rights.
///
/// # Errors
/// When the server refuses.
pub async fn add(server: &Connection, wanted: &BTreeSet<String>) -> Result<(), Failure> {
    let there = names(server).await?;
    let sql: Vec<String> =
        wanted.difference(&there).map(|role| format!("CREATE ROLE {} NOLOGIN", quote_ident(role))).collect();
    let made = server.execute(&sql.join(";\n")).await;
    made.map_err(|e| error::query_failed("cannot create the roles that SQL names", &e))
}

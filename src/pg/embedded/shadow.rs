//! A private server that stands for another one: what SQL can name there and no changeset makes.

use crate::base::Failure;
use crate::base::name::{quote_ident, quote_literal};
use crate::pg::connect::Connection;
use crate::pg::connect::error;

/// Gives the shadow the names of the other server's roles, without their rights, and the search path
/// that SQL of authors has there. Connections that are made afterwards have the path.
///
/// # Errors
/// When one of them does not answer.
pub async fn resemble(shadow: &Connection, other: &Connection) -> Result<(), Failure> {
    const ROLES: &str = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_'";
    let rows = other.query("cannot read the roles of the server", ROLES).await?;
    let there: Vec<String> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    let rows = shadow.query("cannot read the roles of the private server", ROLES).await?;
    let here: Vec<String> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    let mut sql: Vec<String> = there
        .iter()
        .filter(|role| !here.contains(role))
        .map(|role| format!("CREATE ROLE {} NOLOGIN", quote_ident(role)))
        .collect();
    sql.push(format!("SELECT pg_catalog.set_config('search_path', {}, false)", quote_literal(other.author_path())));
    sql.push("ALTER ROLE CURRENT_USER SET search_path FROM CURRENT".to_owned());
    let made = shadow.execute(&sql.join(";\n")).await;
    made.map_err(|e| error::query_failed("cannot set up the private server like the target server", &e))
}

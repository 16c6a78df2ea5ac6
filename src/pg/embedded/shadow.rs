//! A private server that stands for another one: what SQL can name there and no changeset makes.

use crate::base::Failure;
use crate::base::name::quote_literal;
use crate::pg::connect::Connection;
use crate::pg::connect::error;
use crate::pg::roles;

/// Gives the shadow the names of the other server's roles, without their rights, and the search path
/// that SQL of authors has there. Connections that are made afterwards have the path.
///
/// # Errors
/// When one of them does not answer.
pub async fn resemble(shadow: &Connection, other: &Connection) -> Result<(), Failure> {
    roles::add(shadow, &roles::names(other).await?).await?;
    let path = quote_literal(other.author_path());
    let sql = format!(
        "SELECT pg_catalog.set_config('search_path', {path}, false); ALTER ROLE CURRENT_USER SET search_path FROM CURRENT"
    );
    let made = shadow.execute(&sql).await;
    made.map_err(|e| error::query_failed("cannot set up the private server like the target server", &e))
}

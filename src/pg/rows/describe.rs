//! Reads what the rows of tables depend on.

use super::savepoint;
use super::selection::{Selection, author_path, is_of_user};
use crate::base::{Failure, FailureKind, fill};
use crate::pg::connect::{Connection, query_failed};
use crate::rows::table::Described;

/// The selected tables and those that their foreign keys lead to, with the types of their columns. One query.
///
/// # Errors
/// If the server does not answer.
pub async fn describe(connection: &Connection, selection: &Selection) -> Result<Described, Failure> {
    if selection.is_empty() {
        return Ok(Described::default());
    }
    let selected = selection.condition(author_path(connection).await?);
    let own = is_of_user(&selection.without);
    let sql = fill(include_str!("describe.sql"), &[("selected", &selected), ("own", &own)]);
    let rows = savepoint::read(connection, &sql).await?.map_err(|why| query_failed("cannot query the tables", &why))?;
    let text = rows.first().and_then(|row| row.first()?.as_deref()).unwrap_or("{}");
    serde_json::from_str(text)
        .map_err(|e| Failure::new(FailureKind::Internal, format!("cannot read the description of the tables: {e}")))
}

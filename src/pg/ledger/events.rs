//! Events that no step of a run writes: refusals, overridden gates, dry runs.

use crate::base::name::quote_literal;
use crate::base::{Actor, Failure, Ident};
use crate::history::EventKind;
use crate::ledger::json::jsonb;
use crate::pg::connect::{Connection, error};
use serde_json::Value;

/// An event that is to be written.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// What is known of it, a JSON object; who acted is added.
    pub detail: Value,
}

/// Writes events. `run` is the run that goes on because of them.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn insert(
    connection: &Connection,
    ledger: &Ident,
    actor: &Actor,
    run: Option<&str>,
    events: &[NewEvent],
) -> Result<(), Failure> {
    let rows: Vec<String> = events
        .iter()
        .map(|event| {
            let mut detail = event.detail.clone();
            actor.sign(&mut detail);
            format!(
                "INSERT INTO {}.event (run, kind, detail) VALUES ({}, '{}', {})",
                ledger.sql(),
                run.map_or("NULL".to_owned(), |run| format!("{}::uuid", quote_literal(run))),
                event.kind.word(),
                jsonb(&detail)
            )
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let text = format!("BEGIN;\n{};\nCOMMIT", rows.join(";\n"));
    match connection.execute(&text).await {
        Ok(()) => Ok(()),
        Err(e) => {
            // what failed inside of the transaction must not stay open
            let _ = connection.roll_back().await;
            Err(error::query_failed("cannot write into the ledger", &e))
        }
    }
}

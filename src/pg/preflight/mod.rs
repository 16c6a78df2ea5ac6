//! The preflight: checks before the first statement of privileges, versions, extensions, disk space and blocking
//! sessions. One query collects the facts for all checks.

pub mod catalog;
mod checks;
pub mod facts;
mod report;
pub mod requirements;
pub mod sizes;
mod view;

use super::connect::server::Server;
use super::connect::settings::Settings;
use super::connect::{self, Connection};
use super::lock::pooler;
use crate::base::{Failure, Ident};
use crate::plan::{Plan, TableLock};
use crate::run::{Finding, FindingSeverity};
use facts::Facts;
use requirements::Requirements;
use std::collections::BTreeMap;
use std::time::Duration;
pub use view::View;

/// What the preflight says of a plan.
#[derive(Debug, Clone, Default)]
pub struct Preflight {
    /// The findings, most severe first.
    pub findings: Vec<Finding>,
    /// The locks of other sessions, by the names that the plan has for the tables.
    pub locks: BTreeMap<String, Vec<TableLock>>,
}

/// Looks whether the plan can run; one round trip. `sessions` are those that the run needs beside the one that asks.
///
/// # Errors
/// When the server does not answer.
pub async fn preflight(
    connection: &Connection,
    server: &Server,
    ledger: &Ident,
    plan: &Plan,
    sessions: u32,
) -> Result<Preflight, Failure> {
    let asked = Requirements::of(plan, sessions);
    let facts = Facts::ask(connection, &asked, ledger).await?;
    let findings = judge(&View { plan, asked: &asked, server, facts: &facts, ledger });
    let locks = asked.relations.keys().enumerate().map(|(i, name)| (name.to_string(), facts.table_locks(i).collect()));
    Ok(Preflight { findings, locks: locks.filter(|(_, locks): &(_, Vec<_>)| !locks.is_empty()).collect() })
}

/// What all checks find, what weighs most first.
#[must_use]
pub fn judge(view: &View<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, check) in checks::ALL {
        let mut report = report::Report { check: name, found: &mut found };
        check(view, &mut report);
    }
    found.sort_by_key(|finding| finding.severity);
    found
}

/// Looks for a pooler that keeps no session, over a connection of its own. A run does the same
/// with the connection of its lock.
///
/// # Errors
/// When no second connection can be had.
pub async fn pooled(connection: &mut Connection, settings: &Settings) -> Result<Option<Finding>, Failure> {
    let settings = settings.clone().with_application_name("dagmar preflight");
    let mut other = connect::connect(&settings, Duration::ZERO).await?;
    Ok(pooler::refuse(&mut other, connection).await.err().map(|failure| Finding {
        check: "pooler",
        severity: FindingSeverity::Error,
        message: failure.message,
        remedy: failure.help.unwrap_or_default(),
    }))
}

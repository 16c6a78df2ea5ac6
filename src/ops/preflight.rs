//! What is looked at before the first statement of a run.

use super::Target;
use crate::base::{Failure, FailureKind, Remedy, Setting};
use crate::pg::Database;
use crate::pg::preflight::{self, Preflight};
use crate::plan::Plan;
use crate::report::preflight::summary;
use crate::run::{Finding, FindingSeverity};

/// Sessions that a run has beside its first: that of the lock.
const SESSIONS: u32 = 1;

/// The preflight, without the check for poolers: a run checks that with the connection of its lock.
///
/// # Errors
/// If the server does not answer.
pub async fn preflight(target: &Target, db: &Database, plan: &Plan) -> Result<Preflight, Failure> {
    preflight::preflight(&db.connection, &db.server, target.ledger(), plan, SESSIONS).await
}

/// The preflight, with the check for poolers.
///
/// # Errors
/// As [`preflight()`], or if no second connection is available.
pub async fn with_pooler(target: &Target, db: &mut Database, plan: &Plan) -> Result<Preflight, Failure> {
    let mut found = preflight(target, db, plan).await?;
    // what cannot be written takes no lock
    if db.check_writable().is_ok()
        && let Some(pooler) = preflight::pooled(&mut db.connection, &db.settings).await?
    {
        found.findings.insert(0, pooler);
    }
    Ok(found)
}

/// Refuses a run whose findings contain errors.
///
/// # Errors
/// All findings that are errors.
pub fn refusal(findings: &[Finding]) -> Result<(), Failure> {
    let errors: Vec<&Finding> = findings.iter().filter(|f| f.severity == FindingSeverity::Error).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let mut failure =
        Failure::new(FailureKind::Refused, format!("the preflight found {}; nothing was run", summary(findings)));
    for finding in errors {
        failure = failure
            .note(format!("[{}] {}", finding.check, finding.message))
            .note(Remedy::from("    ") + finding.remedy.clone());
    }
    Err(failure.help("fix it and run the command again, or skip these checks with " + Setting::NoPreflight))
}

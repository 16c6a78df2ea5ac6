//! What is taken back, as a plan.

use super::Target;
use crate::base::Failure;
use crate::history::History;
use crate::pg::Database;
use crate::pg::ledger::{attic, audit, read};
use crate::plan::Plan;
use crate::plan::rollback::{self, Target as Which};

/// Compiles the rollback from the ledger.
///
/// # Errors
/// Changesets that are not applied, dependents that stay, or rows that were changed manually.
pub async fn compile(
    target: &Target,
    db: &Database,
    history: &History,
    which: &Which,
    cascade: bool,
) -> Result<Plan, Failure> {
    let chosen = rollback::choose(history, which, cascade)?;
    let ids: Vec<String> = chosen.list.iter().map(|(id, _)| id.clone()).collect();
    if !ids.is_empty() {
        audit::check_recorded(&db.connection, target.ledger(), &ids).await?;
    }
    let stored = read::stored(&db.connection, target.ledger(), &ids).await?;
    let purged = attic::purged(&db.connection, target.ledger(), &ids).await?;
    rollback::compile(&target.environment, target.ledger(), history, &chosen, stored, &purged)
}

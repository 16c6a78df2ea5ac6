//! What is pending as a plan.

use super::about;
use crate::base::remedy::Argument;
use crate::base::{Failure, FailureKind, Operation, Setting};
use crate::history::History;
use crate::pg::Database;
use crate::pg::ledger::read;
use crate::pipeline::View;
use crate::plan::{Edited, Plan};
use std::collections::BTreeSet;

/// Compiles the pending ones of these changesets, by position; `None`: all.
///
/// # Errors
/// Problems in the sources; applied changesets that were edited, with the difference.
pub async fn compile(
    view: &View<'_>,
    db: &Database,
    history: &History,
    selected: Option<&BTreeSet<usize>>,
) -> Result<Plan, Failure> {
    match view.plan_of(history, selected)? {
        Ok(plan) => Ok(plan),
        Err(edited) => Err(edited_failure(view, db, &edited).await?),
    }
}

/// A diff between what was applied and what the file says now.
async fn edited_failure(view: &View<'_>, db: &Database, edited: &[Edited]) -> Result<Failure, Failure> {
    let ledger = &view.workspace.loaded.config.ledger.schema;
    let ids: Vec<String> = edited.iter().map(|e| e.id.clone()).collect();
    let stored = read::stored(&db.connection, ledger, &ids).await?;
    let names: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    let verb = if names.len() == 1 { "was" } else { "were" };
    let mut failure =
        Failure::new(FailureKind::Drift, format!("{} {verb} edited after being applied", names.join(", "))).help(
            "revert the edit and put the change into a new changeset; or roll it back here, and apply it again; or, \
             where the database is as the file says now, "
                + Operation::Mark.on("applied").on(Argument::Open).with(Setting::Reason.open())
                + " accepts the edit",
        );
    for e in edited {
        let changeset = &view.changelog.changesets[e.position];
        let file = &view.workspace.loaded.sources.get(changeset.file).path;
        let none = serde_json::Value::Null;
        let old = stored.get(&e.id).map_or(none, |s| s.body.value());
        failure.diffs.push(about::difference(&e.id, file, &old, &changeset.body.value()));
    }
    Ok(failure)
}

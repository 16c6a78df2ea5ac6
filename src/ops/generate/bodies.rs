//! Functions whose bodies the server refuses: they use what was dropped, or names that only another `search_path` finds.
//!
//! A database can have such functions, and `pg_dump` restores them, because a body has to be right only when the function is
//! called. Their changesets create them without the check of bodies.

use super::shadow::{Trial, Tried};
use crate::base::Failure;
use crate::effects::Access;
use crate::generate::{GeneratedChangeset, Note};
use crate::history::RecordedStatus;
use crate::inspect::ObjectKey;
use crate::ops::progress::OnProgress;
use crate::pg::Database;
use crate::sql::{Lookup, Object, objects};
use serde_json::Value;
use std::collections::BTreeSet;

/// What has to come before a function whose body is not checked.
const UNCHECKED: &str = "SET LOCAL check_function_bodies = off;";

/// What came of changesets that were applied.
pub(super) struct Applied {
    pub tried: Tried,
    /// The functions that the server creates only without a check of their bodies.
    pub refused: Vec<Note>,
}

impl Applied {
    /// Their objects.
    pub fn objects(&self) -> BTreeSet<ObjectKey> {
        self.refused.iter().map(|note| note.object.clone()).collect()
    }
}

/// Applies generated changesets. One that fails because of the body of a function is applied without a check of it; then
/// `changesets` has it so.
pub(super) async fn apply(
    trial: &Trial<'_>,
    db: &mut Database,
    changesets: &mut [GeneratedChangeset],
    what: &str,
    progress: OnProgress<'_>,
) -> Result<Applied, Failure> {
    let mut refused: Vec<Note> = Vec::new();
    let mut left = changesets.to_vec();
    loop {
        let error = match trial.apply(db, &left, what, progress).await? {
            Tried::Applied => return Ok(Applied { tried: Tried::Applied, refused }),
            Tried::Failed(error) => error,
        };
        let Some(changeset) = changesets.iter_mut().find(|changeset| changeset.id == error.changeset) else {
            return Ok(Applied { tried: Tried::Failed(error), refused });
        };
        if let Some(known) = refused.iter().position(|note| note.changeset == error.changeset) {
            // it was not the body
            if let Some(before) = left.iter().find(|left| left.id == error.changeset) {
                changeset.changes = with_check(&before.changes);
            }
            refused.remove(known);
            return Ok(Applied { tried: Tried::Failed(error), refused });
        }
        let is_function = error.sql.as_deref().is_some_and(creates_function);
        if !is_function || !unchecked(&mut changeset.changes, "forward") {
            return Ok(Applied { tried: Tried::Failed(error), refused });
        }
        refused.push(Note {
            changeset: changeset.id.clone(),
            object: changeset.object.clone(),
            note: format!(
                "{}: its body is not valid: {}; it is created without a check of the body, and fails when it is called unless \
                 the search_path of the caller makes it valid",
                changeset.object, error.message
            ),
        });
        let history = db.history().await?;
        let is_left = |changeset: &&GeneratedChangeset| history.status(&changeset.id) != Some(RecordedStatus::Applied);
        left = changesets.iter().filter(is_left).cloned().collect();
    }
}

/// Creates functions again without a check of their bodies where rollbacks do it; `functions`: those whose bodies are not
/// valid.
pub(super) fn roll_back_unchecked(changesets: &mut [GeneratedChangeset], functions: &BTreeSet<ObjectKey>) -> Vec<Note> {
    let mut notes = Vec::new();
    for changeset in changesets.iter_mut().filter(|changeset| functions.contains(&changeset.object)) {
        let own = changeset.rollback.as_mut().and_then(Value::as_array_mut);
        let of_whole = own.is_some_and(|changes| unchecked(changes, "forward"));
        if unchecked(&mut changeset.changes, "rollback") || of_whole {
            notes.push(Note {
                changeset: changeset.id.clone(),
                object: changeset.object.clone(),
                note: format!(
                    "{}: its present body is not valid; the rollback creates it again without a check of the body",
                    changeset.object
                ),
            });
        }
    }
    notes
}

/// Puts the setting before SQL that creates functions; whether there is such SQL.
fn unchecked(changes: &mut [Value], direction: &str) -> bool {
    let mut found = false;
    for change in changes {
        let Some(Value::String(sql)) = change.get_mut("sql").and_then(|sql| sql.get_mut(direction)) else { continue };
        if creates_function(sql) && !sql.starts_with(UNCHECKED) {
            sql.insert_str(0, &format!("{UNCHECKED}\n\n"));
            found = true;
        }
    }
    found
}

/// The changes without the setting.
fn with_check(changes: &[Value]) -> Vec<Value> {
    let mut changes = changes.to_vec();
    for change in &mut changes {
        let Some(Value::String(sql)) = change.get_mut("sql").and_then(|sql| sql.get_mut("forward")) else { continue };
        if let Some(rest) = sql.strip_prefix(UNCHECKED) {
            *sql = rest.trim_start().to_owned();
        }
    }
    changes
}

/// Whether SQL creates a function or procedure.
fn creates_function(sql: &str) -> bool {
    objects(sql).is_some_and(|objects| {
        objects.mentions.iter().any(|mention| {
            matches!(mention.object, Object::Function(..))
                && mention.how == Access::Create
                && mention.lookup == Lookup::Statement
        })
    })
}

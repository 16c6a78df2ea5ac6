//! The state of a changeset after a fix by hand.

use super::{ManualChange, ManualOptions, write};
use crate::base::{Failure, FailureKind, Operation, Remedy, Setting, diag::nearest};
use crate::history::{History, Recorded, RecordedStatus, RunKind};
use crate::ops::Target;
use crate::pg::ledger::audit;
use crate::pg::{Database, Stop};
use crate::pipeline::View;
use crate::plan::{Step, renamed};
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// A changeset whose state was cleared. The states are `applied`, `partly`, `failed`, `skipped`, `held` and `pending`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Cleared")]
pub struct ClearedState {
    /// The changeset.
    pub changeset: String,
    /// The previous state.
    pub from: &'static str,
    /// The new state.
    pub to: &'static str,
    /// The reason.
    pub reason: String,
}

/// The state of a changeset after a manual correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// Nothing of it is there any more.
    Pending,
    /// All of it is there.
    Applied,
    /// The row was changed manually, and its current content is correct.
    AsRecorded,
}

/// A request to clear the state of a changeset.
pub struct ClearRequest<'a> {
    /// The changeset.
    pub id: &'a str,
    /// The new state.
    pub to: Cleared,
    /// The reason, and the options of the write.
    pub options: &'a ManualOptions,
}

/// A state that can be cleared.
pub struct PreparedClear<'a> {
    target: &'a Target,
    request: &'a ClearRequest<'a>,
    view: View<'a>,
    step: Option<Box<Step>>,
    /// The database.
    pub db: Database,
    /// The row of the changeset; absent: it is not applied, and the attic has entries of it.
    pub recorded: Option<Recorded>,
}

/// Connects and checks whether there is a state to clear.
///
/// # Errors
/// If there is none, or others depend on it.
pub async fn prepare<'a>(
    target: &'a Target,
    request: &'a ClearRequest<'a>,
    observer: &mut dyn Observer,
) -> Result<PreparedClear<'a>, Failure> {
    let (view, id) = (target.view()?, request.id);
    // what is noted as applied keeps how it is taken back
    let step = match request.to {
        Cleared::Applied => Some(Box::new(view.render_one(id)?)),
        Cleared::Pending | Cleared::AsRecorded => None,
    };
    let db = target.connect(observer).await?;
    db.check_writable()?;
    let shown = db.history().await?;
    target.check_bound(&shown)?;
    let shown = shown.with_new_ids(&renamed(&view.changelog, &shown)).into_owned();
    let recorded = match shown.changesets.get(id) {
        // of one that was rolled back the attic may keep something
        None if request.to == Cleared::AsRecorded && is_doubtful(target, &db, id).await? => None,
        _ => Some(check(request, &shown)?.clone()),
    };
    Ok(PreparedClear { target, request, view, step, db, recorded })
}

impl PreparedClear<'_> {
    /// Writes the new state under the lock.
    ///
    /// # Errors
    /// If another run has changed it in the meantime.
    pub async fn write(self, observer: &mut dyn Observer, stop: &Arc<Stop>) -> Result<ClearedState, Failure> {
        let Self { target, request, view, step, db, recorded } = self;
        let (id, reason) = (request.id, &request.options.reason);
        let (from, to) = (word(recorded.as_ref()), becomes(request, recorded.as_ref()));
        let change = ManualChange { kind: RunKind::Clear, steps: 1, options: request.options };
        write(&change, target, db, observer, stop, |history, recorder| {
            let names = renamed(&view.changelog, history);
            if history.with_new_ids(&names).changesets.get(id) != recorded.as_ref() {
                return Err(Failure::new(
                    FailureKind::Drift,
                    format!("another run changed `{id}` in between; nothing was cleared"),
                )
                .help("look at " + Operation::Status + ", then run the command again if it is still needed"));
            }
            let mut rows: Vec<String> = names.iter().flat_map(|r| recorder.rename(r)).collect();
            match &step {
                Some(step) => rows.extend(recorder.set_by_hand(step, "applied", reason)),
                // its event holds what is there
                None if request.to == Cleared::AsRecorded => {}
                None => rows.push(recorder.forget(id)),
            }
            rows.push(recorder.cleared(id, from, to, reason));
            Ok(rows)
        })
        .await?;
        Ok(ClearedState { changeset: id.to_owned(), from, to, reason: reason.clone() })
    }
}

/// Whether what the attic keeps for a changeset that is not here is not what the history says.
async fn is_doubtful(target: &Target, db: &Database, id: &str) -> Result<bool, Failure> {
    if !db.server.has_ledger {
        return Ok(false);
    }
    match audit::check_recorded(&db.connection, target.ledger(), &[id.to_owned()]).await {
        Err(failure) if failure.kind == FailureKind::Drift => Ok(true),
        other => other.map(|()| false),
    }
}

fn word(recorded: Option<&Recorded>) -> &'static str {
    recorded.map_or("pending", |r| r.status.word())
}

fn becomes(request: &ClearRequest<'_>, recorded: Option<&Recorded>) -> &'static str {
    match request.to {
        Cleared::Applied => "applied",
        Cleared::AsRecorded => word(recorded),
        Cleared::Pending => "pending",
    }
}

/// Refuses where there is nothing to be cleared.
fn check<'a>(request: &ClearRequest<'_>, history: &'a History) -> Result<&'a Recorded, Failure> {
    let id = request.id;
    let Some(recorded) = history.changesets.get(id) else {
        let near = nearest(id, history.changesets.keys().map(String::as_str));
        return Err(Failure::new(FailureKind::Usage, format!("`{id}` has no recorded state to clear")).help(
            near.map_or_else(
                || Operation::Status + " shows the recorded states",
                |n| format!("did you mean `{n}`?").into(),
            ),
        ));
    };
    let refused = |message: String, help: Remedy| Err(Failure::new(FailureKind::Refused, message).help(help));
    if request.to == Cleared::AsRecorded {
        return Ok(recorded);
    }
    match recorded.status {
        RecordedStatus::Failed | RecordedStatus::Partly => {}
        RecordedStatus::Applied => {
            return refused(
                format!("`{id}` is applied; nothing was cleared"),
                Operation::Rollback.on(id) + " rolls it back",
            );
        }
        RecordedStatus::Skipped | RecordedStatus::Held => {
            return refused(
                format!("`{id}` is {}; nothing was cleared", recorded.status.word()),
                Operation::Mark.on("pending").on(id).with(Setting::Reason.open()) + " removes the mark",
            );
        }
    }
    if request.to != Cleared::Applied
        && let Some(dependent) = history.dependents(id).next()
    {
        return refused(
            format!("`{dependent}` depends on `{id}`; nothing was cleared"),
            Remedy::from(format!("roll `{dependent}` back first, or pass "))
                + Setting::Applied
                + format!(" if `{id}` is applied completely"),
        );
    }
    if request.to != Cleared::Applied && recorded.versions > 0 {
        return refused(
            format!("clearing `{id}` would discard its recorded earlier versions; nothing was cleared"),
            Operation::Rollback.on(id)
                + " restores the previous version; pass "
                + Setting::Applied
                + " if this version is applied completely",
        );
    }
    Ok(recorded)
}

//! Saying by hand what a changeset is.

use super::{ManualChange, ManualOptions, write};
use crate::base::{Failure, FailureKind, Operation, Setting};
use crate::graph::select::select;
use crate::history::{EventKind, History, RecordedStatus, RunKind};
use crate::ledger::record::Recorder;
use crate::ops::Target;
use crate::pg::{Database, Stop};
use crate::pipeline::View;
use crate::plan::{Plan, Step, renamed};
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// A state that a user sets manually.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mark {
    /// The changeset counts as applied, although dagmar did not run it.
    Applied,
    /// The changeset does not run here; changesets that depend on it can run.
    Skipped,
    /// The changeset does not run here, nor do changesets that depend on it.
    Held,
    /// Removes the mark.
    Pending,
}

impl Mark {
    /// The word in the ledger and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Mark::Applied => "applied",
            Mark::Skipped => "skipped",
            Mark::Held => "held",
            Mark::Pending => "pending",
        }
    }
}

/// A request to mark changesets.
pub struct MarkRequest<'a> {
    /// The new state.
    pub state: Mark,
    /// The changesets: id, `+id`, `id+`, `label:x`.
    pub selectors: &'a [String],
    /// The reason, and the options of the write.
    pub options: &'a ManualOptions,
    /// What the ledger has to say still; absent: the state of the changesets decides.
    pub since: Option<&'a History>,
}

/// Marks that can be written.
pub struct PreparedMark<'a> {
    target: &'a Target,
    request: &'a MarkRequest<'a>,
    view: View<'a>,
    wanted: Wanted,
    /// The database.
    pub db: Database,
}

/// Connects and finds the changesets to mark.
///
/// # Errors
/// Problems in the files, selectors that match nothing, or changesets that are not for the environment.
pub async fn prepare<'a>(
    target: &'a Target,
    request: &'a MarkRequest<'a>,
    observer: &mut dyn Observer,
) -> Result<PreparedMark<'a>, Failure> {
    let view = target.view()?;
    // rendered as if nothing were applied: a mark keeps how the changeset is taken back
    let all =
        view.plan(&History::default(), &[])?.map_err(|_| Failure::new(FailureKind::Internal, "nothing is applied"))?;
    let chosen =
        select(request.selectors, &view.changelog, &view.graph).map_err(|why| Failure::new(FailureKind::Usage, why))?;
    let ids: Vec<String> = view
        .graph
        .order()
        .iter()
        .filter(|p| chosen.contains(p))
        .map(|p| view.changelog.changesets[*p].id.clone())
        .collect();
    let wanted = wanted(request, target, &view, ids, &all)?;
    let db = target.connect(observer).await?;
    db.check_writable()?;
    Ok(PreparedMark { target, request, view, wanted, db })
}

impl PreparedMark<'_> {
    /// The changesets.
    #[must_use]
    pub fn changesets(&self) -> Vec<&str> {
        self.wanted.steps.iter().map(|step| step.changeset.as_str()).collect()
    }

    /// Writes the marks under the lock, if the state of the changesets still allows them.
    ///
    /// # Errors
    /// If a mark is not allowed; then no mark is written.
    pub async fn write(self, observer: &mut dyn Observer, stop: &Arc<Stop>) -> Result<Marked, Failure> {
        let Self { target, request, view, wanted, db } = self;
        let mut done = Marked::nothing(request);
        let change = ManualChange { kind: RunKind::Mark, steps: wanted.steps.len(), options: request.options };
        write(&change, target, db, observer, stop, |history, recorder| {
            target.check_bound(history)?;
            if request.since.is_some_and(|since| since.changesets != history.changesets) {
                return Err(Failure::new(
                    FailureKind::Drift,
                    "another run changed the database after it was compared; nothing was marked",
                )
                .help("run the command again"));
            }
            let renamed = renamed(&view.changelog, history);
            done = sort(request, &wanted, &history.with_new_ids(&renamed))?;
            let mut rows: Vec<String> = renamed.iter().flat_map(|r| recorder.rename(r)).collect();
            let steps: Vec<&Step> =
                wanted.steps.iter().filter(|step| done.changesets.contains(&step.changeset)).collect();
            rows.extend(marks(request, &steps, recorder));
            Ok(rows)
        })
        .await?;
        let never = wanted.excluded.into_iter();
        done.left_out.extend(never.map(|id| Unmarked { id, why: format!("not for {}", target.environment) }));
        Ok(done)
    }
}

/// What is to be marked.
struct Wanted {
    steps: Vec<Step>,
    excluded: Vec<String>,
}

/// The result of `mark`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Marked {
    /// The new state.
    pub state: Mark,
    /// The changesets.
    pub changesets: Vec<String>,
    /// The changesets that were applied and edited since; the edit is now accepted.
    pub accepted_edits: Vec<String>,
    /// The reason.
    pub reason: String,
    /// The selected changesets that were not marked.
    pub left_out: Vec<Unmarked>,
}

/// A selected changeset that was not marked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Unmarked {
    /// The changeset.
    pub id: String,
    /// The reason.
    pub why: String,
}

impl Marked {
    fn nothing(request: &MarkRequest<'_>) -> Self {
        let (state, reason) = (request.state, request.options.reason.clone());
        Self { state, changesets: Vec::new(), accepted_edits: Vec::new(), reason, left_out: Vec::new() }
    }
}

/// Whether a changeset was named itself, and not brought along by a selector.
fn is_named(request: &MarkRequest<'_>, id: &str) -> bool {
    request.selectors.iter().any(|selector| selector == id)
}

/// The steps of these changesets; those that wait for time are rendered as well.
fn wanted(
    request: &MarkRequest<'_>,
    target: &Target,
    view: &View<'_>,
    ids: Vec<String>,
    all: &Plan,
) -> Result<Wanted, Failure> {
    let mut wanted = Wanted { steps: Vec::with_capacity(ids.len()), excluded: Vec::new() };
    for id in ids {
        if let Some(step) = all.steps.iter().find(|s| s.changeset == id) {
            wanted.steps.push(step.clone());
        } else if !all.excluded.contains(&id) {
            wanted.steps.push(view.render_one(&id)?);
        } else if is_named(request, &id) {
            let message = format!("`{id}` is not for the environment `{}`", target.environment);
            return Err(Failure::new(FailureKind::Usage, message));
        } else {
            wanted.excluded.push(id);
        }
    }
    if wanted.steps.is_empty() {
        let message = format!("no selected changeset is for the environment `{}`", target.environment);
        return Err(Failure::new(FailureKind::Usage, message));
    }
    Ok(wanted)
}

/// Tells what is marked from what has that state already; refuses what must not be marked over.
fn sort(request: &MarkRequest<'_>, wanted: &Wanted, history: &History) -> Result<Marked, Failure> {
    let mut done = Marked::nothing(request);
    for step in &wanted.steps {
        let id = &step.changeset;
        let recorded = history.changesets.get(id);
        let applied = recorded.filter(|r| r.status == RecordedStatus::Applied);
        match applied.filter(|_| request.state == Mark::Applied) {
            Some(r) if r.checksum == step.checksum && !is_named(request, id) => {
                done.left_out.push(Unmarked { id: id.clone(), why: "already applied".to_owned() });
                continue;
            }
            Some(r) if r.checksum != step.checksum && !is_named(request, id) => {
                return Err(Failure::new(
                    FailureKind::Refused,
                    format!("`{id}` was edited after being applied; nothing was marked"),
                )
                .help(
                    Operation::Plan
                        + " shows the edit; "
                        + Operation::Mark.on("applied").on(id).with(Setting::Reason.open())
                        + " accepts it",
                ));
            }
            Some(r) if r.checksum != step.checksum => done.accepted_edits.push(id.clone()),
            _ => {}
        }
        done.changesets.push(id.clone());
    }
    let refused: Vec<String> = done.changesets.iter().filter(|id| !done.accepted_edits.contains(id)).cloned().collect();
    refuse(request.state, &refused, history)?;
    Ok(done)
}

/// What must not be marked over.
fn refuse(mark: Mark, ids: &[String], history: &History) -> Result<(), Failure> {
    for id in ids {
        let status = history.status(id);
        let marked = history.changesets.get(id).is_some_and(|r| r.reason.is_some());
        let refused = match status {
            Some(RecordedStatus::Partly) => Some("is partly applied"),
            Some(RecordedStatus::Applied) if !marked || mark == Mark::Held || mark == Mark::Skipped => {
                Some("is applied")
            }
            None if mark == Mark::Pending => Some("is already pending"),
            _ => None,
        };
        if let Some(state) = refused {
            return Err(Failure::new(FailureKind::Refused, format!("`{id}` {state}; nothing was marked")).help(
                match status {
                    Some(RecordedStatus::Partly) => {
                        Operation::Rollback.on(id)
                            + " rolls back what was run; after a manual fix: "
                            + Operation::Clear.on(id)
                    }
                    None => "only a mark can be removed".into(),
                    _ => Operation::Rollback.on(id) + " rolls back what was run",
                },
            ));
        }
        if mark == Mark::Pending
            && let Some(dependent) = history.dependents(id).find(|d| !ids.iter().any(|i| i == d))
        {
            return Err(Failure::new(
                FailureKind::Refused,
                format!("`{dependent}` depends on `{id}`; nothing was marked"),
            )
            .help(format!("roll `{dependent}` back first")));
        }
    }
    Ok(())
}

/// The rows that say it.
fn marks(request: &MarkRequest<'_>, steps: &[&Step], recorder: &Recorder) -> Vec<String> {
    if request.state != Mark::Pending {
        return steps
            .iter()
            .flat_map(|step| recorder.mark(step, request.state.word(), &request.options.reason))
            .collect();
    }
    let said = json!({ "status": "pending", "reason": request.options.reason });
    let back = |id: &str| [recorder.forget(id), recorder.event(EventKind::Marked, Some(id), &said)];
    steps.iter().rev().flat_map(|step| back(&step.changeset)).collect()
}

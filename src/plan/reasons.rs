//! Why a changeset is not in an environment yet, and what is to be done by whom.
//!
//! Each source of reasons is a function of the case, and a row in `SOURCES`. What needs
//! evidence that no ledger of this environment has (gates) is added by who gathers it.

use super::states::{State, StateRow};
use crate::base::{Operation, Remedy, Setting, count, time};
use crate::graph::Graph;
use crate::history::{History, RecordedStatus};
use crate::source::{Changelog, Changeset, SourceSet};
use std::collections::{BTreeMap, BTreeSet};

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The kind of the reason: `environments`, `edited`, `held`, `skipped`, `failed`, `partly`, `dependency`,
    /// `soak`, `ledger`, `gate`.
    pub kind: &'static str,
    /// The changeset that the reason is about: the requested one, or one of its dependencies.
    pub changeset: String,
    /// The reason, as a sentence.
    pub message: String,
    /// The end of the reason, if known.
    pub until: Option<String>,
    /// The remedy; absent if the user can only wait, or if another reason has the remedy.
    pub todo: Option<Remedy>,
    /// The user that caused it, if known.
    pub who: Option<String>,
}

/// The last that happened to a changeset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastEvent {
    /// Who did it: role, and user and host where they are known.
    pub by: String,
    /// The time, as RFC 3339.
    pub at: String,
}

/// What the reasons are found in.
#[derive(Debug)]
pub struct Case<'a> {
    /// The changesets.
    pub changelog: &'a Changelog,
    /// Their edges.
    pub graph: &'a Graph,
    /// Their files.
    pub sources: &'a SourceSet,
    /// What the environment has, by the ids of the files.
    pub history: &'a History,
    /// The environment.
    pub environment: &'a str,
    /// The state of every changeset.
    pub rows: BTreeMap<&'a str, &'a StateRow>,
    /// The last that happened to those that are recorded.
    pub last: BTreeMap<String, LastEvent>,
    /// The changeset that is asked for, by its position.
    pub position: usize,
}

/// What a changeset may have in its way itself, in the order in which it is told.
const SOURCES: &[fn(&Case<'_>, usize) -> Vec<Reason>] = &[environments, edited, marks, failures, soak];

/// All reasons: its own, what it needs, and what those have in their way.
#[must_use]
pub fn of(case: &Case<'_>) -> Vec<Reason> {
    let own = |position: usize| SOURCES.iter().flat_map(move |source| source(case, position));
    let mut reasons: Vec<Reason> = own(case.position).collect();
    reasons.extend(dependencies(case, case.position));
    if case.state(case.position) != State::Excluded {
        reasons.extend(case.missing_ancestors().into_iter().flat_map(own));
    }
    reasons
}

/// The recorded changesets whose last event tells who and when.
#[must_use]
pub fn wanted(graph: &Graph, history: &History, changelog: &Changelog, position: usize) -> Vec<String> {
    let ids = graph.with_ancestors([position]).into_iter().map(|p| changelog.changesets[p].id.clone());
    ids.filter(|id| history.status(id).is_some_and(|s| s != RecordedStatus::Applied)).collect()
}

impl Case<'_> {
    fn changeset(&self, position: usize) -> &Changeset {
        &self.changelog.changesets[position]
    }

    fn state(&self, position: usize) -> State {
        self.rows.get(self.changeset(position).id.as_str()).map_or(State::Pending, |row| row.state)
    }

    /// Whether what depends on it may run.
    fn is_met(&self, position: usize) -> bool {
        let changeset = self.changeset(position);
        match self.history.status(&changeset.id) {
            Some(status) => status.satisfies(),
            None => !changeset.is_for(self.environment),
        }
    }

    /// What it needs, directly or not, and is not there; in their order.
    fn missing_ancestors(&self) -> Vec<usize> {
        let (mut open, mut found) = (vec![self.position], BTreeSet::new());
        while let Some(next) = open.pop() {
            for edge in self.graph.dependencies(next) {
                if !self.is_met(edge.to) && found.insert(edge.to) {
                    open.push(edge.to);
                }
            }
        }
        self.graph.order().iter().copied().filter(|p| found.contains(p)).collect()
    }

    fn reason(&self, kind: &'static str, position: usize, message: String) -> Reason {
        let changeset = self.changeset(position).id.clone();
        Reason { kind, changeset, message, until: None, todo: None, who: None }
    }

    /// `by a since b`, for a changeset that is recorded.
    fn said(&self, id: &str) -> (String, Option<String>) {
        let Some(recorded) = self.history.changesets.get(id) else { return (String::new(), None) };
        let (by, at) = match self.last.get(id) {
            Some(last) => (last.by.clone(), last.at.clone()),
            None => (recorded.applied_by.clone(), time::rfc3339(recorded.applied_at)),
        };
        (format!("by {by} at {at}"), Some(by))
    }
}

fn environments(case: &Case<'_>, position: usize) -> Vec<Reason> {
    if case.state(position) != State::Excluded {
        return Vec::new();
    }
    let changeset = case.changeset(position);
    let message = format!("`{}` is only for {}", changeset.id, changeset.environments.join(", "));
    let file = &case.sources.get(changeset.file).path;
    vec![Reason {
        todo: Some(format!("add `{}` to its `environments` in {file}, if it should run here", case.environment).into()),
        who: changeset.author.clone(),
        ..case.reason("environments", position, message)
    }]
}

fn edited(case: &Case<'_>, position: usize) -> Vec<Reason> {
    let changeset = case.changeset(position);
    let recorded = case.history.changesets.get(&changeset.id);
    let (state, differs) = (case.state(position), recorded.is_some_and(|r| r.checksum != changeset.checksum));
    if state != State::Edited && !(state == State::Partly && differs) {
        return Vec::new();
    }
    vec![Reason {
        todo: Some("revert the edit and put the change into a new changeset; " + Operation::Plan + " shows the diff"),
        who: changeset.author.clone(),
        ..case.reason("edited", position, format!("`{}` was edited after it was applied here", changeset.id))
    }]
}

fn marks(case: &Case<'_>, position: usize) -> Vec<Reason> {
    let id = &case.changeset(position).id;
    let Some(recorded) = case.history.changesets.get(id) else { return Vec::new() };
    let (kind, effect) = match recorded.status {
        RecordedStatus::Held => ("held", ""),
        RecordedStatus::Skipped => ("skipped", "; what depends on it may run"),
        _ => return Vec::new(),
    };
    let (said, who) = case.said(id);
    let why = recorded.reason.as_deref().map_or_else(String::new, |why| format!(": {why}"));
    vec![Reason {
        todo: Some(
            Operation::Mark.on("pending").on(id).at(case.environment).with(Setting::Reason.open()) + " releases it",
        ),
        who,
        ..case.reason(kind, position, format!("`{id}` was {kind} {said}{why}{effect}"))
    }]
}

fn failures(case: &Case<'_>, position: usize) -> Vec<Reason> {
    let changeset = case.changeset(position);
    let (id, env) = (&changeset.id, case.environment);
    let Some(recorded) = case.history.changesets.get(id) else { return Vec::new() };
    let error = recorded.error.as_deref().map_or_else(String::new, |e| format!(": {e}"));
    let (said, _) = case.said(id);
    let (kind, message, todo) = match recorded.status {
        RecordedStatus::Failed => (
            "failed",
            format!("`{id}` was run {said} and failed{error}; nothing of it remains"),
            "fix the cause, then " + Operation::Apply.at(env) + " retries it",
        ),
        RecordedStatus::Partly if recorded.is_rollback_begun() => (
            "partly",
            format!("the rollback of `{id}` was started {said} and is partly done{error}"),
            Operation::Rollback.on(id).at(env) + " continues it",
        ),
        RecordedStatus::Partly => {
            let done = recorded.segments.iter().filter(|s| s.done).count();
            (
                "partly",
                format!("`{id}` was started {said} and is partly applied, {} done{error}", count(done, "segment")),
                Operation::Apply.at(env) + " continues, " + Operation::Rollback.on(id).at(env) + " rolls it back",
            )
        }
        _ => return Vec::new(),
    };
    let todo = todo + "; after a manual fix: " + Operation::Clear.on(id).at(env).with(Setting::Reason.open());
    vec![Reason { todo: Some(todo), who: changeset.author.clone(), ..case.reason(kind, position, message) }]
}

fn soak(case: &Case<'_>, position: usize) -> Vec<Reason> {
    let id = &case.changeset(position).id;
    if case.history.status(id).is_some_and(RecordedStatus::satisfies) || case.state(position) == State::Excluded {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    for edge in case.graph.dependencies(position).filter(|e| e.soak.millis > 0) {
        let on = &case.changeset(edge.to).id;
        let message = format!("`{id}` waits until `{on}` has been applied here for {}", edge.soak);
        match case.history.changesets.get(on).filter(|r| r.status.satisfies()) {
            Some(recorded) => {
                let over = recorded.applied_at.saturating_add(i64::try_from(edge.soak.millis).unwrap_or(i64::MAX / 2));
                if over > case.history.now {
                    let until = Some(time::rfc3339(over));
                    reasons.push(Reason { until, ..case.reason("soak", position, message) });
                }
            }
            None if case.is_met(edge.to) => {}
            None => reasons.push(case.reason("soak", position, message + ", which is not applied")),
        }
    }
    reasons
}

fn dependencies(case: &Case<'_>, position: usize) -> Vec<Reason> {
    let id = &case.changeset(position).id;
    if case.history.status(id).is_some_and(RecordedStatus::satisfies) || case.state(position) == State::Excluded {
        return Vec::new();
    }
    let mut unmet: Vec<usize> =
        case.graph.dependencies(position).map(|e| e.to).filter(|to| !case.is_met(*to)).collect();
    unmet.sort_unstable();
    let reason = |to: usize| {
        let state = case.state(to);
        let on = &case.changeset(to).id;
        let first = if state == State::Pending { ": the same apply runs it before" } else { "" };
        let message = format!("`{id}` needs `{on}`, which is {}{first}", state.words());
        Reason { who: case.changeset(to).author.clone(), ..case.reason("dependency", position, message) }
    };
    unmet.into_iter().map(reason).collect()
}

/// What comes of it all, in a sentence.
#[must_use]
pub fn verdict(case: &Case<'_>, reasons: &[Reason]) -> Remedy {
    let id = &case.changeset(case.position).id;
    let (env, state) = (case.environment, case.state(case.position));
    match state {
        State::Applied => {
            let recorded = case.history.changesets.get(id);
            recorded.map_or_else(Remedy::default, |r| {
                let why = r.reason.as_deref().map_or_else(String::new, |why| format!(", by hand: {why}"));
                format!("applied at {} by {}{why}", time::rfc3339(r.applied_at), r.applied_by).into()
            })
        }
        State::Changed => "an earlier version is applied; " + Operation::Apply.at(env) + " applies the new version",
        State::Pending | State::Failed if reasons.iter().all(|r| r.kind == "failed" || is_first(case, r)) => {
            "nothing blocks it: " + Operation::Apply.at(env) + " runs it"
        }
        State::Partly if reasons.iter().all(|r| r.kind == "partly") => {
            "nothing else blocks it: see the remedies above".into()
        }
        State::Excluded => "its file excludes this environment".into(),
        _ => "it can run once every reason above is resolved".into(),
    }
}

/// Whether the reason is only that something else runs before in the same apply.
fn is_first(case: &Case<'_>, reason: &Reason) -> bool {
    reason.kind == "dependency" && {
        let position = case.graph.position(&reason.changeset);
        position.is_some_and(|p| {
            case.graph.dependencies(p).all(|e| case.is_met(e.to) || case.state(e.to) == State::Pending)
        })
    }
}

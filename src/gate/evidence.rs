//! What gates look at. Gathered by `pg::evidence`; every time is of a server's clock.

use crate::base::Level;
use crate::graph::Graph;
use crate::history::{Approval, EventKind, History, RecordedStatus};
use crate::lint::Finding;
use crate::plan::Plan;
use crate::source::calendar::Zone;
use crate::source::policy::Destructive;
use crate::source::{Changelog, Environment};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is known when gates are asked.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The name of the environment.
    pub environment: &'a str,
    /// What it asks for.
    pub policy: &'a Environment,
    /// What is to run.
    pub plan: &'a Plan,
    /// The sealed plan, where it is one.
    pub sealed: Option<SealedPlan<'a>>,
    /// What the ledger's owner demands that `dagmar.yaml` says of the environment.
    pub required: Option<&'a Value>,
    /// What it does say, in the same form.
    pub here: &'a Value,
    /// The keys of `signedBy` in base64; an error says which cannot be read.
    pub trusted: &'a [Result<String, String>],
    /// What the environment's own database says.
    pub target: &'a Target,
    /// Where it is promoted from; absent: this is no promotion.
    pub source: Option<&'a Source>,
    /// What is needed and is neither here nor comes along.
    pub missing: &'a [Missing],
    /// What was chosen although the source has another version of it, or no file has it.
    pub differing: &'a [Differing],
    /// The approvals in the environment's ledger.
    pub approvals: &'a [Approval],
    /// Destructive kinds that were allowed by name for this run.
    pub allowed: &'a [Destructive],
    /// The review of the plan's changesets; absent: the environment asks for none.
    pub reviewed: Option<Reviewed<'a>>,
    /// The proofs of the plan's changesets in the ledgers of the environment and of the source, and those that a sealed
    /// plan carries with a trusted signature, in any order.
    pub proofs: &'a [Proof],
}

/// A proof that a ledger or a sealed plan has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The checksum of the SQL that was proven, as rendered, in both directions.
    pub digest: String,
    /// The major version of the server on which it was proven.
    pub major: i32,
    /// How old it is, in milliseconds.
    pub age: i64,
}

/// A recorded comparison of a database with its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drift {
    /// How many differences were found.
    pub differences: u64,
    /// How old it is, in milliseconds.
    pub age: i64,
}

/// The review of a plan's changesets.
#[derive(Debug, Clone, Copy)]
pub struct Reviewed<'a> {
    /// The severity from which on a finding is refused.
    pub refuse: Level,
    /// The findings.
    pub findings: &'a [Finding],
}

/// What is known of a sealed plan.
#[derive(Debug, Clone, Copy)]
pub struct SealedPlan<'a> {
    /// The digest that its approvals carry.
    pub digest: &'a str,
    /// The operating system's user and host that sealed the plan.
    pub author: &'a str,
    /// The database user who sealed it.
    pub db_user: &'a str,
    /// The key of its signature, which was checked; absent: it is not signed.
    pub signed_by: Option<&'a str>,
}

/// What the environment's own database says.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The server's clock, in milliseconds since 1970.
    pub now: i64,
    /// The major version of the server.
    pub major: i32,
    /// The database role of who runs this.
    pub db_user: String,
    /// The operating system's user of who runs this.
    pub os_user: String,
    /// The person who asked a service to run this; absent: the database role runs it itself.
    pub person: Option<String>,
    /// When runs of the last hour began that applied something, oldest first.
    pub runs: Vec<i64>,
    /// When changesets of the last hour were applied, oldest first.
    pub applied: Vec<i64>,
    /// When a changeset of the sealed plan was rolled back here for the last time.
    pub rolled_back: Option<i64>,
    /// The last recorded comparison with the ledger, if the policy asks for one.
    pub drift: Option<Drift>,
    /// What clocks and calendars show, by the name of the time zone.
    pub local: BTreeMap<String, Local>,
}

impl Target {
    /// What clock and calendar of a time zone show.
    #[must_use]
    pub fn local(&self, zone: &Zone) -> Local {
        self.local.get(zone.as_str()).cloned().unwrap_or_default()
    }
}

/// What a clock on the wall and a calendar show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Local {
    /// The day: `2026-12-24`.
    pub date: String,
    /// The day of the week: 0 is Monday.
    pub weekday: usize,
    /// Minutes since midnight.
    pub minutes: u16,
}

/// What the database says that is promoted from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The name of the environment.
    pub environment: String,
    /// Its ledger.
    pub history: History,
    /// What happened there to the changesets of the plan, by id.
    pub trails: BTreeMap<String, SourceHistory>,
    /// Who runs something there now.
    pub running: Option<String>,
    /// Changesets that it never gets.
    pub never_gets: BTreeSet<String>,
}

/// What happened to a changeset since it was there for the last time not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceHistory {
    /// The checksum of what ran to its end, its checks with it; absent: it was marked by hand.
    pub ran: Option<String>,
    /// When it came to be there, as the history says, in milliseconds since 1970.
    pub since: Option<i64>,
    /// What went wrong before: the message of each failure of this version.
    pub failures: Vec<String>,
    /// How often a lock could not be had in time and was tried for again.
    pub retries: usize,
}

/// An event of a changeset, as far as a trail wants it.
#[derive(Debug, Clone)]
pub struct SourceEvent {
    /// The changeset.
    pub changeset: String,
    /// The kind of the event.
    pub kind: EventKind,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Its detail.
    pub detail: Value,
}

/// Follows what happened, oldest first; `history` says which version is there now.
#[must_use]
pub fn source_histories(happened: &[SourceEvent], history: &History) -> BTreeMap<String, SourceHistory> {
    let mut trails: BTreeMap<String, SourceHistory> = BTreeMap::new();
    for event in happened {
        let trail = trails.entry(event.changeset.clone()).or_default();
        let text = |key: &str| event.detail.get(key).and_then(Value::as_str);
        let now = history.changesets.get(&event.changeset).map(|r| r.checksum.as_str());
        // what an earlier version met says nothing of this one; old events do not tell
        let of_this = text("checksum").is_none_or(|checksum| Some(checksum) == now);
        match event.kind {
            EventKind::RolledBack => *trail = SourceHistory::default(),
            EventKind::Restored => *trail = SourceHistory { since: Some(event.at), ..SourceHistory::default() },
            EventKind::Marked => (trail.ran, trail.since) = (None, Some(event.at)),
            EventKind::Applied => (trail.ran, trail.since) = (text("checksum").map(str::to_owned), Some(event.at)),
            EventKind::Failed if of_this => {
                trail.failures.push(text("message").unwrap_or("it failed").to_owned());
            }
            EventKind::Retried if of_this => trail.retries += 1,
            _ => {}
        }
    }
    trails
}

/// Something that a changeset of the plan needs and that nobody brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The changeset.
    pub changeset: String,
    /// What it needs.
    pub needs: String,
    /// What that one is on the source: `pending`, `skipped`, …
    pub on_source: String,
}

/// A changeset that the source has in another version than the files, or that has no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// The changeset.
    pub changeset: String,
    /// What differs, in words.
    pub what: String,
}

/// What a promotion takes.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The changesets, in order.
    pub ids: Vec<String>,
    /// What is needed and is neither here nor comes along.
    pub missing: Vec<Missing>,
    /// What the source has in another version than the files.
    pub differing: Vec<Differing>,
}

/// What a source has that a target has not, and what comes along because the source never
/// gets it. `only` narrows it, by position.
#[must_use]
pub fn select(
    changelog: &Changelog,
    graph: &Graph,
    from: (&str, &History),
    to: (&str, &History),
    only: Option<&BTreeSet<usize>>,
) -> Selection {
    let ((source, theirs), (target, ours)) = (from, to);
    let mut selection = Selection::default();
    let mut taken = vec![false; changelog.changesets.len()];
    for &position in graph.order() {
        let changeset = &changelog.changesets[position];
        if !changeset.is_for(target) || only.is_some_and(|only| !only.contains(&position)) {
            continue;
        }
        let here = ours.changesets.get(&changeset.id);
        let Some(there) = theirs.changesets.get(&changeset.id).filter(|r| r.status == RecordedStatus::Applied) else {
            // named, and never to be had from there
            taken[position] = only.is_some() && !changeset.is_for(source) && here.is_none();
            continue;
        };
        let wanted = match here.map(|r| r.status) {
            None | Some(RecordedStatus::Failed | RecordedStatus::Partly) => true,
            Some(RecordedStatus::Applied) => changeset.repeatable && here.is_some_and(|r| r.checksum != there.checksum),
            Some(RecordedStatus::Skipped | RecordedStatus::Held) => false,
        };
        if wanted && there.checksum != changeset.checksum {
            let what = format!("{source} has {}, the file {}", short(&there.checksum), short(&changeset.checksum));
            selection.differing.push(Differing { changeset: changeset.id.clone(), what });
        }
        taken[position] = wanted;
    }
    // what the source never gets comes along where it is needed
    for &position in graph.order().iter().rev() {
        if !taken[position] {
            continue;
        }
        for edge in graph.dependencies(position) {
            let needed = &changelog.changesets[edge.to];
            let pending = ours.status(&needed.id).is_none_or(|s| s == RecordedStatus::Failed);
            if needed.is_for(target) && !needed.is_for(source) && pending {
                taken[edge.to] = true;
            }
        }
    }
    for &position in graph.order().iter().filter(|p| taken[**p]) {
        let changeset = &changelog.changesets[position];
        for edge in graph.dependencies(position) {
            let needed = &changelog.changesets[edge.to];
            let status = ours.status(&needed.id);
            // a hold is somebody's decision about this environment: the plan says what it blocks
            let fine = status.is_some_and(|s| s.satisfies() || s == RecordedStatus::Held);
            if taken[edge.to] || fine || (!needed.is_for(target) && status.is_none()) {
                continue;
            }
            selection.missing.push(Missing {
                changeset: changeset.id.clone(),
                needs: needed.id.clone(),
                on_source: theirs.status(&needed.id).map_or("pending", RecordedStatus::word).to_owned(),
            });
        }
        selection.ids.push(changeset.id.clone());
    }
    if only.is_none() {
        for (id, _) in theirs.changesets.iter().filter(|(_, r)| r.status == RecordedStatus::Applied) {
            if graph.position(id).is_none() && ours.status(id).is_none() {
                let what = format!("{source} has it, but no file contains it");
                selection.differing.push(Differing { changeset: id.clone(), what });
            }
        }
    }
    selection
}

/// The beginning of a checksum.
fn short(checksum: &str) -> String {
    checksum.chars().take(11).collect()
}

//! What the attic keeps, as plans: purging entries, and putting back those that no rollback needs.
//! A step holds the entries of one changeset.

use super::model::{Direction, Mode, Plan, Progress, Rollback, Segment, Statement, Step, StepReason};
use super::waves;
use crate::base::name::quote_literal;
use crate::base::{
    Content, Failure, FailureKind as Fault, HumanDuration, Ident, Limits, Operation, QualifiedName, size,
};
use crate::effects::{Access, ObjectClass, Touch};
use crate::history::RecordedStatus;
use crate::history::attic::{AtticKind, Entry, EntrySummary, Recovery};
use crate::sql::{Facts, LockMode};
use serde_json::json;
use std::collections::BTreeSet;

/// Which entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntrySelection {
    /// These.
    Ids(Vec<i64>),
    /// Those whose retention is over.
    Expired,
    /// All.
    All,
}

/// Entries that were chosen.
#[derive(Debug, Default)]
pub struct Chosen<'a> {
    /// What is done.
    pub entries: Vec<&'a Entry>,
    /// What is left alone, and why.
    pub left: Vec<String>,
}

/// Chooses what to purge; `keep` is the retention of the environment.
///
/// # Errors
/// An entry that was never there, or that its half done changeset may need; `Expired` without a
/// retention.
pub fn to_purge<'a>(
    entries: &'a [Entry],
    which: &EntrySelection,
    environment: &str,
    keep: Option<HumanDuration>,
    now: i64,
) -> Result<Chosen<'a>, Failure> {
    let mut chosen = match which {
        EntrySelection::Ids(ids) => named(entries, ids)?,
        EntrySelection::Expired if keep.is_none() => {
            return Err(Failure::new(
                Fault::Usage,
                format!("`{environment}` has no retention, so that nothing expires"),
            )
            .help(format!(
                "say how long in dagmar.yaml: `environments: {{ {environment}: {{ attic: {{ keep: 90d }} }} }}`"
            )));
        }
        EntrySelection::Expired | EntrySelection::All => {
            let open = entries.iter().filter(|e| e.is_kept);
            let entries = open.filter(|e| *which == EntrySelection::All || e.is_expired(keep, now)).collect();
            Chosen { entries, left: Vec::new() }
        }
    };
    let half_done: Vec<&Entry> =
        chosen.entries.iter().filter(|e| e.status == Some(RecordedStatus::Partly)).copied().collect();
    if let (Some(entry), EntrySelection::Ids(_)) = (half_done.first(), which) {
        return Err(Failure::new(
            Fault::Refused,
            format!("`{}` is partly applied and may need entry {} of the attic", entry.changeset, entry.id),
        )
        .help(Operation::Apply + " continues it, " + Operation::Rollback.on(&entry.changeset) + " rolls it back"));
    }
    chosen.entries.retain(|e| e.status != Some(RecordedStatus::Partly));
    chosen
        .left
        .extend(half_done.iter().map(|e| format!("entry {} is kept: `{}` is partly applied", e.id, e.changeset)));
    Ok(chosen)
}

/// Chooses what to put back.
///
/// # Errors
/// What a rollback puts back, and what cannot be put back.
pub fn to_restore<'a>(entries: &'a [Entry], ids: &[i64]) -> Result<Chosen<'a>, Failure> {
    let mut chosen = named(entries, ids)?;
    for entry in &chosen.entries {
        let refused = |message: String| Err(Failure::new(Fault::Refused, message));
        let what = format!("entry {} ({})", entry.id, entry.describe());
        match entry.way() {
            Recovery::Restore => {}
            _ if entry.restored_at.is_some() => {}
            Recovery::Rollback => {
                return refused(format!("{what} comes back by the rollback of `{}`", entry.changeset))
                    .map_err(|f| f.help(Operation::Rollback.on(&entry.changeset)));
            }
            Recovery::None(why) => {
                let help = match (entry.kind, entry.status) {
                    (_, Some(RecordedStatus::Partly)) => Operation::Rollback.on(&entry.changeset) + " rolls it back",
                    (AtticKind::Rows | AtticKind::Values, _) => {
                        format!("apply `{}` again first", entry.changeset).into()
                    }
                    _ => "its rows are in the ledger's table `attic`: put them back with a changeset".into(),
                };
                return refused(format!("{what} cannot be put back: {why}")).map_err(|f| f.help(help));
            }
        }
    }
    let (done, open) = chosen.entries.into_iter().partition(|e: &&Entry| e.restored_at.is_some());
    chosen.entries = open;
    chosen.left.extend(done.iter().map(|e| before(e)));
    Ok(chosen)
}

/// The entries of these numbers, in the order of the attic. What was purged or put back before is left
/// out, so that a command that was killed can be given again.
fn named<'a>(entries: &'a [Entry], ids: &[i64]) -> Result<Chosen<'a>, Failure> {
    let wanted: BTreeSet<i64> = ids.iter().copied().collect();
    let (kept, gone): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().filter(|e| wanted.contains(&e.id)).partition(|e| e.is_kept);
    if let Some(unknown) = wanted.iter().find(|id| !kept.iter().chain(&gone).any(|e| e.id == **id)) {
        return Err(Failure::new(Fault::Usage, format!("the attic has no entry {unknown}"))
            .help(Operation::AtticList + " shows what it has"));
    }
    Ok(Chosen { entries: kept, left: gone.iter().map(|e| before(e)).collect() })
}

fn before(entry: &Entry) -> String {
    let word = if entry.purged_at.is_some() { "purged" } else { "put back" };
    format!("entry {} was {word} before", entry.id)
}

/// The plan that drops these entries for good (`Purge`) or puts them back (`Restore`).
#[must_use]
pub fn compile(environment: &str, ledger: &Ident, direction: Direction, limits: Limits, entries: &[&Entry]) -> Plan {
    let mut steps: Vec<Step> = Vec::new();
    for entry in entries {
        if !steps.iter().any(|s| s.changeset == entry.changeset) {
            let all: Vec<&Entry> = entries.iter().filter(|e| e.changeset == entry.changeset).copied().collect();
            steps.push(step(ledger, direction, limits, &all, entries));
        }
    }
    waves::plan(environment, ledger, direction, steps)
}

fn step(ledger: &Ident, direction: Direction, limits: Limits, entries: &[&Entry], all: &[&Entry]) -> Step {
    let mut touches = Vec::new();
    let statement = |(change, entry): (usize, &&Entry)| {
        let (sql, facts) = match direction {
            Direction::Purge => purge(ledger, entry, all),
            _ => restore(ledger, entry),
        };
        for (name, mode) in &facts.locks {
            let how = match (direction, mode) {
                (Direction::Purge, _) if entry.kind != AtticKind::Column => Access::Drop,
                (_, LockMode::AccessExclusive) => Access::Alter,
                _ => Access::Write,
            };
            touches.push(Touch { object: ObjectClass::Table, name: name.clone(), how });
        }
        Statement { sql, change, kind: direction.word().to_owned(), facts, origin: None }
    };
    let statements: Vec<Statement> = entries.iter().enumerate().map(statement).collect();
    touches.sort();
    touches.dedup();
    let told: Vec<EntrySummary<'_>> = entries.iter().map(|e| e.told()).collect();
    let description: Vec<String> = entries.iter().map(|e| described(e)).collect();
    let rollback = match direction {
        Direction::Purge => Rollback::Irreversible { reason: "purged data cannot be restored".to_owned() },
        _ => Rollback::Segments { derived: true, segments: Vec::new(), verify: Vec::new() },
    };
    Step {
        changeset: entries.first().map(|e| e.changeset.clone()).unwrap_or_default(),
        file: None,
        description: Some(description.join("; ")),
        author: None,
        labels: Vec::new(),
        environments: Vec::new(),
        phase: None,
        direction,
        wave: 0,
        why: StepReason::Requested,
        requires: Vec::new(),
        repeatable: false,
        checksum: String::new(),
        digest: String::new(),
        body: Content::from(&json!({ "entries": told })),
        touches: Some(touches),
        preconditions: Vec::new(),
        segments: vec![Segment { mode: Mode::Transaction, statements, batch: None, limits, progress: Progress::Todo }],
        verify: Vec::new(),
        rollback,
    }
}

/// `entry 3: column app.users.email, 12 MB`.
fn described(entry: &Entry) -> String {
    let bytes = entry.bytes.map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
    format!("entry {}: {}{bytes}", entry.id, entry.describe())
}

fn purge(ledger: &Ident, entry: &Entry, all: &[&Entry]) -> (String, Facts) {
    let mut facts = Facts { loses_data: true, ..Facts::default() };
    let call = |arguments: String| format!("SELECT {}.purge_entry({arguments})", ledger.sql());
    let name = match entry.kind {
        // where its table is purged as well there is nothing left to drop
        AtticKind::Column => entry.home.as_ref().filter(|home| !all.iter().any(|e| e.kept_as.as_ref() == Some(home))),
        _ => entry.kept_as.as_ref(),
    };
    if let Some(name) = name.and_then(|name| name.parse::<QualifiedName>().ok()) {
        facts.lock(name, LockMode::AccessExclusive);
    }
    match (entry.kind, name) {
        (AtticKind::Column, Some(home)) => (call(format!("{}, {}", entry.id, quote_literal(home))), facts),
        _ => (call(entry.id.to_string()), facts),
    }
}

fn restore(ledger: &Ident, entry: &Entry) -> (String, Facts) {
    let mut facts = Facts::default();
    let (name, mode) = match entry.kind {
        AtticKind::Table => (entry.kept_as.as_ref(), LockMode::AccessExclusive),
        AtticKind::Column => (entry.home.as_ref(), LockMode::AccessExclusive),
        _ => (entry.home.as_ref(), LockMode::RowExclusive),
    };
    if let Some(name) = name.and_then(|name| name.parse::<QualifiedName>().ok()) {
        facts.lock(name, mode);
    }
    (format!("SELECT {}.restore_entry({})", ledger.sql(), entry.id), facts)
}

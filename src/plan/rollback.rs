//! Taking back: exactly what was asked for and what depends on it, by the SQL that was
//! stored when it was applied.

use super::model::{Direction, Plan, Rollback, Segment, Step, StepCheck, StepReason};
use super::new_objects::kept;
use super::waves;
use crate::base::{Content, Failure, FailureKind, Ident, Operation, Setting, count, diag::nearest};
use crate::effects::{Access, Touch};
use crate::history::attic::Purged;
use crate::history::{History, Recorded, RecordedStatus};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// What the last run brought.
    LastRun,
    /// Everything that came after this changeset.
    To(String),
    /// These changesets.
    Ids(Vec<String>),
    /// Everything.
    All,
}

/// The changesets to take back, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Id and reason; dependents before what they need.
    pub list: Vec<(String, StepReason)>,
}

/// A row of the ledger with its texts.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The file that it stood in.
    pub file: Option<String>,
    /// The author.
    pub author: Option<String>,
    /// Its labels.
    pub labels: Vec<String>,
    /// The changeset as written.
    pub body: Content,
    /// What was run.
    pub forward: StoredForward,
    /// What rolls it back.
    pub rollback: Rollback,
    /// For a repeatable changeset: what the version before ran.
    pub previous: Option<StoredForward>,
}

/// What was run when a changeset was applied.
#[derive(Debug, Clone)]
pub struct StoredForward {
    /// The segments.
    pub segments: Vec<Segment>,
    /// The conditions after them.
    pub verify: Vec<StepCheck>,
    /// The objects they touched, where that was known.
    pub touches: Option<Vec<Touch>>,
}

/// Chooses what to take back.
///
/// # Errors
/// An id that is not there; without `cascade`: something else that depends on it.
pub fn choose(history: &History, target: &Target, cascade: bool) -> Result<Chosen, Failure> {
    let mut why: BTreeMap<&str, StepReason> = BTreeMap::new();
    let records = &history.changesets;
    match target {
        Target::All => why.extend(records.keys().map(|id| (id.as_str(), StepReason::Requested))),
        Target::LastRun => {
            let last = records.values().max_by_key(|r| (r.applied_at, r.ordinal)).map(|r| r.run.as_str());
            let of_run = records.iter().filter(|(_, r)| Some(r.run.as_str()) == last);
            why.extend(of_run.map(|(id, r)| (id.as_str(), one_back(r))));
        }
        Target::To(id) => {
            let stay = find(history, id)?.ordinal;
            let later = records.iter().filter(|(_, r)| r.ordinal > stay);
            why.extend(later.map(|(id, _)| (id.as_str(), StepReason::Requested)));
        }
        Target::Ids(ids) => {
            for id in ids {
                let recorded = find(history, id)?;
                let (id, _) = records.get_key_value(id).expect("just found");
                why.insert(id, one_back(recorded));
            }
        }
    }
    let removed: Vec<&str> = why.iter().filter(|(_, w)| **w != StepReason::Restored).map(|(id, _)| *id).collect();
    let mut dependents = BTreeSet::new();
    let mut open = removed;
    while let Some(id) = open.pop() {
        for dependent in history.dependents(id) {
            match why.get(dependent) {
                // what it needs goes away: it has to go as a whole
                Some(StepReason::Restored) => {
                    why.insert(dependent, StepReason::Requested);
                    open.push(dependent);
                }
                Some(_) => {}
                None => {
                    if dependents.insert(dependent) {
                        open.push(dependent);
                    }
                }
            }
        }
    }
    if !dependents.is_empty() && !cascade && !matches!(target, Target::To(_)) {
        let names: Vec<String> = dependents.iter().map(|d| format!("`{d}`")).collect();
        let (verb, them) = if names.len() == 1 { ("depends", "it") } else { ("depend", "them") };
        return Err(Failure::new(
            FailureKind::Refused,
            format!("{} {verb} on the changesets to roll back", names.join(", ")),
        )
        .help(Setting::Cascade + format!(" rolls {them} back too")));
    }
    why.extend(dependents.into_iter().map(|id| (id, StepReason::Dependent)));
    Ok(Chosen { list: ordered(history, &why) })
}

/// A repeatable changeset that was applied again goes back to the version before.
fn one_back(recorded: &Recorded) -> StepReason {
    if recorded.versions > 0 && recorded.status == RecordedStatus::Applied {
        StepReason::Restored
    } else {
        StepReason::Requested
    }
}

fn find<'a>(history: &'a History, id: &str) -> Result<&'a Recorded, Failure> {
    history.changesets.get(id).ok_or_else(|| {
        let failure = Failure::new(FailureKind::Usage, format!("`{id}` is not applied here"));
        match nearest(id, history.changesets.keys().map(String::as_str)) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help(Operation::Status + " shows what is"),
        }
    })
}

/// Dependents first; otherwise the latest first.
fn ordered(history: &History, why: &BTreeMap<&str, StepReason>) -> Vec<(String, StepReason)> {
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    for id in why.keys() {
        waiting.insert(id, history.dependents(id).filter(|d| why.contains_key(d)).count());
    }
    let ordinal = |id: &str| history.changesets[id].ordinal;
    let mut ready: BTreeSet<(i64, &str)> =
        waiting.iter().filter(|(_, n)| **n == 0).map(|(id, _)| (-ordinal(id), *id)).collect();
    let mut list = Vec::with_capacity(why.len());
    while let Some((_, id)) = ready.pop_first() {
        list.push((id.to_owned(), why[id]));
        for need in &history.changesets[id].requires {
            if let Some((key, n)) = waiting.get_key_value(need.as_str()).map(|(k, n)| (*k, *n)) {
                waiting.insert(key, n - 1);
                if n == 1 {
                    ready.insert((-ordinal(key), key));
                }
            }
        }
    }
    list
}

/// Compiles the rollback of what was chosen; `purged` is what the attic does not keep any longer of
/// what they need.
///
/// # Errors
/// When one of them says that it cannot be taken back, or its data was purged.
pub fn compile(
    environment: &str,
    ledger: &Ident,
    history: &History,
    chosen: &Chosen,
    mut stored: BTreeMap<String, Stored>,
    purged: &BTreeMap<String, Vec<Purged>>,
) -> Result<Plan, Failure> {
    let mut steps = Vec::with_capacity(chosen.list.len());
    let mut never = Vec::new();
    for (id, why) in &chosen.list {
        let (Some(recorded), Some(row)) = (history.changesets.get(id), stored.remove(id)) else { continue };
        match step(id, *why, recorded, row, purged.get(id)) {
            Ok(step) => steps.push(step),
            Err(reason) => never.push(format!("`{id}`: {reason}")),
        }
    }
    if !never.is_empty() {
        let changesets = count(never.len(), "changeset");
        return Err(Failure::new(FailureKind::Refused, format!("{changesets} cannot be rolled back"))
            .notes(never)
            .help("undo it with a new changeset, or roll back only other changesets"));
    }
    // a rollback comes after that of what depends on it: the edges, reversed
    let ids: BTreeSet<String> = steps.iter().map(|s| s.changeset.clone()).collect();
    for step in &mut steps {
        step.requires = history.dependents(&step.changeset).filter(|d| ids.contains(*d)).map(str::to_owned).collect();
    }
    Ok(waves::plan(environment, ledger, Direction::Rollback, steps))
}

/// The rollback of a step that has just run as a whole.
///
/// # Errors
/// The reason why it cannot be rolled back.
pub fn of_step(step: &Step) -> Result<Step, String> {
    self::step(&step.changeset, StepReason::Requested, &recorded(step, 0), row(step, None), None)
}

/// The rollback of a repeatable step to the version before it, which has just run.
///
/// # Errors
/// The reason why it cannot be rolled back.
pub fn to_previous(step: &Step, previous: &Step) -> Result<Step, String> {
    let row = row(step, Some(forward(previous)));
    self::step(&step.changeset, StepReason::Restored, &recorded(step, 1), row, None)
}

/// What the ledger has of a step that has just run as a whole.
fn recorded(step: &Step, versions: u32) -> Recorded {
    Recorded {
        status: RecordedStatus::Applied,
        ordinal: 0,
        checksum: step.checksum.clone(),
        digest: step.digest.clone(),
        description: step.description.clone(),
        repeatable: step.repeatable,
        versions,
        run: String::new(),
        applied_at: 0,
        applied_by: String::new(),
        duration: None,
        reason: None,
        error: None,
        requires: step.requires.clone(),
        segments: Vec::new(),
    }
}

/// Its texts.
fn row(step: &Step, previous: Option<StoredForward>) -> Stored {
    Stored {
        file: step.file.clone(),
        author: step.author.clone(),
        labels: step.labels.clone(),
        body: step.body.clone(),
        forward: forward(step),
        rollback: step.rollback.clone(),
        previous,
    }
}

fn forward(step: &Step) -> StoredForward {
    StoredForward { segments: step.segments.clone(), verify: step.verify.clone(), touches: step.touches.clone() }
}

fn step(
    id: &str,
    why: StepReason,
    recorded: &Recorded,
    row: Stored,
    purged: Option<&Vec<Purged>>,
) -> Result<Step, String> {
    // what is derived from the changes touches what they touched
    let mut touched = None;
    let (segments, verify) = match (recorded.status, why, row.previous) {
        // nothing of these was run
        (RecordedStatus::Skipped | RecordedStatus::Held | RecordedStatus::Failed, ..) => (Vec::new(), Vec::new()),
        (_, StepReason::Restored, Some(previous)) => (previous.segments, previous.verify),
        _ => match row.rollback {
            Rollback::Irreversible { reason } => return Err(reason),
            Rollback::Segments { derived: true, .. } if let Some(purged) = purged => {
                return Err(Purged::reason(purged));
            }
            Rollback::Segments { derived, segments, verify } => {
                touched = row.forward.touches.filter(|_| derived).map(reversed);
                let segments = if recorded.status == RecordedStatus::Partly && derived {
                    of_begun(segments, &row.forward.segments, recorded)
                } else {
                    segments
                };
                (segments, verify)
            }
        },
    };
    let mut segments = segments;
    kept(&mut segments);
    let mut step = Step {
        changeset: id.to_owned(),
        file: row.file,
        description: recorded.description.clone(),
        author: row.author,
        labels: row.labels,
        environments: Vec::new(),
        phase: None,
        direction: Direction::Rollback,
        wave: 0,
        why,
        requires: Vec::new(),
        repeatable: recorded.repeatable,
        checksum: recorded.checksum.clone(),
        digest: recorded.digest.clone(),
        body: row.body,
        touches: touched.or_else(|| touches(&segments)),
        preconditions: Vec::new(),
        segments,
        verify,
        rollback: Rollback::Segments { derived: false, segments: row.forward.segments, verify: row.forward.verify },
    };
    step.take_progress(recorded);
    Ok(step)
}

/// Of a changeset that was half applied: the rollback of the changes that were begun. One
/// that was applied as a whole has no forward progress left: its rollback is what is half
/// done, and all of it is to be gone on with.
fn of_begun(rollback: Vec<Segment>, forward: &[Segment], recorded: &Recorded) -> Vec<Segment> {
    let mut progress = recorded.progress(Direction::Forward).peekable();
    if progress.peek().is_none() {
        return rollback;
    }
    let begun: BTreeSet<usize> = progress
        .filter_map(|s| forward.get(s.no as usize))
        .flat_map(|segment| segment.statements.iter().map(|s| s.change))
        .collect();
    rollback
        .into_iter()
        .filter_map(|mut segment| {
            segment.statements.retain(|s| begun.contains(&s.change));
            (!segment.statements.is_empty()).then_some(segment)
        })
        .collect()
}

/// What the way back does to the objects of the way there.
fn reversed(mut touches: Vec<Touch>) -> Vec<Touch> {
    for touch in &mut touches {
        touch.how = match touch.how {
            Access::Create => Access::Drop,
            Access::Drop => Access::Create,
            other => other,
        };
    }
    touches.sort();
    touches.dedup();
    touches
}

/// The objects that stored SQL touches, as far as its text tells.
fn touches(segments: &[Segment]) -> Option<Vec<Touch>> {
    let mut all = Vec::new();
    for statement in segments.iter().flat_map(|s| &s.statements) {
        all.extend(crate::sql::touches(&statement.sql)?.touches);
    }
    all.sort();
    all.dedup();
    Some(all)
}

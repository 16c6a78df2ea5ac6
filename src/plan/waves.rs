//! Waves: which steps may run in parallel.

use super::model::{Direction, FORMAT, Plan, Step};
use crate::base::{Ident, QualifiedName};
use crate::effects::{Access, ObjectClass};
use std::collections::HashMap;

/// A plan of these steps and nothing beside them, with their waves.
pub fn plan(environment: &str, ledger: &Ident, direction: Direction, mut steps: Vec<Step>) -> Plan {
    number(&mut steps);
    Plan {
        format: FORMAT,
        environment: environment.to_owned(),
        direction,
        ledger_schema: ledger.as_str().to_owned(),
        steps,
        waiting: Vec::new(),
        blocked: Vec::new(),
        renamed: Vec::new(),
        excluded: Vec::new(),
        overridden_templates: Vec::new(),
    }
}

/// The steps that touched an object last.
#[derive(Default)]
struct Last {
    change: Option<usize>,
    readers: Vec<usize>,
}

/// Why a step must come after an earlier one, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause<'a> {
    /// It depends on it.
    Edge,
    /// Both meet on an object.
    Shared(ObjectClass, &'a QualifiedName),
    /// Nobody knows what one of them touches, so that it runs alone.
    Unknown,
}

/// For each step the positions of earlier steps that it must come after: those that it is
/// connected with by an edge, and those that it meets on an object; readers are met only by
/// those that change. A step whose objects are not known runs alone. What follows from other
/// entries may be left out.
#[must_use]
pub fn order(steps: &[Step]) -> Vec<Vec<usize>> {
    causes(steps).into_iter().map(|after| after.into_iter().map(|(earlier, _)| earlier).collect()).collect()
}

fn causes(steps: &[Step]) -> Vec<Vec<(usize, Cause<'_>)>> {
    let mut at: HashMap<&str, usize> = HashMap::with_capacity(steps.len());
    let mut last: HashMap<(ObjectClass, &QualifiedName), Last> = HashMap::new();
    let mut barrier: Option<usize> = None;
    let mut all = Vec::with_capacity(steps.len());
    for (i, step) in steps.iter().enumerate() {
        let mut after: Vec<(usize, Cause<'_>)> = barrier.into_iter().map(|b| (b, Cause::Unknown)).collect();
        after.extend(step.requires.iter().filter_map(|id| at.get(id.as_str())).map(|needed| (*needed, Cause::Edge)));
        match &step.touches {
            None => {
                after.extend((barrier.map_or(0, |b| b + 1)..i).map(|earlier| (earlier, Cause::Unknown)));
                barrier = Some(i);
            }
            Some(touches) => {
                for touch in touches.iter().filter(|t| counts(t.object, t.how)) {
                    let cause = Cause::Shared(touch.object, &touch.name);
                    let seen = last.entry((touch.object, &touch.name)).or_default();
                    if shares(touch.how) {
                        after.extend(seen.change.map(|earlier| (earlier, cause)));
                        seen.readers.push(i);
                    } else {
                        after.extend(seen.change.replace(i).map(|earlier| (earlier, cause)));
                        after.extend(seen.readers.drain(..).map(|earlier| (earlier, cause)));
                    }
                }
            }
        }
        at.insert(&step.changeset, i);
        after.retain(|&(earlier, _)| earlier != i);
        after.sort_unstable();
        after.dedup_by_key(|(earlier, _)| *earlier);
        all.push(after);
    }
    all
}

/// Numbers the waves from 1: a step is in the wave after the last one that it must come after.
pub fn number(steps: &mut [Step]) {
    for (i, after) in order(steps).into_iter().enumerate() {
        steps[i].wave = after.into_iter().map(|earlier| steps[earlier].wave).max().unwrap_or(0) + 1;
    }
}

/// What keeps a step in a later wave than its edges do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveDelay<'a> {
    /// The changeset in the wave before.
    pub after: &'a str,
    /// What both touch; `None`: nobody knows what one of them touches.
    pub shared: Option<(ObjectClass, &'a QualifiedName)>,
}

/// For each step of a plan what keeps it back, where its edges do not explain its wave.
#[must_use]
pub fn late(steps: &[Step]) -> Vec<Option<WaveDelay<'_>>> {
    let mut all = Vec::with_capacity(steps.len());
    for (step, after) in steps.iter().zip(causes(steps)) {
        let last = after.into_iter().filter(|(earlier, _)| steps[*earlier].wave + 1 == step.wave);
        let shared = match last.min_by_key(|(_, cause)| *cause) {
            None | Some((_, Cause::Edge)) => None,
            Some((earlier, Cause::Shared(object, name))) => Some((earlier, Some((object, name)))),
            Some((earlier, Cause::Unknown)) => Some((earlier, None)),
        };
        all.push(shared.map(|(earlier, shared)| WaveDelay { after: &steps[earlier].changeset, shared }));
    }
    all
}

/// Whether two steps that do this to one object may run at the same time.
fn shares(how: Access) -> bool {
    how == Access::Read
}

/// Schemas, roles and extensions that are only used are not waited for: edges say so.
fn counts(object: ObjectClass, how: Access) -> bool {
    !matches!(object, ObjectClass::Schema | ObjectClass::Role | ObjectClass::Extension)
        || matches!(how, Access::Create | Access::Drop)
}

//! Waves: which steps may run in parallel.

use super::model::Step;
use crate::base::QualifiedName;
use crate::change::effects::{How, Object};
use std::collections::HashMap;

/// The steps that touched an object last.
#[derive(Default)]
struct Last {
    change: Option<usize>,
    readers: Vec<usize>,
}

/// For each step the positions of earlier steps that it must come after: those that it is
/// connected with by an edge, and those that it meets on an object; readers are met only by
/// those that change. A step whose objects are not known runs alone. What follows from other
/// entries may be left out.
#[must_use]
pub fn order(steps: &[Step]) -> Vec<Vec<usize>> {
    let mut at: HashMap<&str, usize> = HashMap::with_capacity(steps.len());
    let mut last: HashMap<(Object, &QualifiedName), Last> = HashMap::new();
    let mut barrier: Option<usize> = None;
    let mut all = Vec::with_capacity(steps.len());
    for (i, step) in steps.iter().enumerate() {
        let mut after: Vec<usize> = barrier.into_iter().collect();
        after.extend(step.requires.iter().filter_map(|id| at.get(id.as_str())));
        match &step.touches {
            None => {
                after.extend(barrier.map_or(0, |b| b + 1)..i);
                barrier = Some(i);
            }
            Some(touches) => {
                for touch in touches.iter().filter(|t| counts(t.object, t.how)) {
                    let seen = last.entry((touch.object, &touch.name)).or_default();
                    if shares(touch.how) {
                        after.extend(seen.change);
                        seen.readers.push(i);
                    } else {
                        after.extend(seen.change.replace(i));
                        after.append(&mut seen.readers);
                    }
                }
            }
        }
        at.insert(&step.changeset, i);
        after.retain(|&earlier| earlier != i);
        after.sort_unstable();
        after.dedup();
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

/// Whether two steps that do this to one object may run at the same time.
fn shares(how: How) -> bool {
    how == How::Read
}

/// Schemas, roles and extensions that are only used are not waited for: edges say so.
fn counts(object: Object, how: How) -> bool {
    !matches!(object, Object::Schema | Object::Role | Object::Extension) || matches!(how, How::Create | How::Drop)
}

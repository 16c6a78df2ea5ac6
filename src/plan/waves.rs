//! Waves: which steps may run in parallel.

use super::model::Step;
use crate::base::QualifiedName;
use crate::change::effects::{How, Object};
use std::collections::HashMap;

/// The last waves that touched an object.
#[derive(Default, Clone, Copy)]
struct Last {
    any: u32,
    change: u32,
}

/// Numbers the waves from 1. A step comes after what it depends on and after every earlier
/// step that it meets on an object; readers and foreign keys' parents are met only by those
/// that change. A step whose objects are not known runs alone.
pub fn number(steps: &mut [Step]) {
    let mut wave_of: HashMap<String, u32> = HashMap::with_capacity(steps.len());
    let mut last: HashMap<(Object, QualifiedName), Last> = HashMap::new();
    let (mut highest, mut barrier) = (0, 0);
    for step in steps {
        let after = step.requires.iter().filter_map(|id| wave_of.get(id)).copied().max().unwrap_or(0);
        let mut wave = after.max(barrier);
        match &step.touches {
            None => {
                wave = wave.max(highest);
                barrier = wave + 1;
            }
            Some(touches) => {
                for touch in touches.iter().filter(|t| counts(t.object, t.how)) {
                    let seen = last.get(&(touch.object, touch.name.clone())).copied().unwrap_or_default();
                    wave = wave.max(if shares(touch.how) { seen.change } else { seen.any });
                }
            }
        }
        step.wave = wave + 1;
        highest = highest.max(step.wave);
        wave_of.insert(step.changeset.clone(), step.wave);
        for touch in step.touches.iter().flatten().filter(|t| counts(t.object, t.how)) {
            let seen = last.entry((touch.object, touch.name.clone())).or_default();
            seen.any = seen.any.max(step.wave);
            if !shares(touch.how) {
                seen.change = seen.change.max(step.wave);
            }
        }
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

//! Steps that go to the server as one message.

use super::durability::{Level, OFF, Wait};
use super::frames::{Writer, is_single};
use super::script::Script;
use crate::plan::Step;

/// How many steps of a message have one wait in common. The server sends its answers by 8 kB, which
/// are about as many steps: what is told of them comes as soon as it can.
const STEPS_PER_WAIT: usize = 16;

/// Characters of one message, about.
pub const MOST_TEXT: usize = 512 * 1024;

impl Writer {
    /// Steps that are one transaction each, as one message; how many of them it holds. `level` is
    /// what a COMMIT of the session waits for, where it is known.
    pub fn message(&self, script: &mut Script, steps: &[(usize, &Step)], level: Option<Level>) -> usize {
        let level = level.filter(|level| *level != OFF);
        let mut held = 0;
        let mut begins = 0;
        for (number, step) in steps.iter().take_while(|(_, step)| is_single(step)) {
            if script.sql.len() >= MOST_TEXT {
                break;
            }
            begins = script.len();
            let wait = match level {
                None => Wait::AsSet,
                Some(level) if held % STEPS_PER_WAIT == STEPS_PER_WAIT - 1 => Wait::ForAll(level),
                Some(_) => Wait::Later,
            };
            self.single(script, *number, step, wait);
            held += 1;
        }
        let in_group = held % STEPS_PER_WAIT;
        if let (Some(level), 1..) = (level, in_group) {
            // of the last one it is known only now that it is the last
            let (number, step) = steps[held - 1];
            script.truncate(begins);
            self.single(script, number, step, if in_group == 1 { Wait::AsSet } else { Wait::ForAll(level) });
        }
        held
    }
}

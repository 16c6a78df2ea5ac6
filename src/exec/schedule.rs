//! Which step may run next, and on how many connections: pure bookkeeping, no server.

use crate::plan::{Plan, order};
use std::collections::{BTreeSet, HashMap};

/// Steps that one connection takes at a time; more would only make a message longer.
const MOST_STEPS: usize = 200;

/// The steps of a plan on their way.
#[derive(Debug)]
pub struct Schedule {
    jobs: usize,
    /// How many steps must come before each one that is not done.
    before: Vec<usize>,
    /// Who waits for each step.
    behind: Vec<Vec<usize>>,
    /// Those that nothing is in the way of, and that nobody has taken.
    ready: BTreeSet<usize>,
    taken: Vec<bool>,
    done: Vec<bool>,
    left: usize,
    closed: bool,
}

/// What a connection does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// These steps, in this order.
    Unit(Vec<usize>),
    /// Nothing yet: what is left waits for steps that run elsewhere.
    Wait,
    /// Nothing any more.
    Over,
}

impl Schedule {
    /// All steps of a plan, for this many connections.
    #[must_use]
    pub fn new(plan: &Plan, jobs: usize) -> Self {
        Self::of(order(&plan.steps), jobs)
    }

    fn of(after: Vec<Vec<usize>>, jobs: usize) -> Self {
        let count = after.len();
        let mut behind = vec![Vec::new(); count];
        for (step, earlier) in after.iter().enumerate() {
            earlier.iter().for_each(|e| behind[*e].push(step));
        }
        let before: Vec<usize> = after.iter().map(Vec::len).collect();
        let ready = (0..count).filter(|step| before[*step] == 0).collect();
        Self {
            jobs: jobs.max(1),
            before,
            behind,
            ready,
            taken: vec![false; count],
            done: vec![false; count],
            left: count,
            closed: false,
        }
    }

    /// The next unit. With one connection: in the plan's order, as many steps as one message
    /// may hold. With several: a step and what only waits for it, so that the other
    /// connections have work too.
    pub fn take(&mut self, can_share: impl Fn(usize) -> bool) -> Next {
        if self.closed {
            return Next::Over;
        }
        let Some(first) = self.ready.pop_first() else {
            return if self.left == 0 { Next::Over } else { Next::Wait };
        };
        let mut unit = vec![first];
        if !can_share(first) {
            self.taken[first] = true;
            return Next::Unit(unit);
        }
        let fair = self.left.div_ceil(self.jobs * 2);
        let most = if self.jobs == 1 { MOST_STEPS } else { fair.clamp(1, MOST_STEPS) };
        // what the unit itself will have freed by then
        let mut own: BTreeSet<usize> = BTreeSet::new();
        let mut freed: HashMap<usize, usize> = HashMap::new();
        let mut last = first;
        while unit.len() < most {
            for &step in &self.behind[last] {
                let by_us = freed.entry(step).or_default();
                *by_us += 1;
                if *by_us == self.before[step] {
                    own.insert(step);
                }
            }
            let others = (self.jobs == 1 || self.ready.len() >= self.jobs).then(|| self.ready.first()).flatten();
            let next = match (own.first(), others) {
                (Some(mine), Some(other)) if self.jobs == 1 => *mine.min(other),
                (Some(next), _) | (None, Some(next)) => *next,
                (None, None) => break,
            };
            if !can_share(next) {
                break;
            }
            if !own.remove(&next) {
                self.ready.remove(&next);
            }
            unit.push(next);
            last = next;
        }
        unit.iter().for_each(|step| self.taken[*step] = true);
        Next::Unit(unit)
    }

    /// Notes that a step is done and recorded; what waited for it alone becomes free.
    pub fn done(&mut self, step: usize) {
        if std::mem::replace(&mut self.done[step], true) {
            return;
        }
        self.left -= 1;
        for &later in &self.behind[step] {
            self.before[later] -= 1;
            if self.before[later] == 0 && !self.taken[later] {
                self.ready.insert(later);
            }
        }
    }

    /// Whether a step is done.
    #[must_use]
    pub fn is_done(&self, step: usize) -> bool {
        self.done[step]
    }

    /// Whether another connection would find something to do.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.closed && !self.ready.is_empty()
    }

    /// Whether nothing is left to be begun.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.closed || self.left == 0
    }

    /// Nothing new is begun.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Whether nothing new is begun.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes and ends units until nothing is left, `jobs` at a time; the order in which steps
    /// were begun.
    fn walk(after: &[&[usize]], jobs: usize, share: bool) -> Vec<Vec<usize>> {
        let mut schedule = Schedule::of(after.iter().map(|a| a.to_vec()).collect(), jobs);
        let mut units = Vec::new();
        loop {
            let mut running = Vec::new();
            for _ in 0..jobs {
                match schedule.take(|_| share) {
                    Next::Unit(unit) => running.push(unit),
                    Next::Wait => {}
                    Next::Over => break,
                }
            }
            if running.is_empty() {
                break;
            }
            for unit in running {
                for step in &unit {
                    assert!(after[*step].iter().all(|e| schedule.is_done(*e)), "{step} came too early: {units:?}");
                    schedule.done(*step);
                }
                units.push(unit);
            }
        }
        assert!((0..after.len()).all(|step| schedule.is_done(step)), "{units:?}");
        units
    }

    #[test]
    fn one_connection_keeps_the_order_of_the_plan() {
        let after: &[&[usize]] = &[&[], &[], &[0], &[1], &[2, 3], &[]];
        assert_eq!(walk(after, 1, true), [[0, 1, 2, 3, 4, 5]]);
        assert_eq!(walk(after, 1, false).concat(), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn several_connections_take_what_is_independent() {
        // three chains of three
        let after: &[&[usize]] = &[&[], &[], &[], &[0], &[1], &[2], &[3], &[4], &[5]];
        let units = walk(after, 3, true);
        assert_eq!(units[..3], [[0, 3], [1, 4], [2, 5]]);
        let long = walk(after, 3, false);
        assert_eq!(long, [[0], [1], [2], [3], [4], [5], [6], [7], [8]]);
    }

    #[test]
    fn a_step_waits_for_all_that_it_comes_after() {
        let after: &[&[usize]] = &[&[], &[0], &[0], &[1, 2]];
        let mut schedule = Schedule::of(after.iter().map(|a| a.to_vec()).collect(), 2);
        assert_eq!(schedule.take(|_| false), Next::Unit(vec![0]));
        assert_eq!(schedule.take(|_| false), Next::Wait);
        schedule.done(0);
        assert_eq!(schedule.take(|_| false), Next::Unit(vec![1]));
        assert_eq!(schedule.take(|_| false), Next::Unit(vec![2]));
        schedule.done(1);
        assert_eq!(schedule.take(|_| false), Next::Wait);
        schedule.done(2);
        assert_eq!(schedule.take(|_| false), Next::Unit(vec![3]));
        schedule.done(3);
        assert_eq!(schedule.take(|_| false), Next::Over);
    }

    #[test]
    fn many_connections_share_what_waits_for_nothing() {
        let after: Vec<&[usize]> = vec![&[]; 40];
        let units = walk(&after, 4, true);
        assert_eq!(units.concat().len(), 40);
        assert!(units.iter().all(|unit| unit.len() <= 5), "{units:?}");
    }

    #[test]
    fn nothing_is_begun_after_the_end() {
        let mut schedule = Schedule::of(vec![vec![], vec![]], 2);
        schedule.close();
        assert_eq!(schedule.take(|_| true), Next::Over);
    }
}

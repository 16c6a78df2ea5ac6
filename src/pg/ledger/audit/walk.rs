//! The walk along the chain of events: what was changed, removed or put in.

use super::problem::{AuditProblem, AuditProblemKind};

/// A link of the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub seq: i64,
    pub hash: String,
    /// Whether the hash is that of the row behind the one before it.
    pub follows: bool,
    /// Whether it is that of the row behind the one before that: then one was put in between.
    pub passes: bool,
}

/// The walk so far.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub before: Link,
    pub last: Link,
    pub problems: Vec<AuditProblem>,
}

impl Walk {
    pub fn step(&mut self, link: Link) {
        let last = &self.last;
        if !link.follows {
            // what was put in is passed over by the link after it
            if last.seq > 0 && link.passes {
                let seq = last.seq;
                self.problems.retain(|p| p.seq != Some(seq));
                self.found(Some(seq), AuditProblemKind::Inserted, format!("event {seq} was inserted manually"));
            } else if link.seq > last.seq + 1 {
                let (from, to) = (last.seq + 1, link.seq - 1);
                let which = if from == to { format!("event {from} is") } else { format!("events {from} to {to} are") };
                let message = format!("{which} missing before event {}, or that one was changed manually", link.seq);
                self.found(Some(from), AuditProblemKind::Removed, message);
            } else {
                let message = format!("event {} was changed manually", link.seq);
                self.found(Some(link.seq), AuditProblemKind::Changed, message);
            }
        }
        self.before = std::mem::replace(&mut self.last, link);
    }

    pub fn found(&mut self, seq: Option<i64>, what: AuditProblemKind, message: String) {
        self.problems.push(AuditProblem { seq, what, message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::checksum::sha256_hex;

    /// An event: its number, what is hashed of it, its hash.
    type Event = (i64, &'static str, String);

    fn hash(before: &str, content: &str) -> String {
        sha256_hex(format!("{before}|{content}").as_bytes())
    }

    fn chain(contents: &[(i64, &'static str)]) -> Vec<Event> {
        let mut last = String::new();
        contents
            .iter()
            .map(|(seq, content)| {
                last = hash(&last, content);
                (*seq, *content, last.clone())
            })
            .collect()
    }

    fn found(events: Vec<Event>) -> Vec<(Option<i64>, AuditProblemKind)> {
        let mut walk = Walk::default();
        for (seq, content, own) in events {
            let is = |before: &str| hash(before, content) == own;
            let (follows, passes) = (is(&walk.last.hash), is(&walk.before.hash));
            walk.step(Link { seq, hash: own, follows, passes });
        }
        walk.problems.iter().map(|p| (p.seq, p.what)).collect()
    }

    #[test]
    fn each_kind_of_change_is_told_apart() {
        // numbers that a failed transaction took are no gap
        let good = || chain(&[(1, "a"), (2, "b"), (5, "c"), (6, "d"), (7, "e")]);
        assert_eq!(found(good()), []);
        let mut changed = good();
        (changed[2].0, changed[2].1) = (3, "x");
        assert_eq!(found(changed), [(Some(3), AuditProblemKind::Changed)]);
        let mut removed = good();
        removed.remove(3);
        assert_eq!(found(removed), [(Some(6), AuditProblemKind::Removed)]);
        let mut first = good();
        first.remove(0);
        assert_eq!(found(first), [(Some(1), AuditProblemKind::Removed)]);
        // with any hash, and with the one that the trigger would have made
        for own in ["x".to_owned(), hash(&good()[1].2, "y")] {
            let mut inserted = good();
            inserted.insert(2, (3, "y", own));
            assert_eq!(found(inserted), [(Some(3), AuditProblemKind::Inserted)]);
        }
    }
}

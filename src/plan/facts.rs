//! What is known of statements that come from outside: a sealed plan, the ledger. It is found out
//! again from their text, whatever they bring along.

use super::model::{Rollback, Segment, Step};
use super::new_objects::{Made, drop_locks};
use crate::base::QualifiedName;
use crate::effects::{Access, Effects, ObjectClass};
use crate::sql;
use std::collections::HashSet;

/// Finds out again what the statements of a step do, both ways.
pub fn renew_step(step: &mut Step) {
    renew(&mut step.segments);
    if let Rollback::Segments { segments, .. } = &mut step.rollback {
        renew(segments);
    }
}

/// Finds out again what these statements do, which are those of one changeset in their order:
/// nobody waits for a lock on what an earlier one of them has made.
pub fn renew(segments: &mut [Segment]) {
    let mut made = HashSet::new();
    for statement in segments.iter_mut().flat_map(|s| &mut s.statements) {
        let mut facts = sql::facts(&statement.sql);
        let before = facts.locks.len();
        facts.locks.retain(|(name, _)| !made.contains(name));
        if facts.locks.len() < before {
            (facts.scans, facts.builds, facts.rewrites, facts.loses_data) = (false, false, false, false);
        }
        statement.facts = facts;
        if let Some(effects) = sql::touches(&statement.sql) {
            note(&mut made, &statement.sql, effects);
        }
    }
    drop_locks(segments, &Made::default());
}

/// What is there after a statement that was not there before.
fn note(made: &mut HashSet<QualifiedName>, sql: &str, effects: Effects) {
    for touch in &effects.touches {
        match (touch.how, touch.object) {
            (Access::Drop, _) => drop(made.remove(&touch.name)),
            // IF NOT EXISTS: it may have been there
            (Access::Create, ObjectClass::Table | ObjectClass::Sequence | ObjectClass::Index)
                if !sql.to_ascii_lowercase().contains("exists")
                    && !effects.renames.iter().any(|(_, to)| *to == touch.name) =>
            {
                made.insert(touch.name.clone());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::model::{Limits, Mode, Progress, Statement};

    #[test]
    fn facts_are_those_of_the_text() {
        let texts = [
            "DROP TABLE base",
            "CREATE TABLE base (id int)",
            "CREATE INDEX ON base (id)",
            "CREATE TABLE IF NOT EXISTS other (id int)",
            "DROP TABLE other",
            "DROP TABLE base",
            "ALTER TABLE base ADD COLUMN x int",
        ];
        let limits =
            Limits { lock_timeout: Default::default(), statement_timeout: Default::default(), lock_retries: 0 };
        let statement = |sql: &&str| Statement {
            sql: (*sql).to_owned(),
            change: 0,
            kind: "createTable".to_owned(),
            facts: Default::default(),
            origin: None,
        };
        let statements = texts.iter().map(statement).collect();
        let mut segments =
            [Segment { mode: Mode::Transaction, statements, batch: None, limits, progress: Progress::Todo }];
        renew(&mut segments);
        let seen: Vec<(usize, bool)> =
            segments[0].statements.iter().map(|s| (s.facts.locks.len(), s.facts.loses_data)).collect();
        assert_eq!(seen, [(1, true), (0, false), (0, false), (0, false), (1, true), (0, false), (1, false)]);
    }
}

//! What a changeset knows better than the text of one statement: nobody waits for a lock on
//! what the changeset itself has made, and a check that was validated spares the server to
//! read the table again.

use super::model::{Segment, Statement};
use crate::base::QualifiedName;
use crate::change::effects::{Effects, How, Object};
use std::collections::{HashMap, HashSet};

/// Relations and indexes that a changeset makes, with the change that makes them.
#[derive(Debug, Default)]
pub struct Made {
    by: HashMap<QualifiedName, usize>,
}

impl Made {
    /// Takes over what a change does.
    pub fn note(&mut self, change: usize, effects: &Effects, repeatable: bool) {
        for touch in effects.touches.iter().filter(|t| t.how == How::Create) {
            let new = match touch.object {
                Object::Table | Object::Sequence | Object::Index => true,
                // a repeatable one may replace one that is in use
                Object::View => !repeatable,
                _ => false,
            };
            let renamed = effects.renames.iter().find(|(_, to)| *to == touch.name);
            if new && renamed.is_none_or(|(from, _)| self.by.contains_key(from)) {
                self.by.entry(touch.name.clone()).or_insert(change);
            }
        }
    }

    fn has(&self, name: &QualifiedName, change: usize) -> bool {
        self.by.get(name).is_some_and(|by| *by <= change)
    }
}

/// Takes out of the facts what is not so in this changeset.
pub fn quiet(segments: &mut [Segment], made: &Made) {
    let mut validated = HashSet::new();
    for statement in segments.iter_mut().flat_map(|s| &mut s.statements) {
        let Statement { sql, change, facts, .. } = statement;
        let before = facts.locks.len();
        facts.locks.retain(|(name, _)| !made.has(name, *change));
        if facts.locks.len() < before {
            // what is read, written or dropped is the new table
            facts.scans = false;
            facts.rewrites = false;
            facts.loses_data = false;
        }
        // manual, ALTER TABLE, SET NOT NULL: a valid check saves the scan
        if sql.contains(" VALIDATE CONSTRAINT ") {
            validated.insert(*change);
        } else if validated.contains(change) && sql.ends_with(" SET NOT NULL") {
            facts.scans = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::model::{Limits, Mode, Progress};
    use crate::sql;

    fn name(text: &str) -> QualifiedName {
        text.parse().unwrap()
    }

    /// The statements' locks and whether each scans.
    fn after(made: &Made, statements: &[(usize, &str)]) -> Vec<(usize, bool)> {
        let limits =
            Limits { lock_timeout: Default::default(), statement_timeout: Default::default(), lock_retries: 0 };
        let statement = |(change, text): &(usize, &str)| Statement {
            sql: (*text).to_owned(),
            change: *change,
            kind: "sql".to_owned(),
            facts: sql::facts(text),
        };
        let statements = statements.iter().map(statement).collect();
        let mut segments =
            vec![Segment { mode: Mode::Transaction, statements, batch: None, limits, progress: Progress::Todo }];
        quiet(&mut segments, made);
        segments[0].statements.iter().map(|s| (s.facts.locks.len(), s.facts.scans)).collect()
    }

    #[test]
    fn a_new_table_blocks_nobody() {
        let mut effects = Effects::default();
        effects.touch(Object::Table, &name("app.new"), How::Create);
        let mut renamed = Effects::default();
        renamed.renames(&name("app.new"), &name("app.newer"));
        renamed.renames(&name("app.old"), &name("app.older"));
        let mut made = Made::default();
        made.note(1, &effects, false);
        made.note(2, &renamed, false);
        let list = [
            (0, "CREATE INDEX i ON app.new (a)"),
            (1, "CREATE INDEX i ON app.new (a)"),
            (3, "CREATE INDEX i ON app.newer (a)"),
            (3, "CREATE INDEX i ON app.older (a)"),
            (3, "ALTER TABLE app.new ADD FOREIGN KEY (a) REFERENCES app.p"),
        ];
        assert_eq!(after(&made, &list), [(1, true), (0, false), (0, false), (1, true), (1, false)]);
    }

    #[test]
    fn a_view_that_may_be_replaced_is_not_new() {
        let mut effects = Effects::default();
        effects.touch(Object::View, &name("app.v"), How::Create);
        let mut made = Made::default();
        made.note(0, &effects, true);
        assert_eq!(after(&made, &[(0, "CREATE OR REPLACE VIEW app.v AS SELECT 1")]), [(1, false)]);
    }

    #[test]
    fn a_validated_check_saves_the_scan() {
        let list = [
            (0, "ALTER TABLE t ALTER COLUMN a SET NOT NULL"),
            (1, "ALTER TABLE t VALIDATE CONSTRAINT c"),
            (1, "ALTER TABLE t ALTER COLUMN a SET NOT NULL"),
        ];
        assert_eq!(after(&Made::default(), &list), [(1, true), (1, true), (1, false)]);
    }
}

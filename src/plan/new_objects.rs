//! What a changeset knows better than the text of one statement: nobody waits for a lock on
//! what the changeset itself has made, and a check that was validated spares the server to
//! read the table again.

use super::model::{Segment, Statement};
use crate::base::QualifiedName;
use crate::effects::{Access, Effects, ObjectClass};
use crate::sql::touches;
use std::collections::{HashMap, HashSet};

/// Relations and indexes that a changeset makes, with the change that makes them.
#[derive(Debug, Default)]
pub struct Made {
    by: HashMap<QualifiedName, usize>,
}

impl Made {
    /// Takes over what a change does.
    pub fn note(&mut self, change: usize, effects: &Effects, repeatable: bool) {
        for touch in effects.touches.iter().filter(|t| t.how == Access::Create) {
            let new = match touch.object {
                ObjectClass::Table | ObjectClass::Sequence | ObjectClass::Index => true,
                // a repeatable one may replace one that is in use
                ObjectClass::View => !repeatable,
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
pub fn drop_locks(segments: &mut [Segment], made: &Made) {
    let mut validated = HashSet::new();
    let mut written = Written::default();
    for statement in segments.iter_mut().flat_map(|s| &mut s.statements) {
        written.drop_locks(statement);
        let Statement { sql, change, facts, .. } = statement;
        let before = facts.locks.len();
        facts.locks.retain(|(name, _)| !made.has(name, *change));
        if facts.locks.len() < before {
            // what is read, written or dropped is the new table
            (facts.scans, facts.builds, facts.rewrites, facts.loses_data) = (false, false, false, false);
        }
        // manual, ALTER TABLE, SET NOT NULL: a valid check saves the scan
        if sql.contains(" VALIDATE CONSTRAINT ") {
            validated.insert(*change);
        } else if validated.contains(change) && sql.ends_with(" SET NOT NULL") {
            facts.scans = false;
        }
    }
}

/// Tables that raw SQL has made a few statements before.
#[derive(Debug, Default)]
struct Written {
    tables: HashSet<QualifiedName>,
}

impl Written {
    /// Takes out the locks on tables that are new, and takes note of what the statement makes.
    fn drop_locks(&mut self, statement: &mut Statement) {
        if !matches!(statement.kind.as_str(), "sql" | "sqlFile") {
            return;
        }
        let Statement { sql, facts, .. } = statement;
        let words: Vec<String> = sql.split_whitespace().take(12).map(str::to_ascii_uppercase).collect();
        let begins =
            |beginning: &[&str]| words.len() >= beginning.len() && words.iter().zip(beginning).all(|(w, b)| w == b);
        let again = words.iter().any(|w| w == "EXISTS") || begins(&["CREATE", "OR", "REPLACE"]);
        let made = ["TABLE", "UNLOGGED", "MATERIALIZED"].iter().any(|what| begins(&["CREATE", what])) && !again;
        let found = if made { touches(sql) } else { None };
        let before = facts.locks.len();
        facts.locks.retain(|(name, _)| !self.tables.contains(name));
        if facts.locks.len() < before {
            // what is read or written is the new table
            (facts.scans, facts.builds, facts.rewrites) = (false, false, false);
        }
        if let Some(found) = found {
            let new = found.touches.into_iter().filter(|t| t.how == Access::Create && t.object.is_relation());
            self.tables.extend(new.map(|touch| touch.name));
        } else if !self.keeps_names(&words, sql) {
            // the name may be that of another table from here on
            self.tables.clear();
        }
    }

    /// Whether a statement leaves all tables under their names, and names with their tables.
    fn keeps_names(&self, words: &[String], sql: &str) -> bool {
        let first = words.first().map_or("", String::as_str);
        let renames =
            || sql.split_whitespace().any(|w| w.eq_ignore_ascii_case("RENAME") || w.eq_ignore_ascii_case("SCHEMA"));
        matches!(first, "CREATE" | "COMMENT" | "GRANT" | "REVOKE" | "INSERT" | "UPDATE" | "DELETE")
            || first == "ALTER" && !renames()
    }
}

/// Takes "loses data" from drops whose rows or values were kept just before: by change types that do both.
pub fn kept(segments: &mut [Segment]) {
    let mut kept = HashSet::new();
    for statement in segments.iter_mut().flat_map(|s| &mut s.statements) {
        let Statement { sql, change, kind, facts, .. } = statement;
        if !matches!(kind.as_str(), "createTable" | "addColumn") {
            continue;
        }
        if sql.contains(".keep_rows(") || sql.contains(".keep_column_values(") {
            kept.insert(*change);
        } else if kept.contains(change) && !sql.contains("CASCADE") {
            facts.loses_data = false;
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
            origin: None,
        };
        let statements = statements.iter().map(statement).collect();
        let mut segments =
            vec![Segment { mode: Mode::Transaction, statements, batch: None, limits, progress: Progress::Todo }];
        drop_locks(&mut segments, made);
        segments[0].statements.iter().map(|s| (s.facts.locks.len(), s.facts.scans)).collect()
    }

    #[test]
    fn a_new_table_blocks_nobody() {
        let mut effects = Effects::default();
        effects.touch(ObjectClass::Table, &name("app.new"), Access::Create);
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

    /// Which locks and losses are left of raw SQL.
    fn of_sql(statements: &[&str]) -> Vec<(usize, bool)> {
        let list: Vec<(usize, &str)> = statements.iter().map(|text| (0, *text)).collect();
        after(&Made::default(), &list).into_iter().collect()
    }

    #[test]
    fn a_table_that_raw_sql_has_just_made_blocks_nobody() {
        let reference = "ALTER TABLE a ADD FOREIGN KEY (n) REFERENCES p";
        assert_eq!(of_sql(&["CREATE TABLE a (n int)", reference])[1], (1, false), "only the other table");
        assert_eq!(
            of_sql(&["CREATE TABLE a (n int)", "COMMENT ON TABLE a IS 'x'", "CREATE INDEX i ON a (n)"])[2],
            (0, false)
        );
        // a table that may have been there, or another one under the name
        for between in [
            "DROP TABLE a",
            "ALTER TABLE b RENAME TO a",
            "SET search_path = c",
            "ALTER TABLE a SET SCHEMA c",
            "DO $$ BEGIN END $$",
        ] {
            assert_eq!(
                of_sql(&["CREATE TABLE a (n int)", between, "CREATE INDEX i ON a (n)"])[2],
                (1, true),
                "{between}"
            );
        }
        assert_eq!(of_sql(&["CREATE TABLE IF NOT EXISTS a (n int)", "CREATE INDEX i ON a (n)"])[1], (1, true));
    }

    #[test]
    fn what_was_kept_is_not_lost() {
        let lost = |kind: &str, statements: &[&str]| {
            let limits =
                Limits { lock_timeout: Default::default(), statement_timeout: Default::default(), lock_retries: 0 };
            let statement = |text: &&str| Statement {
                sql: (*text).to_owned(),
                change: 0,
                kind: kind.to_owned(),
                facts: sql::facts(text),
                origin: None,
            };
            let statements = statements.iter().map(statement).collect();
            let mut segments =
                vec![Segment { mode: Mode::Transaction, statements, batch: None, limits, progress: Progress::Todo }];
            kept(&mut segments);
            segments[0].statements.iter().any(|s| s.facts.loses_data)
        };
        let rows = "SELECT dagmar.keep_rows('a'::regclass, 'x')";
        let values = "SELECT dagmar.keep_column_values('a'::regclass, 'n', 'x')";
        assert!(!lost("createTable", &[rows, "DROP TABLE a"]));
        assert!(!lost("addColumn", &[values, "ALTER TABLE a DROP COLUMN n"]));
        assert!(lost("createTable", &["DROP TABLE a"]) && lost("createTable", &[rows, "DROP TABLE a CASCADE"]));
        // who writes SQL by hand may mean another function
        assert!(lost("sql", &[rows, "DROP TABLE a"]));
    }

    #[test]
    fn a_view_that_may_be_replaced_is_not_new() {
        let mut effects = Effects::default();
        effects.touch(ObjectClass::View, &name("app.v"), Access::Create);
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

use super::facts;
use crate::sql::AlsoLocked;
use crate::sql::LockMode::{self, *};
use crate::sql::Through::{self, *};

/// What a statement locks through connections: how, of what, which part of it, and the mode; with `!` what loses data.
fn also(sql: &str) -> Vec<(Through, String, LockMode)> {
    let text = |also: &AlsoLocked| {
        let of = also.of.as_ref().map_or_else(String::new, ToString::to_string);
        let part = also.part.as_ref().map_or_else(String::new, |part| format!(".{part}"));
        format!("{of}{part}{}", if also.loses_data { "!" } else { "" })
    };
    facts(sql).also.iter().map(|also| (also.through, text(also), also.mode)).collect()
}

#[test]
fn what_the_text_does_not_name_is_said() {
    type Row = (&'static str, &'static [(Through, &'static str, LockMode)]);
    let table: &[Row] = &[
        ("ALTER TABLE ONLY t ADD c int", &[]),
        ("ALTER TABLE t OWNER TO r", &[(OwnedSequences, "t", AccessExclusive)]),
        ("ALTER TABLE t ALTER c DROP NOT NULL", &[(Descendants, "t", AccessExclusive)]),
        ("ALTER TABLE ONLY t ALTER c DROP NOT NULL", &[(Descendants, "t", AccessExclusive)]),
        (
            "ALTER TABLE t DROP CONSTRAINT k",
            &[(ReferencedTables, "t.k", AccessExclusive), (Descendants, "t", AccessExclusive)],
        ),
        (
            "ALTER TABLE ONLY t ALTER c TYPE bigint",
            &[
                (ReferencedTables, "t.c", AccessExclusive),
                (ReferencingTables, "t.c", AccessExclusive),
                (OwnedSequences, "t.c", ShareRowExclusive),
            ],
        ),
        ("ALTER TABLE ONLY t ADD FOREIGN KEY (a) REFERENCES p", &[(Partitions, "p", ShareRowExclusive)]),
        ("ALTER TABLE ONLY t ADD c app.mood", &[(ColumnDomain, "t.app.mood", AccessExclusive)]),
        ("CREATE TABLE n (a int REFERENCES p)", &[(Partitions, "p", ShareRowExclusive)]),
        (
            "CREATE FOREIGN TABLE c PARTITION OF p FOR VALUES IN (1) SERVER s",
            &[
                (DefaultPartition, "p", AccessExclusive),
                (ReferencedTables, "p", ShareRowExclusive),
                (ReferencingTables, "p", ShareRowExclusive),
            ],
        ),
        ("CREATE INDEX ON t (a)", &[(Partitions, "t", Share)]),
        ("CREATE INDEX ON ONLY t (a)", &[]),
        ("CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()", &[]),
        (
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
            &[(Partitions, "t", ShareRowExclusive)],
        ),
        (
            "DROP TABLE t",
            &[
                (Descendants, "t!", AccessExclusive),
                (PartitionedTable, "t", AccessExclusive),
                (ReferencedTables, "t", AccessExclusive),
                (OwnedSequences, "t", AccessExclusive),
            ],
        ),
        ("DROP VIEW v", &[]),
        ("DROP VIEW v CASCADE", &[(Dependents, "v!", AccessExclusive)]),
        ("DROP TYPE s.e", &[]),
        ("DROP TYPE s.e CASCADE", &[(Dependents, "s.e!", AccessExclusive)]),
        ("DROP ACCESS METHOD m CASCADE", &[(Dependents, "!", AccessExclusive)]),
        ("DROP TEXT SEARCH CONFIGURATION c CASCADE", &[(Dependents, "!", AccessExclusive)]),
        ("DROP EXTENSION e", &[(Dependents, "e!", AccessExclusive)]),
        ("DROP INDEX s.i", &[(IndexTable, "s.i", AccessExclusive)]),
        ("DROP OWNED BY r", &[(Owner, "r!", AccessExclusive)]),
        ("REASSIGN OWNED BY r TO q", &[(Owner, "r", AccessExclusive)]),
        ("ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b", &[(Tablespace, "a", AccessExclusive)]),
        ("ALTER DOMAIN d ADD CHECK (value > 0)", &[(DomainUsers, "d", Share)]),
        ("ALTER DOMAIN d ADD CHECK (value > 0) NOT VALID", &[]),
        ("ALTER TYPE c ADD ATTRIBUTE x int CASCADE", &[(TypedTables, "c", AccessExclusive)]),
        ("LOCK TABLE v", &[(Descendants, "v", AccessExclusive), (BaseRelations, "v", AccessExclusive)]),
        ("REINDEX SCHEMA s", &[(Schema, "s", AccessExclusive)]),
        ("REINDEX DATABASE d", &[(Database, "", AccessExclusive)]),
        ("VACUUM FULL", &[(Database, "", AccessExclusive)]),
        ("VACUUM (TRUNCATE false) ONLY t", &[]),
        ("VACUUM ONLY t", &[(Truncation, "t", AccessExclusive)]),
        ("INSERT INTO t VALUES (1)", &[(Triggers, "t", AccessExclusive)]),
        ("DELETE FROM ONLY t", &[(Triggers, "t", AccessExclusive), (ReferencingTables, "t!", RowExclusive)]),
        ("SELECT f()", &[(Functions, "", AccessExclusive)]),
        ("SELECT now(), count(*) FROM t", &[]),
        ("CALL p()", &[(Functions, "", AccessExclusive)]),
        (
            "INSERT INTO s.t (a) VALUES (app.f())",
            &[(Triggers, "s.t", AccessExclusive), (Functions, "", AccessExclusive)],
        ),
        ("DO $$ BEGIN EXECUTE x; END $$", &[(Functions, "", AccessExclusive)]),
        ("DO LANGUAGE plpython3u 'x'", &[(Functions, "", AccessExclusive)]),
        ("DO $$ BEGIN LOCK TABLE ONLY t; END $$", &[(BaseRelations, "t", AccessExclusive)]),
        ("EXPLAIN ANALYZE SELECT f()", &[(Functions, "", AccessExclusive)]),
        ("EXPLAIN SELECT f()", &[]),
        ("SELECT dagmar.recall_index('app.i', 'x')", &[(IndexTable, "app.i", Share)]),
    ];
    for (sql, expected) in table {
        let expected: Vec<_> = expected.iter().map(|(through, of, mode)| (*through, (*of).to_owned(), *mode)).collect();
        assert_eq!(also(sql), expected, "{sql}");
    }
}

/// Locks, whether it rewrites, whether it scans.
#[test]
fn what_the_text_tells_is_claimed() {
    for (sql, mode, rewrites, scans) in [
        ("ALTER TABLE t ADD c int GENERATED BY DEFAULT AS IDENTITY", AccessExclusive, true, true),
        ("ALTER TABLE t ADD c int DEFAULT 1 REFERENCES p", AccessExclusive, false, true),
        ("ALTER TABLE t ADD c int REFERENCES p", AccessExclusive, false, false),
        ("ALTER TABLE t ADD c int NOT NULL", AccessExclusive, false, true),
        ("ALTER TABLE t ADD c int NOT NULL DEFAULT NULL", AccessExclusive, false, true),
        ("ALTER TABLE t ADD c int DEFAULT 1 NOT NULL", AccessExclusive, false, false),
        ("ALTER TABLE t ADD c int GENERATED ALWAYS AS (a) VIRTUAL NOT NULL", AccessExclusive, false, true),
        ("ALTER TABLE t ALTER CONSTRAINT k ENFORCED", AccessExclusive, false, true),
        ("ALTER TABLE t ALTER CONSTRAINT k NOT ENFORCED", AccessExclusive, false, false),
        ("ALTER TABLE t ALTER CONSTRAINT k INHERIT", AccessExclusive, false, true),
        ("ALTER TABLE t ALTER CONSTRAINT k DEFERRABLE", AccessExclusive, false, false),
        ("ALTER TABLE t ADD CHECK (a > 0) NOT ENFORCED", AccessExclusive, false, false),
        ("ALTER TABLE t SET (security_barrier = on)", AccessExclusive, false, false),
        ("ALTER INDEX t SET (fillfactor = 50)", ShareUpdateExclusive, false, false),
        ("ALTER INDEX t SET (fastupdate = off)", AccessExclusive, false, false),
        ("ALTER INDEX t RESET (fillfactor, pages_per_range)", AccessExclusive, false, false),
        ("ALTER INDEX t DEPENDS ON EXTENSION e", AccessExclusive, false, false),
        ("ALTER INDEX t RENAME TO u", ShareUpdateExclusive, false, false),
        ("REINDEX TABLE t", AccessExclusive, false, true),
    ] {
        let facts = facts(sql);
        let of_t = facts.locks.iter().find(|(name, _)| name.to_string() == "t").map(|(_, mode)| *mode);
        assert_eq!((of_t, facts.rewrites, facts.scans), (Some(mode), rewrites, scans), "{sql}");
    }
}

use super::*;
use crate::sql::LockMode::{self, *};

fn locks(sql: &str) -> Vec<(String, LockMode)> {
    facts(sql).locks.into_iter().map(|(name, mode)| (name.to_string(), mode)).collect()
}

/// Statement, locks, rewrites, scans.
type Row = (&'static str, &'static [(&'static str, LockMode)], bool, bool);

/// The measured table: statement, locks, whether it rewrites, whether it scans.
#[test]
fn every_form_takes_the_lock_that_was_measured() {
    let table: &[Row] = &[
        ("ALTER TABLE s.t ADD COLUMN c int", &[("s.t", AccessExclusive)], false, false),
        ("ALTER TABLE t ADD c int NOT NULL DEFAULT 1", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ADD c timestamptz(3) DEFAULT now()", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ADD c jsonb DEFAULT '{}'::jsonb NOT NULL", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ADD c numeric(3, 2) DEFAULT 0::numeric(3, 2)", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ADD c uuid DEFAULT gen_random_uuid()", &[("t", AccessExclusive)], true, true),
        ("ALTER TABLE t ADD c timestamptz DEFAULT clock_timestamp()", &[("t", AccessExclusive)], true, true),
        ("ALTER TABLE t ADD c int DEFAULT app.next()", &[("t", AccessExclusive)], true, true),
        ("ALTER TABLE t ADD c bigserial", &[("t", AccessExclusive)], true, true),
        ("ALTER TABLE t ADD c int GENERATED ALWAYS AS IDENTITY", &[("t", AccessExclusive)], true, true),
        ("ALTER TABLE t ADD c int GENERATED ALWAYS AS (a + 1) STORED", &[("t", AccessExclusive)], true, true),
        ("ALTER TABLE t ADD c int GENERATED ALWAYS AS (a + 1) VIRTUAL", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ADD c int CHECK (c > 0)", &[("t", AccessExclusive)], false, true),
        ("ALTER TABLE t ADD c int UNIQUE", &[("t", AccessExclusive)], false, true),
        (
            "ALTER TABLE t ADD c int REFERENCES p (id)",
            &[("p", ShareRowExclusive), ("t", AccessExclusive)],
            false,
            false,
        ),
        ("ALTER TABLE ONLY t DROP COLUMN c", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ALTER c SET DEFAULT 1", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ALTER COLUMN c DROP NOT NULL", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t RENAME COLUMN a TO b", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t SET SCHEMA s", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t OWNER TO o", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ALTER c SET NOT NULL", &[("t", AccessExclusive)], false, true),
        ("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0)", &[("t", AccessExclusive)], false, true),
        ("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ADD CONSTRAINT k NOT NULL a NOT VALID", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t VALIDATE CONSTRAINT k", &[("t", ShareUpdateExclusive)], false, true),
        (
            "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES s.p",
            &[("s.p", ShareRowExclusive), ("t", ShareRowExclusive)],
            false,
            true,
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES p (id) ON UPDATE CASCADE NOT VALID",
            &[("p", ShareRowExclusive), ("t", ShareRowExclusive)],
            false,
            false,
        ),
        ("CREATE TABLE n (a int REFERENCES p, b int REFERENCES n)", &[("p", ShareRowExclusive)], false, false),
        ("ALTER TABLE t DROP CONSTRAINT k", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ADD UNIQUE (a)", &[("t", AccessExclusive)], false, true),
        ("ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&)", &[("t", AccessExclusive)], false, true),
        ("ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX i", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ADD PRIMARY KEY USING INDEX i", &[("t", AccessExclusive)], false, true),
        ("ALTER TABLE t ALTER CONSTRAINT k DEFERRABLE", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ALTER c TYPE bigint", &[("t", AccessExclusive)], true, true),
        ("ALTER TABLE t ALTER c SET DATA TYPE text USING c::text", &[("t", AccessExclusive)], true, true),
        ("ALTER TABLE t ALTER c SET STATISTICS 100", &[("t", ShareUpdateExclusive)], false, false),
        ("ALTER TABLE t ALTER c SET (n_distinct = 5)", &[("t", ShareUpdateExclusive)], false, false),
        ("ALTER TABLE t SET (fillfactor = 70, toast_tuple_target = 128)", &[("t", ShareUpdateExclusive)], false, false),
        ("ALTER TABLE t CLUSTER ON i", &[("t", ShareUpdateExclusive)], false, false),
        ("COMMENT ON TABLE t IS 'x on y'", &[("t", ShareUpdateExclusive)], false, false),
        ("COMMENT ON COLUMN s.t.c IS 'x'", &[("s.t", ShareUpdateExclusive)], false, false),
        ("COMMENT ON CONSTRAINT k ON t IS 'x'", &[("t", AccessShare)], false, false),
        ("ALTER TABLE t NO INHERIT p", &[("p", AccessShare), ("t", AccessExclusive)], false, false),
        (
            "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t FROM p FOR EACH ROW EXECUTE FUNCTION f()",
            &[("t", ShareRowExclusive), ("p", AccessShare)],
            false,
            false,
        ),
        ("CREATE STATISTICS st ON a, b FROM t", &[("t", ShareUpdateExclusive)], false, false),
        ("ANALYZE VERBOSE t (a), u", &[("t", ShareUpdateExclusive), ("u", ShareUpdateExclusive)], false, false),
        ("ALTER TABLE t INHERIT p", &[("p", ShareUpdateExclusive), ("t", AccessExclusive)], false, false),
        (
            "CREATE PUBLICATION b FOR TABLE t (a), u WHERE (x > 1)",
            &[("t", ShareUpdateExclusive), ("u", ShareUpdateExclusive)],
            false,
            false,
        ),
        ("ALTER PUBLICATION b ADD TABLE t", &[("t", ShareUpdateExclusive)], false, false),
        ("ALTER TABLE t ALTER c SET STORAGE external", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t REPLICA IDENTITY FULL", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", &[("t", AccessExclusive)], false, false),
        ("CREATE POLICY p ON t USING (true)", &[("t", AccessExclusive)], false, false),
        ("CREATE RULE r AS ON INSERT TO t DO NOTHING", &[("t", AccessExclusive)], false, false),
        ("ALTER TABLE t SET UNLOGGED", &[("t", AccessExclusive)], true, true),
        ("ALTER TABLE t SET TABLESPACE x", &[("t", AccessExclusive)], true, true),
        ("CLUSTER t USING i", &[("t", AccessExclusive)], true, true),
        ("VACUUM (FULL, ANALYZE) t", &[("t", AccessExclusive)], true, true),
        ("VACUUM (FULL false) t", &[("t", ShareUpdateExclusive)], false, true),
        ("TRUNCATE TABLE ONLY t, u RESTART IDENTITY", &[("t", AccessExclusive), ("u", AccessExclusive)], false, false),
        (
            "CREATE TRIGGER g BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION f()",
            &[("t", ShareRowExclusive)],
            false,
            false,
        ),
        ("ALTER TABLE t DISABLE TRIGGER ALL", &[("t", ShareRowExclusive)], false, false),
        ("ALTER TABLE t ENABLE REPLICA TRIGGER g", &[("t", ShareRowExclusive)], false, false),
        ("DROP TRIGGER IF EXISTS g ON t", &[("t", AccessExclusive)], false, false),
        ("CREATE UNIQUE INDEX i ON ONLY t (a)", &[("t", Share)], false, true),
        ("CREATE INDEX ON t (a)", &[("t", Share)], false, true),
        ("CREATE INDEX CONCURRENTLY i ON s.t (a)", &[("s.t", ShareUpdateExclusive)], false, true),
        ("DROP INDEX s.i", &[("s.i", AccessExclusive)], false, false),
        ("DROP INDEX CONCURRENTLY i", &[("i", ShareUpdateExclusive)], false, false),
        ("ALTER INDEX i RENAME TO j", &[("i", ShareUpdateExclusive)], false, false),
        ("REINDEX INDEX i", &[("i", AccessExclusive)], false, true),
        ("REINDEX TABLE t", &[("t", AccessExclusive)], false, true),
        ("REINDEX (VERBOSE, CONCURRENTLY) TABLE t", &[("t", ShareUpdateExclusive)], false, true),
        ("CREATE TABLE c PARTITION OF p FOR VALUES IN (1)", &[("p", AccessExclusive)], false, false),
        (
            "CREATE TABLE c (LIKE s, CHECK (a LIKE b)) INHERITS (p, q)",
            &[("p", ShareUpdateExclusive), ("q", ShareUpdateExclusive), ("s", AccessShare)],
            false,
            false,
        ),
        (
            "ALTER TABLE p ATTACH PARTITION c FOR VALUES IN (1)",
            &[("c", AccessExclusive), ("p", ShareUpdateExclusive)],
            false,
            true,
        ),
        ("ALTER TABLE p DETACH PARTITION c", &[("c", AccessExclusive), ("p", AccessExclusive)], false, false),
        (
            "ALTER TABLE p DETACH PARTITION c CONCURRENTLY",
            &[("c", AccessExclusive), ("p", ShareUpdateExclusive)],
            false,
            false,
        ),
        ("DROP TABLE IF EXISTS t, \"U\" CASCADE", &[("t", AccessExclusive), ("U", AccessExclusive)], false, false),
        ("CREATE VIEW v AS SELECT * FROM t", &[("t", AccessShare)], false, false),
        ("CREATE OR REPLACE VIEW v AS SELECT * FROM t", &[("v", AccessExclusive), ("t", AccessShare)], false, false),
        ("DROP VIEW v", &[("v", AccessExclusive)], false, false),
        ("REFRESH MATERIALIZED VIEW v", &[("v", AccessExclusive)], true, true),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", &[("v", Exclusive)], false, true),
        ("ALTER SEQUENCE s RESTART", &[("s", ShareRowExclusive)], false, false),
        ("ALTER TYPE e ADD VALUE 'x'", &[], false, false),
        ("GRANT SELECT ON t TO r", &[], false, false),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM t'", &[], false, false),
        (
            "LOCK TABLE t, u IN SHARE ROW EXCLUSIVE MODE",
            &[("t", ShareRowExclusive), ("u", ShareRowExclusive)],
            false,
            false,
        ),
        ("LOCK t", &[("t", AccessExclusive)], false, false),
        // one lock for all actions: the strongest
        (
            "ALTER TABLE t VALIDATE CONSTRAINT k, ALTER a SET STATISTICS 1, ADD b int",
            &[("t", AccessExclusive)],
            false,
            true,
        ),
    ];
    for (sql, expected, rewrites, scans) in table {
        let expected: Vec<_> = expected.iter().map(|(name, mode)| ((*name).to_owned(), *mode)).collect();
        let facts = facts(sql);
        assert_eq!(locks(sql), expected, "{sql}");
        assert_eq!((facts.rewrites, facts.scans), (*rewrites, *scans), "{sql}");
    }
}

#[test]
fn rows_are_read_and_written_where_they_stand() {
    for (sql, expected) in [
        (
            "INSERT INTO a SELECT * FROM b JOIN s.c USING (id), d",
            vec![("a", RowExclusive), ("b", AccessShare), ("s.c", AccessShare), ("d", AccessShare)],
        ),
        (
            "WITH w AS (DELETE FROM a RETURNING *), x (i) AS (SELECT 1) INSERT INTO b SELECT * FROM w, x",
            vec![("a", RowExclusive), ("b", RowExclusive)],
        ),
        (
            "UPDATE ONLY a SET b = extract(year FROM c) FROM d WHERE e IS DISTINCT FROM f",
            vec![("a", RowExclusive), ("d", AccessShare)],
        ),
        (
            "SELECT * FROM a, LATERAL (SELECT x, y FROM b) z, generate_series(1, 2), c FOR UPDATE",
            vec![("a", RowShare), ("b", RowShare), ("c", RowShare)],
        ),
        (
            "MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN UPDATE SET x = 1",
            vec![("a", RowExclusive), ("b", AccessShare)],
        ),
        ("INSERT INTO a VALUES (1) ON CONFLICT (i) DO UPDATE SET x = excluded.x", vec![("a", RowExclusive)]),
        ("DELETE FROM a USING b, c WHERE a.i = b.i", vec![("a", RowExclusive), ("b", AccessShare), ("c", AccessShare)]),
        ("COPY a (x) FROM '/f'", vec![("a", RowExclusive)]),
        ("EXPLAIN ANALYZE DELETE FROM a", vec![("a", RowExclusive)]),
        ("SELECT 1 WHERE EXISTS (SELECT FROM a)", vec![("a", AccessShare)]),
        ("SELECT * FROM (VALUES (x), (y)) v", vec![]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(name, mode)| (name.to_owned(), mode)).collect();
        assert_eq!(locks(sql), expected, "{sql}");
    }
}

#[test]
fn what_cannot_run_in_a_transaction() {
    let name = |text: &str| text.parse().unwrap();
    let rest: Vec<(&str, Outside)> = [
        "REINDEX INDEX CONCURRENTLY i",
        "REINDEX (CONCURRENTLY) TABLE t",
        "REINDEX SCHEMA s",
        "REINDEX DATABASE d",
        "REINDEX SYSTEM d",
        "VACUUM",
        "VACUUM (ANALYZE) t",
        "CLUSTER",
        "CLUSTER t",
        "REINDEX TABLE t",
        "REINDEX (CONCURRENTLY false) TABLE t",
        "CLUSTER VERBOSE",
        "ALTER DATABASE d SET TABLESPACE x",
        "ALTER SYSTEM SET a = 1",
        "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
        "ALTER SUBSCRIPTION s SET PUBLICATION p",
        "DISCARD ALL",
        "DROP DATABASE IF EXISTS d",
    ]
    .into_iter()
    .map(|sql| (sql, Outside::Repeatable))
    .chain(
        [
            "CREATE DATABASE d",
            "DROP DATABASE d",
            "CREATE TABLESPACE x LOCATION '/x'",
            "DROP TABLESPACE x",
            "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
            "DROP SUBSCRIPTION s",
            "ALTER SUBSCRIPTION s ADD PUBLICATION p",
            "COMMIT PREPARED 'x'",
            "ROLLBACK PREPARED 'x'",
            "CREATE INDEX CONCURRENTLY ON t (a)",
            "DO $$ BEGIN UPDATE t SET a = 1; COMMIT; END $$",
        ]
        .map(|sql| (sql, Outside::Opaque)),
    )
    .chain([
        (
            "create unique index concurrently if not exists \"I\" on only s.t using btree (a)",
            Outside::CreateIndex { index: name("s.I"), table: name("s.t") },
        ),
        ("DROP INDEX CONCURRENTLY IF EXISTS s.i", Outside::DropIndex { index: name("s.i") }),
        (
            "ALTER TABLE s.p DETACH PARTITION s.c CONCURRENTLY",
            Outside::DetachPartition { table: name("s.p"), partition: name("s.c") },
        ),
    ])
    .collect();
    for (sql, outside) in rest {
        assert_eq!(facts(sql).outside, Some(outside), "{sql}");
    }
    for sql in [
        "CREATE INDEX i ON t (a)",
        "DROP INDEX \"concurrently\"",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "ANALYZE",
        "ALTER TYPE e ADD VALUE 'x'",
        "ALTER DATABASE d SET work_mem = '1MB'",
        "ALTER TABLE p DETACH PARTITION c FINALIZE",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = false, slot_name = NONE)",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)",
        "ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)",
        "ALTER SUBSCRIPTION s DISABLE",
        "PREPARE TRANSACTION 'x'",
        "DISCARD TEMP",
        "SELECT 'VACUUM'",
    ] {
        assert_eq!(facts(sql).outside, None, "{sql}");
    }
}

#[test]
fn what_loses_data() {
    for sql in [
        "DROP TABLE t",
        "ALTER TABLE t DROP c, ADD d int",
        "DROP SCHEMA s CASCADE",
        "DROP TYPE e CASCADE",
        "DROP DATABASE d",
        "DROP SEQUENCE s",
        "DROP OWNED BY r",
        "TRUNCATE t",
        "DELETE FROM t",
        "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
        "MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE",
        "ALTER TYPE c DROP ATTRIBUTE a",
        "EXPLAIN (ANALYZE) DELETE FROM t",
        "DO $$ BEGIN IF true THEN DROP TABLE t; END IF; END $$",
    ] {
        assert!(facts(sql).loses_data, "{sql}");
    }
    for sql in [
        "UPDATE t SET a = NULL",
        "DROP SCHEMA s",
        "DROP TYPE e",
        "DROP VIEW v CASCADE",
        "DROP INDEX i",
        "ALTER TABLE t ALTER c DROP NOT NULL, DROP CONSTRAINT k",
        "EXPLAIN DELETE FROM t",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM t'",
        "CREATE TABLE t (a int REFERENCES p ON DELETE CASCADE)",
        "GRANT DELETE ON t TO r",
    ] {
        assert!(!facts(sql).loses_data, "{sql}");
    }
}

#[test]
fn what_stays_in_the_session() {
    for sql in [
        "SET search_path = a",
        "SET SESSION work_mem = '1MB'",
        "SET ROLE r",
        "SET SESSION AUTHORIZATION r",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "RESET ALL",
        "CREATE TEMP TABLE t (a int)",
        "CREATE LOCAL TEMPORARY TABLE t AS SELECT 1",
        "CREATE TEMPORARY VIEW v AS SELECT 1",
        "SELECT 1 INTO TEMP x",
        "LISTEN c",
        "LOAD 'x'",
        "PREPARE q AS SELECT 1",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "SELECT set_config('a.b', 'x', false)",
        "SELECT pg_advisory_lock(1)",
    ] {
        assert!(facts(sql).session, "{sql}");
    }
    for sql in [
        "SET LOCAL search_path = a",
        "SET TRANSACTION READ ONLY",
        "SET CONSTRAINTS ALL DEFERRED",
        "CREATE TEMP TABLE t (a int) ON COMMIT DROP",
        "DECLARE c CURSOR FOR SELECT 1",
        "SELECT set_config('a.b', 'x', true)",
        "SELECT pg_advisory_xact_lock(1)",
        "ALTER ROLE r SET search_path = a",
    ] {
        assert!(!facts(sql).session, "{sql}");
    }
}

#[test]
fn blocks_are_read_as_far_as_they_show() {
    let sql = "DO LANGUAGE plpgsql $x$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM a; IF n > 0 THEN ALTER TABLE b ADD c uuid DEFAULT gen_random_uuid(); ELSE PERFORM f(i) FROM d; END IF; EXECUTE 'DROP TABLE e'; END $x$";
    assert_eq!(
        locks(sql),
        [("a".to_owned(), AccessShare), ("b".to_owned(), AccessExclusive), ("d".to_owned(), AccessShare)]
    );
    assert!(facts(sql).rewrites && !facts(sql).loses_data);
    assert!(facts("DO 'BEGIN DELETE FROM t WHERE a = ''x;y''; END'").loses_data);
}

#[test]
fn twenty_thousand_statements_keep_their_facts() {
    let locked = (0..20_000).filter(|n| facts(&format!("ALTER TABLE s.t{n} ADD c int")).locks.len() == 1).count();
    assert_eq!(locked, 20_000);
}

#[test]
fn no_depth_overflows_the_stack() {
    let _ = facts(&format!("{}SELECT 1", "EXPLAIN ".repeat(100_000)));
    let opened: String = (0..2000).map(|i| format!("DO $a{i}$ BEGIN ")).collect();
    let closed: String = (0..2000).rev().map(|i| format!(" END $a{i}$")).collect();
    let _ = facts(&format!("{opened}LOCK TABLE t{closed}"));
    assert_eq!(facts("DO $a$ BEGIN DO $b$ BEGIN LOCK TABLE t; END $b$; END $a$").locks.len(), 1);
}

#[test]
fn the_ledgers_functions_do_what_statements_do() {
    assert_eq!(
        locks("SELECT dagmar.keep_column('app.\"Users\"'::regclass, 'a', 'x')"),
        [("app.Users".to_owned(), AccessExclusive)]
    );
    assert_eq!(locks("SELECT \"my ledger\".restore_table('app.t', 'x')"), [("app.t".to_owned(), AccessExclusive)]);
    let back = facts("SELECT dagmar.recall_type('app.t'::regclass, 'a', 'x')");
    assert!(back.rewrites && back.scans);
    let kept = "WITH done AS (DELETE FROM app.t WHERE a RETURNING 1) SELECT dagmar.expect_remembered('app.t'::regclass, 'delete', 'x', count(*)) FROM done";
    assert_eq!(locks(kept), [("app.t".to_owned(), RowExclusive)]);
    assert!(!facts(kept).loses_data && facts("DELETE FROM app.t WHERE a").loses_data);
    assert_eq!(locks("SELECT dagmar.remember_default('app.t'::regclass, 'a', 'x')"), []);
    assert_eq!(locks("SELECT keep_column('app.t')"), [], "not of a schema");
}

#[test]
fn an_index_of_existing_rows_is_built() {
    for (sql, expected) in [
        ("CREATE INDEX ON t (a)", true),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", true),
        ("ALTER TABLE t ADD UNIQUE (a)", true),
        ("ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX i", false),
        ("ALTER TABLE t ADD PRIMARY KEY (a)", true),
        ("ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY USING INDEX i", false),
        ("ALTER TABLE t ADD EXCLUDE USING gist (a WITH &&)", true),
        ("ALTER TABLE t ADD c int UNIQUE", true),
        ("ALTER TABLE t ADD c int CHECK (c > 0)", false),
        ("ALTER TABLE t ATTACH PARTITION p FOR VALUES IN (1)", true),
        ("REINDEX TABLE t", true),
        ("CREATE TABLE t (a int PRIMARY KEY)", false),
    ] {
        assert_eq!(facts(sql).builds, expected, "{sql}");
    }
}

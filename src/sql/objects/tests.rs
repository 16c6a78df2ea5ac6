use super::*;
use crate::effects::{Access, ObjectClass};

/// `create table a, read table b`.
fn seen(sql: &str) -> String {
    let Some(effects) = touches(sql) else { return "unknown".to_owned() };
    let one = |t: &crate::effects::Touch| format!("{:?} {:?} {}", t.how, t.object, t.name).to_lowercase();
    effects.touches.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn definitions() {
    for (sql, expected) in [
        (
            "CREATE TABLE a.b (i int REFERENCES p.q, m a.mood, j jsonb DEFAULT a.f(), FOREIGN KEY (i) REFERENCES r) INHERITS (h)",
            "create table a.b, reference table p.q, read type a.mood, read function a.f, reference table r, alter table h",
        ),
        ("CREATE TABLE c PARTITION OF p FOR VALUES IN (1)", "create table c, alter table p"),
        ("CREATE TABLE n AS SELECT * FROM o", "create table n, read table o"),
        ("CREATE TABLE n (LIKE o, i int DEFAULT nextval('s.q'))", "create table n, read table o, read sequence s.q"),
        (
            "CREATE OR REPLACE VIEW v AS WITH w AS (SELECT * FROM t) SELECT a.f(x) FROM w",
            "create view v, read table t, read function a.f",
        ),
        ("CREATE MATERIALIZED VIEW v AS SELECT * FROM t", "create view v, read table t"),
        ("CREATE INDEX CONCURRENTLY i ON a.b (lower(x))", "create index a.i, alter table a.b, read function lower"),
        ("CREATE SEQUENCE s OWNED BY a.b.c", "create sequence s, read table a.b"),
        ("CREATE TYPE a.mood AS ENUM ('x')", "create type a.mood"),
        ("CREATE DOMAIN a.d AS text CHECK (a.ok(VALUE))", "create type a.d, read function a.ok"),
        ("CREATE SCHEMA app AUTHORIZATION bob", "create schema app, read role bob"),
        ("CREATE EXTENSION pgcrypto SCHEMA x", "create extension pgcrypto, read schema x"),
        (
            "CREATE FUNCTION a.f(x int) RETURNS a.mood LANGUAGE sql AS 'DELETE FROM t RETURNING oops('",
            "create function a.f, read type a.mood",
        ),
        (
            "CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM t; END",
            "create function f, read function count, read table t",
        ),
        ("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", "alter table t, read function f"),
        ("CREATE POLICY p ON t USING (EXISTS (SELECT FROM m))", "alter table t, read table m"),
        ("CREATE RULE r AS ON INSERT TO t DO INSTEAD INSERT INTO u VALUES (1)", "alter table t, read table u"),
        ("CREATE TEMP TABLE x (i int); INSERT INTO x SELECT i FROM t", "read table t"),
    ] {
        assert_eq!(seen(sql), expected, "{sql}");
    }
}

#[test]
fn changes_and_drops() {
    for (sql, expected) in [
        ("ALTER TABLE a.b ADD COLUMN c int REFERENCES r", "alter table a.b, reference table r"),
        ("ALTER TABLE a.b RENAME TO c", "alter table a.b, create table a.c"),
        ("ALTER TABLE t SET SCHEMA s", "alter table t, read schema s"),
        ("ALTER TABLE p ATTACH PARTITION c DEFAULT", "alter table p, alter table c"),
        ("ALTER TABLE a.t ADD UNIQUE USING INDEX i", "alter table a.t, alter index a.i"),
        ("ALTER INDEX a.i RENAME TO j", "alter index a.i, create index a.j"),
        ("ALTER TYPE a.mood ADD VALUE 'x'", "alter type a.mood"),
        ("ALTER VIEW v SET (security_barrier)", "alter view v"),
        ("DROP TABLE IF EXISTS a.b, \"C\"", "drop table a.b, drop table c"),
        ("DROP INDEX CONCURRENTLY s.i", "drop index s.i"),
        ("DROP VIEW v", "drop view v"),
        ("DROP FUNCTION a.f(int)", "drop function a.f"),
        ("DROP TRIGGER g ON t", "alter table t"),
        ("DROP POLICY p ON t", "alter table t"),
        ("DROP SCHEMA app", "drop schema app"),
        ("COMMENT ON COLUMN a.b.c IS 'x'", "alter table a.b"),
        ("GRANT USAGE ON SCHEMA app TO r, PUBLIC", "alter schema app, read role r"),
        ("GRANT SELECT ON a.b TO r", "alter table a.b, read role r"),
        ("REFRESH MATERIALIZED VIEW v", "write view v"),
        ("TRUNCATE a, b", "write table a, write table b"),
    ] {
        assert_eq!(seen(sql), expected, "{sql}");
    }
    let effects = touches("ALTER TABLE a.b ADD COLUMN c int, ADD \"D\" text").unwrap();
    let columns: Vec<_> = effects.columns.iter().map(|(t, c)| format!("{t}.{c}")).collect();
    assert_eq!(columns, ["a.b.c", "a.b.D"]);
    assert!(
        !effects.opaque && effects.touches.iter().all(|t| (t.object, t.how) == (ObjectClass::Table, Access::Alter))
    );
}

#[test]
fn rows() {
    for (sql, expected) in [
        (
            "WITH q AS (DELETE FROM o RETURNING *) INSERT INTO n SELECT * FROM q JOIN m USING (i)",
            "write table o, write table n, read table m",
        ),
        ("UPDATE t SET x = (SELECT max(y) FROM u) FROM v", "write table t, read table u, read table v"),
        ("DELETE FROM t USING u WHERE true", "write table t, read table u"),
        ("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", "write table t, read table s"),
        ("COPY t FROM '/x'; COPY u TO '/y'", "write table t, read table u"),
        ("SELECT nextval('s.q'), pg_catalog.now()", "read sequence s.q"),
        ("SET search_path = app", ""),
        ("", ""),
    ] {
        assert_eq!(seen(sql), expected, "{sql}");
    }
}

#[test]
fn what_cannot_be_known_is_said() {
    for sql in [
        "DO $$ BEGIN END $$",
        "CALL p()",
        "EXECUTE q",
        "SELECT app.backfill()",
        "INSERT INTO t SELECT * FROM app.rows()",
        "DROP SCHEMA app CASCADE",
        "DROP OWNED BY r",
        "REASSIGN OWNED BY a TO b",
        "IMPORT FOREIGN SCHEMA s FROM SERVER v INTO app",
        "SELECT 1 FROM",
        "SELEC 1",
        "SELECT 'open",
        "CREATE TABLE t (i int); CALL p()",
    ] {
        assert_eq!(seen(sql), "unknown", "{sql}");
    }
}

#[test]
fn no_text_ends_the_process() {
    let nested = |n: usize| format!("SELECT {}1{} FROM t", "(".repeat(n), ")".repeat(n));
    assert_eq!(seen(&nested(1_000)), "read table t");
    assert_eq!(seen(&nested(5_000)), "unknown");
    assert_eq!(seen(&format!("SELECT 1{} FROM t", " || 1".repeat(5_000))), "read table t");
    assert_eq!(seen(&format!("SELECT 1{} FROM t", " || 1".repeat(100_000))), "unknown");
    assert_eq!(seen(&format!("SELECT {} true FROM t", "NOT ".repeat(3_000))), "read table t");
    assert_eq!(
        seen(&format!("SELECT {}a{} FROM t", "CASE WHEN ".repeat(2_300), " THEN 1 END".repeat(2_300))),
        "read table t"
    );
    assert_eq!(seen(&format!("SELECT 1 FROM t WHERE i IN ({}0)", "1, ".repeat(100_000))), "read table t");
    assert_eq!(seen(&format!("SELECT {}1", "[".repeat(50_000))), "unknown");
}

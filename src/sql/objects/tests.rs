use super::*;
use crate::effects::{Access, ObjectClass};

/// `create table a, read table b`.
fn seen(sql: &str) -> String {
    let Some(effects) = touches(sql) else { return "unknown".to_owned() };
    let one = |t: &crate::effects::Touch| format!("{:?} {:?} {}", t.how, t.object, t.name).to_lowercase();
    effects.touches.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// `read column app.t.a`, those of a body with when they are looked up; `?x of a | b` for a column of either.
fn named(sql: &str) -> String {
    let found = objects(sql).unwrap();
    let one = |m: &Mention| {
        let when = match m.lookup {
            Lookup::Statement => "",
            Lookup::Creation => " (creation)",
            Lookup::Call => " (call)",
        };
        let guarded = if m.guarded { " if" } else { "" };
        (m.at.start, format!("{} {}{guarded}{when}", format!("{:?}", m.how).to_lowercase(), m.object))
    };
    let mut all: Vec<(usize, String)> = found.mentions.iter().map(one).collect();
    let among = |c: &LooseColumn| c.among.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
    all.extend(found.columns.iter().map(|c| (c.at.start, format!("?{} of {}", c.name, among(c)))));
    all.extend(found.unknown.iter().map(|u| (u.at.start, format!("unknown: {}", u.what))));
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(", ")
}

#[test]
fn columns_and_what_belongs_to_tables() {
    for (sql, expected) in [
        (
            "CREATE TABLE a.b (i int REFERENCES p (x), CONSTRAINT c CHECK (i > 0), m a.mood DEFAULT 'x')",
            "create a.b, create column a.b.i, reference p, read column p.x, create constraint c of a.b, \
             read column a.b.i, create column a.b.m, read type a.mood, read value 'x' of type a.mood",
        ),
        (
            "ALTER TABLE a.b ADD COLUMN IF NOT EXISTS c int, DROP d, ALTER e SET NOT NULL, RENAME f TO g",
            "alter a.b, create column a.b.c if, drop column a.b.d, alter column a.b.e, drop column a.b.f, create column a.b.g",
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT x FOREIGN KEY (i, j) REFERENCES a.c (k, l)",
            "alter t, create constraint x of t, read column t.i, read column t.j, reference a.c, read column a.c.k, \
             read column a.c.l",
        ),
        (
            "CREATE INDEX i ON a.t (lower(x)) WHERE y IS NULL",
            "create a.i, alter a.t, read function lower, read column a.t.x, read column a.t.y",
        ),
        (
            "CREATE TRIGGER g BEFORE UPDATE OF c ON t FOR EACH ROW WHEN (NEW.x > 1) EXECUTE FUNCTION f()",
            "create trigger g of t, read column t.c, alter t, read column t.x, read function f",
        ),
        ("CREATE STATISTICS s.x (ndistinct) ON a, b FROM t", "create statistics s.x, alter t"),
        ("DROP STATISTICS IF EXISTS s.x, y", "drop statistics s.x if, drop statistics y if"),
        ("ALTER STATISTICS s.x RENAME TO y", "alter statistics s.x"),
        ("DROP TRIGGER IF EXISTS g ON t", "drop trigger g of t if, alter t if"),
        (
            "CREATE POLICY p ON t USING (owner = me())",
            "create policy p of t, alter t, read column t.owner, read function me",
        ),
        (
            "INSERT INTO t AS q (x) SELECT u.a FROM u ON CONFLICT (x) DO UPDATE SET y = EXCLUDED.y RETURNING q.id",
            "write t, read column t.x, read column u.a, read u, read column t.x, read column t.y, read column t.y, \
             read column t.id",
        ),
        (
            "UPDATE a.t SET x = b FROM u WHERE t.id = u.id",
            "write a.t, read column a.t.x, ?b of a.t | u, read u, read column a.t.id, read column u.id",
        ),
        (
            "SELECT x, y AS z FROM t JOIN v AS w USING (k) WHERE w.z = (SELECT max(o) FROM s) ORDER BY z",
            "?x of t | v, ?y of t | v, read t, read v, ?k of t | v, read column v.z, read function max, ?o of s | t | v, read s",
        ),
        ("WITH c AS (SELECT 1 AS k) SELECT k, c.k FROM c", ""),
        ("SELECT q.a, b FROM (SELECT a FROM t) q", "read t"),
        ("SELECT f(t), (r).x, a.t.y, t.* FROM a.t", "read function f, read column a.t.r, read column a.t.y, read a.t"),
        (
            "ALTER TYPE a.m ADD VALUE 'x' AFTER 'y'",
            "alter type a.m, create value 'x' of type a.m, read value 'y' of type a.m",
        ),
        ("SELECT 'x'::a.m, 'a.t'::regclass", "read value 'x' of type a.m, read type a.m, read a.t"),
        ("COMMENT ON COLUMN a.b.c IS 'x'", "alter a.b, read column a.b.c"),
        ("COPY t (a) FROM '/x'", "write t, read column t.a"),
        ("ALTER TABLE t DROP CONSTRAINT IF EXISTS c", "alter t, drop constraint c of t if"),
        (
            "MERGE INTO t USING s ON t.i = s.i WHEN NOT MATCHED THEN INSERT (a) VALUES (s.b)",
            "write t, read s, read column t.i, read column s.i, read column t.a, read column s.b",
        ),
        ("SET x.y = 'z'", ""),
        (
            "GRANT SELECT, INSERT ON a.t TO bob",
            "alter a.t, read role bob, create privilege SELECT on a.t of bob, create privilege INSERT on a.t of bob",
        ),
        ("REVOKE ALL ON a.t FROM PUBLIC", "alter a.t, drop privilege ALL on a.t of public"),
    ] {
        assert_eq!(named(sql), expected, "{sql}");
    }
}

#[test]
fn functions_have_arguments() {
    for (sql, expected) in [
        (
            "CREATE FUNCTION a.f(x int, OUT y text, VARIADIC z varchar(3)[] DEFAULT '{}') LANGUAGE c AS 'x'",
            "create function a.f(integer, character varying[])",
        ),
        ("DROP FUNCTION a.f(int4, text)", "drop function a.f(integer, text)"),
        ("DROP FUNCTION a.f", "drop function a.f"),
    ] {
        assert_eq!(named(sql), expected, "{sql}");
    }
    let arguments = |sql: &str| match &objects(sql).unwrap().mentions[0].object {
        Object::Function(_, arguments) => arguments.clone(),
        other => panic!("{other}"),
    };
    let made = arguments("CREATE FUNCTION f(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1'");
    let call = |sql: &str| arguments(sql).can_mean(&made);
    assert!(call("SELECT f(1)") && call("SELECT f(1, 2)") && call("DROP FUNCTION f(int, int)"));
    assert!(!call("SELECT f()") && !call("SELECT f(1, 2, 3)") && !call("DROP FUNCTION f(int)"));
}

#[test]
fn bodies_are_read() {
    for (sql, expected) in [
        (
            "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS $$ SELECT a FROM t WHERE b = x $$",
            "create function f(integer), read column t.a (creation), read t (creation), read column t.b (creation)",
        ),
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SET search_path = app AS $$
             DECLARE n int; c t.id%TYPE;
             BEGIN SELECT count(*), n INTO STRICT n FROM t; IF n > 0 THEN DELETE FROM u; END IF; RETURN NEW; END $$",
            "create function f(), read column app.t.id (creation), read function app.count (call), read app.t (call), \
             write app.u if (call)",
        ),
        (
            "DO $$ BEGIN EXECUTE 'DROP TABLE a.d'; EXECUTE format('DROP TABLE %I', x); PERFORM g(1); END $$",
            "drop a.d, read function format, unknown: EXECUTE of a text that is built at run time, read function g",
        ),
        (
            r#"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM "T" WHERE x = ''a'''"#,
            "create function f(), read T (creation), read column T.x (creation)",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'return 1'",
            "unknown: code in another language than SQL and PL/pgSQL, create function f()",
        ),
    ] {
        assert_eq!(named(sql), expected, "{sql}");
    }
    let body = r#"CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN SELECT ''x'', 1 INTO n FROM a."T"; END'"#;
    let found = objects(body).unwrap();
    let mention = found.mentions.iter().find(|m| m.object.to_string() == "a.T").unwrap();
    assert_eq!(&body[mention.at.clone()], r#"a."T""#);
}

#[test]
fn search_paths_and_mistakes() {
    let path = |sql: &str| {
        let path = objects(sql).unwrap().search_paths.pop();
        path.map(|(_, path)| path.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    for (sql, expected) in [
        (r#"SET search_path = app, "My schema""#, Some(vec!["app", "My schema"])),
        ("SET LOCAL search_path TO 'app'", Some(vec!["app"])),
        ("SELECT pg_catalog.set_config('search_path', 'app, public', false)", Some(vec!["app", "public"])),
        ("RESET search_path", Some(vec![])),
        ("SET work_mem = '1MB'", None),
    ] {
        assert_eq!(path(sql), expected.map(|p| p.into_iter().map(str::to_owned).collect()), "{sql}");
    }
    let mistakes =
        |sql: &str| objects(sql).unwrap().mistakes.into_iter().map(|m| (m.at.start, m.in_body)).collect::<Vec<_>>();
    assert_eq!(mistakes("CREATE TABEL t (i int)")[0], (0, false));
    assert!(mistakes("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELEC 1'")[0].1);
    assert_eq!(mistakes("DO $$ BEGIN SELECT 1 INTO x; FOO; END $$").len(), 1);
    assert_eq!(mistakes("SELECT 1"), []);
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

//! Pairs of databases.

use super::database::{Database, same};
use super::process::Run;
use super::project::Project;
use super::server::Server;
use serde_json::Value;

/// Each: what the first database has more than the other, what the second one has.
pub const PAIRS: [(&str, &str, &[&str]); 30] = [
    ("", "ALTER TABLE app.t ADD zeta int, ADD alpha int", &["ADD COLUMN zeta"]),
    (
        "CREATE TABLE app.p (a int) PARTITION BY LIST (a); CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES IN (1)",
        "CREATE TABLE app.p (a int) PARTITION BY LIST (a); CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES IN (1); \
         ALTER TABLE app.p ADD b int; CREATE INDEX p_b ON app.p (b)",
        &["ADD COLUMN b"],
    ),
    (
        "CREATE VIEW app.v AS SELECT id FROM app.t",
        "CREATE VIEW app.v AS SELECT id, n FROM app.t",
        &["CREATE VIEW app.v (id, n)"],
    ),
    ("", "CREATE INDEX t_n ON app.t (n)", &["CREATE INDEX CONCURRENTLY t_n"]),
    ("CREATE INDEX t_n ON app.t (n)", "", &["DROP INDEX CONCURRENTLY app.t_n"]),
    (
        "CREATE TABLE app.p (a int PRIMARY KEY) PARTITION BY RANGE (a); CREATE INDEX p_a ON app.p (a)",
        "CREATE TABLE app.p (a int PRIMARY KEY) PARTITION BY RANGE (a); CREATE INDEX p_a ON app.p (a); \
         CREATE TABLE app.p1 (a int NOT NULL, CONSTRAINT mine PRIMARY KEY (a)); \
         ALTER TABLE app.p ATTACH PARTITION app.p1 FOR VALUES FROM (1) TO (9); \
         CREATE TABLE app.p2 PARTITION OF app.p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (a); \
         CREATE TABLE app.p21 PARTITION OF app.p2 FOR VALUES FROM (10) TO (12)",
        &["ADD CONSTRAINT mine PRIMARY KEY (a)", "ATTACH PARTITION app.p1", "ATTACH PARTITION app.p21"],
    ),
    (
        "CREATE TABLE app.p (a int PRIMARY KEY) PARTITION BY RANGE (a); CREATE TABLE app.p1 PARTITION OF app.p DEFAULT",
        "",
        &["dropTable:\n      table: app.p\n"],
    ),
    (
        "CREATE TABLE app.s (id serial PRIMARY KEY, n int)",
        "CREATE TABLE app.s (id int PRIMARY KEY, n serial)",
        &["setval('app.s_id_seq', max(id)) FROM app.s HAVING", "setval('app.s_n_seq', max(n)) FROM app.s HAVING"],
    ),
    (
        "CREATE TABLE app.p (a int, v varchar(9)) PARTITION BY RANGE (a); \
         CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES FROM (1) TO (9)",
        "CREATE TABLE app.p (a int, v text) PARTITION BY RANGE (a); \
         CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES FROM (1) TO (9)",
        &["ALTER TABLE app.p ALTER COLUMN v TYPE text"],
    ),
    (
        "CREATE TABLE app.k (a int, b int, CONSTRAINT pk PRIMARY KEY (a, b)); \
         CREATE TABLE app.f (a int, b int, CONSTRAINT f FOREIGN KEY (a, b) REFERENCES app.k)",
        "CREATE TABLE app.k (a int, b int, CONSTRAINT pk PRIMARY KEY (b, a)); \
         CREATE TABLE app.f (a int, b int, CONSTRAINT f FOREIGN KEY (b, a) REFERENCES app.k)",
        &["DROP CONSTRAINT pk", "DROP CONSTRAINT f"],
    ),
    (
        "CREATE TABLE app.k (a int, b int, CONSTRAINT pk PRIMARY KEY (a))",
        "CREATE TABLE app.k (a int, b int, CONSTRAINT pk PRIMARY KEY (b))",
        &["DROP CONSTRAINT pk, ADD CONSTRAINT pk PRIMARY KEY USING INDEX", "dropNotNull"],
    ),
    (
        "CREATE TABLE app.p (a int) PARTITION BY RANGE (a); CREATE TABLE app.b PARTITION OF app.p FOR VALUES FROM (0) TO (10); \
         CREATE TABLE app.c PARTITION OF app.p FOR VALUES FROM (10) TO (20)",
        "CREATE TABLE app.p (a int) PARTITION BY RANGE (a); CREATE TABLE app.b PARTITION OF app.p FOR VALUES FROM (0) TO (15); \
         CREATE TABLE app.c (a int)",
        &["DETACH PARTITION app.c", "FROM (0) TO (15)"],
    ),
    (
        "CREATE TABLE app.e (id int PRIMARY KEY, v varchar(9))",
        "CREATE TABLE app.e (id int PRIMARY KEY, v varchar(9) NOT NULL DEFAULT 'x')",
        &["setNotNull"],
    ),
    ("CREATE TABLE app.v (v varchar(9))", "CREATE TABLE app.v (v varchar(5))", &["TYPE character varying(5);"]),
    (
        "CREATE TYPE app.m AS ENUM ('a')",
        "CREATE TYPE app.m AS ENUM ('a'); CREATE TABLE app.w (m app.m DEFAULT 'a')",
        &["CREATE TABLE app.w"],
    ),
    (
        "",
        "ALTER TABLE app.t ADD CONSTRAINT positive CHECK (n > 0)",
        &["NOT VALID", "-- segment", "VALIDATE CONSTRAINT positive"],
    ),
    (
        "",
        "ALTER TABLE app.t ADD CONSTRAINT t_n UNIQUE (n)",
        &["CREATE UNIQUE INDEX CONCURRENTLY t_n", "UNIQUE USING INDEX t_n"],
    ),
    ("", "ALTER TABLE app.t ALTER n SET NOT NULL", &["setNotNull"]),
    ("CREATE TABLE app.gone (id int); ALTER TABLE app.t ADD gone text", "", &["dropTable", "dropColumn"]),
    (
        "ALTER TABLE app.t ALTER n TYPE varchar(5); CREATE VIEW app.v AS SELECT n FROM app.t",
        "ALTER TABLE app.t ALTER n TYPE varchar(9); CREATE VIEW app.v AS SELECT n FROM app.t",
        &["DROP VIEW app.v", "TYPE character varying(9)", "CREATE VIEW app.v"],
    ),
    (
        "CREATE TYPE app.mood AS ENUM ('a', 'c')",
        "CREATE TYPE app.mood AS ENUM ('a', 'b', 'c')",
        &["addEnumValue", "after: a"],
    ),
    (
        "CREATE FUNCTION app.f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER TABLE app.t ADD x int DEFAULT app.f(1)",
        "CREATE FUNCTION app.f(b int) RETURNS bigint LANGUAGE sql AS 'SELECT 2::bigint'; ALTER TABLE app.t ADD x int DEFAULT app.f(1)",
        &["DROP DEFAULT", "DROP FUNCTION app.f(integer)", "SET DEFAULT app.f(1)"],
    ),
    (
        "CREATE TABLE app.s (id serial PRIMARY KEY); COMMENT ON SEQUENCE app.s_id_seq IS 'old'",
        "CREATE TABLE app.s (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY); GRANT SELECT ON app.s_id_seq TO PUBLIC",
        &["ADD GENERATED ALWAYS", "setval('app.s_id_seq', last_value, is_called) FROM app.dagmar_old_s_id_seq"],
    ),
    (
        "CREATE TABLE app.s (id int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME app.other INCREMENT 3) PRIMARY KEY)",
        "CREATE TABLE app.s (id bigserial PRIMARY KEY)",
        &["DROP IDENTITY", "OWNED BY app.s.id"],
    ),
    ("", "ALTER TABLE app.t ALTER n SET NOT NULL, ALTER n ADD GENERATED BY DEFAULT AS IDENTITY", &["max(n)"]),
    ("", "ALTER TABLE app.t ALTER n SET DEFAULT 5, ALTER n SET NOT NULL", &["setNotNull", "SET DEFAULT 5"]),
    (
        "CREATE TABLE app.p (a int) PARTITION BY RANGE (a); CREATE TABLE app.z PARTITION OF app.p FOR VALUES FROM (1) TO (9); \
         CREATE TABLE app.b (a int)",
        "CREATE TABLE app.p (a int) PARTITION BY RANGE (a); CREATE TABLE app.z (a int); \
         CREATE TABLE app.b PARTITION OF app.p FOR VALUES FROM (5) TO (9)",
        &["DETACH PARTITION app.z", "dependsOn:\n  - alter-table-app.z"],
    ),
    (
        "CREATE TYPE app.c AS (a int)",
        "CREATE TYPE app.c AS ENUM ('a')",
        &["DROP TYPE app.c", "CREATE TYPE app.c AS ENUM"],
    ),
    (
        "CREATE INDEX i ON app.t (n); ALTER TABLE app.t ADD CONSTRAINT c CHECK (n > 0)",
        "CREATE INDEX i ON app.t (n, id); COMMENT ON INDEX app.i IS 'x'; ALTER TABLE app.t ADD CONSTRAINT c CHECK (n > 1)",
        &["CREATE INDEX CONCURRENTLY dagmar_new_i", "RENAME TO i", "RENAME CONSTRAINT dagmar_new_c TO c"],
    ),
    (
        "ALTER TABLE app.t ADD m int NOT NULL, ADD CONSTRAINT u UNIQUE (n)",
        "ALTER TABLE app.t ADD m int NOT NULL, ADD CONSTRAINT u UNIQUE (m) DEFERRABLE, DROP CONSTRAINT t_pkey, \
         ADD CONSTRAINT t_pkey PRIMARY KEY (id, m)",
        &[
            "DROP CONSTRAINT u, ADD CONSTRAINT u UNIQUE USING INDEX dagmar_new_u DEFERRABLE",
            "DROP CONSTRAINT t_pkey, ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX dagmar_new_t_pkey",
        ],
    ),
];

/// Brings the first database of a pair, by its number, to the second, and back, on a server of any version.
pub fn there_and_back(number: &str, on: &'static Server) {
    let (first, second, words) = PAIRS[number.parse::<usize>().unwrap()];
    let (from, to) = (Database::on(on), Database::on(on));
    for (database, more) in [(&from, first), (&to, second)] {
        database.sql(&format!("CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, n int); {more}"));
    }
    let before = from.catalog();
    let config = format!("environments: {{ from: {{ url: \"{}\" }}, to: {{ url: \"{}\" }} }}", from.url(), to.url());
    let project = Project::new(&[("dagmar.yaml", &config)]);
    let run = |args: &[&str]| Run::of(project.command(args).env("DAGMAR_PG_BIN", &on.bin).output().unwrap());
    let tried = run(&["diff", "from", "to", "--format", "json"]);
    assert_eq!(tried.code, 0, "{first} | {second}: {tried:?}");
    let verified = tried.json()["verified"].clone();
    let none = Value::Array(Vec::new());
    assert_eq!((&verified["failed"], &verified["differences"]), (&Value::Null, &none), "{verified:#}");
    let yaml = run(&["diff", "from", "to", "--no-verify", "--format", "yaml", "--write"]).ok();
    for word in words {
        assert!(yaml.contains(word), "{word}: {yaml}");
    }
    project.on(&from, &["apply"]).ok();
    // a dropped column stays in its table under another name
    if !words.iter().any(|word| word.starts_with("dropColumn")) {
        same("the catalog", &to.catalog(), &from.catalog());
    }
    let left = run(&["diff", "from", "to", "--no-verify", "--format", "json"]).json();
    assert_eq!(left["differences"], none, "{left:#}");
    if verified["irreversible"] == none {
        let back = (&verified["rollbackFailed"], &verified["rollbackDifferences"]);
        assert_eq!(back, (&Value::Null, &none), "{verified:#}");
        project.on(&from, &["rollback", "--all"]).ok();
        same("the catalog before", &before, &from.catalog());
    }
}

//! Two databases that differ in the types of columns.

use super::database::{Database, same};
use super::process::Run;
use super::project::Project;
use super::server::Server;
use serde_json::Value;

/// The tables with the old types, and most of what can be a part of a column.
pub const OLD: &str = "\
CREATE SCHEMA app; CREATE TABLE app.teams (id bigint PRIMARY KEY); INSERT INTO app.teams SELECT generate_series(1, 9);
CREATE TABLE app.t (
    id int PRIMARY KEY, code int NOT NULL DEFAULT 7, \"Team\" int REFERENCES app.teams, price numeric(10,2), note varchar(20),
    CONSTRAINT code_id UNIQUE (code, id), CONSTRAINT positive CHECK (code > 0));
CREATE INDEX t_code ON app.t (code) WHERE code > 10; CREATE INDEX t_lower ON app.t ((code + 1), note);
COMMENT ON COLUMN app.t.code IS 'the code'; COMMENT ON INDEX app.t_code IS 'an index';
GRANT SELECT (code) ON app.t TO PUBLIC; CREATE STATISTICS app.t_more ON code, note FROM app.t;
CREATE VIEW app.v AS SELECT id, code FROM app.t;";

/// The same with the new types.
pub fn new() -> String {
    let new =
        OLD.replace("code int NOT NULL DEFAULT 7", "code bigint NOT NULL DEFAULT 8").replace("\" int", "\" bigint");
    new.replace("price numeric(10,2)", "price int").replace("varchar(20)", "text")
}

/// What was tried went well, but for the order of the columns.
#[track_caller]
pub fn verified(answer: &Value) {
    let verified = &answer["verified"];
    let moved = |differences: &Value| differences.as_array().unwrap().iter().all(|one| one["change"] == "moved");
    assert!(moved(&verified["differences"]) && moved(&verified["rollbackDifferences"]), "{answer:#}");
    assert_eq!((&verified["failed"], &verified["rollbackFailed"]), (&Value::Null, &Value::Null), "{answer:#}");
    assert_eq!(answer["leftOut"], Value::Array(Vec::new()), "{answer:#}");
}

/// Gives the columns their new types and the old ones again, on a server of any version.
pub fn retyped(_: &str, on: &'static Server) {
    let (from, to) = (Database::on(on), Database::on(on));
    from.sql(OLD);
    to.sql(&new());
    from.sql("INSERT INTO app.t SELECT n, n + 8, n, n + 0.5, 'n' FROM generate_series(1, 4) n");
    let before = (from.catalog(), from.sql("SELECT string_agg(t::text, ' ' ORDER BY id) FROM app.t"));
    let config = format!("environments: {{ from: {{ url: \"{}\" }}, to: {{ url: \"{}\" }} }}", from.url(), to.url());
    let project = Project::new(&[("dagmar.yaml", &config)]);
    let run = |args: &[&str]| Run::of(project.command(args).env("DAGMAR_PG_BIN", &on.bin).output().unwrap());
    let answer = run(&["diff", "from", "to", "--write", "--format", "json"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    verified(&answer.json());
    project.on(&from, &["apply"]).ok();
    assert_eq!(from.sql("SELECT sum(code), sum(price) FROM app.t"), "42|14");
    let none = run(&["diff", "from", "to", "--format", "json"]).json();
    let left = none["differences"].as_array().unwrap().iter().filter(|one| one["change"] != "moved");
    assert_eq!(left.count(), 0, "{none:#}");
    project.on(&from, &["rollback", "--all"]).ok();
    same("the catalog", &before.0, &from.catalog());
    assert_eq!(from.sql("SELECT string_agg(t::text, ' ' ORDER BY id) FROM app.t"), before.1);
}

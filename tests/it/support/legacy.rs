//! A database that is older than its project.

use super::database::Database;
use super::process::Run;
use super::project::Project;
use super::server::Server;
use serde_json::Value;

/// A database that nobody made with dagmar: tables that refer to each other, functions whose bodies use them, policies that
/// call the functions.
pub const LEGACY: &str = r#"
CREATE SCHEMA app;
COMMENT ON SCHEMA app IS 'Costs ${money}';
CREATE SCHEMA "Odd Name";
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE TYPE app.point2 AS (x int, y text);
CREATE DOMAIN app.email AS text CHECK (VALUE LIKE '%@%');
CREATE SEQUENCE app.numbers START 100 INCREMENT 5;
CREATE TABLE app.teams (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, head int, place app.point2);
CREATE TABLE app.users (
    id serial PRIMARY KEY, team bigint REFERENCES app.teams ON DELETE CASCADE, mail app.email NOT NULL,
    mood app.mood DEFAULT 'ok', number int DEFAULT nextval('app.numbers'), twice int GENERATED ALWAYS AS (number * 2) STORED,
    CHECK (number > 0));
ALTER TABLE app.teams ADD CONSTRAINT teams_head FOREIGN KEY (head) REFERENCES app.users;
COMMENT ON COLUMN app.users.mail IS 'lower case';
CREATE INDEX users_mail ON app.users (lower(mail)) WHERE mood = 'ok';
CREATE TABLE "Odd Name"."A Table" ("An Id" int PRIMARY KEY, "select" text DEFAULT 'it''s');
CREATE FUNCTION app.is_head(who int) RETURNS boolean LANGUAGE sql STABLE AS $$SELECT EXISTS (SELECT FROM app.teams t WHERE t.head = who)$$;
CREATE FUNCTION app.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.number := coalesce(NEW.number, 1);  
    RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE INSERT ON app.users FOR EACH ROW EXECUTE FUNCTION app.stamp();
ALTER TABLE app.users ENABLE ROW LEVEL SECURITY;
CREATE POLICY heads ON app.users USING (app.is_head(id));
CREATE VIEW app.happy AS SELECT id, mail FROM app.users WHERE mood = 'ok';
CREATE VIEW app.happy_mails AS SELECT mail FROM app.happy;
CREATE MATERIALIZED VIEW app.counts AS SELECT team, count(*) AS n FROM app.users GROUP BY team;
CREATE UNIQUE INDEX counts_team ON app.counts (team);
GRANT SELECT ON app.users TO PUBLIC;
GRANT USAGE ON SEQUENCE app.teams_id_seq TO PUBLIC;
COMMENT ON SEQUENCE app.teams_id_seq IS 'numbers of teams';
REVOKE EXECUTE ON FUNCTION app.is_head(int) FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC;
"#;

/// What was tried went well.
#[track_caller]
pub fn verified(answer: &Value) {
    let verified = &answer["verified"];
    let none = Value::Array(Vec::new());
    assert_eq!((&verified["differences"], &verified["rollbackDifferences"]), (&none, &none), "{answer:#}");
    assert_eq!((&verified["failed"], &verified["rollbackFailed"]), (&Value::Null, &Value::Null), "{answer:#}");
    assert_eq!(answer["leftOut"], none, "{answer:#}");
}

/// Turns it into changesets, on a server of any version.
pub fn generated(_: &str, on: &'static Server) {
    let database = Database::on(on);
    database.sql(LEGACY);
    let config = format!("environments: {{ old: {{ url: \"{}\" }} }}", database.url());
    let project = Project::new(&[("dagmar.yaml", &config), ("plans/none.yaml", "changesets: []\n")]);
    let mut command = project.command(&["generate", "--format", "json"]);
    let run = Run::of(command.env("DAGMAR_PG_BIN", &on.bin).output().unwrap());
    assert_eq!(run.code, 0, "{run:?}");
    verified(&run.json());
}

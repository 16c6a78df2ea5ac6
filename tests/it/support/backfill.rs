//! Projects with a backfill.

use super::changelog::{changeset, parameters, project, sql};
use super::database::Database;
use super::project::Project;

/// A project of one changeset with one backfill.
pub fn backfill(body: &str) -> Project {
    project(&[changeset("a").change("backfill", parameters(body))])
}

/// Slow enough to be met on its way.
pub fn slow(database: &Database, rows: u32) {
    database.sql(&format!(
        "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO t SELECT g FROM generate_series(1, {rows}) g;
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.002); RETURN new; END $$;
         CREATE TRIGGER slow BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION slow()"
    ));
}

/// Counts each row once, in batches of ten.
pub const COUNT: &str = "table: t, key: id, batchSize: 10, pace: { batchTime: 0s, pause: 0s }, set: { n: t.n + 1 }, rollback: UPDATE t SET n = 0";

/// That backfill, and a table that needs it, for a slow table of 400 rows.
pub fn backfill_and_table(database: &Database) -> Project {
    let count = changeset("a").change("backfill", parameters(COUNT));
    let project = project(&[count, sql("b", "CREATE TABLE b ()", "DROP TABLE b").depends_on(["a"])]);
    slow(database, 400);
    project
}

pub fn begun(database: &Database) {
    database.until("SELECT to_regclass('dagmar.segment') IS NOT NULL");
    database.until("SELECT coalesce(max(rows), 0) >= 20 FROM dagmar.segment");
}

//! A preview beside a locked table that is published.

use super::{Database, project, sql};

/// The server's own view of published tables locks them all since version 16.
pub fn published_tables_are_found_without_a_lock(database: &Database) {
    database.sql(
        "CREATE SCHEMA app; CREATE TABLE app.busy (n int); CREATE TABLE app.plain (n int); \
         CREATE TABLE app.whole (n int) PARTITION BY LIST (n); CREATE TABLE app.part PARTITION OF app.whole DEFAULT; \
         CREATE PUBLICATION one FOR TABLE app.busy, app.whole",
    );
    let publish = |what: &str| {
        let version: i32 = database.sql("SELECT current_setting('server_version_num')::int / 10000").parse().unwrap();
        if version >= 15 || what == "ALL TABLES" {
            database.sql(&format!("DROP PUBLICATION IF EXISTS two; CREATE PUBLICATION two FOR {what}"));
        }
        version >= 15 || what == "ALL TABLES"
    };
    let busy = database.hold("LOCK TABLE app.busy IN ACCESS EXCLUSIVE MODE");
    let published = |table: &str| {
        let project = project(&[sql("a", &format!("ALTER TABLE app.{table} ADD m int"), "SELECT 1")]);
        let plan = project.on(database, &["plan", "--against", "--format", "json"]).json();
        let found = plan["preflight"].as_array().unwrap().iter().map(|f| f["message"].as_str().unwrap().to_owned());
        found.filter(|message| message.contains("subscribers do not receive DDL")).collect::<Vec<_>>()
    };
    assert_eq!(published("plain"), [""; 0]);
    assert!(published("part")[0].starts_with("`app.part` is published by `one`"));
    for what in ["ALL TABLES", "TABLES IN SCHEMA app"] {
        if publish(what) {
            assert!(published("plain")[0].starts_with("`app.plain` is published by `two`"), "{what}");
        }
    }
    drop(busy);
}

//! Generated rows: each table gets some, or there is a reason.

use crate::support::rows::{
    all, constraints_are_met, database, every_type_has_values, filled, keys_lead_to_rows, skipped, unusual, within,
};
use crate::support::{Case, Database, cases, server};
use dagmar::pg::rows::{Round, contents, fill};
use dagmar::rows::Style;
use std::collections::BTreeMap;

#[test]
fn rows_have_values_of_every_type() {
    every_type_has_values(server());
}

#[test]
fn rows_meet_the_constraints_of_their_tables() {
    constraints_are_met(server());
}

#[test]
fn rows_are_generated_along_foreign_keys() {
    keys_lead_to_rows(server());
}

#[test]
fn another_round_adds_other_rows() {
    for (schema, lacking) in [("types", vec![]), ("constraints", vec!["app.c_single"])] {
        let database = database(server(), schema);
        within(&database, async |connection| {
            let mut rows = fill(connection, &all(), Round::default()).await.unwrap().count();
            for number in 1..4 {
                let more = fill(connection, &all(), Round { number, style: Style::Extreme }).await.unwrap();
                assert_eq!(
                    more.skipped.keys().map(ToString::to_string).collect::<Vec<_>>(),
                    lacking,
                    "{schema} {number}"
                );
                assert_eq!(unusual(&more), BTreeMap::new(), "{schema} {number}");
                rows += more.count();
                assert_eq!(contents(connection, &all()).await.unwrap().count(), rows as usize);
            }
        });
    }
}

#[test]
fn tables_with_rows_keep_them_and_get_no_others() {
    let database = database(server(), "keys");
    database.sql("INSERT INTO app.tenants VALUES (1, 'one')");
    within(&database, async |connection| {
        let only = all().only(["app.users".parse().unwrap()]);
        let first = fill(connection, &only, Round::default()).await.unwrap();
        assert_eq!(first.rows.keys().map(ToString::to_string).collect::<Vec<_>>(), ["app.users"]);
        let users = &contents(connection, &only).await.unwrap().tables[&"app.users".parse().unwrap()];
        assert!(users.rows.iter().all(|row| row[0].as_deref() == Some("1")), "{users:?}");
        // what foreign keys lead to is filled with the table
        let only = all().only(["app.members".parse().unwrap(), "app.nothing".parse().unwrap()]);
        let second = fill(connection, &only, Round::default()).await.unwrap();
        assert_eq!(second.rows.keys().map(ToString::to_string).collect::<Vec<_>>(), ["app.members", "app.projects"]);
    });
}

#[test]
fn generated_rows_leave_sequences_settings_and_pending_checks_alone() {
    let database = database(server(), "keys");
    within(&database, async |connection| {
        let ask = async |sql: &str| connection.query("cannot ask", sql).await.unwrap()[0].get::<String>(0).unwrap();
        connection.execute("SET LOCAL DateStyle = 'SQL, DMY'; SET LOCAL bytea_output = 'escape'").await.unwrap();
        let settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings \
                        WHERE source NOT IN ('default', 'override')";
        let before = ask(settings).await;
        fill(connection, &all(), Round::default()).await.unwrap();
        contents(connection, &all()).await.unwrap();
        assert_eq!(ask(settings).await, before);
        let used = "SELECT count(last_value)::text FROM pg_sequences WHERE schemaname = 'app'";
        assert_eq!(ask(used).await, "0", "no sequence was used");
        // deferred constraints have nothing left to check, and still wait by themselves
        connection
            .execute(
                "ALTER TABLE app.late ADD n int; ALTER TABLE app.left_hand ADD n int; \
                 INSERT INTO app.late VALUES (1, 1); INSERT INTO app.tenants VALUES (1, 'later')",
            )
            .await
            .unwrap();
    });
}

#[test]
fn values_are_quoted_whatever_a_table_is_called() {
    let database = Database::new();
    database.sql(
        "CREATE SCHEMA \"a.b\"; CREATE TABLE \"a.b\".\"c;d'e\" (\"f\"\"g\" text PRIMARY KEY CHECK (\"f\"\"g\" <> 'a''b'), \
         \"CHECK\" \"char\")",
    );
    let (filled, found) = filled(&database, Round::default());
    assert_eq!(filled.count(), 4, "{filled:?}");
    assert_eq!(found.tables.keys().map(ToString::to_string).collect::<Vec<_>>(), ["\"a.b\".c;d'e"]);
}

#[test]
fn functions_of_triggers_and_checks_find_what_authors_mean() {
    let database = Database::new();
    database.sql(&format!(
        "ALTER DATABASE {} SET search_path = app, public; CREATE SCHEMA app; CREATE TABLE app.log (what text); \
         CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('x'); \
         RETURN NEW; END $$; CREATE FUNCTION app.fine(n int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN \
         RETURN n > (SELECT count(*) - count(*) FROM log); END $$; \
         CREATE TABLE app.t (id int PRIMARY KEY CHECK (app.fine(id))); \
         CREATE TRIGGER note BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.note()",
        database.name
    ));
    let (filled, _) = filled(&database, Round::default());
    assert_eq!((filled.count(), skipped(&filled)), (8, BTreeMap::new()));
}

#[test]
fn tables_of_all_change_types_get_rows() {
    let (mut tables, mut without) = (0, Vec::new());
    for name in cases() {
        let (case, database) = (Case::open(&name), Database::new());
        case.project.on(&database, &["apply"]).ok();
        for style in [Style::Extreme, Style::Plain] {
            let (first, _) = filled(&database, Round { number: 0, style });
            let (more, _) = filled(&database, Round { number: 1, style });
            tables += more.rows.len();
            without.extend(
                [&first, &more].into_iter().flat_map(skipped).map(|(table, why)| format!("{name} {table}: {why}")),
            );
        }
    }
    assert!(tables > 100, "{tables}");
    without.dedup();
    assert_eq!(without, ["create_table app.events: it has no partitions"]);
}

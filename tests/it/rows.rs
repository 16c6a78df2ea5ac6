//! Generated rows: each table gets some, or there is a reason.

use crate::support::rows::{all, database, within};
use crate::support::{Database, Server, server};
use dagmar::pg::rows::{Round, contents, fill};
use dagmar::rows::{Contents, Filled, Style, compare};
use std::collections::BTreeMap;

/// Fills all tables in this round, and reads them.
fn filled(database: &Database, round: Round) -> (Filled, Contents) {
    within(database, async |connection| {
        let filled = fill(connection, &all(), round).await.unwrap();
        let found = contents(connection, &all()).await.unwrap();
        assert!(found.unread.is_empty(), "{:?}", found.unread);
        (filled, found)
    })
}

/// The reasons by table.
fn skipped(filled: &Filled) -> BTreeMap<String, &str> {
    filled.skipped.iter().map(|(table, why)| (table.to_string(), why.as_str())).collect()
}

/// The numbers of rows that are not 4.
fn unusual(filled: &Filled) -> BTreeMap<String, u32> {
    filled.rows.iter().filter(|(_, rows)| **rows != 4).map(|(table, rows)| (table.to_string(), *rows)).collect()
}

pub fn every_type_has_values(server: &'static Server) {
    let database = database(server, "types");
    let (first, found) = filled(&database, Round::default());
    assert_eq!((skipped(&first), unusual(&first)), (BTreeMap::new(), BTreeMap::new()));
    let nullable = database.sql(
        "SELECT c.oid::regclass || '|' || attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid \
         JOIN pg_type t ON t.oid = atttypid WHERE c.relkind = 'r' AND c.relnamespace = 'app'::regnamespace \
         AND attnum > 0 AND NOT attnotnull AND NOT t.typnotnull AND attgenerated = ''",
    );
    assert!(nullable.lines().count() > 50);
    for (name, table) in &found.tables {
        assert_eq!(table.rows.len(), 4, "{name}");
        for (n, column) in table.columns.iter().enumerate() {
            let has_null = table.rows.iter().any(|row| row[n].is_none());
            let accepts = nullable.lines().any(|line| line == format!("{}|{column}", name.sql()));
            assert_eq!(has_null, accepts, "{name}.{column}");
            assert!(table.rows.iter().any(|row| row[n].is_some()), "{name}.{column} has only NULL");
        }
    }
    // the same tables get the same rows
    assert!(compare(&found, &filled(&database, Round::default()).1).is_empty());
    let (plain, ordinary) = filled(&database, Round { number: 0, style: Style::Plain });
    assert_eq!((skipped(&plain), unusual(&plain)), (BTreeMap::new(), BTreeMap::new()));
    let nulls =
        ordinary.tables.values().flat_map(|table| &table.rows).flatten().filter(|value| value.is_none()).count();
    assert_eq!(nulls, 0, "plain rows have values everywhere");
}

pub fn constraints_are_met(server: &'static Server) {
    let database = database(server, "constraints");
    let (first, _) = filled(&database, Round::default());
    let single = BTreeMap::from([("app.c_single".to_owned(), 1)]);
    assert_eq!((skipped(&first), unusual(&first)), (BTreeMap::new(), single));
}

pub fn keys_lead_to_rows(server: &'static Server) {
    let database = database(server, "keys");
    let (first, found) = filled(&database, Round::default());
    let reasons = BTreeMap::from(
        [
            ("app.by_none", "it has no partitions"),
            ("app.guarded", "a trigger raises: only the importer writes here"),
            (
                "app.needs_guarded",
                "the foreign key `needs_guarded_guarded_fkey` leads to app.guarded, which has no rows",
            ),
            ("app.never", "new row for relation \"never\" violates check constraint \"never_n_check\""),
            ("app.swallowed", "a trigger or a rule does not store the row"),
        ]
        .map(|(table, why)| (table.to_owned(), why)),
    );
    let mut said = skipped(&first);
    // which of the two contradicting checks comes first is the server's choice
    if let Some(why) = said.get_mut("app.never") {
        *why = why.strip_suffix("1\"").map_or(why, |_| reasons["app.never"]);
    }
    assert_eq!((said, unusual(&first)), (reasons, BTreeMap::new()));
    // the trigger wrote, and the generated rows of its table are there too
    let log = &found.tables[&"app.log".parse().unwrap()].rows;
    assert!(log.len() > 4 && log.iter().any(|row| row[0].as_deref().is_some_and(|text| text.ends_with(" is new"))));
    let partitions = within(&database, async |connection| {
        fill(connection, &all(), Round::default()).await.unwrap();
        let rows = connection
            .query(
                "cannot count",
                "SELECT tableoid::regclass::text FROM app.by_list UNION SELECT tableoid::regclass::text FROM app.by_range \
                 UNION SELECT tableoid::regclass::text FROM app.by_hash ORDER BY 1",
            )
            .await
            .unwrap();
        rows.iter().map(|row| row.get::<String>(0).unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(
        partitions,
        [
            "app.by_hash_0",
            "app.by_hash_1",
            "app.by_hash_2",
            "app.by_list_de",
            "app.by_list_fr",
            "app.by_list_xx",
            "app.by_range_1",
            "app.by_range_2a"
        ]
    );
}

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

//! The rows of a database at two moments: what is read, what differs, which tables a transaction touched.

use crate::support::rows::{all, database, within};
use crate::support::{Database, server};
use dagmar::pg::Connection;
use dagmar::pg::rows::{Round, contents, fill, touched};
use dagmar::rows::compare;

/// The lines of what a statement changes in the generated rows of all tables.
fn lines(database: &Database, statement: &str) -> Vec<String> {
    within(database, async |connection| {
        fill(connection, &all(), Round::default()).await.unwrap();
        let before = contents(connection, &all()).await.unwrap();
        let same = contents(connection, &all()).await.unwrap();
        assert_eq!(before, same, "reading changes nothing");
        connection.execute(statement).await.unwrap();
        let after = contents(connection, &all()).await.unwrap();
        compare(&before, &after).iter().map(ToString::to_string).collect()
    })
}

#[test]
fn differences_name_table_column_count_and_rows() {
    let database = database(server(), "types");
    for (statement, expected) in [
        ("SELECT", vec![]),
        ("UPDATE app.numbers SET a = a, d = d * 1", vec![]),
        ("ALTER TABLE app.texts ADD z int DEFAULT 7", vec![]),
        (
            "UPDATE app.numbers SET b = NULL",
            vec![
                "app.numbers.b: 3 of 4 rows have another value after the rollback (id 20000, 20002, 20003): '1' became NULL",
            ],
        ),
        (
            // the same number, and another scale
            "UPDATE app.numbers SET d = 1.5 WHERE d = 1.50",
            vec!["app.numbers.d: 1 of 4 rows has another value after the rollback (id 20000): '1.50' became '1.5'"],
        ),
        (
            "UPDATE app.texts SET a = 'NULL' WHERE a IS NULL",
            vec!["app.texts.a: 1 of 4 rows has another value after the rollback (id 1000002): NULL became 'NULL'"],
        ),
        (
            "UPDATE app.texts SET j = j::jsonb WHERE id = 1000001",
            vec![
                "app.texts.j: 1 of 4 rows has another value after the rollback (id 1000001): \
                 '{\"n\": 0,  \"list\": [null, true, 1.50], \"n…' became '{\"n\": \"é\", \"list\": [null, true, 1.50]}'",
            ],
        ),
        (
            "ALTER TABLE app.numbers ALTER e TYPE numeric(12, 1)",
            vec![
                "app.numbers.e: 3 of 4 rows have another value after the rollback (id 20000, 20002, 20003): '1.55' became '1.6'",
            ],
        ),
        (
            "ALTER TABLE app.times ALTER d TYPE timestamp",
            vec![
                "app.times.d: 3 of 4 rows have another value after the rollback (day 2001-01-01, 0001-01-01, 9999-12-31): \
                 '2001-01-01 12:34:56.789012+00' became '2001-01-01 12:34:56.789012'",
            ],
        ),
        (
            "ALTER TABLE app.texts DROP a; ALTER TABLE app.texts ADD a text",
            vec![
                "app.texts.a: 3 of 4 rows have another value after the rollback (id 1000001, 1000003, 1000004): 'text 0' became NULL",
            ],
        ),
        (
            "ALTER TABLE app.ranges DROP a",
            vec![
                "app.ranges.a: the column is missing after the rollback, and with it the values of 3 of 4 rows \
                 (id 1000001, 1000003, 1000004): '[2,6)' is lost",
            ],
        ),
        (
            "DELETE FROM app.ranges WHERE id > 1000002",
            vec!["app.ranges: 2 of 4 rows are lost after the rollback (id 1000003, 1000004)"],
        ),
        ("TRUNCATE app.nets", vec!["app.nets: all 4 rows are lost after the rollback (id 00000000-0000-4000-8000-"]),
        ("DROP TABLE app.nothing", vec!["app.nothing: all 4 rows are lost after the rollback"]),
        (
            "INSERT INTO app.computed (id) VALUES (7)",
            vec!["app.computed: 1 of 5 rows after the rollback was not there before (id 7)"],
        ),
        (
            "UPDATE app.computed SET a = 3 WHERE id = 1000001",
            vec![
                "app.computed.a: 1 of 4 rows has another value after the rollback (id 1000001): '1' became '3'",
                "app.computed.b: 1 of 4 rows has another value after the rollback (id 1000001): '1' became '3'",
            ],
        ),
    ] {
        let found = lines(&database, statement);
        assert_eq!(found.len(), expected.len(), "{statement}: {found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{statement}:\n{found}\n{expected}");
        }
    }
}

#[test]
fn values_are_read_the_same_way_under_any_setting() {
    let database = database(server(), "types");
    within(&database, async |connection| {
        fill(connection, &all(), Round::default()).await.unwrap();
        let before = contents(connection, &all()).await.unwrap();
        connection
            .execute(
                "SET LOCAL DateStyle = 'German'; SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL TimeZone = 'Asia/Tokyo'; \
                 SET LOCAL extra_float_digits = -3; SET LOCAL bytea_output = 'escape'; SET LOCAL lc_monetary = 'C.UTF-8'; \
                 SET LOCAL quote_all_identifiers = on; SET LOCAL search_path = app",
            )
            .await
            .unwrap();
        let after = contents(connection, &all()).await.unwrap();
        assert_eq!(before, after);
        let set = connection.query("cannot ask", "SHOW DateStyle").await.unwrap();
        assert_eq!(set[0].get::<String>(0).unwrap(), "German, DMY");
    });
}

#[test]
fn a_table_of_100_000_rows_is_compared_row_by_row() {
    let database = Database::new();
    database.sql(
        "CREATE TABLE big (id int PRIMARY KEY, name text, doc jsonb); INSERT INTO big SELECT g, 'name ' || g, \
         jsonb_build_object('n', g) FROM generate_series(1, 100000) g; CREATE TABLE wide (id int PRIMARY KEY, t text); \
         INSERT INTO wide SELECT g, repeat('x', 100000) || g FROM generate_series(1, 20) g",
    );
    within(&database, async |connection| {
        let before = contents(connection, &all()).await.unwrap();
        assert_eq!(before.count(), 100_020);
        connection
            .execute("UPDATE public.big SET name = upper(name) WHERE id > 99990; UPDATE public.wide SET t = t || 'y' WHERE id = 3")
            .await
            .unwrap();
        let after = contents(connection, &all()).await.unwrap();
        let found: Vec<String> = compare(&before, &after).iter().map(ToString::to_string).collect();
        assert_eq!(
            found[0],
            "public.big.name: 10 of 100000 rows have another value after the rollback (id 99991, 99992, 99993, …): \
             'name 99991' became 'NAME 99991'"
        );
        assert!(
            found[1].starts_with("public.wide.t: 1 of 20 rows has another value after the rollback (id 3)"),
            "{found:?}"
        );
        assert_eq!(found.len(), 2);
    });
}

#[test]
fn what_cannot_be_read_is_named() {
    let database = Database::new();
    let role = format!("{}_reader", database.name);
    database.sql(&format!(
        "CREATE TABLE open (id int); CREATE TABLE closed (id int); CREATE ROLE {role}; GRANT SELECT ON open TO {role}"
    ));
    within(&database, async |connection| {
        connection.execute(&format!("SET LOCAL ROLE {role}")).await.unwrap();
        // also after what an author wrote
        connection.author_texts("SELECT 1").await.unwrap();
        let found = contents(connection, &all()).await.unwrap();
        assert_eq!(found.tables.keys().map(ToString::to_string).collect::<Vec<_>>(), ["public.open"]);
        let unread: Vec<String> = found.unread.iter().map(|(table, why)| format!("{table}: {why}")).collect();
        assert_eq!(unread, ["public.closed: permission denied for table closed"]);
    });
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn rows_need_an_open_transaction() {
    let database = Database::new();
    database.sql("CREATE TABLE t (id int)");
    within(&database, async |connection| {
        connection.execute("COMMIT").await.unwrap();
        let failed = contents(connection, &all()).await.unwrap_err();
        assert!(failed.message.contains("SAVEPOINT can only be used in transaction blocks"), "{failed}");
        connection.execute("BEGIN").await.unwrap();
    });
}

async fn names(connection: &Connection) -> Vec<String> {
    touched(connection, &all().without).await.unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn tables_are_touched_by_what_may_change_their_rows() {
    let database = database(server(), "keys");
    database.sql("INSERT INTO app.tenants VALUES (1, 'one'); INSERT INTO app.late VALUES (1, 1)");
    for (statement, expected) in [
        ("SELECT count(*) FROM app.tenants", vec![]),
        ("SELECT * FROM app.tenants FOR UPDATE", vec![]),
        ("CREATE INDEX ON app.tenants (name)", vec![]),
        ("INSERT INTO app.late VALUES (2, 1)", vec!["app.late"]),
        ("UPDATE app.tenants SET name = 'two'", vec!["app.tenants"]),
        ("DELETE FROM app.animals", vec!["app.animals", "app.dogs"]),
        ("INSERT INTO app.by_hash VALUES (1, 1)", vec!["app.by_hash"]),
        ("INSERT INTO app.by_range_2a VALUES (1, '2024-02-02', 'a')", vec!["app.by_range"]),
        ("INSERT INTO app.logged (name) VALUES ('x')", vec!["app.log", "app.logged"]),
        ("TRUNCATE app.log", vec!["app.log"]),
        ("ALTER TABLE app.tree ALTER id TYPE bigint", vec!["app.tree"]),
        ("ALTER TABLE app.tree DROP parent", vec!["app.tree"]),
        ("ALTER TABLE app.tree RENAME TO wood", vec!["app.wood"]),
        ("CREATE TABLE app.fresh AS SELECT 1 AS n", vec!["app.fresh"]),
        ("CREATE TEMP TABLE fresh (n int); INSERT INTO fresh VALUES (1)", vec![]),
        ("DROP TABLE app.log CASCADE", vec![]),
        ("SAVEPOINT s; DELETE FROM app.log; ROLLBACK TO s", vec![]),
        ("SAVEPOINT s; DELETE FROM app.log; RELEASE s", vec!["app.log"]),
        ("INSERT INTO app.users SELECT 1, gen_random_uuid(); DELETE FROM app.users", vec!["app.single", "app.users"]),
    ] {
        within(&database, async |connection| {
            assert_eq!(names(connection).await, [""; 0]);
            connection.execute(statement).await.unwrap();
            assert_eq!(names(connection).await, expected, "{statement}");
        });
    }
}

//! Rows of a database, read and generated in a transaction that is taken back.

use super::database::Database;
use super::server::Server;
use super::truth::connected;
use dagmar::base::Ident;
use dagmar::pg::Connection;
use dagmar::pg::rows::{Round, Selection, contents, fill};
use dagmar::rows::{Contents, Filled, Style, compare};
use std::collections::BTreeMap;
use std::path::Path;

/// A database with a schema of `tests/data/rows`.
pub fn database(server: &'static Server, schema: &str) -> Database {
    let database = Database::on(server);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rows").join(schema).with_extension("sql");
    database.script(&file).unwrap();
    database
}

/// Does something in a transaction, which is taken back.
pub fn within<T>(database: &Database, work: impl AsyncFnOnce(&Connection) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let connection = connected(database).await;
        connection.execute("BEGIN").await.unwrap();
        let answer = work(&connection).await;
        connection.roll_back().await.unwrap();
        answer
    })
}

/// All tables but those of the ledger.
pub fn all() -> Selection {
    Selection::all(["dagmar", "dagmar_attic"].map(|schema| Ident::new(schema).unwrap()))
}

/// Fills all tables in this round, and reads them.
pub fn filled(database: &Database, round: Round) -> (Filled, Contents) {
    within(database, async |connection| {
        let filled = fill(connection, &all(), round).await.unwrap();
        let found = contents(connection, &all()).await.unwrap();
        assert!(found.unread.is_empty(), "{:?}", found.unread);
        (filled, found)
    })
}

/// The reasons why tables got no rows.
pub fn skipped(filled: &Filled) -> BTreeMap<String, &str> {
    filled.skipped.iter().map(|(table, why)| (table.to_string(), why.as_str())).collect()
}

/// The numbers of rows that are not 4.
pub fn unusual(filled: &Filled) -> BTreeMap<String, u32> {
    filled.rows.iter().filter(|(_, rows)| **rows != 4).map(|(table, rows)| (table.to_string(), *rows)).collect()
}

/// Each type has values, and NULL where a column accepts it.
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

/// The rows of each table meet its constraints.
pub fn constraints_are_met(server: &'static Server) {
    let database = database(server, "constraints");
    let (first, _) = filled(&database, Round::default());
    let single = BTreeMap::from([("app.c_single".to_owned(), 1)]);
    assert_eq!((skipped(&first), unusual(&first)), (BTreeMap::new(), single));
}

/// Rows lead to each other, each partition has some, and what gets none has a reason.
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

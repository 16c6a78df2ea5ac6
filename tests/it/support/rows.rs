//! Rows of a database, read and generated in a transaction that is taken back.

use super::database::Database;
use super::truth::connected;
use dagmar::base::Ident;
use dagmar::pg::Connection;
use dagmar::pg::rows::Selection;
use std::path::Path;

/// A database with a schema of `tests/data/rows`.
pub fn database(server: &'static super::Server, schema: &str) -> Database {
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

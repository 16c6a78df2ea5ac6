//! The inspected catalog of a test's database.

use super::database::Database;
use dagmar::base::Ident;
use dagmar::inspect::Snapshot;
use dagmar::pg::inspect::{Scope, snapshot};
use dagmar::pg::{Connection, Settings, connect};
use std::time::Duration;

/// Everything but the ledger.
pub fn scope() -> Scope {
    Scope { sequence_values: true, ..Scope::outside_of(&Ident::new("dagmar").unwrap()) }
}

/// Does something on a connection of its own.
pub fn on_connection<T>(database: &Database, work: impl AsyncFnOnce(&Connection) -> T) -> T {
    let settings = Settings::socket(database.server.sockets.clone(), 5432, "postgres", &database.name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let connection = connect(&settings, Duration::ZERO).await.unwrap();
        work(&connection).await
    })
}

/// The catalog of a database.
pub fn inspected(database: &Database) -> Snapshot {
    on_connection(database, async |connection| snapshot(connection, &scope()).await.unwrap())
}

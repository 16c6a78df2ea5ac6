//! The inspected catalog of a test's database.

use super::database::Database;
use super::server::server;
use dagmar::base::Ident;
use dagmar::inspect::{Change, Difference, Snapshot, compare, ddl, words};
use dagmar::pg::inspect::{Scope, delta, snapshot};
use dagmar::pg::{Connection, Settings, connect};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Everything but the ledger.
pub fn scope() -> Scope {
    Scope { sequence_values: true, database: true, ..Scope::outside_of(&Ident::new("dagmar").unwrap()) }
}

/// Does something on a connection of its own.
pub fn on_connection<T>(database: &Database, work: impl AsyncFnOnce(&Connection) -> T) -> T {
    let settings = Settings::socket(database.server.sockets.clone(), 5432, "postgres", &database.name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let connection = connect(&settings, Duration::ZERO).await.unwrap();
        connection.execute("").await.unwrap();
        work(&connection).await
    })
}

/// The catalog of a database.
pub fn inspected(database: &Database) -> Snapshot {
    on_connection(database, async |connection| snapshot(connection, &scope()).await.unwrap())
}

/// Differences, a line each.
pub fn said(differences: &[Difference]) -> String {
    differences.iter().map(|difference| words(difference) + "\n").collect()
}

/// A statement of `tests/data/inspect`, and what is known of it.
struct Step {
    sql: String,
    /// It changes nothing.
    nothing: bool,
    /// It changes the order of columns.
    moves: bool,
    /// `pg_dump` does not write what it changes.
    not_in_a_dump: bool,
    since: u32,
}

fn steps(name: &str) -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inspect").join(name).with_extension("sql");
    let text = fs::read_to_string(path).unwrap();
    let mut all = Vec::new();
    for block in text.split("\n\n").map(str::trim).filter(|block| !block.is_empty()) {
        let (marks, sql): (Vec<&str>, Vec<&str>) = block.lines().partition(|line| line.starts_with("-- "));
        let mark = |word: &str| marks.contains(&word);
        let since = marks.iter().find_map(|mark| mark.strip_prefix("-- since ")).map_or(0, |n| n.parse().unwrap());
        all.push(Step {
            sql: sql.join("\n"),
            nothing: mark("-- nothing"),
            moves: mark("-- moves"),
            not_in_a_dump: mark("-- not in a dump"),
            since,
        });
    }
    all
}

fn make_roles(database: &Database) {
    let role =
        |name: &str| format!("BEGIN CREATE ROLE {name}; EXCEPTION WHEN duplicate_object OR unique_violation THEN END;");
    database.sql(&format!("DO $$ BEGIN {} {} END $$", role("inspect_reader"), role("inspect_owner")));
}

/// Runs the statements of a file, and looks at the database after each.
pub async fn states(name: &str, database: &Database, mut look: impl AsyncFnMut(&str, &Connection)) {
    make_roles(database);
    let settings = Settings::socket(database.server.sockets.clone(), 5432, "postgres", &database.name);
    let connection = connect(&settings, Duration::ZERO).await.unwrap();
    connection.execute("").await.unwrap();
    for step in steps(name).iter().filter(|step| step.since <= connection.server_major) {
        let sql = &step.sql;
        connection.author_texts(sql).await.unwrap_or_else(|why| panic!("{sql}\n{why}"));
        look(sql, &connection).await;
    }
}

/// Runs the statements of a file, each in a transaction. What changed is read twice: by what the server says of the
/// transaction, and as a whole. Gives each statement with what it changed. Where `pg_dump` can read the server, it
/// sees the same statements.
pub fn walk(name: &str, database: &Database) -> String {
    let dump = || std::ptr::eq(database.server, server()).then(|| database.schema());
    make_roles(database);
    on_connection(database, async |connection| {
        let scope = scope();
        let (mut base, mut dumped, mut text) = (snapshot(connection, &scope).await.unwrap(), dump(), String::new());
        for step in steps(name).iter().filter(|step| step.since <= connection.server_major) {
            let sql = &step.sql;
            connection.author_texts(&format!("BEGIN; {sql}")).await.unwrap_or_else(|why| panic!("{sql}\n{why}"));
            let changed = delta(connection, &scope, &base).await.unwrap();
            let now = snapshot(connection, &scope).await.unwrap();
            connection.author_texts("COMMIT").await.unwrap();
            let differences = compare(&base, &now);
            assert_eq!(said(&changed.differences(&base)), said(&differences), "{sql}");
            assert_eq!(
                base.fingerprint() == now.fingerprint(),
                step.nothing || step.moves,
                "{sql}\n{}",
                said(&differences)
            );
            let mut after = base.clone();
            after.apply(changed);
            assert!(after.objects() == now.objects(), "{sql}\n{}", said(&compare(&after, &now)));
            let dump_after = dump();
            let as_before = step.nothing || step.not_in_a_dump;
            assert!(dumped.is_none() || (dumped == dump_after) == as_before, "{sql}: the dump");
            dumped = dump_after;
            text += &format!("{sql}\n");
            said(&differences).lines().for_each(|line| text += &format!("    {line}\n"));
            let mended = mended(connection, &base, &now, &differences).await;
            // no rollback gives a sequence its value back
            base = if mended.contains("setval") { snapshot(connection, &scope).await.unwrap() } else { now };
            text += &mended;
        }
        text
    })
}

/// The SQL that brings back what was there before. Where it is known for all differences, it is run.
async fn mended(connection: &Connection, before: &Snapshot, now: &Snapshot, differences: &[Difference]) -> String {
    let (mut text, mut all, mut whole) = (String::new(), Vec::new(), true);
    // what is made first may need what is dropped last
    let (extra, others): (Vec<_>, Vec<_>) = differences.iter().partition(|one| one.change == Change::Extra);
    for difference in others.into_iter().chain(extra.into_iter().rev()) {
        match ddl(before, now, difference) {
            Some(sql) => all.extend(sql),
            None => whole = false,
        }
    }
    all.iter().for_each(|sql| text += &format!("        {}\n", sql.replace('\n', "\n        ")));
    if !whole || differences.is_empty() {
        return if whole { text } else { text + "        (no SQL for all of it)\n" };
    }
    let done = connection.author_texts(&format!("BEGIN; {}", all.join(";\n"))).await;
    if let Err(why) = done {
        connection.roll_back().await.unwrap();
        return text + &format!("        ({why})\n");
    }
    let mended = snapshot(connection, &scope()).await.unwrap();
    connection.roll_back().await.unwrap();
    let mut left = compare(before, &mended);
    left.retain(|difference| !difference.is_move());
    said(&left).lines().for_each(|line| text += &format!("        (still: {line})\n"));
    text
}

//! A database made again from its inspected catalog.

use super::database::Database;
use super::inspect::{on_connection, said, scope, states};
use super::server::Server;
use dagmar::inspect::{
    Change, Difference, Object, ObjectKey, ObjectKind as Kind, Snapshot, compare, create_object, ddl, drop_object,
    own_sequence, set_default,
};
use dagmar::pg::Connection;
use dagmar::pg::inspect::{Scope, snapshot};
use std::collections::{BTreeMap, BTreeSet};

type Is = fn(&ObjectKey, &Object) -> bool;

/// What cannot be made from a catalog, and why.
const NOT_MADE: [(Is, &str); 4] = [
    (|key, object| key.kind == Kind::Type && object.text("typeKind") == Some("base"), "its functions need it first"),
    (
        |key, object| key.kind == Kind::UserMapping && object.properties.contains_key("optionNames"),
        "its options are secret",
    ),
    (
        |key, object| key.kind == Kind::Server && object.property("options").to_string().contains("***"),
        "one of its options is secret",
    ),
    (|key, object| key.kind == Kind::Index && object.is("invalid"), "no statement makes an invalid index"),
];

/// After these statements a database has something that its catalog does not have.
const OF_THE_SERVER: [&str; 2] = ["ALTER TYPE pair SET SCHEMA pg_catalog", "SELECT 1"];

fn all() -> Scope {
    Scope { dependencies: true, database: false, ..scope() }
}

/// Makes the database again after each statement of a file, in another one, and takes it back.
pub fn remake(name: &str, server: &'static Server) {
    let (database, other) = (Database::on(server), Database::on(server));
    on_connection(&other, async |other| {
        let empty = snapshot(other, &all()).await.unwrap();
        states(name, &database, async |sql, connection| {
            if OF_THE_SERVER.contains(&sql) {
                return;
            }
            let state = snapshot(connection, &all()).await.unwrap();
            check(sql, other, &empty, &state).await;
        })
        .await;
    });
}

/// Makes a database again, which others have made.
pub fn remake_database(what: &str, database: &Database) {
    let other = Database::on(database.server);
    let state = on_connection(database, async |connection| snapshot(connection, &all()).await.unwrap());
    on_connection(&other, async |other| {
        let empty = snapshot(other, &all()).await.unwrap();
        check(what, other, &empty, &state).await;
    });
}

/// In a transaction: nothing of it stays.
async fn check(what: &str, connection: &Connection, empty: &Snapshot, state: &Snapshot) {
    connection.author_texts("BEGIN; SET LOCAL check_function_bodies = off").await.unwrap();
    let mut making = Making { connection, state, made: Vec::new(), failed: BTreeMap::new(), log: String::new() };
    making.all(empty).await;
    let made = snapshot(connection, &all()).await.unwrap();
    let mut differences = compare(state, &made);
    let without = not_made(state);
    differences.retain(|one| !without.contains(&one.object) || one.change != Change::Missing);
    // columns that a parent got after its children come before theirs
    differences.retain(|one| !one.is_move() || is_partition_or_alone(state, &one.object));
    let failed: String = making.failed.iter().map(|(key, why)| format!("{key}: {why}\n")).collect();
    assert!(differences.is_empty(), "{what}\n{}{failed}{}", said(&differences), making.log);
    making.away(empty).await;
    let gone = snapshot(connection, &all()).await.unwrap();
    let left: Vec<Difference> = compare(empty, &gone);
    let failed: String = making.failed.iter().map(|(key, why)| format!("{key}: {why}\n")).collect();
    assert!(left.is_empty(), "{what}: left\n{}{failed}{}", said(&left), making.log);
    connection.roll_back().await.unwrap();
}

fn is_partition_or_alone(state: &Snapshot, column: &ObjectKey) -> bool {
    let table = state.get(state.get(column).unwrap().parent.as_ref().unwrap()).unwrap();
    table.properties.contains_key("partitionBound") || !table.properties.contains_key("parents")
}

/// What cannot be made, and what depends on that.
fn not_made(state: &Snapshot) -> BTreeSet<ObjectKey> {
    let is_secret = |key: &ObjectKey, object: &Object| NOT_MADE.iter().any(|(is, _)| is(key, object));
    let all = state.objects().iter();
    let mut without: BTreeSet<ObjectKey> =
        all.filter(|(key, one)| is_secret(key, one)).map(|(key, _)| key.clone()).collect();
    loop {
        let all = state.objects().iter().filter(|(key, _)| !without.contains(key));
        let more: Vec<ObjectKey> = all
            .filter(|(_, object)| object.depends.iter().chain(&object.parent).any(|on| without.contains(on)))
            .map(|(key, _)| key.clone())
            .collect();
        if more.is_empty() {
            return without;
        }
        without.extend(more);
    }
}

struct Making<'a> {
    connection: &'a Connection,
    state: &'a Snapshot,
    /// In their order.
    made: Vec<ObjectKey>,
    failed: BTreeMap<ObjectKey, String>,
    log: String,
}

impl Making<'_> {
    /// Runs statements; if one fails, none has run.
    async fn run(&mut self, key: &ObjectKey, sql: &[String]) -> bool {
        let sql = sql.join(";\n");
        self.connection.author_texts("SAVEPOINT one").await.unwrap();
        let done = self.connection.author_texts(&sql).await;
        if let Err(why) = done {
            self.connection.roll_back_and_release("one").await.unwrap();
            self.failed.insert(key.clone(), format!("{why}\n{sql}"));
            return false;
        }
        self.connection.author_texts("RELEASE one").await.unwrap();
        self.failed.remove(key);
        self.log += &format!("{sql};\n");
        true
    }

    /// First what needs nothing that is not there; where that is a circle, what can be made.
    async fn all(&mut self, empty: &Snapshot) {
        let state = self.state;
        let later: BTreeSet<ObjectKey> = state
            .objects()
            .iter()
            .filter(|(key, column)| key.kind == Kind::Column && column.text("default").is_some())
            .filter(|(_, column)| column.depends.iter().any(|on| matches!(on.kind, Kind::Function | Kind::Sequence)))
            .map(|(key, _)| key.clone())
            .collect();
        let without = not_made(state);
        let mut left: Vec<&ObjectKey> = state
            .objects()
            .keys()
            .filter(|key| !matches!(key.kind, Kind::Column | Kind::Attribute) && empty.get(key).is_none())
            .filter(|key| !without.contains(key))
            .collect();
        // they change what is made after them
        left.sort_by_key(|key| matches!(key.kind, Kind::DefaultPrivileges | Kind::EventTrigger));
        for difference in compare(state, empty) {
            if let Change::Changed { .. } = difference.change {
                let sql = ddl(state, empty, &difference)
                    .unwrap_or_else(|| panic!("{}", said(std::slice::from_ref(&difference))));
                self.run(&difference.object, &sql).await;
            }
        }
        while !left.is_empty() {
            let before = left.len();
            for only_ready in [true, false] {
                let mut at = 0;
                while at < left.len() {
                    let key = left[at];
                    let needs = needs(state, key, &later);
                    let ready = !only_ready || !left.iter().any(|other| *other != key && needs.contains(*other));
                    let sql = create_object(state, key, &later).unwrap_or_else(|| panic!("{key} is not made"));
                    if ready && self.run(key, &sql).await {
                        self.made.push(key.clone());
                        left.remove(at);
                        if !only_ready {
                            break;
                        }
                    } else {
                        at += 1;
                    }
                }
                if left.len() < before {
                    break;
                }
            }
            if left.len() == before {
                break;
            }
        }
        for key in self.made.clone() {
            if key.kind == Kind::Sequence {
                let sql = own_sequence(state, &key).unwrap();
                self.run(&key, &sql).await;
            }
        }
        for key in later.iter().filter(|key| !without.contains(key)) {
            let sql = set_default(state, key).unwrap();
            self.run(key, &sql).await;
        }
    }

    /// Drops all in the reverse order, until nothing moves.
    async fn away(&mut self, empty: &Snapshot) {
        self.failed.clear();
        let state = self.state;
        let mut left: Vec<(ObjectKey, String)> = Vec::new();
        for key in self.made.iter().rev() {
            left.extend(drop_object(state, key).map(|sql| (key.clone(), sql)));
        }
        // what was there before
        for difference in compare(empty, state) {
            if let Change::Changed { .. } = difference.change {
                let sql = ddl(empty, state, &difference).unwrap();
                self.run(&difference.object, &sql).await;
            }
        }
        loop {
            let before = left.len();
            let mut next = Vec::new();
            for (key, sql) in left {
                if !self.run(&key, std::slice::from_ref(&sql)).await {
                    next.push((key, sql));
                }
            }
            left = next;
            if left.len() == before {
                return;
            }
        }
    }
}

/// What has to be there before an object: what it and its columns depend on.
fn needs(state: &Snapshot, key: &ObjectKey, later: &BTreeSet<ObjectKey>) -> BTreeSet<ObjectKey> {
    let object = state.get(key).unwrap();
    let columns = state.children(key).filter(|part| matches!(part.kind, Kind::Column | Kind::Attribute));
    let columns =
        columns.filter(|column| !later.contains(column)).flat_map(|column| &state.get(column).unwrap().depends);
    // it gets its owner later
    let own = object.depends.iter().filter(|on| key.kind != Kind::Sequence || on.kind != Kind::Column);
    let whole = |on: &ObjectKey| match (on.kind, state.get(on).and_then(|object| object.parent.clone())) {
        (Kind::Column | Kind::Attribute, Some(parent)) => parent,
        _ => on.clone(),
    };
    own.chain(columns).chain(&object.parent).map(whole).filter(|on| on != key).collect()
}

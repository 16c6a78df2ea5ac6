//! What is known of statements and change types is true on servers.

use crate::support::truth::{Truth, claim, compare, connected, folder, version, weaker};
use crate::support::{Case, Database, cases, project, server, sql as sql_changeset};
use dagmar::pg::Connection;
use dagmar::pg::preflight::catalog;
use dagmar::sql::{AlsoLocked, Facts};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What one statement of a change did.
async fn observed(connection: &Connection, sql: &str) -> Truth {
    let names = "SELECT format('name|%s|%s', name, owner) FROM truth.base";
    let message = format!("BEGIN;\nSELECT truth.begin();\n{names};\n{sql};\nSELECT truth.observe();\nCOMMIT");
    let rows = connection.author_texts(&message).await.unwrap_or_else(|why| panic!("{sql}: {why:?}"));
    let mut truth = Truth::default();
    for row in rows.into_iter().filter_map(|row| row.into_iter().next().flatten()) {
        truth.read(&row);
    }
    truth
}

/// Runs one direction of a changeset statement by statement, and compares.
async fn step(connection: &Connection, database: &Database, segments: &Value, resolve: bool, faults: &mut Vec<String>) {
    connection.author_texts("SELECT truth.start()").await.unwrap();
    let mut said = Vec::new();
    for segment in segments.as_array().unwrap() {
        for statement in segment["statements"].as_array().unwrap() {
            let facts: Facts = serde_json::from_value(statement["facts"].clone()).unwrap();
            let sql = statement["sql"].as_str().unwrap().to_owned();
            said.push((sql, segment["mode"].as_str().unwrap().to_owned(), facts));
        }
    }
    if resolve {
        let entries: Vec<AlsoLocked> = said.iter().flat_map(|(.., facts)| facts.also.clone()).collect();
        let catalog = catalog::read(connection, version(database), &entries.iter().collect::<Vec<_>>()).await.unwrap();
        said.iter_mut().for_each(|(.., facts)| catalog.resolve(facts));
    }
    for (sql, mode, facts) in said {
        // a batch has parameters; it writes rows
        let sql = if mode == "batched" { continue_batch(&sql) } else { sql };
        if mode == "outside" {
            database.sql(&sql);
            continue;
        }
        let mut truth = observed(connection, &sql).await;
        if KEEPS.iter().any(|function| sql.contains(function)) {
            truth.losses.clear();
        }
        let claim = claim(&facts, &truth.names);
        if !claim.unknown {
            faults.extend(weaker(&truth, &claim).into_iter().map(|what| format!("{sql}: {what}")));
        }
    }
}

/// Functions of the ledger that delete rows which are kept, or which the changeset has inserted.
const KEEPS: [&str; 2] = [".expect_remembered(", ".remove_inserted("];

/// A batch with values for its parameters: the first, of a thousand rows.
fn continue_batch(sql: &str) -> String {
    sql.replace("$1", "NULL::jsonb").replace("$2", "true").replace("$3", "1000::bigint")
}

#[test]
fn no_change_type_locks_more_than_is_said() {
    let ledger = empty_ledger();
    let all = cases();
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(name) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = case(name, ledger.path());
                    faults.lock().unwrap().extend(found.into_iter().map(|what| format!("{name}: {what}")));
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// A script that makes the ledger as it is before the first changeset.
fn empty_ledger() -> tempfile::NamedTempFile {
    let database = Database::new();
    let project = project(&[sql_changeset("a", "SELECT 1", "SELECT 1")]);
    project.on(&database, &["apply"]).ok();
    project.on(&database, &["rollback", "--all"]).ok();
    let mut dump = Command::new(server().bin.join("pg_dump"));
    dump.args(["-n", "dagmar", "-n", "dagmar_attic", "-U", "postgres", "-h"]).arg(&server().sockets);
    let output = dump.arg(&database.name).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), output.stdout).unwrap();
    file
}

/// All changesets of a case forward, and all back.
fn case(name: &str, ledger: &Path) -> Vec<String> {
    let (case, database) = (Case::open(name), Database::new());
    database.script(ledger).unwrap();
    database.script(&folder().join("observe.sql")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut faults = Vec::new();
    runtime.block_on(async {
        let connection = connected(&database).await;
        for one in &case.steps {
            step(&connection, &database, &one["segments"], false, &mut faults).await;
        }
        for one in case.steps.iter().rev() {
            step(&connection, &database, &one["rollback"]["segments"], true, &mut faults).await;
        }
    });
    faults
}

#[test]
fn no_statement_locks_more_than_is_said() {
    compare(server());
}

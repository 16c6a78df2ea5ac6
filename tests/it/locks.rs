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

/// A partitioned table with a foreign key.
const SHOP: &str = "CREATE SCHEMA app; CREATE TABLE app.users (id int PRIMARY KEY); \
    CREATE TABLE app.orders (id int, user_id int CONSTRAINT orders_user REFERENCES app.users, d int) PARTITION BY LIST (d); \
    CREATE TABLE app.orders_1 PARTITION OF app.orders FOR VALUES IN (1); CREATE INDEX orders_id ON app.orders (id); \
    CREATE VIEW app.names AS SELECT id FROM app.users";

/// The groups of tables of the first statement: `through tables mode complete`.
fn groups(plan: &Value) -> Vec<String> {
    let also =
        plan["steps"][0]["segments"][0]["statements"][0]["facts"]["also"].as_array().cloned().unwrap_or_default();
    let one = |also: &Value| {
        let tables: Vec<&str> =
            also["tables"].as_array().into_iter().flatten().filter_map(|table| table.as_str()).collect();
        let complete = also["complete"] == true;
        format!(
            "{} {} {} {complete}",
            also["through"].as_str().unwrap(),
            tables.join("+"),
            also["mode"].as_str().unwrap()
        )
    };
    also.iter().map(one).collect()
}

#[test]
fn a_preview_names_the_tables_that_are_locked_as_well() {
    let database = Database::new();
    database.sql(SHOP);
    let drop = "ALTER TABLE app.orders DROP CONSTRAINT orders_user";
    let project = project(&[sql_changeset("a", drop, "SELECT 1")]);
    for args in [&["plan"][..], &["plan", "--against"]] {
        let plan = project.on(&database, &[args, &["--format", "json"]].concat()).json();
        let expected =
            ["referencedTables app.users accessExclusive true", "descendants app.orders_1 accessExclusive true"];
        assert_eq!(groups(&plan), expected, "{args:?}");
        assert_eq!(plan["hazards"]["a"], serde_json::json!(["blocksReads"]), "{args:?}");
    }
    // without a server there may be more, and it is said
    let plan = project.run(&["plan", "--offline", "--format", "json"]).json();
    assert_eq!(groups(&plan), ["referencedTables  accessExclusive false", "descendants  accessExclusive false"]);
    assert_eq!(plan["hazards"]["a"], serde_json::json!(["blocksReads", "mayLockMore"]));
    // what the plan makes itself is known
    project.write("plans/0.yaml", &crate::support::file(&[sql_changeset("0", SHOP, "DROP SCHEMA app CASCADE")]));
    project.write("plans/a.yaml", &crate::support::file(&[sql_changeset("a", drop, "SELECT 1").depends_on(["0"])]));
    let mut plan = project.run(&["plan", "--offline", "--format", "json"]).json();
    let steps = plan["steps"].as_array_mut().unwrap();
    steps.remove(0);
    let expected = ["referencedTables app.users accessExclusive true", "descendants app.orders_1 accessExclusive true"];
    assert_eq!(groups(&plan), expected);
}

#[test]
fn what_cascade_drops_counts_as_it_is() {
    let database = Database::new();
    database.sql(SHOP);
    database.sql("CREATE TYPE app.mood AS ENUM ('good'); CREATE TABLE app.moods (m app.mood)");
    let hazards = |statement: &str| {
        let project = project(&[sql_changeset("a", statement, "SELECT 1")]);
        let plan = project.on(&database, &["plan", "--format", "json"]).json();
        (groups(&plan), plan["hazards"]["a"].clone())
    };
    // a view has no rows
    let (also, found) = hazards("DROP VIEW app.names CASCADE");
    assert_eq!((also, found), (Vec::new(), serde_json::json!(["blocksReads"])));
    let (also, found) = hazards("DROP TYPE app.mood CASCADE");
    assert_eq!(also, ["dependents app.moods accessExclusive true"]);
    assert_eq!(found, serde_json::json!(["losesData", "blocksReads"]));
}

#[test]
fn partitioned_tables_are_reindexed_and_clustered() {
    let database = Database::new();
    database.sql(SHOP);
    let file = |statement: &str| {
        database
            .sql("SELECT pg_relation_filenode('app.orders_1_id_idx')")
            .parse::<i64>()
            .unwrap_or_else(|_| panic!("{statement}"))
    };
    for (id, statement) in
        ["REINDEX TABLE app.orders", "REINDEX INDEX app.orders_id", "CLUSTER app.orders USING orders_id"]
            .into_iter()
            .enumerate()
    {
        let before = file(statement);
        let changes = format!("CREATE TABLE app.t{id} (); {statement}");
        let project = project(&[sql_changeset(&format!("c{id}"), &changes, &format!("DROP TABLE app.t{id}"))]);
        project.on(&database, &["apply"]).ok();
        assert_ne!(file(statement), before, "{statement}");
    }
}

#[test]
fn a_reindex_waits_no_longer_than_the_limit_says() {
    let database = Database::new();
    database.sql(SHOP);
    let statement = "REINDEX TABLE app.users";
    let limited = sql_changeset("a", statement, "SELECT 1")
        .with("limits", serde_json::json!({ "lockTimeout": "100ms", "lockRetries": 1 }))
        .change("sql", serde_json::json!({ "forward": "CREATE INDEX CONCURRENTLY users_id ON app.users (id)", "rollback": "DROP INDEX app.users_id" }));
    let project = project(&[limited]);
    let holder = database.hold("SELECT * FROM app.users");
    let failed = project.on(&database, &["apply"]).fails(8);
    assert!(failed.contains("canceling statement due to lock timeout (55P03)"), "{failed}");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.event WHERE kind = 'retried'"), "1");
    drop(holder);
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.ledger(), "a=applied");
}
/// What a query computes with functions of the server is no unknown code: none of the names is that of a volatile
/// function, except those that read a clock or make random values.
#[test]
fn functions_of_the_server_compute_values() {
    let names = std::fs::read_to_string("src/sql/server_functions.txt").unwrap();
    assert!(names.lines().is_sorted());
    let list: Vec<String> = names.lines().map(|name| format!("'{name}'")).collect();
    let volatile = Database::new().sql(&format!(
        "SELECT string_agg(DISTINCT proname, ' ' ORDER BY proname) FROM pg_proc \
         WHERE pronamespace = 'pg_catalog'::regnamespace AND provolatile = 'v' AND proname = ANY (ARRAY[{}])",
        list.join(", ")
    ));
    assert_eq!(volatile, "clock_timestamp gen_random_uuid random timeofday");
}

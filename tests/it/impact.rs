//! What a plan does to a running database: how long it holds its locks, for whom it waits now, what is not allowed.

use crate::support::{Database, project, published_tables_are_found_without_a_lock, sql};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;

const CONFIG: &str = "environments:
  production: { url: '${env:TEST_URL}', allow: [irreversible] }
";

const SHOP: &str = "CREATE SCHEMA shop; CREATE TABLE shop.users (id int PRIMARY KEY, name text); \
    CREATE TABLE shop.orders (id int PRIMARY KEY, user_id int, note text); \
    INSERT INTO shop.users SELECT g, 'x' FROM generate_series(1, 1000) g; \
    INSERT INTO shop.orders SELECT g, 1 + g % 1000, repeat('x', 100) FROM generate_series(1, 50000) g; \
    CREATE TABLE shop.kept (id int)";

/// The impacts of a plan, by changeset and position of the statement.
fn impact<'a>(plan: &'a Value, changeset: &str, statement: usize) -> &'a Value {
    let all = plan["impacts"].as_array().unwrap();
    let is_it = |impact: &&Value| impact["changeset"] == changeset && impact["statement"] == statement;
    all.iter().find(is_it).unwrap_or_else(|| panic!("{changeset} {statement}: {all:#?}"))
}

#[test]
fn a_preview_says_how_long_locks_are_held_and_for_whom_they_wait() {
    let database = Database::new();
    database.sql(SHOP);
    database.sql("VACUUM ANALYZE");
    let project = project(&[
        sql("widen", "ALTER TABLE shop.orders ALTER user_id TYPE bigint", "SELECT 1"),
        sql(
            "key",
            "LOCK TABLE shop.users IN SHARE MODE; ALTER TABLE shop.orders ADD FOREIGN KEY (user_id) REFERENCES shop.users",
            "SELECT 1",
        ),
        sql("index", "CREATE INDEX ON shop.orders (note)", "SELECT 1"),
        sql("add", "ALTER TABLE shop.kept ADD n int", "ALTER TABLE shop.kept DROP n"),
        sql("lose", "DELETE FROM shop.kept", "SELECT 1"),
    ]);
    project.write("dagmar.yaml", CONFIG);
    let real = database.sql("SELECT pg_relation_size('shop.orders') || ' ' || pg_relation_size('shop.orders') + pg_relation_size('shop.orders_pkey')");
    let reader = database.hold("SELECT * FROM shop.orders");
    let mut waiting = database.psql().stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut pipe = waiting.stdin.take().unwrap();
    pipe.write_all(b"BEGIN; LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE;\n").unwrap();
    database.until("SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'shop.orders'::regclass");

    let plan = project.on(&database, &["plan", "--against", "--format", "json"]).json();
    let size = &plan["tables"]["shop.orders"];
    assert_eq!(size["rows"], 50_000);
    let (bytes, total) = (size["bytes"].as_u64().unwrap(), size["totalBytes"].as_u64().unwrap());
    assert!(real.starts_with(&format!("{bytes} ")), "{real}");
    // with the toast table and its index, which are empty but for a page
    assert!(total >= real.split(' ').nth(1).unwrap().parse().unwrap() && total < 2 * bytes, "{total} {real}");

    let widen = impact(&plan, "widen", 0);
    assert_eq!((&widen["held"], &widen["estimateMs"]), (&json!("rewrite"), &json!(total * 1000 / 40_000_000)));
    assert_eq!(widen["refused"], json!(["rewrites"]));
    let waits: Vec<(&Value, &Value, &Value)> = widen["waitsFor"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lock| (&lock["table"], &lock["mode"], &lock["granted"]))
        .collect();
    let (table, yes, no) = (json!("shop.orders"), json!(true), json!(false));
    let (share, exclusive) = (json!("accessShare"), json!("accessExclusive"));
    assert_eq!(waits, [(&table, &share, &yes), (&table, &exclusive, &no)]);
    assert_eq!(widen["waitsFor"][0]["application"], "a long report");
    assert_eq!(widen["waiting"].as_array().unwrap().len(), 1);
    // held until the foreign key of the same transaction is checked
    let lock = impact(&plan, "key", 0);
    assert_eq!((&lock["held"], &lock["heldBy"]), (&json!("scan"), &json!({ "kind": "statement", "statement": 1 })));
    assert_eq!(lock["waitsFor"], Value::Null);
    let index = impact(&plan, "index", 0);
    assert_eq!((&index["held"], &index["estimateMs"]), (&json!("build"), &json!(bytes * 1000 / 40_000_000)));
    // the reader is not in its way, but who waits before it is
    assert_eq!(index["waitsFor"].as_array().unwrap().len(), 1);
    let add = impact(&plan, "add", 0);
    assert_eq!(*add, json!({ "changeset": "add", "segment": 0, "statement": 0, "held": "instant", "estimateMs": 0 }));
    let lose = impact(&plan, "lose", 0);
    assert_eq!((&lose["held"], &lose["refused"]), (&json!("rows"), &json!(["losesData"])));

    let text = project.on(&database, &["plan", "--against"]).ok();
    for words in [
        "blocks reads and writes, while it rewrites the table, about 1s or less\n",
        "would wait now for pid ",
        "application a long report, idle in transaction, transaction open for ",
        "), which holds ACCESS SHARE on shop.orders\n",
        "would wait now behind pid ",
        "), which waits for ACCESS EXCLUSIVE on shop.orders\n",
        "blocks writes, until the transaction ends, about 1s or less: statement 2 reads all rows\n",
        "ACCESS EXCLUSIVE on shop.kept (empty): blocks reads and writes, for an instant\n",
        "production does not allow it: losesData\n",
        "destructive-allowed  unmet",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // what is known without asking anybody now
    let plan = project.on(&database, &["plan", "--format", "json"]).json();
    assert_eq!(impact(&plan, "widen", 0)["held"], "rewrite");
    assert!(plan["impacts"].as_array().unwrap().iter().all(|i| i["waitsFor"].is_null() && i["refused"].is_null()));
    assert_eq!(project.run(&["plan", "--offline", "--format", "json"]).json()["impacts"], Value::Null);
    drop((reader, pipe));
    waiting.wait().unwrap();
}

#[test]
fn sessions_at_tables_that_a_statement_does_not_name_are_in_its_way() {
    let database = Database::new();
    database.sql("CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int REFERENCES parent)");
    let project = project(&[sql("drop", "DROP TABLE child", "SELECT 1")]);
    let reader = database.hold("SELECT * FROM parent");
    let plan = project.on(&database, &["plan", "--against", "--format", "json"]).json();
    assert_eq!(impact(&plan, "drop", 0)["waitsFor"][0]["table"], "public.parent");
    let found = plan["preflight"].as_array().unwrap();
    assert!(found.iter().any(|f| f["message"].as_str().unwrap().contains("`public.parent` is locked")), "{found:?}");
    drop(reader);
}

#[test]
fn a_page_has_the_findings_of_the_review() {
    let index =
        sql("index", "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (t_id int REFERENCES t)", "DROP TABLE u, t");
    let project =
        project(&[index, sql("build", "CREATE INDEX u_t ON u (t_id)", "DROP INDEX u_t").depends_on(["index"])]);
    let lint = project.run(&["lint", "--format", "json", "--fail-on", "never"]).json();
    let findings = lint["findings"].as_array().unwrap();
    assert!(findings.len() > 1, "{lint}");
    let page = project.run(&["plan", "--offline", "--format", "html"]).ok();
    assert_eq!(page.matches("<li><span class=\"tag").count(), findings.len());
    for finding in findings {
        let (code, place) = (finding["code"].as_str().unwrap(), &finding["place"]);
        assert!(page.contains(&format!("<code>{code}</code>")), "{code}");
        assert!(page.contains(&format!("{}:{}</span>", place["file"].as_str().unwrap(), place["line"])), "{place}");
    }
}

#[test]
fn a_preview_does_not_wait_for_published_tables() {
    published_tables_are_found_without_a_lock(&Database::new());
}

//! `dagmar prove`: wrong rollbacks, lost rows and missing dependencies are found, and right ones are not.

use crate::support::{
    Case, Changeset, Cluster, Database, Running, cases, file, found, project, proof, sql, table, tables, until,
    verdicts,
};
use std::process::Stdio;

const SHOP: &str = "CREATE SCHEMA app; CREATE TABLE app.users (id int PRIMARY KEY, email text NOT NULL, name text); \
                    COMMENT ON COLUMN app.users.email IS 'lower case'; CREATE TABLE app.orders (id int PRIMARY KEY, \
                    user_id int NOT NULL REFERENCES app.users, total numeric(10,2) NOT NULL DEFAULT 0)";

/// A changeset after that of the shop.
fn after_shop(id: &str, forward: &str, rollback: &str) -> Changeset {
    sql(id, forward, rollback).depends_on(["shop"])
}

fn shop() -> Changeset {
    sql("shop", SHOP, "DROP SCHEMA app CASCADE")
}

/// Each: what it does, what is to take it back, the verdicts that are not ok, and words of a finding.
const WRONG: [(&str, &str, &str, &str); 10] = [
    ("ALTER TABLE app.users ALTER COLUMN email DROP NOT NULL", "SELECT 1", "down differs", "column app.users.email"),
    (
        "COMMENT ON COLUMN app.users.email IS 'any case'",
        "COMMENT ON COLUMN app.users.email IS NULL",
        "down differs",
        "comment",
    ),
    (
        "GRANT SELECT ON app.users TO PUBLIC",
        "REVOKE INSERT ON app.users FROM PUBLIC",
        "down differs",
        "table app.users: privileges",
    ),
    (
        "ALTER TABLE app.orders ALTER COLUMN total SET DEFAULT 1",
        "ALTER TABLE app.orders ALTER COLUMN total DROP DEFAULT",
        "down differs",
        "column app.orders.total: default",
    ),
    (
        "CREATE INDEX users_name ON app.users (name)",
        "SELECT 1",
        "down differs, again failed",
        "index app.users_name is still there",
    ),
    (
        "ALTER TABLE app.users DROP COLUMN name",
        "SELECT 1",
        "down differs, again failed, data differs",
        "column app.users.name is not there any more",
    ),
    (
        "ALTER TABLE app.users ADD COLUMN age int",
        "ALTER TABLE app.users DROP COLUMN agee",
        "down failed",
        "the rollback fails: column \"agee\" of relation \"users\" does not exist",
    ),
    (
        "CREATE FUNCTION app.one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION app.one; CREATE SEQUENCE IF NOT EXISTS app.left_behind",
        "down differs",
        "sequence app.left_behind is still there",
    ),
    // the catalog comes back, the rows do not
    (
        "ALTER TABLE app.users ALTER COLUMN name TYPE varchar(200)",
        "ALTER TABLE app.users DROP COLUMN name; ALTER TABLE app.users ADD COLUMN name text",
        "data differs",
        "app.users.name",
    ),
    (
        "UPDATE app.users SET email = lower(email) || '.org'",
        "DELETE FROM app.orders; UPDATE app.users SET email = left(email, -4)",
        "data differs",
        "app.orders",
    ),
];

#[test]
fn wrong_rollbacks_are_found() {
    let all: Vec<Changeset> =
        WRONG.iter().enumerate().map(|(n, (there, back, ..))| after_shop(&format!("c{n}"), there, back)).collect();
    // each on its own: one changes what another one stands on
    for (n, (forward, _, expected, words)) in WRONG.iter().enumerate() {
        let project = project(&[shop(), all[n].clone()]);
        let id = format!("c{n}");
        let proof = proof(&project, &[]);
        let all = verdicts(&proof, &id);
        let bad: Vec<&str> = all.split(", ").filter(|verdict| !verdict.ends_with(" ok")).collect();
        assert_eq!(bad.join(", "), *expected, "{forward}: {:#?}", found(&proof, &id));
        let errors: Vec<String> = found(&proof, &id).into_iter().filter(|f| f.contains(" error: ")).collect();
        assert!(errors.iter().any(|f| f.contains(words)), "{forward}: {words}: {errors:#?}");
        assert_eq!(proof["counts"]["wrongRollbacks"], 1, "{forward}");
    }
}

#[test]
fn right_rollbacks_are_proven() {
    let right = [
        (
            "ALTER TABLE app.users ALTER COLUMN email DROP NOT NULL",
            "ALTER TABLE app.users ALTER COLUMN email SET NOT NULL",
        ),
        ("CREATE INDEX users_name ON app.users (name)", "DROP INDEX app.users_name"),
        ("GRANT SELECT ON app.users TO PUBLIC", "REVOKE SELECT ON app.users FROM PUBLIC"),
        (
            "ALTER TABLE app.users RENAME COLUMN name TO full_name",
            "ALTER TABLE app.users RENAME COLUMN full_name TO name",
        ),
        ("ALTER TABLE app.users ALTER COLUMN id TYPE bigint", "ALTER TABLE app.users ALTER COLUMN id TYPE int"),
        ("CREATE VIEW app.v AS SELECT id FROM app.users", "DROP VIEW app.v"),
        ("CREATE INDEX CONCURRENTLY users_email ON app.users (email)", "DROP INDEX CONCURRENTLY app.users_email"),
    ];
    let mut all = vec![shop()];
    for (n, (forward, rollback)) in right.iter().enumerate() {
        all.push(after_shop(&format!("c{n}"), forward, rollback));
    }
    let proof = proof(&project(&all), &["--no-order"]);
    assert_eq!(proof["verdict"], "proven", "{proof:#}");
    // once others were written, some cannot be rolled back any more: a warning
    let warned = found(&proof, "c0");
    assert!(
        warned.iter().any(|f| f.starts_with("data warning: the rollback fails once rows were written")),
        "{warned:?}"
    );
    assert_eq!(verdicts(&proof, "c6"), "up ok, down ok, again ok, data ok");
}

#[test]
#[ignore = "takes long"]
fn rollbacks_of_all_change_types_are_proven() {
    for name in cases() {
        let proof = proof(&Case::open(&name).project, &[]);
        let proofs = proof["changesets"].as_array().unwrap();
        let ids = proofs.iter().map(|proof| proof["id"].as_str().unwrap());
        let is_bad = |id: &&str| ["differs", "failed"].iter().any(|word| verdicts(&proof, id).contains(word));
        let bad: Vec<&str> = ids.filter(is_bad).collect();
        // its author takes away all rows, also those that it did not bring
        let expected: &[&str] = if name == "backfill" { &["other-table"] } else { &[] };
        assert_eq!(bad, expected, "{name}: {proof:#}");
    }
}

#[test]
fn a_dependency_that_no_sql_shows_is_found() {
    let hidden = "DO $$ BEGIN EXECUTE 'ALTER TABLE app.' || 'users' || ' ADD COLUMN a int'; END $$";
    let back = "ALTER TABLE app.users DROP COLUMN a";
    let project = project(&[shop(), table("other"), sql("zlast", hidden, back)]);
    let proof = proof(&project, &[]);
    assert_eq!(verdicts(&proof, "zlast"), "up ok, down ok, again ok, data ok, order failed");
    let said = found(&proof, "zlast");
    assert!(said.iter().any(|f| f.contains("it needs `shop`, which it does not depend on")), "{said:?}");
    assert_eq!(proof["changesets"][2]["differences"][0]["mend"][0], "add `- shop` to `dependsOn` of `zlast`");
}

#[test]
fn what_nothing_orders_runs_in_both_orders() {
    let column = |id: &str| {
        after_shop(
            id,
            &format!("ALTER TABLE app.users ADD COLUMN {id} int"),
            &format!("ALTER TABLE app.users DROP COLUMN {id}"),
        )
    };
    let good = proof(&project(&[shop(), column("a"), column("b")]), &[]);
    assert_eq!(good["verdict"], "proven", "{good:#}");
    let default = |id: &str, n: i32| {
        after_shop(
            id,
            &format!("ALTER TABLE app.orders ALTER COLUMN total SET DEFAULT {n}"),
            "ALTER TABLE app.orders ALTER COLUMN total SET DEFAULT 0",
        )
    };
    let proof = proof(&project(&[shop(), default("a", 1), default("b", 2)]), &[]);
    let said = found(&proof, "b");
    assert!(said.iter().any(|f| f.starts_with("order error: nothing orders `a` and `b`")), "{said:?}");
}

#[test]
fn what_says_that_it_can_be_repeated_is_applied_twice() {
    let twice = |forward: &str| sql("seed", forward, "DROP TABLE IF EXISTS t").with("repeatable", true);
    let proof = proof(&project(&[twice("CREATE TABLE t (n int)")]), &[]);
    assert_eq!(verdicts(&proof, "seed"), "up ok, down ok, again ok, order ok, retry failed");
    let good = crate::support::proof(&project(&[twice("CREATE TABLE IF NOT EXISTS t (n int)")]), &[]);
    assert_eq!(verdicts(&good, "seed"), "up ok, down ok, again ok, order ok, retry ok");
}

#[test]
fn rows_of_dropped_tables_are_forgotten() {
    let project = project(&[
        shop(),
        sql("z1", "CREATE TABLE gone (n int)", "DROP TABLE gone").depends_on(["shop"]),
        sql("z2", "DROP TABLE gone", "CREATE TABLE gone (n int)").depends_on(["z1"]),
        // no rows fit, and what it touches is not in its text: all tables are emptied
        sql(
            "z3",
            "DO $$ BEGIN ALTER TABLE app.users ADD CHECK (email = 'x'); END $$",
            "ALTER TABLE app.users DROP CONSTRAINT users_email_check",
        )
        .depends_on(["z2"]),
    ]);
    let proof = proof(&project, &["--no-order"]);
    assert_eq!(verdicts(&proof, "z2"), "up ok, down ok, again ok, data differs", "{:#?}", found(&proof, "z2"));
    assert!(verdicts(&proof, "z3").starts_with("up ok, down ok, again ok"), "{proof:#}");
    let said = found(&proof, "z3");
    assert!(said.iter().any(|f| f.contains("it was proven without rows in the tables that it touches")), "{said:?}");
}

#[test]
fn statements_that_remove_prepared_queries_do_no_harm() {
    let comment = |text: &str| format!("COMMENT ON TABLE app.users IS {text}; DEALLOCATE ALL");
    let forgets = after_shop("forgets", &comment("'x'"), &comment("NULL"));
    let project = project(&[shop(), forgets, after_shop("z", WRONG[0].0, WRONG[0].1).depends_on(["forgets"])]);
    let proof = proof(&project, &[]);
    assert_eq!(verdicts(&proof, "forgets"), "up ok, down ok, again ok, order ok", "{proof:#}");
    assert!(verdicts(&proof, "z").starts_with("up ok, down differs, again ok"), "{proof:#}");
}

#[test]
fn what_depends_on_a_failure_is_not_tried() {
    let project = project(&[
        sql("a", "CREATE TABLE t (n nothing)", "DROP TABLE t"),
        sql("b", "SELECT 1", "SELECT 1").depends_on(["a"]),
        table("c"),
    ]);
    let proof = proof(&project, &[]);
    assert_eq!([verdicts(&proof, "a"), verdicts(&proof, "b")], ["up failed", ""]);
    assert!(verdicts(&proof, "c").starts_with("up ok, down ok"), "{proof:#}");
    assert_eq!(found(&proof, "b"), ["up note: not tried: it depends on `a`, which cannot be applied"]);
    let place = &proof["changesets"][0]["differences"][0];
    assert_eq!((place["file"].as_str(), place["sqlstate"].as_str()), (Some("plans/a.yaml"), Some("42704")));
}

#[test]
fn what_is_pending_is_proven_and_the_environment_stays_as_it_is() {
    let database = Database::new();
    let files = [shop(), after_shop("new", "CREATE VIEW app.v AS SELECT 1 AS one", "DROP VIEW app.v")];
    let project = project(&files);
    project.on(&database, &["apply", "--select", "shop"]).ok();
    let before = database.catalog();
    let run = project.on(&database, &["prove", "--format", "json"]);
    let proof = run.json();
    let ids: Vec<&str> = proof["changesets"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!((run.code, ids), (0, vec!["new"]));
    assert_eq!(before, database.catalog());
    assert_eq!(project.states(&database), "shop=applied new=pending");
}

#[test]
fn only_an_empty_server_is_a_shadow() {
    let project = project(&[table("a")]);
    let database = Database::new();
    database.sql("CREATE TABLE theirs (n int)");
    let url = database.url();
    let said = project.run(&["prove", "--all", "--shadow", &url]).fails(5);
    assert!(said.contains("databases are made and removed on a shadow server"), "{said}");
    assert_eq!(tables(&database), "theirs");
    project.write("dagmar.yaml", &format!("environments:\n  dev:\n    url: \"{url}\"\n"));
    let said = project.run(&["prove", "--all", "--shadow", &url]).fails(5);
    assert!(said.contains("is the database of an environment of this project"), "{said}");
}

#[test]
fn another_server_is_left_as_it_was() {
    let cluster = Cluster::new();
    let url = cluster.url("postgres", "postgres");
    let left = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate \
                UNION ALL SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres'";
    let before = cluster.sql(left);
    let role = "GRANT CREATE ON SCHEMA public TO somebody; CREATE ROLE made_here";
    let grants = sql("grants", role, "DROP ROLE made_here; REVOKE CREATE ON SCHEMA public FROM somebody");
    let slow = sql("slow", "SELECT pg_sleep(60)", "SELECT 1").depends_on(["grants", "t"]);
    let project = project(&[table("t"), grants, slow]);
    let args = ["prove", "--all", "--shadow", &url, "--format", "json"];
    // killed in the middle: what it made is still there, and the next one removes it
    let mut command = project.command(&args);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("a statement of the proof runs", || {
        cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep\\(60' AND pid <> pg_backend_pid()")
            != "0"
    });
    let other = project.run(&args[..4]).fails(6);
    assert!(other.contains("another process uses the shadow server"), "{other}");
    running.kill().unwrap();
    running.wait().unwrap();
    // its server has not heard of that yet
    cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'dagmar_shadow_%'");
    assert!(cluster.sql(left).contains("dagmar_shadow_"));
    until("its sessions are over", || cluster.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0");
    let run = project.run(&[&args[..], &["--select", "t", "--select", "grants"]].concat());
    assert_eq!((run.code, run.json()["verdict"].as_str()), (0, Some("proven")), "{run:?}");
    assert_eq!(cluster.sql(left), before);
}

#[test]
fn a_signal_ends_a_proof_at_once() {
    let cluster = Cluster::new();
    let project = project(&[sql("slow", "SELECT pg_sleep(600)", "SELECT 1")]);
    let url = cluster.url("postgres", "postgres");
    let running = Running::of(project.command(&["prove", "--all", "--shadow", &url]));
    until("a statement of the proof runs", || {
        cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep\\(600' AND pid <> pg_backend_pid()")
            != "0"
    });
    running.signal("TERM");
    let said = running.end().fails(9);
    assert!(said.contains("the proof was stopped by a signal"), "{said}");
    assert_eq!(cluster.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'dagmar_shadow_%'"), "0");
}

#[test]
fn an_environment_accepts_only_what_is_proven() {
    let database = Database::new();
    let one = project(&[table("a")]);
    one.write("dagmar.yaml", "environments:\n  dev:\n    proven: { maxAge: 1d }\n");
    let on = |args: &[&str]| one.on(&database, &[&["--env", "dev"], args].concat());
    let said = on(&["prove", "--record"]).fails(5);
    assert!(said.contains("the database has no ledger of this version"), "{said}");
    on(&["ledger", "install"]).ok();
    let said = on(&["apply"]).fails(5);
    assert!(said.contains("[proven] `a` is not proven in this form"), "{said}");
    assert!(said.contains("dagmar prove --env dev --record"), "{said}");
    let said = on(&["prove", "--record"]).ok();
    assert!(said.contains("recorded in the ledger of dev: 1 changeset"), "{said}");
    // another rollback is another form
    one.write("plans/a.yaml", &file(&[sql("a", "CREATE TABLE \"a\" (n int)", "DROP TABLE IF EXISTS \"a\"")]));
    assert!(on(&["apply"]).fails(5).contains("`a` is not proven in this form"));
    one.write("plans/a.yaml", &file(&[table("a")]));
    on(&["apply"]).ok();
    let history = on(&["history"]).ok();
    assert!(history.contains("proven") && history.contains("1 changeset on PostgreSQL"), "{history}");
    one.json(&database, &["history", "--verify", "--env", "dev"]).intact();
    on(&["rollback", "a"]).ok();
}

#[test]
fn a_column_in_another_position_is_a_warning() {
    let back = "ALTER TABLE app.orders ADD COLUMN user_id int NOT NULL REFERENCES app.users";
    let project = project(&[
        sql("shop", SHOP, "DROP SCHEMA app CASCADE"),
        after_shop("drop", "ALTER TABLE app.orders DROP COLUMN user_id", back),
    ]);
    let json = proof(&project, &["--no-data"]);
    assert_eq!(json["verdict"], "proven", "{json:#}");
    let said = found(&json, "drop");
    assert!(said.iter().any(|f| f.starts_with("down warning") && f.contains("position")), "{said:?}");
    assert_eq!(proof(&project, &["--no-data", "--strict"])["verdict"], "notProven");
}

#[test]
fn every_format_tells_it() {
    let project = project(&[shop(), after_shop("c", WRONG[0].0, WRONG[0].1)]);
    for (format, words) in [
        ("text", "✗ c"),
        ("junit", "<testcase classname=\"c\" name=\"down\""),
        ("markdown", "| `c` | ok | differs | ok |"),
        ("html", "<h1>Not proven: 1 of 2 changesets proven; 1 not as before</h1>"),
    ] {
        let run = project.run(&["prove", "--all", "--no-data", "--no-order", "--format", format]);
        assert!(run.code == 10 && run.out.contains(words), "{words}: {run:?}");
    }
}

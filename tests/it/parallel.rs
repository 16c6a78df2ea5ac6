//! Independent steps run at the same time, those that meet never do, and a failure leaves
//! exactly what is recorded.

use crate::support::{Changeset, Database, Project, changeset, file, project, snapshot, sql};
use serde_json::json;

/// `meet(me, other)` comes back once the other is there too, and fails when it never comes:
/// both succeed only when they run at the same time.
const MEET: &str = "CREATE FUNCTION meet(me int, other int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(77, me);
    FOR i IN 1..600 LOOP
        IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 77 AND objid = other AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) THEN
            PERFORM pg_sleep(0.1);
            RETURN 1;
        END IF;
        PERFORM pg_sleep(0.05);
    END LOOP;
    RAISE EXCEPTION 'nobody came';
END $$;
CREATE FUNCTION alone() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(78, 1) THEN
        RAISE EXCEPTION 'somebody else is here';
    END IF;
    PERFORM pg_sleep(0.02);
    RETURN 1;
END $$;
CREATE TABLE one (n int); CREATE TABLE two (n int); CREATE TABLE three (n int)";

fn prepared() -> Database {
    let database = Database::new();
    database.sql(MEET);
    database
}

#[test]
fn independent_changesets_run_at_the_same_time() {
    let project = project(&[
        sql("a", "INSERT INTO one SELECT meet(1, 2)", "DELETE FROM one"),
        sql("b", "INSERT INTO two SELECT meet(2, 1)", "DELETE FROM two"),
        sql("c", "INSERT INTO three SELECT count(*) FROM dagmar.changeset", "DELETE FROM three").depends_on(["a", "b"]),
    ]);
    let database = prepared();
    assert_eq!(project.json(&database, &["apply"]).applied(), "a b c");
    assert_eq!(database.sql("SELECT n FROM three"), "2", "it came after both");
    // the way back, at the same time as well
    database.sql("ALTER TABLE one ADD x int; ALTER TABLE two ADD x int");
    assert_eq!(project.json(&database, &["rollback", "--all"]).rolled_back(), "a b c");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.changeset"), "0");
}

#[test]
fn one_after_the_other_when_told_so() {
    let project = Project::new(&[
        ("dagmar.yaml", "environments: { dev: { jobs: 1 } }\n"),
        (
            "plans/a.yaml",
            &file(&[
                sql("a", "INSERT INTO one SELECT alone()", "DELETE FROM one"),
                sql("b", "INSERT INTO two SELECT alone()", "DELETE FROM two"),
                sql("c", "INSERT INTO three SELECT alone()", "DELETE FROM three"),
            ]),
        ),
    ]);
    let database = prepared();
    project.on(&database, &["apply"]).ok();
    assert_eq!(project.states(&database), "a=applied b=applied c=applied");
    let said = project.run(&["check", "--project", "."]).ok();
    assert!(!said.is_empty());
}

/// Whatever touches the same table, or the parent of the same foreign key, runs one
/// after the other, in the plan's order.
#[test]
fn what_meets_on_a_table_never_overlaps() {
    let mut changesets: Vec<Changeset> =
        (0..8).map(|i| sql(&format!("same{i}"), "INSERT INTO one SELECT alone()", "SELECT 1")).collect();
    for i in 0..4 {
        changesets.push(sql(
            &format!("other{i}"),
            &format!("CREATE TABLE child{i} (p int REFERENCES parent)"),
            &format!("DROP TABLE child{i}"),
        ));
    }
    let project = project(&changesets);
    let database = prepared();
    database.sql("CREATE TABLE parent (id int PRIMARY KEY)");
    project.on(&database, &["apply", "--jobs", "8"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM one"), "8");
    let order = database.sql(
        "SELECT string_agg(changeset, ' ' ORDER BY seq) FROM dagmar.event WHERE kind = 'applied' AND changeset LIKE 'same%'",
    );
    assert_eq!(order, "same0 same1 same2 same3 same4 same5 same6 same7");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.event WHERE kind = 'retried'"), "0");
}

/// SQL of which nobody knows what it touches runs alone.
#[test]
fn the_unknown_runs_alone() {
    let unknown = |n: &str| format!("DO $$ BEGIN INSERT INTO {n} SELECT alone(); END $$");
    let project = project(&[
        sql("a", "INSERT INTO one SELECT alone()", "SELECT 1"),
        sql("b", &unknown("two"), "SELECT 1"),
        sql("c", &unknown("three"), "SELECT 1"),
    ]);
    let database = prepared();
    project.on(&database, &["apply", "--jobs", "4"]).ok();
    assert_eq!(project.states(&database), "a=applied b=applied c=applied");
}

/// One fails: with `finish` what runs comes to its end, with `stop` it is cancelled; new
/// steps are not begun either way, and the ledger says exactly what is there.
#[test]
fn a_failure_lets_the_others_finish_or_stops_them() {
    for (word, expected, rows) in
        [("finish", "bad=failed good=applied late=pending", "1"), ("stop", "bad=failed good=pending late=pending", "0")]
    {
        // `good` ends by itself only after `bad` is recorded as failed
        let good = "INSERT INTO two SELECT meet(2, 1) + waits()";
        let project = project(&[
            sql("bad", "INSERT INTO one SELECT meet(1, 2) / 0", "SELECT 1"),
            sql("good", good, "DELETE FROM two"),
            sql("late", "CREATE TABLE late ()", "DROP TABLE late").depends_on(["good"]),
        ]);
        let database = prepared();
        database.sql(
            "CREATE FUNCTION waits() RETURNS int LANGUAGE plpgsql AS $$
             BEGIN
                 FOR i IN 1..1200 LOOP
                     IF (SELECT count(*) FROM dagmar.event WHERE kind = 'failed') > 0 AND
                         current_setting('test.until_end', true) IS NULL THEN
                         RETURN 0;
                     END IF;
                     PERFORM pg_sleep(0.05);
                 END LOOP;
                 RAISE EXCEPTION 'nothing failed';
             END $$",
        );
        if word == "stop" {
            let name = database.sql("SELECT current_database()");
            database.sql(&format!("ALTER DATABASE \"{name}\" SET test.until_end = 'yes'"));
        }
        snapshot(
            "parallel/a_failure_lets_the_others_finish_or_stops_them",
            &project.on(&database, &["apply", "--jobs", "2", "--on-failure", word]).refusal(8),
        );
        assert_eq!(project.states(&database), expected, "{word}");
        assert_eq!(database.sql("SELECT count(*) FROM two"), rows, "{word}");
        assert_eq!(database.sql("SELECT status FROM dagmar.run"), "failed");
        database.until_alone();
    }
}

#[test]
fn concurrent_builds_on_independent_tables_run_side_by_side() {
    let index = |i: usize| changeset(&format!("i{i}")).create_index(&format!("t{i}_n"), &format!("t{i}"), ["n"]);
    let project = project(&(0..6).map(index).collect::<Vec<_>>());
    let database = Database::new();
    for i in 0..6 {
        database.sql(&format!("CREATE TABLE t{i} AS SELECT g AS n FROM generate_series(1, 2000) g"));
    }
    project.on(&database, &["apply", "--jobs", "6"]).ok();
    assert_eq!(
        database.sql("SELECT count(*) FROM pg_index WHERE indrelid::regclass::text LIKE 't_' AND indisvalid"),
        "6"
    );
    project.on(&database, &["rollback", "--all", "--jobs", "6"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM pg_index WHERE indrelid::regclass::text LIKE 't_'"), "0");
}

/// All or nothing: one transaction for the whole plan, or a refusal that says why not.
#[test]
fn a_plan_is_one_transaction_when_told_so() {
    let whole = |bad: &str| {
        project(&[
            sql("a", "CREATE TABLE a (n int);\nSET search_path = 'pg_catalog'", "DROP TABLE a"),
            sql("b", bad, "DROP TABLE b").depends_on(["a"]),
            sql("c", "CREATE TABLE c ()", "DROP TABLE c"),
        ])
    };
    let database = Database::new();
    let broken = whole("CREATE TABLE public.b (n int);\nINSERT INTO b VALUES (1 / 0)");
    snapshot(
        "parallel/a_plan_is_one_transaction_when_told_so",
        &broken.on(&database, &["apply", "--transaction", "plan"]).refusal(8),
    );
    assert_eq!(broken.states(&database), "a=pending b=failed c=pending");
    assert_eq!(database.sql("SELECT to_regclass('a') IS NULL AND to_regclass('c') IS NULL"), "t");

    let good = whole("CREATE TABLE b (n int)");
    assert_eq!(good.json(&database, &["apply", "--transaction", "plan"]).applied(), "a b c");
    assert_eq!(database.sql("SELECT count(*), count(DISTINCT xmin::text) FROM dagmar.changeset"), "3|1");
    // the setting of one changeset did not reach the next
    assert_eq!(database.sql("SELECT to_regclass('public.b') IS NOT NULL"), "t");
    assert_eq!(good.json(&database, &["rollback", "--all", "--transaction", "plan"]).rolled_back(), "a b c");
    assert_eq!(database.sql("SELECT to_regclass('a') IS NULL AND to_regclass('b') IS NULL"), "t");

    let project = project(&[
        changeset("a").create_table("t", [("n", "int")]),
        changeset("i").depends_on(["a"]).create_index("t_n", "t", ["n"]),
    ]);
    let database = Database::new();
    snapshot(
        "parallel/a_plan_is_one_transaction_when_told_so-2",
        &project.on(&database, &["apply", "--transaction", "plan"]).refusal(5),
    );
    assert_eq!(database.sql("SELECT to_regclass('t') IS NULL AND to_regnamespace('dagmar') IS NULL"), "t");
}

/// Two changesets that touch the same tables in opposite order, and an application that
/// does too: the locks are taken up front in one order, so nobody waits in a ring.
#[test]
fn tables_are_locked_up_front_in_one_order() {
    let project = project(&[sql(
        "a",
        "UPDATE two SET n = 1;\nALTER TABLE one ADD extra int;\nUPDATE one SET n = 1",
        "ALTER TABLE one DROP extra",
    )]);
    let database = prepared();
    // the table with the lower oid is held: the changeset must wait before it has `two`
    let holder = database.hold("LOCK TABLE one IN ACCESS EXCLUSIVE MODE");
    let running = project.start(&database, &["apply"]);
    database.until("SELECT count(*) > 0 FROM pg_locks WHERE relation = 'one'::regclass AND NOT granted");
    assert_eq!(database.sql("SELECT count(*) FROM pg_locks WHERE relation = 'two'::regclass AND granted"), "0");
    drop(holder);
    let run = running.end();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(database.sql("SELECT count(*) FROM information_schema.columns WHERE column_name = 'extra'"), "1");
}

/// While a statement waits for a lock, the blocker is named, and who waits behind; before the
/// attempt is given up.
#[test]
fn who_blocks_is_said_while_it_waits() {
    let project =
        project(&[sql("a", "ALTER TABLE one ADD c int", "ALTER TABLE one DROP c")
            .with("limits", json!({ "lockTimeout": "60s" }))]);
    let database = prepared();
    let holder = database.hold("LOCK TABLE one IN ACCESS SHARE MODE; SELECT 'a secret value'");
    let mut running = project.start(&database, &["apply", "--format", "json"]);
    let line = running.line_with("\"event\":\"blocked\"");
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["changeset"], "a");
    let by = event["by"][0].as_str().unwrap();
    assert!(by.contains("application a long report") && by.contains("idle in transaction for"), "{by}");
    assert!(by.contains("SELECT … AS here") && !by.contains("a secret value"), "{by}");
    drop(holder);
    assert_eq!(running.end().code, 0);
}

/// A long concurrent build says how far it is.
#[test]
fn a_concurrent_build_says_how_far_it_is() {
    let limits = json!({ "lockTimeout": "60s" });
    let project = project(&[changeset("a").with("limits", limits).create_index("one_n", "one", ["n"])]);
    let database = prepared();
    // the build has to wait for this transaction
    let holder = database.hold("INSERT INTO one VALUES (1)");
    let mut running = project.start(&database, &["apply", "--format", "json"]);
    let line = running.line_with("\"event\":\"indexProgress\"");
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (event["changeset"].as_str(), event["phase"].as_str()),
        (Some("a"), Some("waiting for writers before build"))
    );
    drop(holder);
    assert_eq!(running.end().code, 0);
    assert_eq!(database.sql("SELECT count(*) FROM pg_index WHERE indrelid = 'one'::regclass AND indisvalid"), "1");
}

/// A backfill is known by its table: it runs beside what has nothing to do with it.
#[test]
fn backfills_of_different_tables_are_of_one_wave() {
    let backfill = |id: &str, table: &str| {
        let body = json!({ "table": table, "key": ["id"], "set": { "n": "1" }, "where": "n = 0" });
        changeset(id).change("backfill", body).with("rollback", json!({ "irreversible": "no way back" }))
    };
    let project = project(&[backfill("a", "one"), backfill("b", "two"), backfill("c", "one")]);
    let plan = project.run(&["plan", "--offline", "--format", "json"]).json();
    let waves: Vec<u64> = plan["steps"].as_array().unwrap().iter().map(|s| s["wave"].as_u64().unwrap()).collect();
    assert_eq!(waves, [1, 1, 2]);
}

/// The lock that is taken before a changeset of several tables is on those tables alone: partitions and
/// children are locked by the statements that need them.
#[test]
fn partitions_and_children_are_not_locked_beforehand() {
    let database = Database::new();
    database.sql(
        "CREATE TABLE parts (n int) PARTITION BY RANGE (n); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (9);
         CREATE TABLE kin (n int); CREATE TABLE child () INHERITS (kin)",
    );
    // its first statement sees the locks that were taken before it
    let project = project(&[sql(
        "a",
        "CREATE TABLE seen AS SELECT relation::regclass::text AS name, mode FROM pg_locks WHERE pid = pg_backend_pid() AND \
         locktype = 'relation' AND granted AND relation = ANY (ARRAY['parts', 'parts_1', 'kin', 'child']::regclass[]);\n\
         ALTER TABLE ONLY parts ALTER n SET DEFAULT 1;\nALTER TABLE ONLY kin ALTER n SET DEFAULT 2",
        "DROP TABLE seen;\nALTER TABLE ONLY parts ALTER n DROP DEFAULT;\nALTER TABLE ONLY kin ALTER n DROP DEFAULT",
    )]);
    let holder = database.hold("LOCK TABLE parts_1, child IN ROW EXCLUSIVE MODE");
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.event WHERE kind = 'retried'"), "0");
    let seen = database.sql("SELECT string_agg(name || ' ' || mode, ', ' ORDER BY name) FROM seen");
    assert_eq!(seen, "kin AccessExclusiveLock, parts AccessExclusiveLock");
    project.on(&database, &["rollback", "a"]).ok();
    drop(holder);
    assert_eq!(
        database.sql("SELECT count(*) FROM pg_attrdef WHERE adrelid IN ('parts'::regclass, 'kin'::regclass)"),
        "0"
    );
}

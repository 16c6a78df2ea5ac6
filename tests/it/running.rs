//! Running: the scenarios of a project's days, by the binary against a real server.

use crate::support::{Changeset, Database, Project, Run, Running, file, project, snapshot, sql, table, tables, view};
use serde_json::json;

#[test]
fn branches_meet_without_renumbering() {
    let project = project(&[table("base")]);
    let (one, other) = (Database::new(), Database::new());
    let (left, right) = ([table("left").depends_on(["base"])], [table("right").depends_on(["base"])]);
    project.write("plans/left.yaml", &file(&left));
    project.on(&one, &["apply"]).ok();
    std::fs::remove_file(project.path().join("plans/left.yaml")).unwrap();
    project.write("plans/right.yaml", &file(&right));
    project.on(&other, &["apply"]).ok();
    // merged: each database gets what it has not
    project.write("plans/left.yaml", &file(&left));
    for database in [&one, &other] {
        project.on(database, &["apply"]).ok();
        assert_eq!(tables(database), "base left right");
        assert_eq!(project.json(database, &["apply"]).applied(), "");
    }
    assert_eq!(one.ledger(), "base=applied left=applied right=applied");
    assert_eq!(other.ledger(), "base=applied right=applied left=applied");
}

#[test]
fn environments_decide_on_changesets_and_variables() {
    let config = "
variables: { where: dev, size: 10 }
environments:
  dev: {}
  production: { variables: { where: live } }
";
    let seed = sql("seed", "INSERT INTO a VALUES (${size}, '${where}', '$${where} ${more:-none}')", "DELETE FROM a")
        .depends_on(["a"])
        .environments(["production"]);
    let project = Project::new(&[
        ("dagmar.yaml", config),
        (
            "plans/a.yaml",
            &file(&[
                sql("a", "CREATE TABLE a (n int, t text, u text)", "DROP TABLE a"),
                seed,
                table("b").depends_on(["seed"]),
            ]),
        ),
    ]);
    let (dev, live) = (Database::new(), Database::new());
    assert_eq!(project.json(&dev, &["apply"]).applied(), "a b");
    assert_eq!(project.states(&dev), "a=applied seed=excluded b=applied");
    assert_eq!(dev.sql("SELECT count(*) FROM a"), "0");
    project.on(&live, &["apply", "--env", "production", "--var", "size=7"]).ok();
    assert_eq!(live.sql("SELECT * FROM a"), "7|live|${where} none");
    // the same changeset, whatever is filled in
    let checksums = "SELECT string_agg(checksum, ' ' ORDER BY id) FROM dagmar.changeset WHERE id <> 'seed'";
    assert_eq!(dev.sql(checksums), live.sql(checksums));
    assert_eq!(project.json(&live, &["apply", "--env", "production"]).applied(), "");
    snapshot(
        "running/marking-what-is-not-for-here",
        &project.on(&live, &["mark", "skipped", "seed", "--reason", "x"]).fails(2),
    );
}

#[test]
fn repeatable_objects_are_applied_again_and_go_back_one_version() {
    let view = |query: &str| file(&[view("v", query)]);
    let project = Project::new(&[("plans/v.yaml", &view("SELECT 1 AS n"))]);
    let database = Database::new();
    let empty = database.dump();
    project.on(&database, &["apply"]).ok();
    let first = database.dump();
    for (query, state) in [("SELECT 2 AS n", "2"), ("SELECT 3 AS n", "3")] {
        project.write("plans/v.yaml", &view(query));
        assert_eq!(project.states(&database), "v=changed");
        assert_eq!(project.json(&database, &["apply"]).applied(), "v");
        assert_eq!(database.sql("SELECT n FROM v"), state);
        assert_eq!(project.json(&database, &["apply"]).applied(), "");
    }
    project.on(&database, &["rollback", "v"]).ok();
    assert_eq!((database.sql("SELECT n FROM v").as_str(), project.states(&database).as_str()), ("2", "v=changed"));
    project.on(&database, &["rollback", "--last-run"]).ok();
    assert_eq!(database.dump(), first);
    project.on(&database, &["rollback", "v"]).ok();
    assert_eq!((database.dump(), database.sql("SELECT count(*) FROM dagmar.changeset")), (empty, "0".to_owned()));
}

#[test]
fn reads_leave_no_trace() {
    let project = project(&[table("a")]);
    let database = Database::new();
    let before = database.whole_dump();
    for args in [
        &["status"][..],
        &["plan"],
        &["plan", "--format", "html"],
        &["plan", "--dry-run"],
        &["apply", "--dry-run"],
        &["check"],
        &["graph", "--against"],
        &["history"],
        &["sql"],
        &["rollback", "--all"],
    ] {
        project.on(&database, args).ok();
        assert_eq!(database.whole_dump(), before, "{args:?}");
    }
}

#[test]
fn selected_changesets_come_with_what_they_need() {
    let project = project(&[
        table("a"),
        table("b").depends_on(["a"]),
        table("c").depends_on(["b"]).with("labels", json!(["late"])),
        table("d"),
    ]);
    let database = Database::new();
    let run = project.json(&database, &["apply", "--select", "b"]);
    assert_eq!(run.last()["blocked"][0]["changeset"], "b");
    snapshot("running/not-selected", run.last()["blocked"][0]["reason"].as_str().unwrap());
    assert_eq!(run.applied(), "");
    assert_eq!(tables(&database), "");
    project.on(&database, &["apply", "--select", "+b"]).ok();
    assert_eq!(tables(&database), "a b");
    project.on(&database, &["apply", "--select", "label:late,d"]).ok();
    assert_eq!(
        (tables(&database), project.states(&database)),
        ("a b c d".into(), "a=applied b=applied c=applied d=applied".into())
    );
}

#[test]
fn half_way_in_one_transaction_nothing_remains() {
    let project = project(&[
        table("a"),
        sql("b", "CREATE TABLE b (n int);\nINSERT INTO b VALUES (1 / 0)", "DROP TABLE b"),
        table("c"),
        table("d").depends_on(["b"]),
    ]);
    let database = Database::new();
    snapshot("running/failed-in-a-transaction", &project.on(&database, &["apply", "--jobs", "1"]).refusal(8));
    assert_eq!(tables(&database), "a");
    assert_eq!(project.states(&database), "a=applied b=failed c=pending d=pending");
    let row = database.sql("SELECT error ->> 'sqlstate', error ->> 'message' FROM dagmar.changeset WHERE id = 'b'");
    assert_eq!(row, "22012|division by zero");
    // a changeset that was never applied may be mended in place
    project.write("plans/a.yaml", &file(&[table("a"), table("b"), table("c"), table("d").depends_on(["b"])]));
    assert_eq!(project.json(&database, &["apply"]).applied(), "b c d");
    assert_eq!(
        (tables(&database).as_str(), database.sql("SELECT count(*) FROM dagmar.changeset WHERE error IS NOT NULL")),
        ("a b c d", "0".into())
    );
}

#[test]
fn half_way_in_segments_goes_on_or_back() {
    let text = "SELECT 1;\n-- segment\nINSERT INTO log VALUES (2);\n-- segment\nSELECT 1 / n FROM switch;\n-- segment\nINSERT INTO log VALUES (4)";
    for goes_on in [true, false] {
        let project =
            project(&[sql("a", &format!("INSERT INTO log VALUES (0);\n-- segment\n{text}"), "DELETE FROM log")]);
        let database = Database::new();
        database.sql("CREATE TABLE log (n int); CREATE TABLE switch AS SELECT 0 AS n");
        snapshot("running/failed-between-segments", &project.on(&database, &["apply"]).refusal(8));
        let plan = project.on(&database, &["plan"]).ok();
        assert_eq!(plan.matches(": done by an earlier run").count(), 3, "{plan}");
        assert_eq!(project.states(&database), "a=partly");
        database.sql("UPDATE switch SET n = 1");
        if goes_on {
            project.on(&database, &["apply"]).ok();
            assert_eq!(database.sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM log"), "0 2 4");
            assert_eq!(database.sql("SELECT count(*) FROM dagmar.segment"), "0");
        } else {
            project.on(&database, &["rollback", "a"]).ok();
            assert_eq!(database.sql("SELECT count(*) FROM log"), "0");
        }
        assert_eq!(project.states(&database), if goes_on { "a=applied" } else { "a=pending" });
    }
}

/// Fifty replicas of a service that all start with `dagmar apply`.
#[test]
fn of_fifty_runners_at_once_one_applies() {
    let changesets: Vec<Changeset> = (0..5)
        .map(|i| {
            sql(
                &format!("c{i}"),
                &format!("CREATE TABLE IF NOT EXISTS hits (n int);\nINSERT INTO hits VALUES ({i})"),
                "SELECT 1",
            )
        })
        .collect();
    let project = project(&changesets);
    let database = Database::new();
    let all: Vec<Running> =
        (0..50).map(|_| project.start(&database, &["apply", "--quiet", "--format", "json"])).collect();
    let mut applied = 0;
    for running in all {
        let ids = running.end().applied();
        applied += usize::from(ids == "c0 c1 c2 c3 c4");
        assert!(ids.is_empty() || ids == "c0 c1 c2 c3 c4", "{ids}");
    }
    assert_eq!(applied, 1);
    assert_eq!(database.sql("SELECT count(*), count(DISTINCT n) FROM hits"), "5|5");
    assert_eq!(
        database.sql("SELECT count(*), count(*) FILTER (WHERE status = 'applied') FROM dagmar.changeset"),
        "5|5"
    );
    assert_eq!(database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'dagmar'"), "1");
    let locks = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE locktype = 'advisory' AND datname = current_database()";
    database.until_alone();
    assert_eq!(database.sql(locks), "0");
}

#[test]
fn the_second_runner_waits_or_leaves() {
    let project = project(&[sql("a", "SELECT pg_sleep(1.5);\nCREATE TABLE a ()", "DROP TABLE a")]);
    let database = Database::new();
    let first = project.start(&database, &["apply", "--format", "json"]);
    database.until_runs("pg_sleep(1.5)");
    snapshot("running/locked", &project.on(&database, &["apply", "--lock-wait", "0s"]).refusal(6));
    assert_eq!(project.json(&database, &["rollback", "--all", "--lock-wait", "0s"]).rolled_back(), "");
    project.on(&database, &["mark", "held", "a", "--reason", "x", "--lock-wait", "0s"]).fails(6);
    let second = project.json(&database, &["apply"]);
    let waits = second.events("waiting");
    snapshot("running/waiting-for-another-run", waits[0]["message"].as_str().unwrap());
    assert_eq!((waits.len(), second.applied().as_str(), first.end().applied().as_str()), (1, "", "a"));
}

#[test]
fn an_edited_changeset_is_refused_with_a_diff() {
    let project = project(&[sql("a", "CREATE TABLE a (n int)", "DROP TABLE a"), table("b")]);
    let database = Database::new();
    project.on(&database, &["apply", "--select", "a"]).ok();
    // neither of these is an edit
    project.write(
        "plans/a.yaml",
        "# moved\nchangesets:\n- changes: # reordered\n  - sql: { rollback: \"DROP TABLE a\\n\", forward: \"CREATE TABLE a (n int)\\n\" }\n  \
         description: now described\n  author: me\n  labels: [x]\n  id: a\n",
    );
    assert_eq!(project.json(&database, &["apply"]).applied(), "");
    assert_eq!(project.states(&database), "a=applied");
    project.write("plans/a.yaml", &file(&[sql("a", "CREATE TABLE a (n bigint)", "DROP TABLE a"), table("b")]));
    for args in [&["apply"][..], &["plan"], &["apply", "--dry-run"], &["apply", "--select", "a"]] {
        let said = project.on(&database, args).refusal(4);
        snapshot("running/edited", &said);
    }
    assert_eq!((tables(&database).as_str(), project.states(&database).as_str()), ("a", "a=edited b=pending"));
    // what was applied can still be taken back, and then be applied as it is now
    project.on(&database, &["rollback", "a"]).ok();
    project.on(&database, &["apply"]).ok();
    assert_eq!(
        database.sql(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'a'::regclass AND attname = 'n'"
        ),
        "bigint"
    );
}

/// What one changeset leaves in the session is not seen by the next.
#[test]
fn sessions_do_not_leak() {
    let database = Database::new();
    let role = format!("leak_{}", database.name);
    database.sql(&format!("CREATE ROLE {role}; GRANT CREATE ON SCHEMA public TO {role}"));
    let leaks = format!(
        "SET search_path = pg_catalog;\nSET work_mem = '7MB';\nSET TimeZone = 'Asia/Tokyo';\nCREATE TEMP TABLE leaked (n int);\n\
         PREPARE leaked_query AS SELECT 1;\nLISTEN leaked_channel;\nSET ROLE {role};\nCREATE TABLE public.by_role ()"
    );
    let look = "CREATE TABLE seen AS SELECT current_user::text AS who, current_setting('search_path') AS path, \
                current_setting('work_mem') AS mem, current_setting('TimeZone') AS zone, \
                to_regclass('pg_temp.leaked') IS NULL AS no_temp, (SELECT count(*) FROM pg_prepared_statements) AS prepared, \
                (SELECT count(*) FROM pg_listening_channels()) AS channels";
    let fails = "SET search_path = pg_catalog;\nSET ROLE pg_monitor;\nSELECT 1 / 0";
    let project = project(&[
        sql("leaks", &leaks, "DROP TABLE by_role"),
        sql("look", look, "DROP TABLE seen"),
        sql("fails", fails, "SELECT 1"),
    ]);
    // in one session, and in this order
    project.on(&database, &["apply", "--jobs", "1"]).fails(8);
    assert_eq!(database.sql("SELECT * FROM seen"), "postgres|\"$user\", public|4MB|UTC|t|0|0");
    assert_eq!(database.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'by_role'"), role);
    assert_eq!(database.sql("SELECT string_agg(DISTINCT applied_by, ' ') FROM dagmar.changeset"), "postgres");
    assert_eq!(database.ledger(), "leaks=applied look=applied fails=failed");
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// JSON lines of a run, and its summary last.
#[test]
fn a_run_as_json_lines() {
    let project = project(&[table("a"), sql("b", "SELECT 1 / 0", "SELECT 1")]);
    let database = Database::new();
    let run: Run = project.on(&database, &["apply", "--jobs", "1", "--format", "json"]);
    assert_eq!(run.code, 8, "{run:?}");
    assert_eq!(run.err, "");
    let events: Vec<serde_json::Value> =
        serde_json::Deserializer::from_str(&run.out).into_iter().map(Result::unwrap).collect();
    let kinds: Vec<&str> = events.iter().map(|e| e["event"].as_str().unwrap_or("error")).collect();
    assert_eq!(
        kinds,
        ["runStarted", "stepStarted", "stepDone", "stepStarted", "stepFailed", "runFinished", "summary", "error"]
    );
    assert_eq!(events[6]["applied"], json!(["a"]));
    assert_eq!(events[7]["error"]["exitCode"], 8);
}

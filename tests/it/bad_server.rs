//! Servers that cannot be reached, do not let in, or break in the middle: what is said, the
//! exit code, what remains, and that no secret and no row value comes out.

use crate::support::{Cluster, Database, Project, Run, against, as_server, owned, project, server, sql, until};
use serde_json::json;
use std::fs;

/// A password that must never be seen.
const CANARY: &str = "canary-5e1f-hunter2";

fn small() -> Project {
    project(&[sql("a", "CREATE TABLE a ()", "DROP TABLE a")])
}

/// Words of what a command says; and that the canary is not in it.
#[track_caller]
fn says(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{run:?}");
    let all = format!("{}{}", run.out, run.err);
    assert!(!all.contains("canary") && !all.contains("hunter2"), "{all}");
    for word in words {
        assert!(all.contains(word), "{word}\n{all}");
    }
}

#[test]
fn servers_that_are_not_there() {
    let project = small();
    let at = |url: &str, words: &[&str]| {
        for args in [&["status"][..], &["apply"], &["plan"], &["rollback", "--all"], &["history"]] {
            says(&against(&project, url, args), 7, words);
        }
        let run = against(&project, url, &["status", "--format", "json"]);
        says(&run, 7, &[]);
        let error = &run.json()["error"];
        assert_eq!((error["kind"].as_str(), run.err.as_str()), (Some("database"), ""));
        assert!(error["message"].as_str().unwrap().contains(words[0]) && error["help"].is_string(), "{error}");
    };
    at(
        &format!("postgres://u:{CANARY}@127.0.0.1:1/db"),
        &["connection refused", "error: cannot connect to `", "help: "],
    );
    at(
        &format!("postgres:///db?host=/nowhere&user=u&password={CANARY}"),
        &["no such socket", "help: start the server"],
    );
    let missing = format!("postgres:///nothing?host={}&user=postgres", server().sockets.display());
    at(&missing, &["database \"nothing\" does not exist", "help: create it with `CREATE DATABASE`"]);
    let stranger = format!("postgres:///postgres?host={}&user=stranger", server().sockets.display());
    at(&stranger, &["role \"stranger\" does not exist", "help: check the user: `CREATE ROLE ... LOGIN` creates it"]);
    // waiting ends, and the reason is the same
    let run = against(&project, "postgres://u@127.0.0.1:1/db", &["status", "--wait", "300ms"]);
    says(&run, 7, &["waiting for the server: ", "connection refused"]);
}

/// Wrong and right passwords from every source, through success and failure.
#[test]
fn no_password_is_ever_shown() {
    let cluster = Cluster::new();
    cluster.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{CANARY}'"));
    cluster.sql("CREATE DATABASE app OWNER app");
    cluster.let_in_by("scram-sha-256");
    let socket = cluster.sockets().display().to_string();
    let plan = [
        sql("a", "CREATE TABLE a (n int UNIQUE)", "DROP TABLE a"),
        sql("b", "INSERT INTO a VALUES (4711), (4711)", "DELETE FROM a").depends_on(["a"]),
    ];
    let project = project(&plan);
    let wrong = format!("postgres:///app?host={socket}&user=app&password={CANARY}-wrong");
    let words = ["password authentication failed for user \"app\"", "help: check the password"];
    says(&against(&project, &wrong, &["apply"]), 7, &words);
    let none = format!("postgres:///app?host={socket}&user=app");
    says(
        &against(&project, &none, &["apply"]),
        7,
        &["requires a password and none was given", "help: set `PGPASSWORD`"],
    );
    let passfile = project.path().join("pgpass");
    fs::write(&passfile, format!("*:*:*:*:{CANARY}\n")).unwrap();
    fs::set_permissions(&passfile, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let good = format!("postgres://app:{CANARY}@/app?host={socket}");
    let with = |args: &[&str], name: &str, value: &str, url: &str| {
        let mut command = project.command(args);
        command.args(["--yes", "-v", "--url", url]).env(name, value);
        Run::of(command.output().unwrap())
    };
    for run in [
        with(&["apply"], "PGPASSWORD", CANARY, &none),
        with(&["apply", "--format", "json"], "PGPASSFILE", passfile.to_str().unwrap(), &none),
        against(&project, &good, &["apply", "--dry-run"]),
    ] {
        says(&run, 8, &["duplicate key value violates unique constraint", "a_n_key"]);
    }
    for args in [
        &["status"][..],
        &["plan"],
        &["history"],
        &["history", "--format", "json"],
        &["sql"],
        &["rollback", "a", "--cascade"],
    ] {
        says(&against(&project, &good, args), 0, &[]);
    }
    let mut command = project.command(&["status"]);
    let run = Run::of(command.env("DATABASE_URL", format!("{good}&sslmode=nonsense")).output().unwrap());
    says(&run, 2, &["sslmode"]);
    project.write("dagmar.yaml", "environments: { live: { url: 'postgres://app:${SECRET}@/app?host=/nowhere' } }\n");
    let mut command = project.command(&["status", "--env", "live"]);
    says(&Run::of(command.env("SECRET", CANARY).output().unwrap()), 7, &["no such socket"]);
    // nor does it reach the database
    cluster.let_in_by("trust");
    let database = cluster.dump("app");
    assert!(database.contains("CREATE TABLE dagmar.event") && !database.contains("canary"), "{database}");
    assert!(!database.contains("(n)=(4711)"));
}

#[test]
fn roles_without_the_rights() {
    let database = Database::new();
    let role = format!("r_{}", database.name);
    database.sql(&format!("CREATE ROLE {role} LOGIN; GRANT CREATE, USAGE ON SCHEMA public TO {role}"));
    let url = format!("postgres:///{}?host={}&user={role}", database.name, server().sockets.display());
    let project = small();
    let words =
        [format!("the role `{role}` may not create the schema `dagmar`"), "help: GRANT CREATE ON DATABASE".into()];
    let run = against(&project, &url, &["apply"]);
    says(&run, 7, &[&words[0], &words[1]]);
    assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relname = 'a'"), "0");
    // looking needs no rights while there is no ledger
    assert!(against(&project, &url, &["status"]).ok().contains("no ledger yet"));
    project.on(&database, &["apply"]).ok();
    for args in [&["status"][..], &["plan"], &["apply"], &["history"], &["rollback", "a"]] {
        says(&against(&project, &url, args), 7, &["cannot read the ledger: permission denied", "help: ", "GRANT"]);
    }
    database
        .sql(&format!("GRANT USAGE ON SCHEMA dagmar TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA dagmar TO {role}"));
    assert!(against(&project, &url, &["status"]).ok().contains("applied"));
    let words = ["[rights] ", "may not write the tables of the ledger", "does not own `public.a`", "help: "];
    says(&against(&project, &url, &["rollback", "a"]), 5, &words);
    says(&against(&project, &url, &["rollback", "a", "--no-preflight"]), 7, &["permission denied", "help: "]);
    assert_eq!(project.states(&database), "a=applied");
}

#[test]
fn databases_that_cannot_be_written() {
    let database = Database::new();
    let project = small();
    database.sql(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name));
    says(&project.on(&database, &["apply"]), 7, &["are read-only", "help: ", "default_transaction_read_only"]);
    says(&project.on(&database, &["status"]), 0, &["pending"]);
    says(&project.on(&database, &["mark", "held", "a", "--reason", "x"]), 7, &["are read-only"]);
}

#[test]
fn a_standby_is_refused_and_can_be_looked_at() {
    let primary = Cluster::new();
    let project = small();
    against(&project, &primary.url("postgres", "postgres"), &["apply"]).ok();
    let parent = tempfile::Builder::new().prefix("dagmar-standby-").tempdir_in("/dev/shm").unwrap();
    owned(parent.path());
    let data = parent.path().join("db");
    let mut copy = as_server(&server().bin.join("pg_basebackup"));
    copy.args(["-U", "postgres", "-R", "-c", "fast", "-X", "stream", "-D"]).arg(&data).arg("-h").arg(primary.sockets());
    assert!(copy.status().unwrap().success());
    let standby = Cluster::on(data, "-c max_connections=300 -c max_prepared_transactions=10");
    let url = standby.url("postgres", "postgres");
    assert!(against(&project, &url, &["status"]).ok().contains("1 applied"));
    assert_eq!(against(&project, &url, &["apply", "--format", "json"]).applied(), "");
    project.write("plans/b.yaml", &crate::support::file(&[sql("b", "SELECT 1", "SELECT 1")]));
    assert!(against(&project, &url, &["plan"]).ok().contains('b'));
    for args in [&["apply"][..], &["rollback", "a"], &["mark", "held", "b", "--reason", "x"]] {
        says(
            &against(&project, &url, args),
            7,
            &["is on a standby, which is read-only", "help: connect to the primary"],
        );
    }
}

/// The server dies in the middle of a statement; what it had committed is known afterwards,
/// and run the command again to continue.
#[test]
fn a_server_that_dies_in_the_middle() {
    let cluster = Cluster::new();
    let project = project(&[
        sql("a", "CREATE TABLE a (n int)", "DROP TABLE a"),
        sql(
            "b",
            "INSERT INTO a VALUES (1);\nSELECT pg_sleep(CASE WHEN to_regclass('fast') IS NULL THEN 60 ELSE 0 END)",
            "DELETE FROM a",
        )
        .depends_on(["a"]),
        sql("c", "INSERT INTO a VALUES (2)", "DELETE FROM a WHERE n = 2").depends_on(["a"]),
    ]);
    let url = cluster.url("postgres", "postgres");
    let mut command = project.command(&["apply", "--format", "json"]);
    command.args(["--yes", "--url", &url]);
    let mut running = crate::support::Running::of(command);
    until("the statement runs", || {
        cluster.sql("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND state = 'active'")
            == "t"
    });
    cluster.crash();
    // it waits for the server to come back, as long as nobody loses patience
    running.line_with("; connecting again");
    running.signal("INT");
    let run = running.end();
    says(&run, 7, &["the connection was lost", "committed changes are recorded", "\"help\":\"run `dagmar status`"]);
    says(&against(&project, &url, &["status"]), 7, &["no such socket"]);
    cluster.start();
    let states = || {
        let value = against(&project, &url, &["status", "--format", "json"]).json();
        value["changesets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["state"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(states(), ["applied", "pending", "pending"]);
    cluster.sql("CREATE TABLE fast ()");
    says(&against(&project, &url, &["apply"]), 0, &["applied 2 changesets"]);
    assert_eq!(cluster.sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM a"), "1 2");
    assert_eq!(cluster.sql("SELECT string_agg(status, ' ' ORDER BY started_at) FROM dagmar.run"), "interrupted done");
}

#[test]
fn a_session_that_is_terminated_in_the_middle() {
    let database = Database::new();
    let project = project(&[
        sql("a", "CREATE TABLE a (n int)", "DROP TABLE a"),
        sql(
            "b",
            "INSERT INTO a VALUES (1);\nSELECT pg_sleep(CASE WHEN to_regclass('fast') IS NULL THEN 60 ELSE 0 END)",
            "DELETE FROM a",
        )
        .depends_on(["a"]),
    ]);
    let running = project.start(&database, &["apply"]);
    database.until(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    );
    database.sql("CREATE TABLE fast ()");
    database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    );
    // it connects again and asks the ledger how far it came
    says(
        &running.end(),
        0,
        &[
            "the connection was lost: terminating connection due to administrator command; connecting again",
            "applied 2 changesets",
        ],
    );
    assert_eq!(project.states(&database), "a=applied b=applied");
    assert_eq!(database.sql("SELECT count(*) FROM a"), "1");
}

#[test]
fn ledgers_that_are_not_ours() {
    let database = Database::new();
    let project = small();
    project.on(&database, &["apply"]).ok();
    let everywhere = |words: &[&str]| {
        for args in
            [&["status"][..], &["plan"], &["apply"], &["rollback", "a"], &["mark", "pending", "a", "--reason", "x"]]
        {
            says(&project.on(&database, args), 7, words);
        }
    };
    database.sql("UPDATE dagmar.meta SET value = '999' WHERE key = 'version'");
    everywhere(&[
        "the ledger in `dagmar` has version 999; this dagmar knows versions up to 8",
        "help: use the version",
    ]);
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "999");
    database.sql("UPDATE dagmar.meta SET value = 'x' WHERE key = 'version'");
    everywhere(&["the ledger"]);
    database.sql("DELETE FROM dagmar.meta WHERE key = 'version'");
    everywhere(&["the ledger"]);
    database.sql("INSERT INTO dagmar.meta VALUES ('version', '8')");
    database.sql("ALTER TABLE dagmar.changeset DROP CONSTRAINT changeset_status_check");
    database.sql("UPDATE dagmar.changeset SET status = 'odd'");
    everywhere(&["the ledger's row of `a` cannot be read: its status is `odd`", "help: it was changed manually"]);
    database.sql(
        "UPDATE dagmar.changeset SET status = 'applied'; ALTER TABLE dagmar.changeset ALTER checksum DROP NOT NULL",
    );
    database.sql("UPDATE dagmar.changeset SET checksum = NULL");
    everywhere(&["the ledger's row of `a` cannot be read", "help: it was changed manually"]);
    database.sql("UPDATE dagmar.changeset SET checksum = 'd1:0'; UPDATE dagmar.changeset SET forward = '[]'");
    says(&project.on(&database, &["rollback", "a"]), 4, &["the row of `a` was changed manually", "help: "]);
    project.on(&database, &["clear", "a", "--as-recorded", "--reason", "a test"]).ok();
    says(&project.on(&database, &["rollback", "a"]), 7, &["the ledger's row of `a` cannot be read", "help: "]);
    database.sql("DROP TABLE dagmar.segment CASCADE");
    everywhere(&["cannot read the ledger: relation \"dagmar.segment\" does not exist"]);
}

/// The server's DETAIL holds row values: who runs it needs them, and whoever may read the ledger
/// must not get them. CONTEXT is nowhere.
#[test]
fn row_values_are_shown_and_not_kept() {
    let database = Database::new();
    database.sql(
        "CREATE TABLE t (n int PRIMARY KEY, secret text); INSERT INTO t VALUES (1, 'row-canary'), (2, 'row-canary')",
    );
    let project = project(&[sql("a", "CREATE UNIQUE INDEX t_secret ON t (secret)", "DROP INDEX t_secret")]);
    for args in [&["apply"][..], &["apply", "-v"], &["apply", "--dry-run"]] {
        let said = project.on(&database, args).fails(8);
        assert!(said.contains("detail: Key (secret)=(row-canary) is duplicated."), "{said}");
    }
    let run = project.on(&database, &["apply", "--format", "json"]);
    assert_eq!(run.code, 8);
    let failed = run.out.lines().find(|line| line.contains("\"stepFailed\"")).unwrap();
    let failed: serde_json::Value = serde_json::from_str(failed).unwrap();
    assert_eq!(failed["error"]["detail"], "Key (secret)=(row-canary) is duplicated.");
    for args in [&["status"][..], &["history"], &["history", "--format", "json"], &["history", "--format", "csv"]] {
        let out = project.on(&database, args).ok();
        assert!(!out.contains("row-canary"), "{out}");
    }
    let rows = database.sql("SELECT to_jsonb(c) FROM dagmar.changeset c UNION ALL SELECT to_jsonb(e) FROM dagmar.event e UNION ALL SELECT to_jsonb(r) FROM dagmar.run r");
    assert!(rows.contains("could not create unique index") && !rows.contains("row-canary"), "{rows}");
}

/// The server's own message holds a value: it is shown, and not kept.
#[test]
fn values_in_messages_are_shown_and_not_kept() {
    for (forward, shown, kept) in [
        (
            "SELECT v::int FROM t",
            "invalid input syntax for type integer: \"123-45-6789\"",
            "invalid input syntax for type integer: \\\"…\\\"",
        ),
        ("SELECT v::uuid FROM t", "invalid input syntax for type uuid: \"123-45-6789\"", "for type uuid: \\\"…\\\""),
        (
            "DO $$ DECLARE r record; BEGIN FOR r IN SELECT v FROM t LOOP RAISE EXCEPTION 'the row % is old', r.v; END LOOP; END $$",
            "the row 123-45-6789 is old",
            "the row % is old",
        ),
        ("SELECT complain()", "123-45-6789", "an error that the changeset raised; its text is not kept"),
        (
            "INSERT INTO t SELECT v FROM t",
            "duplicate key value violates unique constraint \"t_v_key\"",
            "unique constraint \\\"t_v_key\\\"",
        ),
    ] {
        let database = Database::new();
        database.sql("CREATE TABLE t (v text UNIQUE); INSERT INTO t VALUES (concat_ws('-', '123', 45, 6789))");
        database.sql(
            "CREATE FUNCTION complain() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING MESSAGE = (SELECT v \
             FROM t), HINT = (SELECT 'look at ' || v FROM t); END $$",
        );
        let project = project(&[sql("a", forward, "SELECT 1")]);
        for args in [&["apply"][..], &["apply", "--format", "json"]] {
            let run = project.on(&database, args);
            let said = format!("{}{}", run.out, run.err).replace("\\\"", "\"");
            assert!(run.code == 8 && said.contains(shown), "{shown}\n{run:?}");
        }
        let ledger = database.sql(
            "SELECT (SELECT string_agg(error::text, ' ') FROM dagmar.changeset), (SELECT string_agg(detail::text, ' ') \
             FROM dagmar.event), (SELECT string_agg(message, ' ') FROM dagmar.run)",
        );
        assert!(!ledger.contains("6789"), "{ledger}");
        assert!(ledger.matches(kept).count() >= 3 && ledger.contains(&kept.replace('\\', "")), "{kept}\n{ledger}");
        assert!(!project.on(&database, &["history"]).ok().contains("6789"));
        assert!(!project.on(&database, &["status"]).ok().contains("6789"));
    }
}

/// What holds a lock is shown without its data, and the ledger does not have it at all.
#[test]
fn statements_of_others_are_shown_without_their_data() {
    let database = Database::new();
    database.sql("CREATE TABLE t (n int, v text)");
    let project = project(&[sql("a", "ALTER TABLE t ADD m int", "SELECT 1")
        .with("limits", json!({ "lockTimeout": "200ms", "lockRetries": 1 }))]);
    let long = format!("UPDATE t SET v = '{}", "hunter2 ".repeat(1000));
    for statement in [
        "UPDATE t SET v = $q$hunter2$q$, n = 11235813 WHERE v = E'hunter2\\'' AND v <> 'hunter2' /* hunter2 */"
            .to_owned(),
        // the server keeps the beginning of it: a constant without its end
        format!("{long}'"),
    ] {
        let held = database.hold_with(&statement);
        let run = project.on(&database, &["apply"]);
        says(&run, 8, &["the lock is held by pid ", "a long report", "UPDATE t SET v = …"]);
        assert!(!format!("{run:?}").contains("11235813"), "{run:?}");
        drop(held);
        let ledger = database.sql(
            "SELECT (SELECT string_agg(error::text, ' ') FROM dagmar.changeset), string_agg(detail::text, ' ') FROM dagmar.event",
        );
        assert!(
            ledger.contains("a long report") && !ledger.contains("UPDATE t") && !ledger.contains("hunter2"),
            "{ledger}"
        );
    }
}

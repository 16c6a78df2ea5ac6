//! What is found before the first statement, on real servers in real trouble.

use crate::support::{
    Cluster, Database, Project, Run, against, changeset, project, server, snapshot, sql, table, tables, until,
};
use serde_json::{Value, json};

/// The findings of `plan --against`, `check severity` with its message.
fn findings(project: &Project, url: &str) -> Vec<(String, String)> {
    let mut command = project.command(&["plan", "--against", url, "--format", "json"]);
    let run = Run::of(command.output().unwrap());
    // a refusal follows on a line of its own
    let value = serde_json::Deserializer::from_str(&run.out).into_iter::<Value>().next().unwrap().unwrap();
    let text = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    let list = value["preflight"].as_array().unwrap_or_else(|| panic!("{run:?}"));
    let errors = list.iter().any(|f| f["severity"] == "error");
    assert_eq!(run.code, if errors { 5 } else { 0 }, "{run:?}");
    assert!(list.iter().all(|f| !text(f, "remedy").is_empty()), "{list:?}");
    list.iter().map(|f| (format!("{} {}", text(f, "check"), text(f, "severity")), text(f, "message"))).collect()
}

#[track_caller]
fn has(found: &[(String, String)], what: &str, words: &str) {
    assert!(found.iter().any(|(w, message)| w == what && message.contains(words)), "{what}: {words}\n{found:#?}");
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let (project, database) = (project(&[table("a")]), Database::new());
    // as it is from PostgreSQL 15 on
    database.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let run = project.run(&["plan", "--against", &database.url()]);
    let text = run.ok();
    assert!(text.contains("preflight: nothing found") && !text.contains("GATE"), "{text}");
    // alone: the environment's own database
    let run = project.on(&database, &["plan", "--against", "--format", "html"]);
    assert!(run.ok().contains("<h2>Preflight</h2>"));
    assert!(
        project
            .on(&database, &["plan", "--against", "--format", "markdown"])
            .ok()
            .contains("#### Preflight: nothing found")
    );
    project.run(&["plan", "--against", &database.url(), "--url", "postgres:///x"]).fails(2);
    project.run(&["plan", "--against", "--offline"]).fails(2);
    // nothing was made by looking
    assert_eq!(database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'dagmar'"), "0");
}

#[test]
fn rights_are_missed_before_anything_runs() {
    let database = Database::new();
    let role = format!("r_{}", database.name);
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN; CREATE SCHEMA app; CREATE TABLE app.boss (id int PRIMARY KEY, n int); \
         CREATE TABLE app.full (n int); GRANT USAGE ON SCHEMA app TO {role}; \
         GRANT CREATE ON DATABASE {} TO {role}",
        database.name
    ));
    let url = format!("postgres:///{}?host={}&user={role}", database.name, server().sockets.display());
    let project = project(&[
        sql("fine", "CREATE SCHEMA mine", "DROP SCHEMA mine"),
        sql("own", "ALTER TABLE app.boss ADD x int", "ALTER TABLE app.boss DROP x"),
        sql("index", "CREATE INDEX ON app.boss (n)", "SELECT 1"),
        sql("rows", "INSERT INTO app.full VALUES (1)", "DELETE FROM app.full"),
        sql("make", "CREATE TABLE app.t (n int REFERENCES app.boss)", "DROP TABLE app.t"),
        sql("lost", "CREATE TABLE nowhere.t ()", "DROP TABLE nowhere.t"),
    ]);
    let found = findings(&project, &url);
    has(&found, "rights error", &format!("the role `{role}` does not own `app.boss`; only `postgres` may change them"));
    has(&found, "rights error", &format!("the role `{role}` lacks INSERT on `app.full`"));
    has(&found, "rights error", &format!("the role `{role}` may not create anything in the schema `app`"));
    has(&found, "rights error", "the schema `nowhere` does not exist");
    snapshot("preflight/rights_are_missed_before_anything_runs", &against(&project, &url, &["apply"]).refusal(5));
    assert_eq!(database.sql("SELECT count(*) FROM pg_namespace WHERE nspname IN ('dagmar', 'mine')"), "0");
    let run = against(&project, &url, &["apply", "--format", "json"]);
    let events: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (events[0]["event"].as_str(), events[0]["findings"][0]["check"].as_str()),
        (Some("preflight"), Some("rights"))
    );
    assert_eq!(events.last().unwrap()["error"]["exitCode"], 5);
    // by an explicit word
    let said = against(&project, &url, &["apply", "--no-preflight"]).fails(8);
    assert!(said.contains("must be owner of table boss") || said.contains("permission denied"), "{said}");
    // the ledger is that role's now: whoever uses it lets its owner run code
    let said = against(&project, &database.url(), &["status"]).fails(5);
    for words in ["the schema dagmar belongs to", &format!("ledger: {{ owners: [{role}] }}")] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    // and the superuser lacks nothing
    project.write("dagmar.yaml", &format!("ledger: {{ owners: [{role}] }}\n"));
    database.sql("CREATE SCHEMA nowhere");
    assert!(!findings(&project, &database.url()).iter().any(|(what, _)| what.starts_with("rights")));
}

#[test]
fn what_the_server_does_not_have_is_found() {
    let database = Database::new();
    let extension = |id: &str, name: &str| changeset(id).change("createExtension", json!({ "name": name }));
    let grant = json!({ "privileges": ["usage"], "on": { "schema": "public" }, "to": ["nobody_here"] });
    let project =
        project(&[extension("a", "no_such_thing"), extension("b", "plpgsql"), changeset("c").change("grant", grant)]);
    let found = findings(&project, &database.url());
    has(&found, "extensions error", "the server does not have the extension `no_such_thing`");
    has(&found, "roles error", "the role `nobody_here` does not exist");
    assert_eq!(found.iter().filter(|(what, _)| what.ends_with("error")).count(), 2, "{found:?}");
    project.write(
        "plans/a.yaml",
        &crate::support::file(&[sql("n", "ALTER TABLE t ADD CHECK (n > 0) NOT ENFORCED", "SELECT 1")]),
    );
    if database.sql("SELECT current_setting('server_version_num')::int < 180000") == "t" {
        has(&findings(&project, &database.url()), "version error", "`n` needs PostgreSQL 18 (`NOT ENFORCED`)");
    }
}

#[test]
fn who_is_in_the_way_is_found() {
    let database = Database::new();
    database.sql("CREATE TABLE t (n int); CREATE TABLE u (n int)");
    let project = project(&[
        sql("a", "ALTER TABLE t ADD m int", "ALTER TABLE t DROP m"),
        sql("b", "CREATE INDEX CONCURRENTLY u_n ON u (n)", "DROP INDEX CONCURRENTLY u_n"),
    ]);
    let holder = database.hold("LOCK TABLE t IN ROW EXCLUSIVE MODE");
    database.sql(&format!("BEGIN; INSERT INTO u VALUES (1); PREPARE TRANSACTION 'forgotten_{}'", database.name));
    let found = findings(&project, &database.url());
    has(&found, "locks warning", "`public.t` is locked against ACCESS EXCLUSIVE: pid ");
    has(&found, "locks warning", "application a long report, idle in transaction");
    has(
        &found,
        "locks warning",
        &format!("`public.u` is locked against SHARE: the prepared transaction `forgotten_{}`", database.name),
    );
    has(&found, "transactions warning", "was prepared ");
    until("the transaction is old enough to be told of", || {
        findings(&project, &database.url())
            .iter()
            .any(|(w, m)| w == "transactions warning" && m.contains("every open transaction: pid "))
    });
    // a run shows it and goes on
    drop(holder);
    database.sql(&format!("ROLLBACK PREPARED 'forgotten_{}'", database.name));
    let holder = database.hold("SELECT 1 FROM t");
    let running = project.start(&database, &["apply", "--select", "a"]);
    until("the run waits for the table", || {
        database.sql("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 't'::regclass") == "t"
    });
    drop(holder);
    let run = running.end();
    assert!(run.err.contains("warning [locks] `public.t` is locked"), "{run:?}");
    assert_eq!(run.code, 0);
}

/// Changesets run under the path of the role: what others put there is found by them.
#[test]
fn that_others_may_create_in_the_search_path_is_found() {
    let database = Database::new();
    let (deploy, other) = (format!("{}_deploy", database.name), format!("{}_other", database.name));
    database.sql(&format!(
        "CREATE ROLE {deploy} LOGIN; CREATE ROLE {other} LOGIN; CREATE SCHEMA \"My Shop\" AUTHORIZATION {deploy};
         CREATE SCHEMA aside; GRANT CREATE ON SCHEMA aside TO PUBLIC;
         GRANT CREATE ON SCHEMA public TO PUBLIC, postgres, {deploy}; GRANT USAGE, CREATE ON SCHEMA \"My Shop\" TO {other};
         ALTER ROLE {deploy} SET search_path = '$user', \"My Shop\", nowhere, public; GRANT CREATE ON DATABASE {} TO {deploy}",
        database.name
    ));
    let project = project(&[table("a")]);
    let url = format!("postgres:///{}?host={}&user={deploy}", database.name, server().sockets.display());
    let about = |url: &str| -> Vec<(String, String)> {
        findings(&project, url).into_iter().filter(|(what, _)| what.starts_with("search_path")).collect()
    };
    let end = format!("which the `search_path` of changesets has: their code can run as `{deploy}`");
    let may = "may create functions and tables in";
    assert_eq!(
        about(&url),
        [
            ("search_path warning".to_owned(), format!("every role {may} `public`, {end}")),
            ("search_path note".to_owned(), format!("`{other}` {may} `My Shop`, {end}")),
        ]
    );
    // another role has another path
    assert_eq!(about(&database.url()).len(), 2);
    assert!(
        about(&database.url())
            .iter()
            .all(|(_, message)| message.contains("`public`") && !message.contains("`postgres` may"))
    );
    // a run tells of the warning and goes on
    let run = against(&project, &url, &["apply"]);
    assert!(run.err.contains("warning [search_path] every role may create"), "{run:?}");
    assert!(!run.err.contains(&format!("`{other}` may create")), "{run:?}");
    run.ok();
    against(&project, &url, &["rollback", "a"]).ok();
    // what is said to be done mends it
    let shown = project.run(&["plan", "--against", &url]).ok();
    for mends in
        ["REVOKE CREATE ON SCHEMA public FROM PUBLIC", &format!("REVOKE CREATE ON SCHEMA \"My Shop\" FROM {other}")]
    {
        assert!(shown.contains(mends), "{mends}\n{shown}");
        database.sql(mends);
    }
    assert_eq!(about(&url), []);
}

#[test]
fn replication_and_sessions_are_looked_at() {
    let cluster = Cluster::new();
    cluster.sql("ALTER SYSTEM SET wal_level = logical");
    cluster.crash();
    cluster.start();
    cluster.sql("CREATE TABLE t (n int PRIMARY KEY); CREATE PUBLICATION out FOR TABLE t; CREATE ROLE app LOGIN CONNECTION LIMIT 1; GRANT ALL ON DATABASE postgres TO app");
    cluster.sql("SELECT pg_create_physical_replication_slot('gone', true)");
    let project = project(&[sql("a", "ALTER TABLE t ADD m int", "ALTER TABLE t DROP m"), table("b")]);
    let found = findings(&project, &cluster.url("postgres", "postgres"));
    has(&found, "replication warning", "`public.t` is published by `out`");
    has(&found, "replication note", "the replication slot `gone` has no reader");
    let mut command = project.command(&["apply", "--yes", "--url", &cluster.url("app", "postgres")]);
    snapshot("preflight/replication_and_sessions_are_looked_at", &Run::of(command.output().unwrap()).refusal(5));
}

#[test]
fn room_on_the_disk_is_measured_where_it_can_be() {
    let database = Database::new();
    database.sql("CREATE TABLE big AS SELECT n, repeat('x', 100) AS t FROM generate_series(1, 20000) n");
    let project = project(&[sql("a", "ALTER TABLE big ALTER n TYPE bigint", "SELECT 1")]);
    let url = database.url();
    // there is room for 3 MB: not worth a word
    assert!(!findings(&project, &url).iter().any(|(what, _)| what.starts_with("disk")));
    assert_eq!(tables(&database), "big");
}

/// The way back is looked at like the way there: what it drops it must own, what it drops it
/// need not be able to make.
#[test]
fn the_way_back_is_looked_at_too() {
    let database = Database::new();
    let role = format!("r_{}", database.name);
    database.sql(&format!(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE TABLE boss (id int PRIMARY KEY); CREATE ROLE {role} LOGIN; GRANT REFERENCES ON boss TO {role}; \
         GRANT CREATE ON SCHEMA public TO {role}; GRANT CREATE ON DATABASE {} TO {role}",
        database.name
    ));
    let url = format!("postgres:///{}?host={}&user={role}", database.name, server().sockets.display());
    let boss = json!({ "name": "boss", "type": "int", "references": { "table": "public.boss", "column": "id" } });
    let child = changeset("child").change("createTable", json!({ "table": "public.child", "columns": [boss] }));
    let index = sql("index", "CREATE INDEX CONCURRENTLY u_n ON public.u (n)", "DROP INDEX CONCURRENTLY public.u_n")
        .depends_on(["u"]);
    let other = format!("{role}_2");
    database.sql(&format!("CREATE ROLE {other}"));
    let policy = json!({ "name": "p", "table": "public.u", "to": [other], "using": "true" });
    let policy = changeset("policy").change("createPolicy", policy).depends_on(["u"]);
    let project = project(&[table("t"), table("u"), child, index, policy]);
    against(&project, &url, &["apply"]).ok();
    database.sql(&format!("ALTER ROLE {other} RENAME TO {role}_3"));
    assert_eq!(tables(&database), "boss child t u");
    // nothing of this is needed to take it back
    database.sql(&format!("REVOKE CREATE ON SCHEMA public FROM {role}; REVOKE REFERENCES ON boss FROM {role}"));
    database.sql("ALTER TABLE t OWNER TO postgres");
    let holder = database.hold("LOCK TABLE u IN ROW EXCLUSIVE MODE");
    database.sql(&format!("BEGIN; INSERT INTO boss VALUES (1); PREPARE TRANSACTION 'left_{}'", database.name));
    let said = against(&project, &url, &["rollback", "--all"]).fails(5);
    for words in [
        "the preflight found 1 error",
        &format!("[rights] the role `{role}` does not own `public.t`; only `postgres` may change them"),
        "warning [locks] `public.u` is locked against ACCESS EXCLUSIVE: pid ",
        // DROP INDEX CONCURRENTLY waits for users of its table alone, DROP TABLE for those of a referenced one too
        &format!(
            "warning [locks] `public.boss` is locked against ACCESS EXCLUSIVE: the prepared transaction `left_{}`",
            database.name
        ),
        "skip these checks with `--no-preflight`",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert!(!said.contains("may not create") && !said.contains("lacks"), "{said}");
    // before the first statement
    assert_eq!(
        (tables(&database).as_str(), database.sql("SELECT to_regclass('u_n')")),
        ("boss child t u", "u_n".to_owned())
    );
    let refused = "SELECT detail ->> 'command' FROM dagmar.event WHERE kind = 'refused'";
    assert_eq!(database.sql(refused), "rollback");
    let run = against(&project, &url, &["rollback", "t", "--format", "json"]);
    let events: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (events[0]["event"].as_str(), events[0]["findings"][0]["check"].as_str()),
        (Some("preflight"), Some("rights"))
    );
    assert_eq!(events.last().unwrap()["error"]["exitCode"], 5);
    // by an explicit word
    let said = against(&project, &url, &["rollback", "t", "--no-preflight"]).fails(8);
    assert!(said.contains("must be owner of table t") && !said.contains("preflight"), "{said}");
    drop(holder);
    database.sql(&format!("ROLLBACK PREPARED 'left_{}'", database.name));
    database.sql(&format!("ALTER TABLE t OWNER TO {role}"));
    let run = against(&project, &url, &["rollback", "--all"]);
    assert!(!run.err.contains("preflight"), "{run:?}");
    run.ok();
    assert_eq!(tables(&database), "boss");
}

//! `beforeApply`: real commands, dumps and restore points before the first statement.

use crate::support::{Changeset, Cluster, Database, Project, against, file, snapshot, sql, table, tables, until};
use std::fs;

/// A project whose default environment has these hooks.
fn with(hooks: &str, changesets: &[Changeset]) -> Project {
    Project::new(&[
        ("dagmar.yaml", &format!("environments:\n  dev:\n    beforeApply:\n{hooks}")),
        ("plans/a.yaml", &file(changesets)),
    ])
}

/// The events of hooks: name and outcome.
fn events(database: &Database) -> String {
    database.sql(
        "SELECT coalesce(string_agg(detail ->> 'hook' || '=' || (detail ->> 'outcome'), ' ' ORDER BY seq), '') \
         FROM dagmar.event WHERE kind = 'beforeApply' AND (detail ->> 'tookMs')::int >= 0",
    )
}

#[test]
fn commands_know_the_run_and_the_connection() {
    let hooks = "      - run: [sh, -c, 'echo \"$DAGMAR_ENVIRONMENT $PGDATABASE\"; echo \"$DAGMAR_RUN\" > run; psql -X -A -t -c \"SELECT count(*) FROM pg_locks WHERE locktype = ''advisory'' AND classid = 1684499826\" > locked']\n      - run: [./here.sh]\n";
    let project = with(hooks, &[table("a")]);
    project.write("here.sh", "#!/bin/sh\necho second\n");
    fs::set_permissions(project.path().join("here.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let database = Database::new();
    let run = project.on(&database, &["apply"]);
    assert!(run.err.contains(&format!("dev {}", database.name)) && run.err.contains("second"), "{run:?}");
    run.ok();
    let read = |name: &str| fs::read_to_string(project.path().join(name)).unwrap().trim().to_owned();
    assert_eq!(database.sql("SELECT id FROM dagmar.run"), read("run"));
    assert_ne!(read("locked"), "0", "the lock is held");
    assert_eq!(events(&database), "run sh=done run ./here.sh=done");
    assert!(project.on(&database, &["history"]).ok().contains("beforeApply"));
    project.json(&database, &["history", "--verify"]).intact();
    // nothing to do, nothing to prepare
    fs::remove_file(project.path().join("run")).unwrap();
    project.on(&database, &["apply"]).ok();
    assert!(!project.path().join("run").exists());
}

#[test]
fn a_failing_hook_stops_the_run_before_it_begins() {
    let hooks = "      - run: [sh, -c, 'echo one']\n      - run: [sh, -c, 'echo the disk is full >&2; exit 3']\n      - run: [touch, third]\n";
    let (project, database) = (with(hooks, &[table("a")]), Database::new());
    snapshot("hooks/a_failing_hook_stops_the_run_before_it_begins", &project.on(&database, &["apply"]).refusal(8));
    assert_eq!((tables(&database).as_str(), events(&database).as_str()), ("", "run sh=done run sh=failed"));
    assert_eq!(database.sql("SELECT status FROM dagmar.run"), "failed");
    assert!(!project.path().join("third").exists());
    let missing = with("      - run: [no-such-command-here]\n", &[table("a")]);
    snapshot("hooks/a_failing_hook_stops_the_run_before_it_begins-2", &missing.on(&database, &["apply"]).refusal(8));
    // the lock is free again, and the same project without hooks runs
    project.write("dagmar.yaml", "");
    project.on(&database, &["apply"]).ok();
    project.json(&database, &["history", "--verify"]).intact();
}

#[test]
fn a_hanging_hook_ends_with_everything_that_it_started() {
    let hooks = "      - { run: [sh, -c, 'sleep 600 & echo $! > grandchild; wait'], timeout: 1500ms }\n";
    let (project, database) = (with(hooks, &[table("a")]), Database::new());
    snapshot(
        "hooks/a_hanging_hook_ends_with_everything_that_it_started",
        &project.on(&database, &["apply"]).refusal(8),
    );
    assert_eq!((tables(&database).as_str(), events(&database).as_str()), ("", "run sh=timeout"));
    let pid = fs::read_to_string(project.path().join("grandchild")).unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    // gone, or a zombie that nobody has buried yet
    until("the grandchild is gone", || fs::read_to_string(&stat).map_or(true, |s| s.contains(") Z ")));
}

/// The first of three hooks ends the connection of its own run: the run connects again, and none of the
/// others is left out, nor is the first one run twice once it is recorded.
#[test]
fn a_connection_that_is_lost_among_the_hooks_leaves_none_of_them_out() {
    let kill = "psql -X -q -c \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND \
                application_name LIKE ''dagmar%'' AND application_name <> ''dagmar lock'' AND pid <> pg_backend_pid()\"";
    for (at, runs) in [(0, "one one two three"), (1, "one two two three"), (2, "one two three three")] {
        let hook = |n: usize, name: &str| {
            let kill = if n == at { format!("[ -e killed ] || {{ touch killed; {kill}; }};") } else { String::new() };
            format!("      - run: [sh, -c, 'echo {name} >> log; {kill} true']\n")
        };
        let hooks = [hook(0, "one"), hook(1, "two"), hook(2, "three")].concat();
        let (project, database) = (with(&hooks, &[table("a")]), Database::new());
        let run = project.on(&database, &["apply"]);
        assert!(run.err.contains("connecting again"), "{run:?}");
        run.ok();
        let log = fs::read_to_string(project.path().join("log")).unwrap();
        assert_eq!(log.split_whitespace().collect::<Vec<_>>().join(" "), runs);
        assert_eq!(events(&database), "run sh=done run sh=done run sh=done", "each is recorded once");
        assert_eq!(tables(&database), "a");
    }
}

#[test]
fn a_signal_ends_a_hook() {
    let hooks = "      - run: [sh, -c, 'touch begun; sleep 600']\n";
    let (project, database) = (with(hooks, &[table("a")]), Database::new());
    let running = project.start(&database, &["apply"]);
    until("the hook runs", || project.path().join("begun").exists());
    running.signal("TERM");
    running.end().fails(9);
    assert_eq!((tables(&database).as_str(), events(&database).as_str()), ("", "run sh=interrupted"));
    assert_eq!(database.sql("SELECT status FROM dagmar.run"), "interrupted");
}

#[test]
fn dumps_hold_what_the_plan_changes() {
    let hooks = "      - dump: { touched: true, to: 'backups/${run}.dump' }\n";
    let database = Database::new();
    database.sql("CREATE TABLE \"Odd.t\" (n int); INSERT INTO \"Odd.t\" VALUES (7); CREATE TABLE other (n int)");
    let project = with(hooks, &[sql("a", "ALTER TABLE \"Odd.t\" ADD m int", "SELECT 1")]);
    project.on(&database, &["apply"]).ok();
    let files: Vec<_> = fs::read_dir(project.path().join("backups")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let restored = Database::new();
    let mut restore = std::process::Command::new(database.server.bin.join("pg_restore"));
    restore.args(["-U", "postgres", "-d", &restored.name, "-h"]).arg(&database.server.sockets).arg(&files[0]);
    assert!(restore.status().unwrap().success());
    assert_eq!((tables(&restored).as_str(), restored.sql("SELECT n FROM \"Odd.t\"").as_str()), ("Odd.t", "7"));
    assert_eq!(
        database.sql(
            "SELECT detail ->> 'tables', (detail ->> 'bytes')::int > 0 FROM dagmar.event WHERE kind = 'beforeApply'"
        ),
        "1|t"
    );
    // a file that is there is not replaced, and what is new needs no dump
    project.write(
        "dagmar.yaml",
        "environments: { dev: { beforeApply: [ { dump: { touched: true, to: one.dump } } ] } }\n",
    );
    project.write("plans/b.yaml", &file(&[table("b")]));
    let run = project.on(&database, &["apply"]);
    assert!(run.err.contains("the plan changes no existing object"), "{run:?}");
    project.write("one.dump", "precious");
    project.write("plans/c.yaml", &file(&[sql("c", "ALTER TABLE other ADD x int", "SELECT 1")]));
    snapshot("hooks/dumps_hold_what_the_plan_changes", &project.on(&database, &["apply"]).refusal(8));
    assert_eq!(fs::read_to_string(project.path().join("one.dump")).unwrap(), "precious");
    assert!(!project.path().join("one.dump.part").exists());
}

#[test]
fn restore_points_are_made_or_say_what_they_need() {
    let (project, database) = (with("      - restorePoint: before ${run}\n", &[table("a")]), Database::new());
    project.on(&database, &["apply"]).ok();
    let lsn = "SELECT detail ->> 'restorePoint' = 'before ' || run, (detail ->> 'lsn')::pg_lsn > '0/0' FROM dagmar.event WHERE kind = 'beforeApply'";
    assert_eq!(database.sql(lsn), "t|t");
    let role = format!("r_{}", database.name);
    let other = Database::new();
    other.sql(&format!(
        "CREATE ROLE {role} LOGIN; ALTER DATABASE {} OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}",
        other.name
    ));
    let url = format!("postgres:///{}?host={}&user={role}", other.name, other.server.sockets.display());
    snapshot("hooks/restore_points_are_made_or_say_what_they_need", &against(&project, &url, &["apply"]).refusal(8));
    assert_eq!(tables(&other), "");
}

#[test]
fn hooks_do_not_show_the_password() {
    let cluster = Cluster::new();
    let canary = "canary%/hunter2";
    cluster.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{canary}'"));
    cluster.sql("CREATE DATABASE app OWNER app");
    cluster.let_in_by("scram-sha-256");
    let hooks = "      - run: [sh, -c, 'echo \"with $PGPASSWORD\"; echo postgres://app:canary%25%2Fhunter2@x; psql -X -A -t -c \"SELECT 40 + 2\"; exit 1']\n";
    let project = with(hooks, &[table("a")]);
    let url = format!("postgres://app@/app?host={}", cluster.sockets().display());
    for format in ["text", "json"] {
        let mut command = project.command(&["apply", "--yes", "--url", &url, "--format", format]);
        let run = crate::support::Run::of(command.env("PGPASSWORD", canary).output().unwrap());
        let said = format!("{}{}", run.out, run.err);
        assert!(run.code == 8 && said.contains("with ***") && said.contains("42"), "{run:?}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    cluster.let_in_by("trust");
    assert!(!cluster.dump("app").contains("hunter2"));
}

/// A hook writes the password in the forms in which programs write them.
#[test]
fn hooks_do_not_show_the_password_in_another_form() {
    let cluster = Cluster::new();
    let canary = "canary /+hunter2";
    cluster.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{canary}'"));
    cluster.sql("CREATE DATABASE app OWNER app");
    cluster.let_in_by("scram-sha-256");
    let script = r#"#!/bin/sh
printf 'form pw=canary+%%2F%%2Bhunter2&x=1\n'
printf 'header '; printf 'app:%s' "$PGPASSWORD" | base64
printf 'url '; printf 'postgres://app:%s@db' "$PGPASSWORD" | base64 | tr '+/' '-_'
printf 'json {"pw": "%s"}\n' "$PGPASSWORD"
printf 'split %s' "$PGPASSWORD" | fold -w 16
printf '\nend canary /+hunt'
exit 1
"#;
    let project = with("      - run: [./say.sh]\n", &[table("a")]);
    project.write("say.sh", &script.replace("\\\\n", "\\n"));
    fs::set_permissions(project.path().join("say.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let url = format!("postgres://app@/app?host={}", cluster.sockets().display());
    let mut command = project.command(&["apply", "--yes", "--url", &url]);
    let run = crate::support::Run::of(command.env("PGPASSWORD", canary).output().unwrap());
    let said = format!("{}{}", run.out, run.err);
    for word in ["form pw=***&x=1", "header ", "url ", "json {\"pw\": \"***\"}", "split ***", "end ***"] {
        assert!(said.contains(word), "{word}\n{said}");
    }
    let encoded =
        ["hunter2", "hunt", "Y2FuYXJ5IC8raHVudGVyM", "NhbmFyeSAvK2h1bnRlcj", "jYW5hcnkgLytodW50ZXIy", "canary"];
    for form in encoded {
        assert!(!said.contains(form), "{form}\n{said}");
    }
}

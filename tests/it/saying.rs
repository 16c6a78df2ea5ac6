//! What commands say is so: of what is not selected, has no file any more, was edited on purpose, is partly applied.

use crate::support::{Changeset, Database, Project, Run, changeset, file, project, snapshot, sql, table, tables};
use serde_json::json;
use std::fs;

#[test]
fn nothing_to_do_says_what_there_is_all_the_same() {
    let environments = "environments: { staging: {}, production: {} }\n";
    let changesets = file(&[
        table("a"),
        table("b"),
        table("c").environments(["production"]),
        table("d").with("dependsOn", json!([{ "id": "a", "soak": "30d" }])),
    ]);
    let project = Project::new(&[("dagmar.yaml", environments), ("plans/a.yaml", &changesets)]);
    let database = Database::new();
    let apply = |select: &[&str]| project.on(&database, &[&["apply", "--env", "staging"], select].concat()).ok();
    assert_eq!(
        apply(&["--select", "c"]),
        "nothing to do: no selected changeset is pending in staging; not for staging: `c`; 2 changesets are pending \
         that are not selected\n"
    );
    apply(&["--select", "a"]);
    assert_eq!(
        apply(&["--select", "a"]),
        "nothing to do: no selected changeset is pending in staging; 1 changeset is pending that is not selected\n"
    );
    apply(&["--select", "b"]);
    assert_eq!(apply(&["--select", "a,b"]), "nothing to do: no selected changeset is pending in staging\n");
    let said = apply(&[]);
    assert!(
        said.contains("waits d: a must have")
            && said.ends_with("nothing to do now: everything that can run in staging is applied\n"),
        "{said}"
    );
    project.write("plans/a.yaml", &file(&[table("a"), table("b")]));
    assert_eq!(apply(&[]), "nothing to do: staging is up to date\n");
}

#[test]
fn applied_changesets_without_a_file_are_named() {
    let (project, database) = (project(&[table("a"), table("b"), table("cart")]), Database::new());
    project.on(&database, &["apply"]).ok();
    project.write("plans/a.yaml", &file(&[table("a")]));
    for args in [&["apply"][..], &["plan"]] {
        let run = project.on(&database, args);
        let words = "warning: 2 applied changesets have no file any more: `b`, `cart`; restore the files, or roll them back with";
        assert!(run.err.contains(words), "{run:?}");
        run.ok();
    }
    let json: serde_json::Value =
        serde_json::from_str(project.on(&database, &["apply", "--format", "json"]).ok().lines().last().unwrap())
            .unwrap();
    assert_eq!(json["missing"], json!(["b", "cart"]));
    let said = project.on(&database, &["why", "b"]).ok();
    for words in [
        "b is missing in default",
        "by postgres, and no file contains it any more",
        "`dagmar rollback b",
        "it will not run",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    let json = project.on(&database, &["why", "b", "--format", "json"]).json();
    assert_eq!((json["state"].as_str(), json["reasons"][0]["kind"].as_str()), (Some("missing"), Some("missing")));
    snapshot(
        "saying/applied_changesets_without_a_file_are_named",
        &project.on(&database, &["why", "nobody"]).refusal(2),
    );
    for command in [&["why", "crat"][..], &["rollback", "crat"], &["rollback", "--to", "crat"]] {
        assert!(project.on(&database, command).fails(2).contains("did you mean `cart`?"), "{command:?}");
    }
}

#[test]
fn mistakes_in_files_do_not_hide_what_the_database_has() {
    let (project, database) = (project(&[table("a"), table("b")]), Database::new());
    project.on(&database, &["apply"]).ok();
    project.write("plans/b.yaml", "changesets:\n  - id: broken\n    chnges: []\n");
    let run = project.on(&database, &["status"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(
        run.out.contains("a          applied") && run.out.contains("default on ") && run.out.contains("2 applied"),
        "{run:?}"
    );
    assert!(run.out.contains("the files have errors: only the state in the ledger is shown"), "{run:?}");
    assert!(run.err.contains("unknown key `chnges`") && run.err.contains("plans/b.yaml:3"), "{run:?}");
    let run = project.on(&database, &["status", "--format", "json"]);
    assert_eq!(run.code, 3);
    let json = run.json();
    assert_eq!((json["counts"]["applied"].as_u64(), json["error"]["exitCode"].as_u64()), (Some(2), Some(3)));
    assert!(json["diagnostics"][0]["message"].as_str().unwrap().contains("chnges"), "{json}");
    let run = project.on(&database, &["why", "a"]);
    assert_eq!(run.code, 3);
    assert!(run.out.contains("a is applied in default") && run.err.contains("chnges"), "{run:?}");
    assert!(!run.out.contains("no file contains it"), "{run:?}");
    // a value that is missing is a mistake of the command line, and says so alone
    project.write("plans/b.yaml", "changesets: []\n");
    project.write("dagmar.yaml", "variables: { x: '${NOT_SET}' }\n");
    let run = project.on(&database, &["why", "a"]);
    assert!(run.code == 2 && run.out.is_empty(), "{run:?}");
}

/// Whoever reads the lines of a run later knows when each thing happened.
#[test]
fn every_event_has_its_time() {
    let (project, database) = (project(&[table("a"), sql("b", "SELECT 1 / 0", "SELECT 1")]), Database::new());
    let before = database.sql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI')");
    let run = project.on(&database, &["apply", "--format", "json", "--jobs", "1"]);
    let mut last = String::new();
    let mut events = 0;
    for line in run.out.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        if value["event"].is_string() {
            let at = value["at"].as_str().unwrap_or_else(|| panic!("{line}")).to_owned();
            // 2026-03-01T12:00:00.042Z
            assert!(at.len() == 24 && at.ends_with('Z') && &at[19..20] == "." && at >= last, "{last} {line}");
            assert!(at >= before, "{before} {line}");
            last = at;
            events += 1;
        }
    }
    assert!(events >= 5, "{}", run.out);
}

const VIEW: &str = "
changesets:
  - id: shown
    repeatable: true
    changes: [ { createView: { name: public.shown, query: SELECT 1 AS one } } ]
";

#[test]
fn a_repeatable_changeset_is_planned_with_what_changed() {
    let (project, database) = (Project::new(&[("plans/a.yaml", VIEW)]), Database::new());
    project.on(&database, &["apply"]).ok();
    project.write("plans/a.yaml", &VIEW.replace("SELECT 1 AS one", "SELECT 2 AS one"));
    for format in ["text", "markdown", "html", "json"] {
        let text = project.on(&database, &["plan", "--format", format]).ok();
        for words in [
            "--- shown as applied",
            "+++ plans/a.yaml now",
            "-    query: SELECT 1 AS one",
            "+    query: SELECT 2 AS one",
        ] {
            assert!(text.contains(words), "{format}: {words}\n{text}");
        }
    }
    let run = project.on(&database, &["apply"]);
    assert!(run.err.contains("+    query: SELECT 2 AS one"), "{run:?}");
    run.ok();
    assert_eq!(database.sql("TABLE shown"), "2");
}

#[test]
fn an_edit_is_accepted_on_purpose() {
    let (project, database) = (project(&[table("a"), table("b").depends_on(["a"])]), Database::new());
    project.on(&database, &["apply"]).ok();
    let edited = sql("a", "CREATE TABLE \"a\" ();\nCOMMENT ON TABLE a IS 'x'", "DROP TABLE \"a\"; SELECT 1");
    project.write("plans/a.yaml", &file(&[edited, table("b").depends_on(["a"])]));
    snapshot("saying/an_edit_is_accepted_on_purpose", &project.on(&database, &["apply"]).refusal(4));
    // what a selector brings along is not accepted in passing
    snapshot(
        "saying/an_edit_is_accepted_on_purpose-2",
        &project.on(&database, &["mark", "applied", "+b", "--reason", "x"]).refusal(5),
    );
    let before = database.dump();
    let said = project.on(&database, &["mark", "applied", "a", "--reason", "a comment was added by hand, CHG-7"]).ok();
    assert_eq!(said, "marked as applied: a\naccepted as edited: a\n");
    assert_eq!(database.dump(), before, "nothing was run");
    assert_eq!(project.on(&database, &["apply"]).ok(), "nothing to do: default is up to date\n");
    assert!(project.on(&database, &["history"]).ok().contains("CHG-7"));
    project.json(&database, &["history", "--verify"]).intact();
    // not edited, it is refused as before
    let said = project.on(&database, &["mark", "applied", "a", "--reason", "x"]);
    assert!(said.code == 0 || said.err.contains("`a` is applied"), "{said:?}");
    snapshot(
        "saying/an_edit_is_accepted_on_purpose-3",
        &project.on(&database, &["mark", "applied", "b", "--reason", "x"]).refusal(5),
    );
    // the way back is that of the file
    project.on(&database, &["rollback", "--all"]).ok();
    assert_eq!(tables(&database), "");
}

/// Who reads a plan knows whether dagmar or a person says how a changeset is taken back.
#[test]
fn a_rollback_names_who_wrote_it() {
    let typed = |changeset: Changeset, name: &str| changeset.change("createSchema", json!({ "name": name }));
    let own = |changeset: Changeset| changeset.sql("TRUNCATE t", "SELECT 1");
    let project = project(&[
        typed(changeset("a"), "s1"),
        own(changeset("b")),
        own(typed(changeset("c"), "s2")),
        typed(changeset("d"), "s3").with("rollback", json!([{ "sql": { "forward": "SELECT 1" } }])),
        typed(changeset("e"), "s4").with("rollback", json!({ "irreversible": "why not" })),
    ]);
    let text = project.run(&["plan", "--offline"]).ok();
    let ways: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("    rollback: ")).collect();
    assert_eq!(
        ways,
        [
            "derived, 1 statement in one transaction",
            "written by hand, 1 statement in one transaction",
            "written by hand, 1 statement in one transaction",
            "cannot be undone: why not",
            "derived, and written by hand, 2 statements in one transaction",
        ]
    );
}

#[test]
fn a_selector_marks_what_is_for_here() {
    let environments = "environments: { dev: {}, production: {} }\n";
    let after = |id: &str| table(id).depends_on(["001"]);
    let changesets = file(&[table("001"), after("002"), after("003").environments(["production"]), after("004")]);
    let project = Project::new(&[("dagmar.yaml", environments), ("plans/a.yaml", &changesets)]);
    let database = Database::new();
    project.on(&database, &["apply", "--select", "+002"]).ok();
    let json = project.on(&database, &["mark", "applied", "001+", "--reason", "was there", "--format", "json"]).json();
    assert_eq!(json["changesets"], json!(["004"]));
    let left_out: Vec<&str> =
        json["leftOut"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(left_out, ["001", "002", "003"], "{json}");
    assert_eq!(project.states(&database), "001=applied 002=applied 003=excluded 004=applied");
    let said = project.on(&database, &["mark", "applied", "001+", "--reason", "again"]).ok();
    for words in ["nothing was marked", "left out: 004, already applied", "left out: 003, not for dev"] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    // what is named itself is refused
    assert!(
        project
            .on(&database, &["mark", "applied", "003", "--reason", "x"])
            .fails(2)
            .contains("not for the environment")
    );
}

#[test]
fn a_half_done_backfill_shows_how_far_it_is() {
    let changes = "
changesets:
  - id: fill
    changes:
      - backfill:
          table: public.t
          key: id
          batchSize: 100
          pace: { batchTime: 0s, pause: 0s }
          set: { n: 'CASE WHEN t.id = 1500 THEN 1 / (t.id - 1500) ELSE 1 END' }
          rollback: UPDATE t SET n = 0
";
    let (project, database) = (Project::new(&[("plans/a.yaml", changes)]), Database::new());
    database.sql("CREATE TABLE t AS SELECT id, 0 AS n FROM generate_series(1, 2000) AS id; ALTER TABLE t ADD PRIMARY KEY (id); ANALYZE t");
    project.on(&database, &["apply"]).fails(8);
    let said = project.on(&database, &["status"]).ok();
    assert!(
        said.contains("fill       partly") && said.contains("backfill of public.t: 1,400 of 2,000 rows, 70 %"),
        "{said}"
    );
    let json = project.on(&database, &["status", "--format", "json"]).json();
    let far = &json["changesets"][0]["backfill"];
    assert_eq!(far, &json!({ "table": "public.t", "seen": 1400, "rows": 2000, "percent": 70 }));
}

#[test]
fn the_history_names_what_was_dumped() {
    let config = "environments: { dev: { beforeApply: [ { dump: { touched: true, to: 'backups/${run}.dump' } }, { restorePoint: 'b-${run}' } ] } }\n";
    let changeset = |id: &str, text: &str| file(&[sql(id, text, "SELECT 1")]);
    let project = Project::new(&[("dagmar.yaml", config), ("plans/a.yaml", &changeset("a", "CREATE TABLE a (n int)"))]);
    let database = Database::new();
    project.on(&database, &["apply"]).ok();
    let history = project.on(&database, &["history", "--kind", "beforeApply"]).ok();
    assert!(history.contains("dump: nothing to dump") && !history.contains("${run}"), "{history}");
    project.write("plans/b.yaml", &changeset("b", "ALTER TABLE a ADD m int"));
    let run = project.on(&database, &["apply"]);
    let id = database.sql("SELECT id FROM dagmar.run ORDER BY started_at DESC LIMIT 1");
    assert!(run.err.contains(&format!("before the run: dump backups/{id}.dump")), "{run:?}");
    run.ok();
    let history = project.on(&database, &["history", "--kind", "beforeApply"]).ok();
    assert!(
        history.contains(&format!("/backups/{id}.dump (1 table, "))
            && history.contains(&format!("restorePoint b-{id}: done, at ")),
        "{history}"
    );
}

#[test]
fn a_password_in_the_project_is_warned_of() {
    let database = Database::new();
    let url = database.url().replace("user=postgres", "user=postgres&password=canary");
    let config = format!("environments:\n  dev: {{ url: '{url}' }}\n  live: {{ url: '${{LIVE}}' }}\n");
    let project = Project::new(&[("dagmar.yaml", &config), ("plans/a.yaml", &file(&[table("a")]))]);
    let warning = "warning: dagmar.yaml has a password in the URL of `dev`";
    for args in [&["check"][..], &["status", "--env", "dev"], &["apply", "--env", "dev", "--yes"]] {
        let run = project.run(args);
        assert!(run.err.contains(warning) && !format!("{run:?}").contains("canary"), "{args:?}: {run:?}");
        run.ok();
    }
    let mut command = project.command(&["status", "--env", "live"]);
    let run = Run::of(command.env("LIVE", &url).output().unwrap());
    assert!(!run.err.contains("password"), "{run:?}");
    fs::write(project.path().join("dagmar.yaml"), "environments: { dev: { url: 'postgres://u:${PW}@h/d' } }\n")
        .unwrap();
    assert!(!project.run(&["check"]).err.contains("password"));
}

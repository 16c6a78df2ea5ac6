//! `dagmar test`: the tests that a project writes of its own changesets: what they say and expect.

use crate::support::{Project, Run, TESTED, all_pass, snapshot, tested};
use serde_json::json;

#[test]
fn values_equal_in_each_way_that_yaml_writes_them() {
    let project = tested(
        r#"
tests:
  - name: values
    applyTo: 001-users
    given:
      app.users:
        - { id: 7, name: Ann Lee, born: "2026-01-01T10:00Z", data: { b: [1, null], a: x }, raw: { sql: "'{\"a\":  1}'" }, tags: "{a,b c}", score: 10.5, is_admin: true }
        - { name: "  ", score: { sql: 1 / 3.0 } }
    steps:
      - expect: { sql: SELECT id FROM app.users, rows: [{ id: 7 }, { id: 1 }] }
      - expect:
          sql: SELECT * FROM app.users WHERE id = 7
          rows:
            - { name: Ann Lee, born: "2026-01-01 11:00+01", data: { a: x, b: [1, null] }, raw: '{"a":1}', tags: [a, b c], score: 10.5, is_admin: true }
            # what is not named is not compared
      - expect:
          sql: SELECT name, score, is_admin, tags, data FROM app.users ORDER BY id
          ordered: true
          rows: [["  ", 0.33, false, null, null], [Ann Lee, "10.50", t, "{a,\"b c\"}", '{"a":"x","b":[1,null]}']]
      - expect: { sql: SELECT score FROM app.users WHERE id = 7, value: 1.05e1 }
      - expect: { sql: SELECT data -> 'a' FROM app.users WHERE id = 7, value: x }
      - expect: { sql: SELECT born FROM app.users WHERE id = 7, value: 2026-01-01T10:00:00Z }
      - expect: { sql: SELECT NULL, value: null }
      - expect: { sql: SELECT FROM app.users, count: 2 }
      - expect: { sql: SELECT FROM app.users WHERE id = 8, empty: true }
      - expect: { sql: SELECT FROM app.users WHERE id = 7, empty: false }
      - expect: { sql: "SELECT 1; SELECT 2 AS last", rows: [{ last: 2 }] }
      - expect: { sql: SHOW timezone, value: UTC }
"#,
    );
    all_pass(&project, &[]);
}

#[test]
fn changesets_go_up_and_down_among_what_an_application_writes() {
    let project = tested(
        r#"
tests:
  - name: up and down
    applyTo: 001-users
    given:
      app.users: [{ id: 1, name: Ann Lee }, { id: 2, name: Bob }]
    steps:
      - apply: 002-split-name
      - expect: { sql: "SELECT id, first, last FROM app.users", rows: [[1, Ann, Lee], [2, Bob, null]] }
      # the sequence goes on behind the given rows
      - sql: INSERT INTO app.users (name, first, last) VALUES ('Cid Ng', 'Cid', 'Ng')
      - given: { app.users: [{ name: Dan, first: Dan }] }
      - apply: all
      - fails: { sql: "INSERT INTO app.users (name) VALUES ('Bob')", sqlstate: 23505, message: users_name_key }
      - sqlFile: tests/db/more.sql
      # with what depends on it
      - rollback: 002-split-name
      - expect: { sql: SELECT name FROM app.users ORDER BY id, ordered: true, rows: [[Ann Lee], [Bob], [Cid Ng], [Dan], [Eve]] }
      - sql: INSERT INTO app.users (name) VALUES ('Bob')
      - fails: { rollback: 004-mails, message: mails are sent }
      - fails: { rollback: 002-split-name, message: is not applied }
      - fails: { apply: 003-unique-name, sqlstate: "23505", message: users_name_key }
      - fails: { sql: SELECT 1 / 0, sqlstate: "22012" }

  - name: nothing is there before the first changeset
    applyTo: none
    steps:
      - expect: { sql: SELECT to_regnamespace('app'), value: null }
      - apply: [001-users, 004-mails]
      - expect: { sql: "SELECT to_regclass('app.mails')", value: app.mails }
      - expect: { sql: "SELECT count(*) FROM pg_attribute WHERE attrelid = 'app.users'::regclass AND attname = 'first'", value: 0 }

  - name: all is applied where nothing else is said
    steps:
      - expect: { sql: SELECT id FROM dagmar.changeset, rows: [[001-users], [002-split-name], [003-unique-name], [004-mails]] }
      - fails: { apply: all, message: everything is applied already }
"#,
    );
    project.write(
        "tests/db/more.sql",
        "INSERT INTO app.users (name, first) VALUES ('Eve', 'Eve');\n-- a comment at the end",
    );
    all_pass(&project, &[]);
}

/// One run with everything that can be wrong: what people read, and what programs read.
#[test]
fn each_failure_says_what_was_expected_and_found() {
    let project = tested(
        r#"
tests:
  - name: rows
    given: { app.users: [{ id: 1, name: Ann, born: 2026-01-01 }, { id: 2, name: Bob }, { id: 3, name: "" }] }
    steps:
      - expect:
          sql: |
            SELECT id, name, data
            FROM app.users
          rows:
            - { id: 3, name: "", data: null }
            - { id: 1, name: Anna, data: { a: 1 } }
  - name: order
    given: { app.users: [{ id: 1, name: Ann }, { id: 2, name: Bob }] }
    steps:
      - expect: { sql: SELECT id FROM app.users ORDER BY id, ordered: true, rows: [[2], [1]] }
  - name: value
    steps: [{ expect: { sql: SELECT count(*) FROM app.users, value: 1 } }]
  - name: no single value
    steps: [{ expect: { sql: "SELECT 1, 2", value: 1 } }]
  - name: count
    steps: [{ expect: { sql: SELECT FROM app.users, count: 2 } }]
  - name: empty
    steps: [{ expect: { sql: SELECT 'x' AS letter, empty: true } }]
  - name: not empty
    steps: [{ expect: { sql: SELECT FROM app.users, empty: false } }]
  - name: column
    steps: [{ expect: { sql: SELECT name FROM app.users, rows: [{ nmae: Ann }] } }]
  - name: width
    steps: [{ expect: { sql: SELECT name FROM app.users, rows: [[Ann, Lee]] } }]
  - name: does not fail
    steps: [{ fails: { sql: SELECT 1, sqlstate: "22012" } }]
  - name: fails in another way
    steps: [{ fails: { sql: SELECT 1 / 0, sqlstate: "23505", message: duplicate } }]
  - name: sql
    steps:
      - sql: |
          SELECT 1;
          SELECT nam
          FROM app.users
      - expect: { sql: SELECT, count: 1 }
  - name: deferred
    steps:
      - sql: |
          ALTER TABLE app.users ADD CONSTRAINT twice UNIQUE (score) DEFERRABLE INITIALLY DEFERRED;
          INSERT INTO app.users (name, score) VALUES ('a', 1), ('b', 1)
      - expect: { sql: SELECT, count: 1 }
  - name: given
    given:
      app.users:
        - { id: 1, name: Ann }
        - { id: 1, name: Bob }
    steps: [{ expect: { sql: SELECT, count: 1 } }]
  - name: role
    steps:
      - role: nobody_there
        expect: { sql: SELECT, count: 1 }
  - name: a changeset fails
    applyTo: 002-split-name
    given: { app.users: [{ name: Bob }, { name: Bob }] }
    steps:
      - apply: 003-unique-name
      - expect: { sql: SELECT, count: 1 }
  - name: a verify check fails
    applyTo: 001-users
    given: { app.users: [{ name: "" }] }
    steps:
      - apply: 002-split-name
      - expect: { sql: SELECT, count: 1 }
  - name: no rollback
    steps:
      - rollback: all
      - expect: { sql: SELECT, count: 1 }
  - name: nothing to apply
    steps:
      - apply: 001-users
      - expect: { sql: SELECT, count: 1 }
  - name: nothing to roll back
    applyTo: none
    steps:
      - rollback: 001-users
      - expect: { sql: SELECT, count: 1 }
"#,
    );
    let run = project.run(&["test"]);
    assert_eq!(run.code, 10, "{run:?}");
    snapshot("testing/failures", &format!("{}{}", run.out, run.err));
    let run = project.run(&["test", "rows", "sql", "--format", "json"]);
    let answer = run.json();
    assert_eq!(
        (run.code, &answer["counts"]),
        (10, &json!({ "passed": 0, "failed": 1, "errors": 1, "skipped": 0, "notRun": 0 }))
    );
    let rows = &answer["tests"][0]["failure"];
    assert_eq!((&rows["part"], &rows["file"], &rows["line"]), (&json!("step 1"), &json!("tests/db/a.yaml"), &json!(6)));
    assert_eq!(rows["difference"]["columns"], json!(["id", "name", "data"]));
    assert_eq!(rows["difference"]["rows"][1], json!({ "sign": "missing", "values": ["1", "Anna", "{\"a\": 1}"] }));
    assert_eq!((&answer["tests"][1]["status"], &answer["tests"][1]["failure"]["line"]), (&json!("error"), &json!(39)));
}

#[test]
fn junit_has_a_suite_for_each_file() {
    let project = tested(
        "
tests:
  - name: passes
    steps: [{ expect: { sql: SELECT, count: 1 } }]
  - name: fails < & \"
    steps: [{ expect: { sql: \"SELECT '<b>\\u0001'\", value: '&' } }]
",
    );
    project.write("dagmar.yaml", "environments: { dev: , live: }");
    project.write(
        "tests/db/more/b.yml",
        "
tests:
  - name: errors
    steps: [{ expect: { sql: SELECT nothing, count: 1 } }]
  - name: elsewhere
    environments: [live]
    steps: [{ expect: { sql: 'SELECT ${only-live}', count: 1 } }]
",
    );
    let run = project.run(&["test", "--format", "junit"]);
    assert_eq!(run.code, 10, "{run:?}");
    let document = roxmltree::Document::parse(&run.out).unwrap_or_else(|e| panic!("{e}\n{}", run.out));
    let attributes = |node: roxmltree::Node<'_, '_>, names: &[&str]| {
        names.iter().map(|name| node.attribute(*name).unwrap_or("-")).collect::<Vec<_>>().join(" ")
    };
    let counts = ["tests", "failures", "errors"];
    assert_eq!(attributes(document.root_element(), &counts), "4 1 1");
    let of = |tag| document.descendants().filter(move |node| node.has_tag_name(tag));
    let suites: Vec<String> = of("testsuite").map(|suite| attributes(suite, &["name", "tests", "skipped"])).collect();
    assert_eq!(suites, ["tests/db/a.yaml 2 0", "tests/db/more/b.yml 2 1"]);
    let cases: Vec<String> = of("testcase")
        .map(|case| {
            let inside = case.first_element_child().map_or("-", |node| node.tag_name().name());
            assert!(case.attribute("time").unwrap().parse::<f64>().is_ok(), "{case:?}");
            format!("{} {inside}", attributes(case, &["name", "line"]))
        })
        .collect();
    assert_eq!(cases, ["passes 3 -", "fails < & \" 5 failure", "errors 3 error", "elsewhere 5 skipped"]);
    let failure = of("failure").next().unwrap();
    assert_eq!(failure.attribute("message"), Some("step 1: the value differs"));
    assert!(failure.text().unwrap().contains("+  <b>␁"), "{:?}", failure.text());
}

/// Everything that is wrong in the files is said at once, by `check` too, and no server is started for it.
#[test]
fn bad_files_are_reported_before_anything_runs() {
    let project = Project::new(&[("plans/a.yaml", TESTED), ("dagmar.yaml", "environments: { dev: , live: }")]);
    project.write(
        "plans/b.yaml",
        "changesets: [{ id: live-only, environments: [live], changes: [{ createSchema: { name: x } }] }]",
    );
    for (name, text) in [
        ("a", "tests:\n  - name: a\n    applyTo: 001-user\n    stepz: []\n    steps: []\n"),
        (
            "b",
            r#"
tests:
  - name: one
    applyTo: [live-only, 001-users]
    environments: [dev, lvie]
    given: { app.users: { id: 1 }, users: [1], a.b.c: [], app.x: [{ at: now() }] }
    steps:
      - apply: 002-split-nam
      - expct: { sql: SELECT 1, value: 1 }
      - {}
      - { apply: 001-users, rollback: 001-users }
      - expect: { sql: SELECT 1 }
      - expect: { sql: SELECT 1, value: 1, count: 1 }
      - expect: { value: 1 }
      - expect: { sql: SELECT 1, sqlFile: no/such.sql, count: one }
      - expect: { sqlFile: no/such.sql, count: 1, ordered: true }
      - expect: { sql: "", empty: true }
      - expect: { sql: SELECT 1, rows: [{ a: 1 }, { b: 1 }, [1], 7] }
      - expect: { sql: SELECT 1, rows: [[1], [1, 2], []] }
      - expect: { sql: "SELECT ${nothing}", empty: true }
      - fails: { sql: SELECT 1 }
      - fails: { sql: SELECT 1, sqlstate: 235055 }
      - fails: { message: x }
      - role: app
        apply: 001-users
      - settings: { a.b: [1] }
        sql: SELECT 1
  - name: asserts nothing
    steps: [{ apply: 001-users }]
  - name: asserts nothing
    steps: [{ expect: { sql: SELECT 1, count: 1 } }]
  - steps: 1
"#,
        ),
        ("c", ""),
        ("d", "tests: []\nsetup: [{ sqlFile: x.sql, sql: SELECT 1 }, {}]\n"),
        ("e", "tests: [\n"),
    ] {
        project.write(&format!("tests/db/{name}.yaml"), text);
    }
    let run = |args: &[&str]| {
        let mut command = project.command(args);
        command.env("DAGMAR_PG_BIN", "/nowhere");
        Run::of(command.output().unwrap()).fails(3)
    };
    let said = run(&["test"]);
    snapshot("testing/bad_files", &said);
    assert_eq!(run(&["check"]), said);
    // nothing else looks at them
    project.run(&["graph"]).ok();
}

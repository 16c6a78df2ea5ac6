//! `dagmar test` as a run: which tests, on which servers, and what is left of them.

use crate::support::{Project, Run, Running, TESTED, all_pass, dagmar, results, tested, until};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn tests_are_chosen_by_name_and_file() {
    let test = |name: &str| format!("  - name: {name}\n    steps: [{{ expect: {{ sql: SELECT, count: 1 }} }}]\n");
    let project = tested(&format!("tests:\n{}{}", test("Splitting names"), test("other things")));
    project.write("tests/db/b.yaml", &format!("tests:\n{}", test("splitting hairs")));
    let list = |args: &[&str]| {
        let json = project.run(&[&["test", "--list", "--format", "json"], args].concat()).json();
        let of = |test: &Value| {
            format!("{}:{}: {}", test["file"].as_str().unwrap(), test["line"], test["name"].as_str().unwrap())
        };
        json["tests"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let all =
        ["tests/db/a.yaml:2: Splitting names", "tests/db/a.yaml:4: other things", "tests/db/b.yaml:2: splitting hairs"];
    assert_eq!(list(&[]), all);
    assert_eq!(project.run(&["test", "--list"]).ok(), format!("{}\n", all.join("\n")));
    assert_eq!(list(&["splitting"]), [all[0], all[2]]);
    assert_eq!(list(&["hairs", "things"]), [all[1], all[2]]);
    assert_eq!(list(&["splitting", "--file", "./tests/db/b.yaml"]), [all[2]]);
    for (args, said) in [
        (&["nothing"][..], "error: no test has `nothing` in its name\n"),
        (&["other thing!"], "error: no test has `other thing!` in its name\nhelp: did you mean `other things`?\n"),
        (
            &["--file", "tests/db/c.yaml"],
            "error: `tests/db/c.yaml` is no file of tests\nhelp: did you mean `tests/db/a.yaml`?\n",
        ),
        (
            &["--url", "postgres://nowhere"],
            "error: tests run on a private server: `--url` has no effect on them\nhelp: leave it out; `DAGMAR_PG_BIN` names the installation of PostgreSQL that is used\n",
        ),
        (&["--format", "xml"], "error: this command has no format `xml`\nhelp: it has: text, json, junit\n"),
    ] {
        assert_eq!(project.run(&[&["test"], args].concat()).fails(2), said);
    }
    let none = Project::new(&[("plans/a.yaml", TESTED)]);
    assert!(none.run(&["test"]).fails(2).starts_with("error: the project has no tests: `tests/db` has no YAML file\n"));
    none.write("dagmar.yaml", "tests: spec\n");
    let said = none.run(&["test"]).fails(3);
    assert!(said.contains("cannot read the folder `spec`") && said.contains("set `tests:` in dagmar.yaml"), "{said}");
    none.write("spec/a.yaml", &format!("tests:\n{}", test("there")));
    all_pass(&none, &[]);
}

#[test]
fn the_first_failure_ends_the_run_if_asked() {
    let project = tested(
        "
tests:
  - { name: a, steps: [{ expect: { sql: SELECT, count: 1 } }] }
  - { name: b, steps: [{ expect: { sql: SELECT, count: 2 } }] }
  - { name: c, steps: [{ expect: { sql: SELECT, count: 1 } }] }
",
    );
    let run = project.run(&["test", "--fail-fast"]);
    assert!(run.out.contains("1 passed, 1 failed, 1 not run; environment default"), "{}", run.out);
    assert_eq!(run.fails(10), "error: 1 of 3 tests did not pass\n");
}

/// Roles belong to the whole server: a test sees those of its own changesets and `setup`, and no others.
#[test]
fn roles_of_one_test_are_not_there_for_another() {
    let project = Project::new(&[(
        "plans/a.yaml",
        "
changesets:
  - id: role
    changes: [{ sql: { forward: CREATE ROLE app_reader, rollback: DROP ROLE app_reader } }]
  - id: table
    dependsOn: [role]
    changes: [{ sql: { forward: 'CREATE TABLE t (n int); GRANT SELECT ON t TO app_reader', rollback: DROP TABLE t } }]
",
    )]);
    const COUNT: &str = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'app\\_%'";
    let counts = |role: &str| format!("expect: {{ sql: \"{}\", value: {role} }}", COUNT.replace('\\', "\\\\"));
    project.write(
        "tests/db/a.yaml",
        &format!(
            "
tests:
  - name: none before
    applyTo: none
    steps:
      - {none}
      - apply: role
      - {one}
  - name: none again
    applyTo: none
    steps: [{{ {none} }}]
  - name: by the changeset
    steps:
      - {one}
      - role: app_reader
        expect: {{ sql: SELECT FROM t, empty: true }}
      - role: app_reader
        fails: {{ sql: INSERT INTO t VALUES (1), sqlstate: '42501' }}
      - rollback: all
      - {none}
  - name: by the changeset again
    steps: [{{ {one} }}, {{ sql: CREATE ROLE app_other }}]
  - name: by the changeset once more
    steps: [{{ {one} }}]
",
            none = counts("0"),
            one = counts("1"),
        ),
    );
    for name in ["b", "c"] {
        project.write(
            &format!("tests/db/{name}.yaml"),
            &format!(
                "
setup:
  - sql: CREATE ROLE app_owner
  - sql: ALTER DATABASE {{{{name}}}} SET app.tenant = '7'
tests:
  - name: in {name}
    applyTo: none
    steps:
      - {one}
      - expect: {{ sql: SHOW app.tenant, value: 7 }}
      - role: app_owner
        settings: {{ app.tenant: 8 }}
        expect: {{ sql: 'SELECT current_user, current_setting(''app.tenant'')', rows: [[app_owner, 8]] }}
",
                one = counts("1"),
            )
            .replace(
                "ALTER DATABASE {{name}} SET app.tenant = '7'",
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET app.tenant = 7', current_database()); END $$",
            ),
        );
    }
    all_pass(&project, &[]);
}

#[test]
fn a_server_that_stops_is_the_error_of_one_test() {
    let project = tested(
        r#"
tests:
  - name: before
    steps: [{ expect: { sql: SELECT, count: 1 } }]
  - name: in the middle
    steps:
      - sql: COPY (SELECT 1) TO PROGRAM 'kill -QUIT $(head -1 postmaster.pid)'; SELECT pg_sleep(60)
      - expect: { sql: SELECT, count: 1 }
  - name: behind
    steps: [{ expect: { sql: SELECT FROM app.users, empty: true } }]
"#,
    );
    let run = project.run(&["test", "--format", "json"]);
    let said = "the private server stopped in the middle of the test";
    let expected = [("before", "passed", ""), ("in the middle", "error", said), ("behind", "passed", "")];
    assert_eq!(results(&run), expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())), "{run:?}");
    assert_eq!(run.code, 10);
    // and where there is none
    let mut command = project.command(&["test"]);
    command.env("DAGMAR_PG_BIN", "/nowhere");
    let said = Run::of(command.output().unwrap()).fails(7);
    assert!(said.starts_with("error: `/nowhere` does not contain `initdb` and `postgres`"), "{said}");
}

/// The directory of the private server that a process has started, once it takes connections.
fn server_of(running: &Running) -> Option<PathBuf> {
    let listed =
        Command::new("ps").args(["-ww", "-o", "args=", "--ppid", &running.pid().to_string()]).output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    text.split_whitespace().map(Path::new).find(|path| path.join(".s.PGSQL.5432").exists()).map(Path::to_owned)
}

#[test]
fn nothing_is_left_of_the_server_after_a_signal() {
    let project = tested("tests: [{ name: long, steps: [{ expect: { sql: SELECT pg_sleep(600), count: 1 } }] }]");
    for (signal, code) in [("INT", 9), ("TERM", 9), ("KILL", -1)] {
        let running = Running::of(project.command(&["test"]));
        let mut found = None;
        until("a server", || {
            found = server_of(&running);
            found.is_some()
        });
        let dir = found.unwrap();
        running.signal(signal);
        let run = running.end();
        assert_eq!(run.code, code, "{signal}: {run:?}");
        if signal != "KILL" {
            assert_eq!((run.out.as_str(), run.err.as_str()), ("", "error: stopped by a signal\n"), "{signal}");
        }
        until("the server is gone", || !dir.exists());
    }
}

/// What is secret is in the SQL that is sent, and nowhere else.
#[test]
fn secrets_are_not_shown() {
    let project = tested(
        "
tests:
  - name: secret
    steps:
      - sql: INSERT INTO app.users (name) VALUES ('${password}')
      - expect: { sql: \"SELECT length(name) FROM app.users\", value: 12 }
      - expect: { sql: \"SELECT 1 FROM app.users WHERE name = '${password}'\", count: 2 }
  - name: row
    given: { app.users: [{ name: { sql: \"'s3cr3t' || '-w0rd!'\" } }] }
    steps: [{ expect: { sql: SELECT name FROM app.users, empty: true } }]
",
    );
    project.write("dagmar.yaml", "variables: { password: { value: '${PASSWORD}', secret: true } }\n");
    let mut command = project.command(&["test"]);
    command.env("PASSWORD", "s3cr3t-w0rd!");
    let run = Run::of(command.output().unwrap());
    assert!(run.code == 10 && run.out.contains("step 3: expected 2 rows, found 1"), "{run:?}");
    assert!(run.out.contains("expected no rows, found 1") && !format!("{run:?}").contains("s3cr3t-"), "{run:?}");
}

#[test]
fn the_help_names_what_docs_say() {
    let help = Run::of(dagmar(&["test", "--help"]).output().unwrap()).ok();
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/testing.md")).unwrap();
    for option in ["--file", "--fail-fast", "--list", "--format junit"] {
        assert!(help.contains(option) && page.contains(option), "{option}");
    }
}

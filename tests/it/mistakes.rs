//! Mistakes that people make while they write: each is said once, where it is made, in words
//! that help at once, and without others that only follow from it.

use crate::support::mistakes::{MANIFEST, check, found};
use crate::support::{Project, file, one_mistake, plain, sql};
use serde_json::json;

#[test]
fn yaml_that_is_out_of_line() {
    for (text, place, words) in [
        (
            "changesets:\n  - id: a\n   changes: []\n",
            "3:4",
            [
                "the key `changes` is out of line: it is indented by 3 spaces",
                "`id`, beside which it seems to belong, by 4 spaces",
                "= help: indent it by 4 spaces, like `id`",
            ],
        ),
        (
            "changesets:\n  - id: a\n      changes: []\n",
            "3:7",
            ["the key `changes` is out of line: it is indented by 6 spaces", "`id`, beside", "by 4 spaces"],
        ),
        (
            "changesets:\n  - id: a\n    changes:\n      - sql: x\n     - sql: y\n",
            "5:6",
            ["the list entry `sql` is out of line: it is indented by 5 spaces", "by 6 spaces", "like `sql`"],
        ),
        (
            "changesets:\n- id: a\n  changes:\n  - sql: x\n - id: b\n",
            "5:2",
            ["the list entry `id` is out of line: it is indented by 1 space", "`id`, beside", "by 0 spaces"],
        ),
        (
            "changesets:\n  - id: a\n    changes:\n      - sql:\n          forward: |\n            SELECT 1\n          SELECT 2\n",
            "7:11",
            ["the text of `forward` ends before this line", "SELECT 2", "= help: indent it like line 6"],
        ),
    ] {
        one_mistake(&[("plans/a.yaml", text)], "DG0102", &format!("plans/a.yaml:{place}"), &words);
    }
}

#[test]
fn yaml_without_quotes_or_ends() {
    for (line, place, words) in [
        ("description: a: b's", "3:19", ["a text that holds `: ` needs quotes", "write `description: 'a: b''s'`"]),
        ("description: @foo", "3:18", ["a text cannot begin with `@`", "write it in quotes: '@foo'"]),
        ("description: 'foo", "3:18", ["this quote is not closed", "write `'` after the text"]),
        ("description: \"a\" b", "3:22", ["no text is allowed after a quoted text", "put all of it into the quotes"]),
        ("labels: [a, b", "3:13", ["this `[` is not closed", "the `]` is missing"]),
        ("limits: { lockTimeout: 1s, lockRetries 3 }", "3:46", ["", ""]),
        ("labels", "3:5", ["`labels` is not a `key: value` pair", "a `:` is missing after it"]),
        ("labels: *no", "3:13", ["unknown anchor `no`", "write `&no` before the value"]),
    ] {
        if words[0].is_empty() {
            // a key without a value: YAML takes it, dagmar does not
            let text = format!("changesets:\n  - id: a\n    {line}\n    changes: []\n");
            assert!(check(&[("plans/a.yaml", &text)])[0].starts_with("DG0104 plans/a.yaml:3:32"));
            continue;
        }
        let text = format!("changesets:\n  - id: a\n    {line}\n    changes:\n      - createSchema: {{ name: x }}\n");
        one_mistake(&[("plans/a.yaml", &text)], "DG0102", &format!("plans/a.yaml:{place}"), &words);
    }
}

/// The commonest slip with variables: in flow style their brace opens a mapping.
#[test]
fn variables_in_flow_style_want_quotes() {
    let text = "changesets:\n  - id: a\n    changes:\n      - createTable: { table: ${schema}.t, columns: [${c}] }\n      - sql: { forward: \"${ok} {\", rollback: '${ok}' }\n      - createSchema:\n          name: ${schema} { }\n      - sql:\n          forward: |\n            SELECT { ${ok} }\n";
    let project = Project::new(&[("plans/a.yaml", text)]);
    let said = project.run(&["check"]).fails(3);
    for words in [
        "`${schema}.t` needs quotes inside of `{ }`\n --> plans/a.yaml:4:31\n",
        "= help: write `table: \"${schema}.t\"`: without quotes the `{` of the variable opens a mapping",
        "`${c}` needs quotes inside of `[ ]`\n --> plans/a.yaml:4:54\n",
        "= help: write `\"${c}\"`",
        "error: the project has 2 errors\n",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
}

#[test]
fn merge_keys_are_named_and_make_no_other_mistakes() {
    let text = "changesets:\n  - id: a\n    changes:\n      - createTable: &t\n          table: app.t\n          columns: [{ name: id, type: int }]\n      - createTable:\n          <<: *t\n          table: app.u\n";
    let words = ["YAML merge keys (`<<`) are not supported", "= help: write the keys out; an anchor may stand for"];
    one_mistake(&[("plans/a.yaml", text)], "DG0125", "plans/a.yaml:8:11", &words);
}

#[test]
fn a_file_without_changesets_is_said() {
    let words = ["`changesets:` is empty", "or delete the file"];
    one_mistake(&[("plans/a.yaml", "changesets:\n")], "DG0101", "plans/a.yaml:1:1", &words);
}

#[test]
fn one_mistake_made_often_is_one_with_a_count() {
    let text = file(&[
        sql("a", "SELECT '${shema}';\nSELECT '${shema}', '${shema}'", "SELECT 1"),
        sql("b", "SELECT '${shema}'", "SELECT 1"),
    ]);
    let project = Project::new(&[("dagmar.yaml", "variables: { schema: x }"), ("plans/a.yaml", &text)]);
    let said = project.run(&["check"]).fails(3);
    assert!(
        said.contains(" --> plans/a.yaml:6:21\n") && said.contains("= note: and 3 more like it: lines 7, 14\n"),
        "{said}"
    );
    assert!(said.ends_with("error: the project has 1 error\n"), "{said}");
    let value = project.run(&["check", "--format", "json"]).json();
    let more = value["diagnostics"][0]["more"].as_array().unwrap();
    let places: Vec<(u64, u64)> =
        more.iter().map(|at| (at["line"].as_u64().unwrap(), at["column"].as_u64().unwrap())).collect();
    assert_eq!(places, [(7, 21), (7, 33), (14, 21)]);
}

/// What many changesets use has its mistakes once, each in its own file.
#[test]
fn a_mistake_in_what_many_use_is_one() {
    let uses = |change: &str| {
        let one = |i| format!("  - id: c{i}\n    changes:\n      - {change}\n");
        format!("changesets:\n{}", (0..20).map(one).collect::<String>())
    };
    let project = Project::new(&[
        ("dagmar.yaml", "variables: { schema: x }"),
        ("plans/a.yaml", &uses("sqlFile: { path: sql/up.sql, rollbackPath: sql/down.sql }")),
        ("sql/up.sql", "SELECT '${shema}';\nSELECT '${shema}';\n"),
        ("sql/down.sql", "SELECT 1;\n\nCOMMIT;\n"),
    ]);
    assert_eq!(
        found(&project.run(&["check", "--format", "json"])),
        ["DG0311 sql/down.sql:3:1", "DG0111 sql/up.sql:1:9"]
    );
    assert!(project.run(&["check"]).fails(3).contains("= note: and 1 more like it: line 2\n"));
    let template = "-- forward\nSELECT f((1);\n-- rollback\nSELECT 1;\n";
    let files = [
        ("plans/a.yaml", uses("keep: { table: app.t }")),
        ("templates/keep/manifest.yaml", MANIFEST.to_owned()),
        ("templates/keep/template.sql.hbs", template.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    assert_eq!(check(&files), ["DG0310 templates/keep/template.sql.hbs:2:9"]);
}

/// What is wrong in `dagmar.yaml` makes no variable undefined, and the rest of it is looked at.
#[test]
fn mistakes_in_the_project_file_make_no_others() {
    let plan = file(&[
        "  - id: a\n    changes:\n      - createSchema: { name: \"${schema}\" }\n      - sql: { forward: \"SELECT '${x}'\", rollback: SELECT 1 }\n".to_owned(),
        "  - id: b\n    repeatable: ${r}\n    environments: [live]\n    changes:\n      - createSchema: { name: s }\n".to_owned(),
    ]);
    let environments = "environments:\n  live:\n    promoteFrom: dve\n    beforeApply: [{ rnu: [x] }]\n  dev: {}\n";
    for (config, expected) in [
        // wrong beside each other: all of them, and the variable that nobody has set
        (
            format!("variables: {{ schema: app, r: true }}\n{environments}"),
            vec!["DG0114 dagmar.yaml:4:18", "DG0104 dagmar.yaml:5:21", "DG0111 plans/a.yaml:5:34"],
        ),
        // the variables themselves are what is wrong: nothing is said of them
        ("variabels: { schema: app, r: true }\nenvironments: { live: {} }\n".to_owned(), vec!["DG0104 dagmar.yaml:1:1"]),
        ("variables: { schema: app\nenvironments: { live: {} }\n".to_owned(), vec!["DG0102 dagmar.yaml:1:12"]),
        ("variables: [a]\nenvironments: { live: {} }\n".to_owned(), vec!["DG0106 dagmar.yaml:1:1"]),
        // a key that has a wrong value is not missing
        (
            "variables: { schema: app, r: true, x: y }\nenvironments:\n  live:\n    urlCommand: x\n    urlTimeout: 3s\n    soak: 1d\n    promoteFrom: [a]\n    rate: { runsPerHour: x }\n    beforeApply: [{ run: 3 }]\n".to_owned(),
            vec![
                "DG0106 dagmar.yaml:4:17",
                "DG0106 dagmar.yaml:7:5",
                "DG0106 dagmar.yaml:8:26",
                "DG0106 dagmar.yaml:9:26",
            ],
        ),
    ] {
        assert_eq!(check(&[("dagmar.yaml", &config), ("plans/a.yaml", &plan)]), expected, "{config}");
    }
    // a folder that a broken file may name differently
    let project = Project::new(&[("dagmar.yaml", "plans: [")]);
    std::fs::remove_dir(project.path().join("plans")).unwrap();
    assert_eq!(found(&project.run(&["check", "--format", "json"])), ["DG0102 dagmar.yaml:1:8"]);
}

/// What a file that cannot be read declares is not missing, and nothing is proposed to itself.
#[test]
fn mistakes_in_one_file_make_none_in_others() {
    let uses = file(&[plain("y", "    dependsOn: [x, nowhere]\n")]);
    for (broken, code) in [
        ("changesets:\n  - id: x\n   changes: []\n", "DG0102 plans/x.yaml:3:4"),
        ("changesets:\n  - { id: \"x\", changes: [}\n", "DG0102 plans/x.yaml"),
        ("changesets:\n  - id: x\n    id: x\n", "DG0103 plans/x.yaml:3:5"),
        ("changesets:\n  - id: x\n", "DG0105 plans/x.yaml:2:5"),
    ] {
        let found = check(&[("plans/x.yaml", broken), ("plans/y.yaml", &uses)]);
        assert_eq!(found.len(), 2, "{broken}{found:?}");
        assert!(found[0].starts_with(code) && found[1] == "DG0203 plans/y.yaml:3:20", "{broken}{found:?}");
    }
    let alone = file(&[plain("y", "    dependsOn: [yy]\n")]);
    let said = Project::new(&[("plans/y.yaml", &alone)]).run(&["check"]).fails(3);
    assert!(said.contains("`y` depends on `yy`, which does not exist") && !said.contains("did you mean"), "{said}");
    // nothing at all is known of a file that is too large
    let project = Project::new(&[("plans/y.yaml", &uses)]);
    project.write("plans/x.yaml", &"# ".repeat(8_500_001));
    assert_eq!(found(&project.run(&["check", "--format", "json"])), ["DG0100 plans/x.yaml:1:1"]);
}

/// Everything that can be said is said in the first round.
#[test]
fn what_has_nothing_to_do_with_each_other_is_told_at_once() {
    let good = "-- forward\nSELECT 1;\n-- rollback\nSELECT 1;\n";
    let files = [
        ("plans/broken.yaml", "changesets:\n\t- x\n"),
        (
            "plans/cycle.yaml",
            "changesets:\n  - { id: p, dependsOn: [q], changes: [{ createSchema: { name: p } }] }\n  - { id: q, dependsOn: [p, nowhere], changes: [] }\n",
        ),
        (
            "plans/rest.yaml",
            "changesets:\n  - id: no-rollback\n    labels: 3\n    changes:\n      - sql: { forward: SELECT 1 }\n      - creatTable: {}\n      - sql: { forward: 'SELECT (1', rollback: SELECT 1 }\n  - id: no-rollback\n    changes: []\n  - id: other-way\n    rolback: []\n    changes:\n      - sql: { forward: SELECT 1 }\n      - own: {}\n",
        ),
        ("templates/own/manifest.yaml", "description: x\nparameters: { type: object }\n"),
        ("templates/own/template.sql.hbs", "-- forward\n{{x}}\n-- rollback\nSELECT 1;\n"),
        ("templates/good/manifest.yaml", "description: x\nparameters: { type: object }\n"),
        ("templates/good/template.sql.hbs", good),
    ];
    assert_eq!(
        check(&files),
        [
            "DG0102 plans/broken.yaml:2:1",
            "DG0206 plans/cycle.yaml:2:26",
            "DG0203 plans/cycle.yaml:3:29",
            "DG0108 plans/cycle.yaml:3:39",
            "DG0106 plans/rest.yaml:3:13",
            "DG0305 plans/rest.yaml:5:9",
            "DG0107 plans/rest.yaml:6:9",
            "DG0310 plans/rest.yaml:7:33",
            "DG0201 plans/rest.yaml:8:9",
            "DG0108 plans/rest.yaml:9:5",
            // what is misspelt may be the rollback: its absence is not said
            "DG0104 plans/rest.yaml:11:5",
            "DG0400 templates/own/template.sql.hbs:2:1",
        ]
    );
}

#[test]
fn values_are_marked_and_not_what_stands_before_them() {
    let text = file(&[plain("a", ""), plain("b", "    dependsOn: [{ id: a, soak: 30 days }]\n")]);
    let words = ["`30 days` is not a valid duration", "write `30d`"];
    one_mistake(&[("plans/a.yaml", &text)], "DG0106", "plans/a.yaml:6:32", &words);
    let text =
        "changesets:\n  - id: a\n    changes:\n      - backfill: { table: app.t, key: [a, 3], set: { b: '1' } }\n";
    let said = Project::new(&[("plans/a.yaml", text)]).run(&["check"]).fails(3);
    assert!(said.contains("--> plans/a.yaml:4:44\n"), "{said}");
    let words = ["expected a mapping, found a list"];
    let text = "changesets:\n  - id: a\n    changes:\n      - createSchema: [app]\n";
    one_mistake(&[("plans/a.yaml", text)], "DG0106", "plans/a.yaml:4:9", &words);
}

#[test]
fn change_types_of_other_tools() {
    for (name, help) in [
        ("addNotNullConstraint", "in dagmar this is `setNotNull`"),
        ("dropView", "write it as `sql`, with a `rollback`"),
        ("createProcedure", "write it as `sql`, with a `rollback`"),
        ("loadData", "write the rows as `insert`"),
        ("addAutoIncrement", "`identity: byDefault`"),
        ("create_table", "did you mean `createTable`?"),
        ("creatTable", "did you mean `createTable`?"),
        ("bake", "`dagmar schema --list` shows all change types"),
    ] {
        let text = format!("changesets:\n  - id: a\n    changes:\n      - {name}: {{ x: y }}\n");
        let words = [format!("unknown change type `{name}`"), help.to_owned()];
        one_mistake(&[("plans/a.yaml", &text)], "DG0107", "plans/a.yaml:4:9", &[&words[0], &words[1]]);
    }
}

/// The ledger is nobody's table.
#[test]
fn changesets_do_not_write_the_ledger() {
    for (change, place, table) in [
        ("sql: { forward: DELETE FROM dagmar.event, rollback: SELECT 1 }", "4:37", "dagmar.event"),
        ("sql: { forward: 'DROP SCHEMA dagmar CASCADE', rollback: SELECT 1 }", "4:38", "dagmar"),
        ("sql: { forward: SELECT 1, rollback: 'UPDATE \"dagmar\".changeset SET id = 1' }", "4:53", "dagmar.changeset"),
        ("delete: { table: dagmar.event, where: 'true' }", "4:9", "dagmar.event"),
        ("addColumn: { table: dagmar.run, columns: [{ name: x, type: int }] }", "4:9", "dagmar.run"),
    ] {
        let text = format!("changesets:\n  - id: a\n    changes:\n      - {change}\n    # \n");
        let project = Project::new(&[("plans/a.yaml", &text)]);
        let said = project.run(&["check"]).fails(3);
        let message = format!("error[DG0333]: `{table}` belongs to dagmar's ledger and must not be written\n");
        assert!(said.contains(&message) && said.contains(&format!("--> plans/a.yaml:{place}\n")), "{change}\n{said}");
        // another schema is not the ledger then
        project.write("dagmar.yaml", "ledger: { schema: elsewhere }\n");
        assert!(!project.run(&["check"]).err.contains("DG0333"), "{change}");
    }
    let reads = "changesets:\n  - id: a\n    changes:\n      - sql: { forward: 'CREATE VIEW v AS SELECT * FROM dagmar.changeset', rollback: DROP VIEW v }\n";
    Project::new(&[("plans/a.yaml", reads)]).run(&["check"]).ok();
}

/// Warnings are shown by `check`, as JSON too, and refuse nothing; other commands tell of them.
#[test]
fn what_is_odd_is_a_warning() {
    let text = "changesets:\n  - id: prod-only\n    environments: [live]\n    changes:\n      - createTable: { table: App.T, columns: [{ name: userId, type: int }] }\n      - createTable: { table: '\"Meant\".\"So\"', columns: [] }\n      - createView: { name: v, query: SELECT 1 }\n      - createEnum: { name: w, values: [x] }\n  - id: b\n    dependsOn: [prod-only]\n    changes:\n      - sql:\n          forward: |\n            SET lock_timeout = 0;\n            SET ROLE app;\n          rollback: SELECT 1\n";
    let project = Project::new(&[
        ("dagmar.yaml", "environments: { dev: {}, live: {} }\n"),
        ("plans/a.yaml", text),
        ("plans/001.sql", "CREATE TABLE x ();\n"),
        ("plans/x.json", "{}"),
        ("plans/README.md", "no migration\n"),
    ]);
    let run = project.run(&["check"]);
    assert_eq!(run.code, 0, "{run:?}");
    for words in [
        "warning[DG0119]: `plans/001.sql`, `plans/x.json` are not read\n",
        "= help: SQL is run by a changeset in a YAML file: `- sqlFile: { path: plans/001.sql }`",
        "warning[DG0330]: the table `App.T` contains uppercase letters\n --> plans/a.yaml:5:31\n",
        "= help: SQL must write it as `\"App\".\"T\"`",
        "warning[DG0331]: a view without a schema is created in the first schema of the `search_path`\n --> plans/a.yaml:7:29\n",
        "warning[DG0208]: `b` goes to dev, `prod-only`, which it depends on, does not\n  --> plans/a.yaml:10:17\n",
        "warning[DG0332]: `lock_timeout` overrides dagmar's limit",
        "--> plans/a.yaml:14:17\n",
        "`limits: { lockTimeout: 5s }` on the changeset",
        "warning[DG0332]: `SET ROLE` applies to the rest of this transaction",
    ] {
        assert!(run.err.contains(words), "{words}\n{}", run.err);
    }
    assert!(
        !run.err.contains("table `\"Meant") && !run.err.contains("README") && !run.err.contains("`userId`"),
        "{}",
        run.err
    );
    assert!(run.err.ends_with("\n\n"), "what follows stands apart: {}", run.err);
    assert!(run.out.contains("2 changesets in order") && run.out.contains("  7 warnings\n"), "{}", run.out);
    let value = project.run(&["check", "--format", "json"]).json();
    let list = value["diagnostics"].as_array().unwrap();
    assert_eq!((list.len(), &list[0]["severity"], &list[0]["code"]), (7, &"warning".into(), &"DG0119".into()));
    let said = project.run(&["plan", "--offline"]);
    assert!(
        said.code == 0 && said.err.contains("warning: 5 warnings in the project's files: see `dagmar check`"),
        "{said:?}"
    );
    // a file that a changeset runs is read
    project.write(
        "plans/a.yaml",
        "changesets:\n  - id: a\n    changes:\n      - sqlFile: { path: ./plans/001.sql }\n    rollback: []\n",
    );
    std::fs::remove_file(project.path().join("plans/x.json")).unwrap();
    let run = project.run(&["check"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
}

/// Also in bodies of functions; one word silences it where PostgreSQL is right and the parser is not.
#[test]
fn sql_that_is_no_sql_is_an_error() {
    let bad = |forward: &str| {
        let project = Project::new(&[("plans/a.yaml", &file(&[sql("a", forward, "SELECT 1")]))]);
        project.run(&["check", "--format", "json"])
    };
    let run = bad("SELECT 1;\nCREATE TABEL x ()");
    let found = run.json();
    run.fails(3);
    let problems = found["diagnostics"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{found}");
    assert_eq!((&problems[0]["code"], &problems[0]["line"]), (&json!("DG0325"), &json!(7)), "{found}");
    assert!(problems[0]["message"].as_str().unwrap().ends_with("no statement begins with `CREATE TABEL x`"), "{found}");
    bad("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELEC 1'").fails(3);
    bad("DO $$ BEGIN SELEC 1; END $$").fails(3);
    // the parser does not know it, PostgreSQL may
    bad("SELECT 1;\n-- unparsed\nCREATE TABEL x ()").ok();
}

/// Thousands of mistakes take no time that grows with their square.
#[test]
fn very_many_mistakes() {
    let mut edges = String::from("changesets:\n");
    for i in 0..8_000 {
        edges.push_str(&format!(
            "  - {{ id: c{i:05}, dependsOn: [d{i:05}], changes: [{{ createSchema: {{ name: s }} }}] }}\n"
        ));
    }
    let mut ids = String::from("changesets:\n");
    for i in 0..20_000 {
        ids.push_str(&format!("  - {{ id: _{i}, changes: [{{ createSchema: {{ name: s }} }}] }}\n"));
    }
    for (text, errors, word) in [(edges, 8_000, "error[DG0203]"), (ids, 20_000, "error[DG0202]")] {
        let project = Project::new(&[("plans/a.yaml", &text)]);
        let said = project.run(&["check"]).fails(3);
        assert_eq!(said.matches(word).count(), 50, "{}", &said[..2000]);
        let more = format!("\n... and {} errors more; `dagmar check --format json` has all\n", errors - 50);
        assert!(said.contains(&more), "{}", &said[said.len() - 400..]);
        let value = project.run(&["check", "--format", "json"]).json();
        assert_eq!(value["diagnostics"].as_array().unwrap().len(), errors);
    }
}

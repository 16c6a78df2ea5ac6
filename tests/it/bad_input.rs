//! Wrong files and wrong command lines, as their author sees them: one clear message at the
//! right place, the exit code, and nothing half done.

use crate::support::{Database, Project, Run, file, mistake_of, one_mistake, plain, sql};

#[test]
fn keys_and_values() {
    let one = |changeset: String, code, place: &str, words: &[&str]| {
        one_mistake(&[("plans/a.yaml", &file(&[changeset]))], code, &format!("plans/a.yaml:{place}"), words);
    };
    let unknown = plain("a", "    dependOn: [x]\n");
    one(unknown, "DG0104", "3:5", &["unknown key `dependOn`", "= help: did you mean `dependsOn`?"]);
    let number = plain("a", "    labels: 3\n");
    one(number, "DG0106", "3:13", &["expected a list, found `3`", "= help: write `[a, b]`"]);
    let text = plain("a", "    author: [x]\n");
    one(text, "DG0106", "3:5", &["expected a text, found a list"]);
    let twice = plain("a", "    author: x\n    author: y\n");
    one(twice, "DG0103", "4:5", &["the key `author` occurs twice", "first here", "= help: keep one of them"]);
    let change = "  - id: a\n    changes:\n      - creatTable: { table: a.t }\n".to_owned();
    one(change, "DG0107", "4:9", &["unknown change type `creatTable`", "= help: did you mean `createTable`?"]);
    let parameter = "  - id: a\n    changes:\n      - createSchema: { nam: x }\n".to_owned();
    one(parameter, "DG0104", "4:25", &["unknown key `nam`", "= help: did you mean `name`?"]);
    let environment = plain("a", "    environments: [prodution]\n");
    let project = Project::new(&[
        ("dagmar.yaml", "environments: { staging: {}, production: {} }"),
        ("plans/a.yaml", &file(&[environment])),
    ]);
    mistake_of(&project.run(&["check"]), "DG0110", "plans/a.yaml:3:20", &["did you mean `production`?"]);
    for (id, shown) in [
        ("\"a'b\"", "`a'b` is not a valid id"),
        ("ÄÖ", "`ÄÖ` is not a valid id"),
        (&"i".repeat(300), "iii` is not a valid id"),
    ] {
        one(plain(id, ""), "DG0202", "2:9", &[shown, "= help: use letters, digits", "at most 128"]);
    }
}

#[test]
fn edges_between_changesets() {
    let missing = file(&[plain("first", ""), plain("b", "    dependsOn: [frist]\n")]);
    let words = ["`b` depends on `frist`, which does not exist", "= help: did you mean `first`?"];
    one_mistake(&[("plans/a.yaml", &missing)], "DG0203", "plans/a.yaml:6:17", &words);
    // a command that needs the graph has none to show
    let nowhere = file(&[plain("a", "    dependsOn: [something-else]\n")]);
    let words = ["which does not exist", "= help: write that changeset, or remove it from `dependsOn`"];
    one_mistake(&[("plans/a.yaml", &nowhere)], "DG0203", "plans/a.yaml:3:17", &words);
    let own = file(&[plain("a", "    dependsOn: [a]\n")]);
    let words = ["`a` depends on itself", "= help: remove this line"];
    one_mistake(&[("plans/a.yaml", &own)], "DG0204", "plans/a.yaml:3:17", &words);
    let twice = file(&[plain("a", ""), plain("b", "    dependsOn:\n      - a\n      - a\n")]);
    let words = ["`b` names `a` twice", "first here"];
    one_mistake(&[("plans/a.yaml", &twice)], "DG0205", "plans/a.yaml:8:9", &words);
    let (a, b) = (file(&[plain("same", "")]), file(&[plain("other", ""), plain("same", "")]));
    let words = ["the id `same` occurs twice", "plans/a.yaml:2:9", "first here", "= help: an id is never reused"];
    one_mistake(&[("plans/a.yaml", &a), ("plans/deep/b.yaml", &b)], "DG0201", "plans/deep/b.yaml:5:9", &words);
}

#[test]
fn a_cycle_shows_every_hop_with_file_and_line() {
    let files = [
        ("plans/a.yaml", file(&[plain("a", "    dependsOn: [b]\n")])),
        ("plans/b.yaml", file(&[plain("unrelated", ""), plain("b", "    dependsOn: [c]\n")])),
        ("plans/c.yaml", file(&[plain("c", "    author: me\n    dependsOn:\n      - { id: a, soak: 1d }\n")])),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
    let words = [
        "the dependencies form a cycle: `a` -> `b` -> `c` -> `a`",
        "`a` depends on `b`",
        "::: plans/b.yaml:6:17",
        "`b` depends on `c`",
        "::: plans/c.yaml:5:11",
        "`c` depends on `a`",
        "= help: remove one of these edges",
    ];
    one_mistake(&files, "DG0206", "plans/a.yaml:3:17", &words);
    let value = Project::new(&files).run(&["check", "--format", "json"]).json();
    let hops = value["diagnostics"][0]["related"].as_array().unwrap();
    let hops: Vec<String> = hops.iter().map(|h| format!("{}:{}", h["file"].as_str().unwrap(), h["line"])).collect();
    assert_eq!(hops, ["plans/b.yaml:6", "plans/c.yaml:5"]);
}

#[test]
fn variables_without_a_value_have_their_place() {
    let plan = file(&["  - id: a\n    changes:\n      - createSchema: { name: '${scheme}' }\n".to_owned()]);
    let config = "variables: { schema: x }\nenvironments: { dev: {}, live: { variables: { scheme: y } } }\n";
    let files = [("dagmar.yaml", config), ("plans/a.yaml", plan.as_str())];
    let words = ["the variable `scheme` has no value in this environment", "= help: did you mean `${schema}`?"];
    // the variable itself, and not the text that it stands in
    one_mistake(&files, "DG0111", "plans/a.yaml:4:32", &words);
    let project = Project::new(&files);
    project.run(&["check", "--env", "live"]).ok();
    project.run(&["check", "--var", "scheme=z"]).ok();
    project.write("dagmar.yaml", "variables: { scheme: '${NOT_SET_ANYWHERE}' }\n");
    let said = project.run(&["check"]).fails(2);
    assert!(
        said.contains("the variable `scheme` in dagmar.yaml: the environment variable `NOT_SET_ANYWHERE` is not set")
    );
    assert!(said.contains("\nhelp: "), "{said}");
    let mut command = project.command(&["check"]);
    Run::of(command.env("NOT_SET_ANYWHERE", "z").output().unwrap()).ok();
}

#[test]
fn sql_that_cannot_be_run() {
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    for (text, code, place, words) in [
        (
            "CREATE TABLE x ();\nCOMMIT;",
            "DG0311",
            "7:13",
            ["`COMMIT`", "= help: dagmar begins and ends transactions itself"],
        ),
        ("SELECT 'abc;\nSELECT 2", "DG0310", "6:20", ["this string does not end", "^ in `forward` of this `sql`"]),
        ("SELECT 1;\n\\d x", "DG0310", "7:13", ["psql commands are not supported", "^ in `forward` of this `sql`"]),
        (
            "COPY x FROM stdin;\n1\n\\.",
            "DG0310",
            "6:25",
            ["`COPY … FROM STDIN`", "= help: there is no client to send the rows"],
        ),
        (
            &deep,
            "DG0310",
            "6:1020",
            ["parentheses are nested deeper than 1000 levels", "= note: in `forward` of this `sql`"],
        ),
    ] {
        let plan = file(&[sql("a", text, "SELECT 1")]);
        one_mistake(&[("plans/a.yaml", &plan)], code, &format!("plans/a.yaml:{place}"), &words);
    }
    let plan = file(&["  - id: a\n    changes:\n      - sql: { forward: SELECT 1 }\n".to_owned()]);
    let words = ["`sql` cannot be rolled back", "irreversible: reason"];
    one_mistake(&[("plans/a.yaml", &plan)], "DG0305", "plans/a.yaml:4:9", &words);
}

/// Neither the message of each nor their number may depend on the others.
#[test]
fn many_mistakes_are_reported_in_one_go() {
    let project = Project::new(&[
        ("plans/a.yaml", &file(&[plain("a", "    dependOn: [x]\n"), plain("b", "    labels: 3\n    autor: x\n")])),
        ("plans/b.yaml", "changesets:\n  - id: c\n    changes:\n      - creatTable: {}\n      - sql: { forward: 3 }\n"),
        ("plans/c.yaml", "changesets:\n\t- x\n"),
        ("plans/d.yaml", ""),
        ("plans/e.yaml", &file(&[plain("a", ""), plain("ä", "")])),
    ]);
    let run = project.run(&["check"]);
    assert_eq!(run.err.matches("error[").count(), 9, "{}", run.err);
    assert!(run.err.ends_with("error: the project has 9 errors\n"), "{}", run.err);
    let value = project.run(&["check", "--format", "json"]).json();
    let found = value["diagnostics"].as_array().unwrap();
    let mut places: Vec<String> = found
        .iter()
        .map(|d| {
            let number = |key: &str| d[key].as_u64().map_or(String::new(), |n| format!(":{n}"));
            format!(
                "{} {}{}{}",
                d["code"].as_str().unwrap(),
                d["file"].as_str().unwrap(),
                number("line"),
                number("column")
            )
        })
        .collect();
    places.sort();
    assert_eq!(
        places,
        [
            "DG0101 plans/d.yaml",
            "DG0102 plans/c.yaml:2:1",
            "DG0104 plans/a.yaml:3:5",
            "DG0104 plans/a.yaml:8:5",
            "DG0106 plans/a.yaml:7:13",
            "DG0106 plans/b.yaml:5:25",
            "DG0107 plans/b.yaml:4:9",
            "DG0201 plans/e.yaml:2:9",
            "DG0202 plans/e.yaml:5:9",
        ]
    );
}

/// A mistake anywhere, and nothing is done: not even the ledger is made.
#[test]
fn nothing_is_half_done() {
    let (good, bad) = (file(&[plain("good", "")]), file(&[plain("bad", "    dependsOn: [nothing]\n")]));
    let project = Project::new(&[("plans/a.yaml", &good), ("plans/b.yaml", &bad)]);
    let database = Database::new();
    for command in [&["apply"][..], &["plan"], &["status"], &["apply", "--dry-run"], &["apply", "--select", "good"]] {
        let said = project.on(&database, command).fails(3);
        assert!(said.contains("error[DG0203]"), "{said}");
    }
    let schemas =
        "SELECT count(*) FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'";
    assert_eq!(database.sql(schemas), "1");
}

#[test]
fn wrong_command_lines() {
    let project = Project::new(&[
        ("dagmar.yaml", "environments: { staging: {}, production: {} }"),
        ("plans/a.yaml", &file(&[plain("first", "    labels: [red]\n")])),
    ]);
    for (args, words) in [
        (
            &["check", "--env", "prodution"][..],
            &["the environment `prodution` does not exist", "help: did you mean `production`?"][..],
        ),
        (&["check", "--env", "zzz"], &["`zzz`", "help: dagmar.yaml has: staging, production"]),
        (&["plan", "--offline", "--select", "frist"], &["the changeset `frist` does not exist; did you mean `first`?"]),
        (
            &["plan", "--offline", "--select", "label:rad"],
            &["no changeset has the label `rad`; did you mean `label:red`?"],
        ),
        (&["plan", "--offline", "--select", ""], &["a selector is empty"]),
        (&["plan", "--offline", "--select", "first,,"], &["a selector is empty"]),
        (&["check", "--var", "x"], &["`--var x` is not `NAME=VALUE`"]),
        (&["check", "--var", "1=2"], &["`--var 1=2` is not `NAME=VALUE`"]),
        (&["check", "--format", "yaml"], &["this command has no format `yaml`", "help: it has: text, json"]),
        (&["check", "--project", "/nowhere/at/all"], &["cannot open the project `/nowhere/at/all`"]),
        (&["check", "--project", "/"], &["`/` is not a project: it has no dagmar.yaml", "help: run `dagmar init`"]),
        (&["status", "--wait", "nonsense"], &["--wait", "`nonsense` is not a valid duration: write `30d`"]),
        (&["apply", "--lock-wait", "5"], &["--lock-wait", "`5` is not a valid duration"]),
        (&["aply"], &["'aply'", "'apply'"]),
        (&["rollback"], &["required", "--last-run"]),
        (&["mark", "held", "first"], &["--reason"]),
        (&["mark", "held", "first", "--reason", " "], &["the reason is empty", "help: give a reason"]),
        (&["status", "--url", "nonsense"], &["the connection settings are wrong", "help: write `postgresql://"]),
        (&["status", "--url", "postgres://h/db?sslmod=x"], &["`sslmod`", "help: did you mean `sslmode`?"]),
        (&["status", "--url", "postgres://u@h:99999/db"], &["a port is not a number from 1 to 65535"]),
    ] {
        let said = project.run(args).fails(2);
        for word in words {
            assert!(said.contains(word), "{args:?}: {word}\n{said}");
        }
        assert!(said.starts_with("error: "), "{said}");
    }
    let run = project.run(&["plan", "--offline", "--select", "frist", "--format", "json"]);
    assert_eq!((run.code, run.err.as_str()), (2, ""));
    assert_eq!(run.json()["error"]["kind"], "usage");
}

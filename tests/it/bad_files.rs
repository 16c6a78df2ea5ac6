//! Files that are no good as files, and files that only look like it.

use crate::support::{Changeset, Database, Project, Run, file, one_mistake, plain, sql};
use std::fs;
use std::process::Command;

#[test]
fn empty_and_missing() {
    Project::new(&[]).run(&["check"]).ok();
    let project = Project::new(&[]);
    fs::remove_dir(project.path().join("plans")).unwrap();
    let said = project.run(&["check"]).fails(3);
    assert!(
        said.contains("error[DG0100]: cannot read the folder `plans`") && said.contains("= help: create it"),
        "{said}"
    );
    one_mistake(
        &[("plans/a.yaml", "")],
        "DG0101",
        "plans/a.yaml",
        &["the file is empty", "= help: write `changesets:`"],
    );
    one_mistake(&[("plans/a.yaml", "chengesets: []")], "DG0104", "plans/a.yaml:1:1", &["did you mean `changesets`?"]);
    one_mistake(
        &[("plans/a.yaml", "- a")],
        "DG0106",
        "plans/a.yaml:1:3",
        &["expected a mapping with the key `changesets`"],
    );
}

#[test]
fn encodings() {
    let project = Project::new(&[]);
    fs::write(project.path().join("plans/a.yaml"), b"changesets:\n  - id: ab\xffc\n").unwrap();
    let said = project.run(&["check"]).fails(3);
    for word in [
        "`plans/a.yaml` is not UTF-8: the first bad byte is number 23 in line 2",
        "--> plans/a.yaml:2:11",
        "save it as UTF-8",
    ] {
        assert!(said.contains(word), "{word}\n{said}");
    }
}

/// How a file is saved is no content: an applied changeset stays the same.
#[test]
fn how_a_file_is_saved_is_no_edit() {
    let text = file(&[sql("a", "SELECT 1;\nSELECT 2", "SELECT 3").with("description", "x")]);
    let (project, database) = (Project::new(&[("plans/a.yaml", &text)]), Database::new());
    project.on(&database, &["apply"]).ok();
    project.write("plans/a.yaml", &format!("\u{feff}{}", text.replace('\n', "\r\n")));
    assert_eq!(project.json(&database, &["apply"]).applied(), "");
    assert_eq!(project.states(&database), "a=applied");
}

#[test]
fn yaml_that_is_none() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for i in 1..10 {
        bomb.push_str(&format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(",")));
    }
    let two = format!("{}---\n{}", file(&[plain("a", "")]), file(&[plain("bb", "")]));
    for (text, place, words) in [
        (bomb, "9:10", ["the aliases of this file expand beyond the limit", "= help: "]),
        (two, "5:1", ["the file contains more than one YAML document", "put each into a file of its own"]),
        ("changesets:\n\t- id: a\n".into(), "2:1", ["not YAML", "indented with spaces, not with tabs"]),
        ("changesets:\n  - id: a\n\tchanges: []\n".into(), "3:1", ["tab", "indented with spaces, not with tabs"]),
        ("[".repeat(100_000), "1:256", ["nested too deeply", "the limit is 128 levels"]),
        (
            format!("{}1{}", "{a: ".repeat(100_000), "}".repeat(100_000)),
            "1:1021",
            ["nested too deeply", "the limit is 128"],
        ),
        ("changesets: [{id: *nothing}]".into(), "1:19", ["unknown anchor", "= help: "]),
    ] {
        one_mistake(&[("plans/a.yaml", &text)], "DG0102", &format!("plans/a.yaml:{place}"), &words);
    }
    let tag = "changesets:\n  - !changeset\n    id: a\n";
    one_mistake(&[("plans/a.yaml", tag)], "DG0124", "plans/a.yaml:3:5", &["the YAML tag", "= help: "]);
}

/// A large file is read with a bounded amount of memory, one that is too large not at all.
#[test]
fn large_files() {
    let many: Vec<Changeset> =
        (0..60).map(|i| sql(&format!("c{i}"), &format!("SELECT '{}'", "x".repeat(170_000)), "SELECT 1")).collect();
    let text = file(&many);
    assert!(text.len() > 10_000_000 && text.len() < 11_000_000);
    let project = Project::new(&[("plans/a.yaml", &text)]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -v 1500000; exec \"$0\" check", env!("CARGO_BIN_EXE_dagmar")])
        .env_clear()
        .current_dir(project.path());
    assert!(Run::of(limited.output().unwrap()).ok().contains("60 changesets in order"));
    fs::write(project.path().join("plans/a.yaml"), "# ".repeat(8_500_001)).unwrap();
    let said = project.run(&["check"]).fails(3);
    assert!(said.contains("`plans/a.yaml` has more than 16 MB\n"), "{said}");
    assert!(said.contains("= help: divide it into several files"), "{said}");
}

#[test]
fn sql_files() {
    let here = ("plans/a.yaml:4:26", "the path starts at");
    for (path, why, (place, help)) in [
        ("../up.sql", "it is not a path inside the project", here),
        ("/etc/passwd", "it is not a path inside the project", here),
        ("link.sql", "it leads out of the project", here),
        (
            "folder",
            "it is a folder, and not a regular file",
            ("plans/a.yaml:4:26", "write it to a file and pass the file"),
        ),
        ("nothing.sql", "it does not exist", here),
        ("latn.sql", "it does not exist", ("plans/a.yaml:4:26", "did you mean `latin.sql`?")),
        (
            "latin.sql",
            "it is not UTF-8: the first bad byte is number 19 in line 2",
            ("latin.sql:2:9", "save it as UTF-8"),
        ),
    ] {
        let changes = format!("  - id: a\n    changes:\n      - sqlFile: {{ path: {path} }}\n    rollback: []\n");
        let project = Project::new(&[("plans/a.yaml", &file(&[changes]))]);
        fs::create_dir(project.path().join("folder")).unwrap();
        fs::write(project.path().join("latin.sql"), b"SELECT 1;\nSELECT '\xff'").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", project.path().join("link.sql")).unwrap();
        let said = project.run(&["check"]).fails(3);
        assert!(said.contains(&format!("error[DG0321]: cannot read `{path}`: {why}\n")), "{said}");
        assert!(said.contains(&format!("--> {place}\n")) && said.contains(&format!("= help: {help}")), "{said}");
        assert!(said.contains("plans/a.yaml:4:26\n"), "{said}");
        assert!(!said.contains("root:"), "{said}");
    }
    let project = Project::new(&[]);
    std::os::unix::fs::symlink("/etc", project.path().join("plans/etc")).unwrap();
    let said = project.run(&["check"]).fails(3);
    assert!(said.contains("`plans/etc` leads out of the project"), "{said}");
}

const MANIFEST: &str = "description: mine\nparameters: { type: object, properties: { table: { type: string } } }\n";
const USE: &str = "changesets:\n  - id: a\n    changes:\n      - mine: { table: app.t }\n";

#[test]
fn templates() {
    let good = "-- forward\nSELECT 1;\n-- rollback\nSELECT 2;\n";
    let template = "templates/mine/template.sql.hbs";
    for (text, manifest, code, place, words) in [
        (
            "-- forward\nSELECT {{table}};\n-- rollback\nSELECT 1;\n",
            MANIFEST,
            "DG0400",
            "templates/mine/template.sql.hbs:2:8",
            ["`{{table}}` prints a bare value", "`{{ident table}}`"],
        ),
        (
            "-- forward\nSELECT 1;\n-- rollback\nSELECT {{#if table}}1;\n",
            MANIFEST,
            "DG0400",
            "templates/mine/template.sql.hbs:4:23",
            ["no Handlebars from here on", "`{{#if}}` has no end"],
        ),
        (
            "-- forward\nSELECT 1;\n",
            MANIFEST,
            "DG0402",
            "templates/mine/template.sql.hbs:1:1",
            ["the template has no rollback section", "`irreversible: reason`"],
        ),
        (
            good,
            "description: mine\nparameters: { type: nonsense }\n",
            "DG0401",
            "templates/mine/manifest.yaml:2:1",
            ["`parameters` is not a valid JSON Schema", "nonsense"],
        ),
        (
            good,
            "description: mine\nparameters: {}\nparameter: {}\n",
            "DG0104",
            "templates/mine/manifest.yaml:3:1",
            ["unknown key `parameter`", "`parameters`"],
        ),
        (
            "-- forward\nSELECT {{literal owner}};\n-- rollback\nSELECT 1;\n",
            MANIFEST,
            "DG0404",
            "plans/a.yaml:4:9",
            ["`owner` is missing", "while rendering templates/mine/template.sql.hbs:2:8"],
        ),
    ] {
        let files = [("plans/a.yaml", USE), ("templates/mine/manifest.yaml", manifest), (template, text)];
        one_mistake(&files, code, place, &words);
    }
    let files = [("plans/a.yaml", USE), (template, good)];
    let said = Project::new(&files).run(&["check"]).fails(3);
    assert!(said.contains("has no `templates/mine/manifest.yaml`") && said.contains("1 error\n"), "{said}");
    let wrong = USE.replace("table: app.t", "tabel: app.t");
    let strict = MANIFEST.replace("properties:", "additionalProperties: false, properties:");
    let files = [("plans/a.yaml", wrong.as_str()), ("templates/mine/manifest.yaml", &strict), (template, good)];
    let words = ["unknown key `tabel` in `mine`", "= help: did you mean `table`?"];
    one_mistake(&files, "DG0104", "plans/a.yaml:4:17", &words);
}

/// A template may hold several statements: they run in order, in one transaction, both ways.
#[test]
fn a_change_type_of_two_statements_runs_both_ways() {
    let template = "-- forward\nCREATE TABLE {{qname table}} (n int);\nINSERT INTO {{qname table}} VALUES (1);\n\
                    -- rollback\nDELETE FROM {{qname table}};\nDROP TABLE {{qname table}};\n";
    let plan = USE.replace("app.t", "t");
    let project = Project::new(&[
        ("plans/a.yaml", &plan),
        ("templates/mine/manifest.yaml", MANIFEST),
        ("templates/mine/template.sql.hbs", template),
    ]);
    let database = Database::new();
    let empty = database.dump();
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT n FROM t"), "1");
    project.on(&database, &["rollback", "a"]).ok();
    assert_eq!(database.dump(), empty);
}

/// Names that need quoting work on the server, there and back.
#[test]
fn names_that_need_quotes() {
    let names =
        ["Quoted \"twice\"", "$$ $a$ ; -- /* {{x}} '", "日本 Ünïcode 🐘", "select", "back\\slash 'and' quote", "a.b"];
    let database = Database::new();
    let empty = database.dump();
    for name in names {
        // a name alone is taken as it is; parts of a qualified one are quoted as in SQL
        let text = serde_json::to_string(name).unwrap();
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let qualified = serde_json::to_string(&format!("{quoted}.{quoted}")).unwrap();
        let index = serde_json::to_string(&format!("{name}'")).unwrap();
        let plan = format!(
            "changesets:\n  - id: a\n    changes:\n      - createSchema: {{ name: {text} }}\n      - createTable:\n          \
             table: {qualified}\n          comment: {text}\n          columns: [ {{ name: {text}, type: int, primaryKey: true }} ]\n  \
             - id: b\n    dependsOn: [a]\n    changes:\n      - addColumn: {{ table: {qualified}, columns: [ {{ name: b, type: int, default: 0 }} ] }}\n      \
             - createIndex: {{ name: {index}, table: {qualified}, columns: [b] }}\n      \
             - backfill: {{ table: {qualified}, key: {text}, set: {{ b: '1' }} }}\n      \
             - renameColumn: {{ table: {qualified}, column: b, to: c }}\n"
        );
        let project = Project::new(&[("plans/a.yaml", &plan)]);
        let plan_of = project.on(&database, &["plan", "--sql"]).ok();
        let run = project.on(&database, &["apply"]);
        assert_eq!(run.code, 0, "{name}\n{}\n{plan_of}", run.err);
        project.on(&database, &["rollback", "--all"]).ok();
        assert_eq!(database.dump(), empty, "{name}");
    }
}

#[test]
fn names_that_are_too_long_are_refused_before_the_server_cuts_them() {
    let long = "n".repeat(64);
    let plan = format!("changesets:\n  - id: a\n    changes:\n      - createSchema: {{ name: {long} }}\n");
    one_mistake(&[("plans/a.yaml", &plan)], "DG0106", "plans/a.yaml:4:31", &["63"]);
    let plan = format!("changesets:\n  - id: a\n    changes:\n      - createSchema: {{ name: {} }}\n", "ä".repeat(32));
    one_mistake(&[("plans/a.yaml", &plan)], "DG0106", "plans/a.yaml:4:31", &["63"]);
    let whole = "n".repeat(63);
    let plan = format!("changesets:\n  - id: a\n    changes:\n      - createSchema: {{ name: {whole} }}\n");
    let (project, database) = (Project::new(&[("plans/a.yaml", &plan)]), Database::new());
    project.on(&database, &["apply"]).ok();
    project.on(&database, &["rollback", "a"]).ok();
}

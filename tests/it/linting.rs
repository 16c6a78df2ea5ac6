//! `dagmar lint` as a process: every rule by its examples, the pull request with every flaw, what can be ignored, which
//! changesets are looked at, and how it ends.

use crate::support::{Database, Project, Run, dagmar, snapshot};
use dagmar::lint::rules;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The project that the examples of the rules are written for.
const BASE: &str = include_str!("../data/lint/base.yaml");

/// A project with the base and one changeset with these keys.
fn example(keys: &str) -> Project {
    let body: String = keys.trim_end().lines().map(|line| format!("    {line}\n")).collect();
    let edges = if body.contains("dependsOn:") { "" } else { "    dependsOn: [base]\n" };
    let changeset = format!("changesets:\n  - id: example\n{edges}{body}");
    let config = "environments:\n  dev:\n    allow: [losesData, rewrites, irreversible]\n";
    Project::new(&[("dagmar.yaml", config), ("plans/0.yaml", BASE), ("plans/1.yaml", &changeset)])
}

/// The codes that the review of one changeset finds.
#[track_caller]
fn codes(run: &Run, changeset: &str) -> Vec<String> {
    let answer = run.json();
    let findings = answer["findings"].as_array().unwrap_or_else(|| panic!("{run:?}")).iter();
    let of_changeset = findings.filter(|finding| finding["changeset"] == changeset);
    of_changeset.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_rule_finds_its_example_and_nothing_in_what_is_mended() {
    let mut wrong = Vec::new();
    for definition in rules::all() {
        let code = definition.rule.code();
        for (keys, expected) in [(definition.example, vec![code.to_owned()]), (definition.fixed, Vec::new())] {
            let project = example(keys);
            let levels = format!("lint: {{ rules: {{ {code}: {} }} }}\n", "low");
            let config = fs::read_to_string(project.path().join("dagmar.yaml")).unwrap();
            project.write("dagmar.yaml", &format!("{config}{levels}"));
            let run = project.run(&["lint", "--format", "json", "--fail-on", "never"]);
            if run.code != 0 || codes(&run, "example") != expected {
                wrong.push(format!("{code}: expected {expected:?}:\n{keys}\n{}\n{}", run.out, run.err));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_base_of_the_examples_has_no_finding() {
    let project = Project::new(&[("plans/0.yaml", BASE)]);
    let run = project.run(&["lint"]);
    assert!(run.code == 0 && run.out.starts_with("can be merged: no findings; 2 changesets"), "{run:?}");
}

/// The sample project under `plans/`.
#[test]
fn the_sample_project_has_no_finding() {
    for environment in ["demo", "production"] {
        let mut command = dagmar(&["lint", "--env", environment, "--format", "json"]);
        let run = Run::of(command.args(["--project", env!("CARGO_MANIFEST_DIR")]).output().unwrap());
        assert_eq!((run.code, run.json()["findings"].clone()), (0, Value::Array(Vec::new())), "{run:?}");
    }
}

fn copied(from: &Path, project: &Project, below: &str) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            copied(&path, project, &format!("{name}/"));
        } else {
            project.write(&name, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// A project below `tests/data/lint`.
fn project(name: &str) -> Project {
    let project = Project::new(&[]);
    copied(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lint").join(name), &project, "");
    project
}

/// Everything that is wrong with the pull request: the changeset, the rule, and where.
const FLAWS: [(&str, &str, &str, u64); 20] = [
    ("002-preferences", "key-value-without-unique", "plans/002_preferences.yaml", 8),
    ("002-preferences", "foreign-key-without-index", "plans/002_preferences.yaml", 10),
    ("002-preferences", "rollback-loses-data", "plans/002_preferences.yaml", 16),
    ("003-more-preferences", "not-idempotent-copy", "plans/002_preferences.yaml", 23),
    ("003-more-preferences", "unbatched-backfill", "plans/002_preferences.yaml", 23),
    ("004-orders", "not-allowed", "plans/002_preferences.yaml", 27),
    ("005-status", "unbatched-backfill", "plans/002_preferences.yaml", 35),
    ("006-total", "missing-rollback", "plans/002_preferences.yaml", 40),
    ("006-total", "security-definer-search-path", "plans/002_preferences.yaml", 42),
    ("007-lookup", "outside-transaction", "plans/002_preferences.yaml", 52),
    ("007-lookup", "rollback-drops-rows", "plans/002_preferences.yaml", 56),
    ("008-drop-preferences", "drop-without-expand", "plans/002_preferences.yaml", 61),
    ("004-orders", "outside-transaction", "sql/orders.rollback.sql", 5),
    ("004-orders", "index-not-concurrent", "sql/orders.sql", 1),
    ("004-orders", "set-not-null-scan", "sql/orders.sql", 2),
    ("004-orders", "several-scans", "sql/orders.sql", 3),
    ("004-orders", "constraint-scan", "sql/orders.sql", 4),
    ("004-orders", "constraint-scan", "sql/orders.sql", 6),
    ("004-orders", "foreign-key-without-index", "sql/orders.sql", 6),
    ("004-orders", "rewrite-by-new-column", "sql/orders.sql", 8),
];

#[test]
fn s11_every_flaw_of_the_pull_request_is_found_and_nothing_else() {
    let project = project("pull_request");
    let run = project.run(&["lint", "--format", "json"]);
    assert_eq!(run.code, 10, "{run:?}");
    let answer = run.json();
    let found: Vec<(&str, &str, &str, u64)> = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            let text = |value: &'static str| f[value].as_str().unwrap();
            (
                text("changeset"),
                text("code"),
                f["place"]["file"].as_str().unwrap(),
                f["place"]["line"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, FLAWS);
    assert_eq!(answer["counts"], serde_json::json!({ "blocking": 3, "high": 11, "medium": 4, "low": 2 }));
    assert_eq!(answer["verdict"], "doNotMerge");
    assert!(answer["findings"].as_array().unwrap().iter().all(|f| f["remedy"].as_str().is_some_and(|r| !r.is_empty())));
}

/// The remedies, when they are applied, have no finding, and they run.
#[test]
fn s12_the_pull_request_with_its_remedies_has_no_finding_and_runs() {
    let project = project("mended");
    let run = project.run(&["lint", "--fail-on", "low"]);
    assert!(
        run.code == 0 && run.out == "can be merged: no findings; 11 changesets; environment production\n",
        "{run:?}"
    );
    let database = Database::new();
    let empty = database.dump();
    project.on(&database, &["apply", "--select", "+005-status-required", "--select", "+007-lookup-index"]).ok();
    project.on(&database, &["apply", "--select", "+003-more-preferences", "--select", "006-total"]).ok();
    project.on(&database, &["rollback", "--all"]).ok();
    crate::support::same("after the way back", &empty, &database.dump());
}

#[test]
fn the_review_is_written_in_every_format() {
    let project = project("pull_request");
    for format in ["text", "markdown", "github", "gitlab", "junit", "sarif"] {
        let run = project.run(&["lint", "--format", format]);
        assert_eq!(
            (run.code, run.err.as_str()),
            (10, "error: the review has 14 findings of severity high or higher\n")
        );
        snapshot(&format!("linting/{format}"), &run.out);
    }
    let none = project.run(&["lint", "--format", "junit", "--fail-on", "never"]);
    assert!(none.code == 0 && none.out.contains("failures=\"0\""), "{none:?}");
    let unknown = project.run(&["lint", "--format", "xml"]);
    assert!(unknown.fails(2).contains("it has: text, json, sarif, github, gitlab, junit, markdown"));
}

#[test]
fn sarif_is_valid_by_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../data/lint/sarif-schema-2.1.0.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for project in [project("pull_request"), project("mended")] {
        let value = project.run(&["lint", "--format", "sarif"]).json();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{e} at {}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0" })));
}

/// What others wrote becomes no markup, command, annotation or escape sequence.
#[test]
fn foreign_text_is_harmless_in_every_format() {
    let table = "app.\u{1b}[31m<b>|`x`%0A::error::\u{202e}";
    let sql = format!("CREATE INDEX ON \"{}\" (a)", table.replace('\u{1b}', "\\e").replace('\u{202e}', "\\u202E"));
    let body = format!(
        "changesets:\n  - id: a\n    changes:\n      - sql: {{ forward: \"{}\", rollback: SELECT 1 }}\n",
        sql.replace('"', "\\\"")
    );
    let project = Project::new(&[("plans/a,b:c.yaml", &body)]);
    for format in ["text", "json", "sarif", "github", "gitlab", "junit", "markdown"] {
        let run = project.run(&["lint", "--format", format, "--fail-on", "never"]);
        assert!(run.code == 0 && run.out.contains("index-not-concurrent"), "{format}: {run:?}");
        assert!(!run.out.contains(['\u{1b}', '\u{202e}']), "{format}: {}", run.out);
        match format {
            "github" => {
                assert!(run.out.lines().all(|line| line.starts_with("::")), "{}", run.out);
                assert!(run.out.contains("file=plans/a%2Cb%3Ac.yaml,") && run.out.contains("%250A"), "{}", run.out);
            }
            "junit" => assert!(!run.out.contains("<b>"), "{}", run.out),
            "sarif" => assert!(run.out.contains("plans/a%2Cb%3Ac.yaml"), "{}", run.out),
            _ => {}
        }
    }
}

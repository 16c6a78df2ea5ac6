//! Which findings `dagmar lint` reports, and which changesets it looks at: levels, ignored rules, `--base`, the gate.

use crate::support::{Database, Project, Run, git};
use serde_json::Value;

/// A table, and an index on it that blocks writes.
const PLANS: &str = "\
changesets:
  - id: base
    changes:
      - createTable: { table: app.t, columns: [{ name: id, type: bigint, primaryKey: true }, { name: a, type: text }] }
";

fn index(more: &str) -> String {
    format!(
        "changesets:\n  - id: index\n    dependsOn: [base]\n{more}    changes:\n      - sql:\n          forward: |\n            \
         CREATE INDEX t_a ON app.t (a)\n          rollback: DROP INDEX CONCURRENTLY app.t_a\n"
    )
}

fn project(more: &str) -> Project {
    Project::new(&[("plans/a.yaml", PLANS), ("plans/b.yaml", &index(more))])
}

/// The findings as `code severity line`.
#[track_caller]
fn found(run: &Run) -> Vec<String> {
    let answer = run.json();
    let findings = answer["findings"].as_array().unwrap_or_else(|| panic!("{run:?}")).iter();
    let words = |f: &Value| {
        let text = |key: &str| f[key].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", text("code"), text("severity"), f["place"]["line"])
    };
    findings.map(words).collect()
}

fn lint(project: &Project, more: &[&str]) -> Run {
    project.run(&[&["lint", "--format", "json"], more].concat())
}

#[test]
fn levels_are_those_of_the_environment_over_those_of_the_project() {
    let project = project("");
    let config = "lint: { rules: { index-not-concurrent: medium } }\nenvironments:\n  dev: {}\n  \
                  live: { lint: { rules: { index-not-concurrent: blocking } } }\n  quiet: { lint: { rules: { index-not-concurrent: off } } }\n";
    project.write("dagmar.yaml", config);
    let of = |environment: &str| lint(&project, &["--env", environment]);
    assert_eq!((of("dev").code, found(&of("dev"))), (0, vec!["index-not-concurrent medium 7".to_owned()]));
    assert_eq!((of("live").code, found(&of("live"))), (10, vec!["index-not-concurrent blocking 7".to_owned()]));
    assert_eq!((of("quiet").code, found(&of("quiet"))), (0, Vec::new()));
    project.write("dagmar.yaml", "lint: { rules: { index-not-concurent: off } }\n");
    let error = project.run(&["lint"]).fails(3);
    assert!(
        error.contains("unknown value `index-not-concurent`") && error.contains("did you mean `index-not-concurrent`?"),
        "{error}"
    );
    project.write("dagmar.yaml", "lint: { rules: { index-not-concurrent: hihg } }\n");
    assert!(project.run(&["lint"]).fails(3).contains("did you mean `high`?"));
}

#[test]
fn the_exit_code_follows_the_severity() {
    let project = project("");
    for (level, code) in [("blocking", 0), ("high", 10), ("medium", 10), ("low", 10), ("never", 0)] {
        assert_eq!(lint(&project, &["--fail-on", level]).code, code, "{level}");
    }
    assert_eq!(lint(&project, &["--fail-on", "severe"]).code, 2);
    assert_eq!(lint(&project, &["--select", "nothing"]).code, 2);
    assert_eq!(found(&lint(&project, &["--select", "base"])), [""; 0]);
    let help = project.run(&["lint", "--help"]).ok();
    assert!(help.contains("exit code 10") && help.contains("--fail-on"), "{help}");
}

#[test]
fn a_rule_is_ignored_in_place_with_a_reason() {
    let by_key = project("    lint: [{ ignore: index-not-concurrent, reason: forty rows }]\n");
    assert_eq!(found(&lint(&by_key, &[])), [""; 0]);
    // in YAML before the change, in SQL before the statement
    let comment = |text: &str, before: &str| {
        let project = project("");
        project.write("plans/b.yaml", &index("").replace(before, &format!("{text}{before}")));
        project
    };
    let in_sql = comment("-- dagmar-lint: ignore index-not-concurrent: forty rows\n            ", "CREATE INDEX");
    assert_eq!(found(&lint(&in_sql, &[])), [""; 0]);
    let in_yaml = Project::new(&[("plans/a.yaml", PLANS)]);
    let typed = "changesets:\n  - id: index\n    dependsOn: [base]\n    changes:\n      \
                 # dagmar-lint: ignore index-not-concurrent: forty rows\n      \
                 - createIndex: { name: t_a, table: app.t, columns: [a], concurrently: false }\n";
    in_yaml.write("plans/b.yaml", typed);
    assert_eq!(found(&lint(&in_yaml, &[])), [""; 0]);
    in_yaml.write("plans/b.yaml", &typed.replace("# dagmar", "# dogmar"));
    assert_eq!(found(&lint(&in_yaml, &[])), ["index-not-concurrent high 6"]);
    // another rule, another line, another changeset
    let other = project("    lint: [{ ignore: wide-index, reason: forty rows }]\n");
    assert_eq!(found(&lint(&other, &[])), ["unused-ignore low 4", "index-not-concurrent high 8"]);
    let squawk = comment("-- squawk-ignore require-concurrent-index-creation\n            ", "CREATE INDEX");
    assert_eq!(found(&lint(&squawk, &[])), ["index-not-concurrent high 8"]);
    let far = comment(
        "-- dagmar-lint: ignore index-not-concurrent: forty rows\n            SELECT 1;\n            ",
        "CREATE INDEX",
    );
    assert_eq!(found(&lint(&far, &[])), ["unused-ignore low 7", "index-not-concurrent high 9"]);
}

#[test]
fn an_ignored_rule_needs_a_reason_and_a_name() {
    for (line, message) in [
        ("ignore index-not-concurrent", "`index-not-concurrent` is ignored without a reason"),
        ("ignore index-not-concurrent:  ", "`index-not-concurrent` is ignored without a reason"),
        ("ignore index-not-concurent: x", "did you mean `index-not-concurrent`?"),
        ("disable index-not-concurrent: x", "write `dagmar-lint: ignore rule: reason`"),
    ] {
        let project = project("");
        project.write(
            "plans/b.yaml",
            &index("").replace("CREATE", &format!("-- dagmar-lint: {line}\n            CREATE")),
        );
        let error = project.run(&["lint"]).fails(3);
        assert!(
            error.contains("error[DG0127]") && error.contains(message) && error.contains("plans/b.yaml:7:13"),
            "{error}"
        );
    }
    let empty = project("    lint: [{ ignore: index-not-concurrent, reason: ' ' }]\n");
    assert!(empty.run(&["check"]).fails(3).contains("ignored without a reason"));
    let missing = project("    lint: [{ ignore: index-not-concurrent }]\n");
    assert!(missing.run(&["check"]).fails(3).contains("the key `reason` is missing"));
}

/// Who ignores a rule later does not make another changeset of it.
#[test]
fn ignoring_a_rule_does_not_change_the_checksum() {
    let database = Database::new();
    database.sql("CREATE SCHEMA app");
    let project = project("");
    project.on(&database, &["apply"]).ok();
    let comment = "-- dagmar-lint: ignore index-not-concurrent: forty rows\n            CREATE";
    project.write("plans/b.yaml", &index("    lint: [{ ignore: wide-index, reason: x }]\n").replace("CREATE", comment));
    assert!(project.on(&database, &["apply"]).ok().contains("nothing to do"));
}

#[test]
fn base_reviews_what_is_new_or_changed() {
    let root = Project::new(&[]);
    std::fs::remove_file(root.path().join("dagmar.yaml")).unwrap();
    git(&root, &["init", "-q"]);
    // in a folder of the repository
    root.write("db/dagmar.yaml", "");
    root.write("db/plans/a.yaml", PLANS);
    root.write("db/plans/b.yaml", &index(""));
    root.write("db/sql/c.sql", "UPDATE app.t SET a = '1'");
    root.write(
        "db/plans/c.yaml",
        "changesets:\n  - id: file\n    dependsOn: [base]\n    changes:\n      - sqlFile: { path: sql/c.sql }\n    rollback: { irreversible: x }\n",
    );
    git(&root, &["add", "."]);
    git(&root, &["commit", "-qm", "first"]);
    let run = |base: &str| {
        let mut command = root.command(&["lint", "--format", "json", "--fail-on", "never", "--base", base]);
        Run::of(command.current_dir(root.path().join("db")).output().unwrap())
    };
    let files = |run: &Run| {
        let answer = run.json();
        let files: Vec<String> =
            answer["findings"].as_array().unwrap().iter().map(|f| f["place"]["file"].to_string()).collect();
        (answer["changesets"].as_u64().unwrap(), files)
    };
    assert_eq!(files(&run("HEAD")), (0, Vec::new()));
    // a comment changes nothing; a file of SQL changes its changeset
    root.write("db/plans/b.yaml", &format!("# more\n{}", index("    author: me\n")));
    assert_eq!(files(&run("HEAD")), (0, Vec::new()));
    root.write("db/sql/c.sql", "UPDATE app.t SET a = '2'");
    assert_eq!(files(&run("main")), (1, vec!["\"sql/c.sql\"".to_owned()]));
    root.write("db/plans/d.yaml", &index("").replace("id: index", "id: another").replace("t_a", "t_b"));
    assert_eq!(files(&run("HEAD")).0, 2);
    // a template of the project changes the changesets of its type
    root.write(
        "db/templates/sql/create_table.sql.hbs",
        "-- forward\nCREATE TABLE {{qname table}} (a text);\n-- rollback\nDROP TABLE {{qname table}};\n",
    );
    assert_eq!(files(&run("HEAD")).0, 3);
    std::fs::remove_dir_all(root.path().join("db/templates")).unwrap();
    // what is known of the tables comes from all changesets
    assert_eq!(run("HEAD").json()["prefix"], "db/");
    let sarif = Run::of(
        root.command(&["lint", "--format", "sarif", "--project", "db", "--fail-on", "never"]).output().unwrap(),
    );
    assert_eq!(
        sarif.json()["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "db/plans/b.yaml"
    );
    for (revision, message) in [
        ("nowhere", "the repository does not have the revision `nowhere`"),
        ("--output=x", "`--output=x` is not a revision"),
        ("", "`` is not a revision"),
    ] {
        let mut command = root.command(&["lint", &format!("--base={revision}"), "--project", "db"]);
        let error = Run::of(command.output().unwrap()).fails(2);
        assert!(error.contains(message), "{error}");
    }
    // a clone without the history
    git(&root, &["add", "."]);
    git(&root, &["commit", "-qm", "second"]);
    let first = git(&root, &["rev-parse", "HEAD~1"]);
    let clone = Project::new(&[]);
    let url = format!("file://{}", root.path().display());
    git(&clone, &["clone", "-q", "--depth=1", &url, "clone"]);
    let mut command = clone.command(&["lint", "--base", &first, "--project", "clone/db"]);
    let error = Run::of(command.output().unwrap()).fails(2);
    assert!(error.contains("shallow clone") && error.contains("git fetch"), "{error}");
    // no repository at all
    let error = project("").run(&["lint", "--base", "main"]).fails(2);
    assert!(error.contains("is not in a Git repository"), "{error}");
}

#[test]
fn a_project_with_mistakes_at_the_base_is_compared_as_far_as_it_can_be_read() {
    let project = project("");
    git(&project, &["init", "-q"]);
    project.write("plans/c.yaml", "changesets:\n  - id: broken\n    changes: [{ nonsense: {} }]\n");
    git(&project, &["add", "."]);
    git(&project, &["commit", "-qm", "first"]);
    std::fs::remove_file(project.path().join("plans/c.yaml")).unwrap();
    project.write("plans/d.yaml", &index("").replace("id: index", "id: another").replace("t_a", "t_b"));
    assert_eq!(found(&lint(&project, &["--base", "HEAD"])), ["index-not-concurrent high 7"]);
}

#[test]
fn the_gate_refuses_findings_from_its_level_on() {
    let database = Database::new();
    database.sql("CREATE SCHEMA app");
    let config = |level: &str| format!("environments:\n  live: {{ url: '${{URL}}', lint: {{ refuse: {level} }} }}\n");
    let project = project("");
    let run = |args: &[&str]| {
        let mut command = project.command(args);
        Run::of(command.arg("--yes").env("URL", database.url()).output().unwrap())
    };
    project.write("dagmar.yaml", &config("high"));
    let error = run(&["apply"]).fails(5);
    assert!(
        error.contains("[lint] `index`: index-not-concurrent (high)") && error.contains("`dagmar lint --env live`"),
        "{error}"
    );
    // a sealed plan too, with its files and without
    run(&["plan", "--out", "p.plan"]).ok();
    assert!(run(&["apply", "p.plan"]).fails(5).contains("[lint] `index`: index-not-concurrent (high)"));
    project.write("plans/b.yaml", "changesets: [");
    assert!(run(&["apply", "p.plan"]).fails(5).contains("[lint] `index`: index-not-concurrent (high)"));
    project.write("plans/b.yaml", &index(""));
    // what has no such finding is applied
    run(&["apply", "--select", "base"]).ok();
    project.write("plans/b.yaml", &index("    lint: [{ ignore: index-not-concurrent, reason: forty rows }]\n"));
    run(&["apply"]).ok();
}

//! Deep, huge and broken SQL and YAML: an error or a result, never a crash. A hang is ended by the test runner.

use crate::support::{Project, file, sql};
use serde_json::json;

const MANY: usize = 100_000;

/// Runs commands that read all SQL of these files; what is wrong with them is code `problem`, or nothing.
fn survives(name: &str, files: &[(&str, &str)], problem: Option<&str>) {
    let project = Project::new(files);
    for command in [&["check"][..], &["lint"], &["plan", "--offline"], &["graph", "--edges"]] {
        let run = project.run(command);
        assert!([0, 3, 10].contains(&run.code), "{name}: {command:?} ends with {}: {}", run.code, run.err);
        if let (Some(code), "check") = (problem, command[0]) {
            let first = run.err.lines().next().unwrap_or_default();
            assert!(run.code == 3 && first.starts_with(&format!("error[{code}]")), "{name}: {first}");
        }
    }
}

fn survives_sql(name: &str, text: &str, problem: Option<&str>) {
    survives(name, &[("plans/a.yaml", &file(&[sql("a", text, "SELECT 1")]))], problem);
}

#[test]
fn deep_sql() {
    let nested = |before: &str, inside: &str, behind: &str, n: usize| {
        format!("{}{inside}{}", before.repeat(n), behind.repeat(n))
    };
    let too_deep = Some("DG0310");
    for (name, text, problem) in [
        ("parentheses", format!("SELECT {}", nested("(", "1", ")", MANY)), too_deep),
        ("subselects", format!("SELECT * FROM {}", nested("(SELECT * FROM ", "t", ") x", MANY)), too_deep),
        ("case", format!("SELECT {}", nested("CASE WHEN a THEN ", "1", " END", MANY)), None),
        ("arrays", format!("SELECT ARRAY{}", nested("[", "1", "]", MANY)), None),
        ("joins", format!("SELECT * FROM t{}", " JOIN u ON true".repeat(MANY)), None),
        ("a sum", format!("SELECT 1{}", " + 1".repeat(MANY)), None),
        ("prefixes", format!("SELECT {}true", "NOT ".repeat(MANY)), None),
        ("comments", format!("{}SELECT 1", nested("/* ", "", "*/", MANY)), None),
        ("blocks", format!("DO $$ BEGIN {} END $$", nested("BEGIN ", "NULL;", " END;", MANY / 5)), None),
        ("conditions", format!("DO $$ BEGIN {} END $$", nested("IF a THEN ", "NULL;", " END IF;", MANY / 5)), None),
        ("a block", format!("DO $$ BEGIN PERFORM {}; END $$", nested("(", "1", ")", MANY / 2)), None),
        ("dynamic SQL", format!("DO $$ BEGIN EXECUTE 'SELECT {}'; END $$", nested("(", "1", ")", MANY * 6 / 10)), None),
    ] {
        survives_sql(name, &text, problem);
    }
}

#[test]
fn long_sql() {
    let large = "a".repeat(10_000_000);
    for (name, text) in [
        ("a literal", format!("SELECT '{large}'")),
        ("a comment", format!("/* {} */ SELECT 1", &large[..1_000_000])),
        ("a body", format!("DO $$ BEGIN PERFORM '{}'; END $$", &large[..1_000_000])),
        ("a name", format!("CREATE TABLE {} (a int)", &large[..1_000_000])),
        ("words", "foo bar 1 , ".repeat(60_000)),
        ("columns", format!("CREATE TABLE app.t ({})", numbered(MANY / 2, ", ", |n| format!("a{n} int")))),
        ("tables", format!("TRUNCATE {}", numbered(MANY / 5, ", ", |n| format!("app.t{n}")))),
        ("dropped tables", format!("DROP TABLE {}", numbered(MANY / 5, ", ", |n| format!("app.t{n}")))),
        ("variables", format!("SELECT '{}'", "${".repeat(MANY))),
    ] {
        survives_sql(name, &text, None);
    }
}

#[test]
fn many_statements() {
    for (name, statement) in [
        ("tables", "CREATE TABLE app.t# (a int);\n"),
        ("columns", "ALTER TABLE app.t ADD COLUMN b# int;\n"),
        ("drops", "DROP TABLE app.t#;\n"),
        ("mistakes", "CREATE TABEL t#;\n"),
    ] {
        let text = numbered(MANY / 20, "", |n| statement.replace('#', &n.to_string()));
        survives_sql(name, &text, None);
        let change = "changesets:\n  - id: a\n    changes:\n      - sqlFile: { path: a.sql, rollbackPath: a.sql }\n";
        survives(name, &[("plans/a.yaml", change), ("a.sql", &text)], None);
    }
}

fn numbered(n: usize, between: &str, one: impl Fn(usize) -> String) -> String {
    (0..n).map(one).collect::<Vec<_>>().join(between)
}

#[test]
fn broken_sql() {
    for (name, text) in [
        ("a string", format!("SELECT 'abc{}", " a".repeat(MANY))),
        ("a name", format!("SELECT \"abc{}", " a".repeat(MANY))),
        ("a body", format!("SELECT $$abc{}", " $b$".repeat(MANY))),
        ("escapes", format!("SELECT E'abc{}", "\\'".repeat(MANY))),
        ("comments", "/* ".repeat(MANY)),
        ("NUL", format!("SELECT '{}'", "\0".repeat(MANY))),
    ] {
        survives_sql(name, &text, Some("DG0310"));
    }
}

/// The same where SQL can be written in a change of another type.
#[test]
fn deep_sql_in_typed_changes() {
    let deep = format!("{}a > 0{}", "(".repeat(MANY), ")".repeat(MANY));
    let column = json!({ "name": "a", "type": "int", "primaryKey": true, "check": deep });
    let changes = [
        json!({ "createView": { "name": "app.v", "query": format!("SELECT {deep} FROM app.t") } }),
        json!({ "createFunction": { "name": "app.f", "returns": "int", "language": "sql", "body": format!("SELECT {deep}") } }),
        json!({ "createFunction": { "name": "app.f", "returns": "int", "body": format!("BEGIN RETURN {deep}; END") } }),
        json!({ "createTable": { "table": "app.t", "columns": [column] } }),
        json!({ "addCheck": { "table": "app.t", "name": "c", "expression": deep } }),
        json!({ "backfill": { "table": "app.t", "key": "id", "set": { "a": deep }, "where": deep } }),
        json!({ "sql": { "forward": "SELECT 1", "rollback": format!("SELECT {deep}") } }),
    ];
    for change in changes {
        let name = change.as_object().unwrap().keys().next().unwrap().clone();
        let check = json!({ "name": "x", "sql": format!("SELECT {deep}") });
        let changeset = json!({ "changesets": [{ "id": "a", "changes": [change], "verify": [check], "preconditions": [{ "sql": check }] }] });
        survives(&name, &[("plans/a.yaml", &changeset.to_string())], None);
    }
}

#[test]
fn deep_huge_and_broken_yaml() {
    let keys = numbered(MANY / 2, "", |n| format!("k{n}: 1\n"));
    let spaces = format!("changesets: [ ${{x}} {} \"", " ".repeat(1_000_000));
    for (name, text) in [
        ("lists", "[".repeat(MANY)),
        ("mappings", "{a: ".repeat(MANY)),
        ("blocks", numbered(2_000, "", |n| format!("{}a:\n", " ".repeat(n)))),
        ("keys", keys),
        ("a text", format!("changesets: \"{}\"", "a".repeat(1_000_000))),
        ("dashes", "- ".repeat(MANY)),
        ("questions", "? ".repeat(MANY)),
        ("anchors", numbered(MANY, "", |n| format!("- &a{n} x\n"))),
        ("tabs", "changesets:\n\t- id: a\n".to_owned()),
        ("spaces", spaces),
        ("characters", "changesets:\n  - id: a # · é\n    changes: [ { sql: { forward: ${x}".to_owned()),
    ] {
        survives(name, &[("plans/a.yaml", &text)], None);
        survives(name, &[("dagmar.yaml", &text), ("plans/a.yaml", "changesets: []")], None);
    }
}

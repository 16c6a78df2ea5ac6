//! The schemas against the parser: what one takes the other takes.

use super::catalogue::Catalogue;
use super::*;
use crate::base::{Code, Diagnostics, FileId, Place, Severity};
use crate::change::KINDS;
use crate::change::custom::CustomKind;
use crate::change::{FileText, ReadFile};
use crate::source::parse::{self, Context};
use crate::source::{SourceFile, SourceSet, Variables, yaml};
use std::path::Path;
use std::sync::Arc;

struct NoFiles;

impl ReadFile for NoFiles {
    fn read(&self, _: &str, _: &Place, _: &mut Diagnostics) -> Option<FileText> {
        let text = "SELECT 1".to_owned();
        Some(FileText { id: FileId(0), raw: text.clone(), filled: text })
    }
}

/// A change type of a project's own, with references inside of its schema.
fn custom() -> Custom {
    let manifest = json!({
        "description": "Keeps `updated_at` up to date.",
        "parameters": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "table": { "$ref": "#/definitions/table", },
                "every": { "type": "integer", "default": 1 },
                "columns": { "type": "array", "items": { "$ref": "#/definitions/column" } }
            },
            "required": ["table"],
            "additionalProperties": false,
            "definitions": {
                "table": { "type": "string", "description": "The table." },
                "column": { "enum": ["a", "b"] }
            }
        }
    });
    let kind = CustomKind::new("touch".to_owned(), serde_json::from_value(manifest).unwrap(), true).unwrap();
    Custom::from([("touch".to_owned(), Arc::new(kind))])
}

fn value_of(text: &str) -> Value {
    let mut out = Diagnostics::default();
    yaml::parse(FileId(0), text, &mut out).unwrap_or_else(|| panic!("{text}"))
}

/// What the schema has against a document: place and message.
fn by_schema(schema: &Value, document: &Value) -> Vec<(String, String)> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(document).map(|e| (e.instance_path().to_string(), e.to_string())).collect()
}

/// What the parser has against it.
fn by_parser(text: &str, custom: &Custom) -> Vec<String> {
    problems(text, custom).iter().map(|d| d.message.clone()).collect()
}

fn problems(text: &str, custom: &Custom) -> Diagnostics {
    let mut sources = SourceSet::default();
    let file = sources.add(SourceFile::new("a.yaml".to_owned(), text.to_owned()));
    let mut variables = Variables::default();
    for (name, value) in [("phase", "expand"), ("yes", "true"), ("time", "5s")] {
        variables.set(name, value);
    }
    let context = Context {
        custom,
        broken: &Default::default(),
        files: &NoFiles,
        environments: &[],
        variables: &variables,
        hides_variables: false,
        unread: &[],
        sources: &sources,
    };
    let mut out = Diagnostics::default();
    parse::changelog(&[(file, value_of(text).into())], &context, &mut out);
    out.retain(|d| d.severity == Severity::Error);
    out
}

/// A changeset with these changes, in flow style.
fn changes(list: &str) -> String {
    format!("changesets:\n  - id: a\n    changes: [{list}]\n")
}

/// A changeset with one good change and these lines.
fn header(lines: &str) -> String {
    format!("changesets:\n  - id: a\n    changes: [{{dropTable: {{table: a.b}}}}]\n    {lines}\n")
}

#[test]
fn the_schemas_are_schemas() {
    for schema in [changelog_schema(&custom()), project_schema(), manifest_schema(), tests_schema()] {
        assert!(jsonschema::meta::is_valid(&schema), "{}", schema["$id"]);
        let text = schema.to_string();
        // editors stumble over the first, and hide everything behind the second
        assert!(!text.contains("\"default\":null") && !text.contains("\"oneOf\""), "{}", schema["$id"]);
    }
}

/// The change types of the sample project, which is the repository itself.
fn repository() -> Custom {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    if here.join("dagmar.yaml").exists() { crate::source::load::load(here).unwrap().custom } else { Custom::new() }
}

#[test]
fn the_files_of_the_repository_are_valid() {
    let schema = changelog_schema(&repository());
    let mut files: Vec<_> = ["plans", "tests/cases", "templates/init", "examples"]
        .map(Path::new)
        .into_iter()
        .flat_map(yaml_below)
        .collect();
    files.retain(|path| !path.ends_with("dagmar.yaml") && !path.ends_with("manifest.yaml"));
    let (custom, mut checked) = (repository(), 0);
    for path in files {
        // a case of a mistake is not valid, and need not even be YAML
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let Some(document) = yaml::parse(FileId(0), &text, &mut Diagnostics::default()) else { continue };
        let structural =
            |code: Code| code.word().starts_with("DG01") && code != Code::UndefinedVariable || code == Code::BadId;
        if document.get("changesets").is_some() && !problems(&text, &custom).iter().any(|d| structural(d.code)) {
            assert_eq!(by_schema(&schema, &document), [], "{}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked}");
    let project = value_of(include_str!("../../../templates/init/dagmar.yaml"));
    assert_eq!(by_schema(&project_schema(), &project), []);
}

#[test]
fn the_tests_of_the_repository_are_valid() {
    let schema = tests_schema();
    let mut texts: Vec<String> =
        yaml_below(Path::new("tests/db")).iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    texts.push(include_str!("../../../templates/init/001_first_test.yaml").to_owned());
    let page = include_str!("../../../docs/testing.md");
    let blocks = page.split("```yaml\n").skip(1).map(|part| part.split("```").next().unwrap());
    texts.extend(blocks.filter(|text| text.contains("\ntests:")).map(str::to_owned));
    assert!(texts.len() > 4);
    for text in texts {
        assert_eq!(by_schema(&schema, &value_of(&text)), [], "{text}");
    }
    for wrong in ["", "tests: []", "tests: [{name: a}]", "tests: [{name: a, steps: [{expct: {}}]}]", "test: []"] {
        assert!(!by_schema(&schema, &value_of(wrong)).is_empty(), "{wrong}");
    }
}

fn yaml_below(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(yaml_below(&path));
        } else if path.extension().is_some_and(|e| e == "yaml") {
            found.push(path);
        }
    }
    found
}

#[test]
fn what_the_parser_refuses_the_schema_refuses_at_the_same_place() {
    let custom = custom();
    let schema = changelog_schema(&custom);
    let change = "/changesets/0/changes/0";
    for (document, place, reason) in [
        (changes("{creatTable: {table: a.b}}"), change, "'creatTable' was unexpected"),
        (
            changes("{createTable: {tabel: a.b, columns: []}}"),
            &format!("{change}/createTable"),
            "'tabel' was unexpected",
        ),
        (changes("{createTable: {columns: []}}"), &format!("{change}/createTable"), "\"table\" is a required property"),
        (changes("{createSchema: {name: a}, dropTable: {table: a.b}}"), change, "more than 1"),
        (changes("{}"), change, "less than 1"),
        (changes("dropTable"), change, "is not of type \"object\""),
        (
            changes("{addColumn: {table: a.b, columns: [{name: x, typ: int}]}}"),
            &format!("{change}/addColumn/columns/0"),
            "'typ' was unexpected",
        ),
        (
            changes(
                "{addColumn: {table: a.b, columns: [{name: x, type: int, references: {table: a.c, onDelete: setNul}}]}}",
            ),
            &format!("{change}/addColumn/columns/0/references/onDelete"),
            "anyOf",
        ),
        (
            changes("{createIndex: {name: a, table: b.c, columns: [d], unique: maybe}}"),
            &format!("{change}/createIndex/unique"),
            "does not match",
        ),
        (
            changes("{createIndex: {name: a, table: b.c, columns: d}}"),
            &format!("{change}/createIndex/columns"),
            "is not of type \"array\"",
        ),
        (changes("{dropTable: {table: 7}}"), &format!("{change}/dropTable/table"), "is not of type \"string\""),
        (changes("{touch: {tabel: a.b}}"), &format!("{change}/touch"), "'tabel' was unexpected"),
        (changes("{touch: {table: a.b, columns: [c]}}"), &format!("{change}/touch/columns/0"), "is not one of"),
        (header("phase: expnd"), "/changesets/0/phase", "anyOf"),
        (header("repeatable: maybe"), "/changesets/0/repeatable", "does not match"),
        (header("dependOn: [b]"), "/changesets/0", "'dependOn' was unexpected"),
        (header("dependsOn: [{soak: 3d}]"), "/changesets/0/dependsOn/0", "\"id\" is a required property"),
        (header("dependsOn: [{id: b, soak: 3}]"), "/changesets/0/dependsOn/0/soak", "is not of type \"string\""),
        (header("aka: before"), "/changesets/0/aka", "is not of type \"array\""),
        (header("rollback: {irreversibl: x}"), "/changesets/0/rollback", "'irreversibl' was unexpected"),
        (header("rollback: [{dropTabel: {table: a.b}}]"), "/changesets/0/rollback/0", "'dropTabel' was unexpected"),
        (header("rollback: no"), "/changesets/0/rollback", "is not of types"),
        (header("limits: {lockTimeout: soon}"), "/changesets/0/limits/lockTimeout", "does not match"),
        (header("limits: {lockRetries: -1}"), "/changesets/0/limits/lockRetries", "less than the minimum"),
        (header("limits: {lockRetries: 5000000000}"), "/changesets/0/limits/lockRetries", "greater than the maximum"),
        (header("verify: [{name: x}]"), "/changesets/0/verify/0", "\"sql\" is a required property"),
        (header("verify: [{name: x, sql: y, on: never}]"), "/changesets/0/verify/0/on", "anyOf"),
        (
            header("preconditions: [{tabelExists: a.b}]"),
            "/changesets/0/preconditions/0",
            "'tabelExists' was unexpected",
        ),
        (
            header("preconditions: [{not: {not: {tabelExists: a.b}}}]"),
            "/changesets/0/preconditions/0/not/not",
            "'tabelExists' was unexpected",
        ),
        (header("preconditions: [{tableExists: a.b, roleExists: c}]"), "/changesets/0/preconditions/0", "more than 1"),
        ("changesets: {}\n".to_owned(), "/changesets", "is not of type"),
        ("changesets:\n".to_owned(), "/changesets", "is not of type"),
        ("changeset: []\n".to_owned(), "", "'changeset' was unexpected"),
        ("changesets: [{id: a, changes: []}]\n".to_owned(), "/changesets/0/changes", "less than 1 item"),
        (
            "changesets: [{id: -a, changes: [{dropTable: {table: a.b}}]}]\n".to_owned(),
            "/changesets/0/id",
            "does not match",
        ),
    ] {
        let found = by_schema(&schema, &value_of(&document));
        assert!(found.iter().any(|(at, why)| at == place && why.contains(reason)), "{document}{found:?}");
        assert!(!by_parser(&document, &custom).is_empty(), "the parser takes\n{document}");
    }
}

#[test]
fn what_the_parser_takes_the_schema_takes() {
    let custom = custom();
    let schema = changelog_schema(&custom);
    for document in [
        header("phase: ${phase}"),
        header("repeatable: ${yes}"),
        header("limits: {lockRetries: 3, lockTimeout: \"${time}\", statementTimeout: 1h 30m}"),
        header("dependsOn: [b, {id: c, soak: 30d}, {id: d}]"),
        header("aka: [before, long-before]"),
        header("rollback: {irreversible: the rows are gone}"),
        header("rollback: []"),
        header("preconditions: [{not: {not: {columnExists: {table: a.b, column: c}}}}, {serverVersion: 15}]"),
        header("verify: [{name: x, sql: SELECT true, on: rollback}]"),
        changes("{createIndex: {name: a, table: b.c, columns: [d], unique: true, concurrently: false}}"),
        changes("{addColumn: {table: a.b, columns: [{name: x, type: int, default: {sql: now()}}]}}"),
        changes("{insert: {table: a.b, rows: [{a: 1, b: null, c: {x: [1]}, d: {sql: now()}}]}}"),
        changes(
            "{backfill: {table: a.b, key: [a, b], set: {c: '1'}}}, {backfill: {table: a.b, key: a, set: {c: '1'}}}",
        ),
        changes("{touch: {table: a.b, every: 3, columns: [a]}}"),
    ] {
        assert_eq!(by_parser(&document, &custom), [""; 0], "{document}");
        assert_eq!(by_schema(&schema, &value_of(&document)), [], "{document}");
    }
    // a block scalar is plain, so that its value takes its type
    let block = "changesets:\n  - id: a\n    repeatable: ${yes}\n    changes:\n      - createIndex:\n          name: a\n          table: b.c\n          columns: [d]\n          unique: ${yes}\n";
    assert_eq!((by_parser(block, &custom), by_schema(&schema, &value_of(block))), (vec![], vec![]));
}

#[test]
fn projects_are_checked_too() {
    let schema = project_schema();
    for good in [
        "",
        "environments: {dev: , prod: {url: x, promoteFrom: dev}}",
        "variables: {a: 1, b: true, c: x}",
        "environments: {a: {urlCommand: [op, read], urlTimeout: 5s}, b: {urlFile: x}}",
        "environments: {live: {beforeApply: [{run: [a, b], timeout: 5m}, {dump: {touched: true, to: x}}, {restorePoint: y}]}}",
    ] {
        assert_eq!(by_schema(&schema, &value_of(good)), [], "{good}");
    }
    for (bad, place) in [
        ("plan: x", ""),
        ("variables: {a: [1]}", "/variables/a"),
        ("limits: {lockTimeout: \"${x}\"}", "/limits/lockTimeout"),
        ("limits: {lockRetries: \"${x}\"}", "/limits/lockRetries"),
        ("environments: {dev: {uri: x}}", "/environments/dev"),
        ("environments: {dev: {url: x, urlFile: y}}", "/environments/dev"),
        ("environments: {dev: {urlCommand: [a], urlFile: y}}", "/environments/dev"),
        ("environments: {dev: {urlCommand: []}}", "/environments/dev"),
        ("environments: {dev: {urlFile: \"\"}}", "/environments/dev"),
        ("environments: {dev: {beforeApply: [{timeout: 5m}]}}", "/environments/dev"),
        ("environments: {dev: {beforeApply: [{dump: {touched: true}}]}}", "/environments/dev"),
        ("environments: {dev: {beforeApply: [{run: [a], restorePoint: b}]}}", "/environments/dev"),
        ("environments: {dev: {beforeApply: [{run: []}]}}", "/environments/dev"),
        ("environments: {dev: {beforeApply: [{restorePoint: \"\"}]}}", "/environments/dev"),
    ] {
        let found = by_schema(&schema, &value_of(bad));
        assert!(found.iter().any(|(at, _)| at == place), "{bad}: {found:?}");
        let mut out = Diagnostics::default();
        let place = crate::base::Place::value(FileId(0), vec![]);
        ProjectConfig::parse(&value_of(bad), &place, &mut out);
        assert!(out.has_errors(), "the parser takes {bad}");
    }
}

#[test]
fn every_change_type_explains_itself() {
    let catalogue = Catalogue::new(&custom());
    let types = catalogue.change_types();
    assert_eq!(types.len(), KINDS.len() + 1);
    for entry in types.iter().chain(&catalogue.parts(&types)) {
        assert!(!entry.description.is_empty(), "{}", entry.name);
        for key in &entry.keys {
            assert!(!key.description.is_empty() || entry.own, "{}.{}", entry.name, key.name);
        }
    }
    let touch = catalogue.change_type("touch").unwrap();
    assert!(touch.own && touch.keys[0].required && touch.keys[1].default == Some(json!(1)), "{touch:?}");
    let columns = catalogue.change_type("createTable").unwrap().keys.remove(1);
    assert_eq!((columns.name.as_str(), columns.kind.as_str(), columns.required), ("columns", "list of column", true));
}

#[test]
fn skeletons_hold_what_is_required() {
    let custom = custom();
    let (catalogue, schema) = (Catalogue::new(&custom), changelog_schema(&custom));
    for name in catalogue.names() {
        let text = format!("changesets:\n  - id: a\n    changes:\n{}", catalogue.skeleton(name, 6).unwrap());
        assert_eq!(by_schema(&schema, &value_of(&text)), [], "{text}");
        // what is not filled in is said, and nothing besides that would follow from it
        let said: Vec<Code> = problems(&text, &custom).iter().map(|d| d.code).collect();
        assert!(
            !said.is_empty() && said.iter().all(|code| *code == Code::Hole),
            "{text}{:?}",
            by_parser(&text, &custom)
        );
    }
    assert_eq!(
        catalogue.skeleton("setNotNull", 2).unwrap(),
        "  - setNotNull:\n      table: app.<change_me>\n      column: <change_me>\n      # also: blocking\n"
    );
}

#[test]
fn scalars_are_quoted_where_they_would_be_something_else() {
    for (text, written) in [
        ("plain text", "plain text"),
        ("002-users", "002-users"),
        ("2-3", "\"2-3\""),
        ("-a", "\"-a\""),
        ("a: b", "\"a: b\""),
        ("No", "\"No\""),
        ("1.0", "\"1.0\""),
        ("say \"hi\"\n", "\"say \\\"hi\\\"\\n\""),
        ("", "\"\""),
    ] {
        assert_eq!(skeleton::scalar(text), written);
        assert_eq!(value_of(&skeleton::scalar(text)), Value::from(text));
    }
}

/// `BLESS=1 cargo test --lib schema` writes the files.
#[test]
fn the_files_of_the_schemas_are_up_to_date() {
    for (name, schema) in [
        ("changelog", changelog_schema(&repository())),
        ("project", project_schema()),
        ("manifest", manifest_schema()),
        ("tests", tests_schema()),
    ] {
        let path = format!("schema/{name}.schema.json");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, text(&schema)).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(there == text(&schema), "{path} is old: BLESS=1 cargo test --lib schema");
    }
}

//! Changes of tables, columns, indexes and constraints, from their parameters to SQL.

use super::{Renderer, SEGMENT_MARK, Section};
use crate::base::{Diagnostics, FileId, Place};
use crate::change::{Change, Scope, Undo, find};
use crate::effects::Effects;
use serde_json::{Value, json};

fn parse(kind: &str, parameters: &Value) -> Result<Box<dyn Change>, Vec<String>> {
    let place = Place::value(FileId(0), Vec::new());
    let mut out = Diagnostics::default();
    let change = (find(kind).expect("a built-in change type").parse)(parameters, &place, &mut out);
    if let Some(change) = &change {
        change.check(&place, &mut out);
    }
    let messages: Vec<String> = out.iter().map(|d| d.message.clone()).collect();
    if messages.is_empty() { Ok(change.expect("good without problems")) } else { Err(messages) }
}

/// A changeset of which these changes stand before.
fn scope(before: &[(&str, Value)]) -> Scope {
    let mut all = Effects::default();
    for (kind, parameters) in before {
        let mut effects = Effects::default();
        parse(kind, parameters).unwrap().effects(&mut effects);
        all.append(effects);
    }
    Scope { changeset: "it's".into(), ledger: "dagmar".into(), repeatable: false, before: all }
}

fn new_table() -> Scope {
    scope(&[("createTable", json!({"table": "app.t", "columns": [{"name": "a", "type": "int"}]}))])
}

/// The segments of a section, each with its lines.
fn sql(kind: &str, parameters: &Value, scope: &Scope, section: Section) -> Vec<String> {
    let values = parse(kind, parameters).unwrap().context(scope).into();
    let text = Renderer::new(&[]).unwrap().render(kind, section, &values).unwrap();
    text.split(&format!("{SEGMENT_MARK}\n")).map(|part| part.trim_end().to_owned()).collect()
}

fn undo(kind: &str, parameters: &Value, scope: &Scope) -> Undo {
    parse(kind, parameters).unwrap().undo(scope)
}

#[test]
fn what_reads_all_rows_runs_after_the_strong_lock_is_gone() {
    let check = json!({"table": "app.t", "name": "t_a", "expression": "a > 0"});
    let old = scope(&[]);
    assert_eq!(
        sql("addCheck", &check, &old, Section::Forward),
        ["ALTER TABLE app.t ADD CONSTRAINT t_a CHECK (a > 0) NOT VALID;", "ALTER TABLE app.t VALIDATE CONSTRAINT t_a;"]
    );
    let set = json!({"table": "app.t", "column": "a"});
    assert_eq!(
        sql("setNotNull", &set, &old, Section::Forward),
        [
            "SELECT dagmar.remember_not_null('app.t'::regclass, 'a', 'it''s');\n\
             ALTER TABLE app.t ADD CONSTRAINT t_a_not_null_check CHECK (a IS NOT NULL) NOT VALID;",
            "ALTER TABLE app.t VALIDATE CONSTRAINT t_a_not_null_check;",
            "ALTER TABLE app.t ALTER COLUMN a SET NOT NULL;\n\
             ALTER TABLE app.t DROP CONSTRAINT t_a_not_null_check;"
        ]
    );
    let key = json!({"table": "app.t", "name": "t_b", "columns": ["b"], "references": {"table": "app.b", "onDelete": "setNull"}});
    let forward = sql("addForeignKey", &key, &old, Section::Forward);
    assert!(forward[0].ends_with("REFERENCES app.b ON DELETE SET NULL NOT VALID;"), "{}", forward[0]);
    assert_eq!(forward[1], "ALTER TABLE app.t VALIDATE CONSTRAINT t_b;");
}

#[test]
fn indexes_are_built_concurrently_and_attached() {
    let unique =
        json!({"table": "app.t", "name": "t_a_key", "columns": ["a"], "deferrable": true, "initiallyDeferred": true});
    assert_eq!(
        sql("addUnique", &unique, &scope(&[]), Section::Forward),
        [
            "CREATE UNIQUE INDEX CONCURRENTLY t_a_key ON app.t (a);",
            "ALTER TABLE app.t ADD CONSTRAINT t_a_key UNIQUE USING INDEX t_a_key DEFERRABLE INITIALLY DEFERRED;"
        ]
    );
    // a build that was broken off leaves the index without the constraint
    assert_eq!(
        sql("addUnique", &unique, &scope(&[]), Section::Rollback),
        ["ALTER TABLE app.t DROP CONSTRAINT IF EXISTS t_a_key;\nDROP INDEX IF EXISTS app.t_a_key;"]
    );
    let primary = sql("addPrimaryKey", &json!({"table": "app.t", "columns": ["a"]}), &scope(&[]), Section::Forward);
    assert_eq!(primary[2], "CREATE UNIQUE INDEX CONCURRENTLY t_pkey ON app.t (a);");
    assert!(primary[3].starts_with("ALTER TABLE app.t ALTER COLUMN a SET NOT NULL;"), "{}", primary[3]);
    let column = json!({"table": "app.t", "columns": [{"name": "b", "type": "int", "unique": true}]});
    let added = sql("addColumn", &column, &scope(&[]), Section::Forward);
    assert_eq!(added[1], "CREATE UNIQUE INDEX CONCURRENTLY t_b_key ON app.t (b);");
}

#[test]
fn a_new_table_and_the_word_blocking_get_the_plain_form() {
    for (kind, parameters, blocking) in [
        ("addCheck", json!({"table": "app.t", "name": "c", "expression": "a > 0"}), json!({"blocking": true})),
        ("setNotNull", json!({"table": "app.t", "column": "a"}), json!({"blocking": true})),
        (
            "addForeignKey",
            json!({"table": "app.t", "name": "c", "columns": ["a"], "references": {"table": "app.b"}}),
            json!({"blocking": true}),
        ),
        ("addUnique", json!({"table": "app.t", "name": "c", "columns": ["a"]}), json!({"concurrently": false})),
        ("addPrimaryKey", json!({"table": "app.t", "columns": ["a"]}), json!({"concurrently": false})),
    ] {
        let plain = |parts: &[String]| {
            parts.len() == 1 && !parts[0].contains("CONCURRENTLY") && !parts[0].contains("NOT VALID")
        };
        assert!(!plain(&sql(kind, &parameters, &scope(&[]), Section::Forward)), "{kind} on an old table");
        assert!(plain(&sql(kind, &parameters, &new_table(), Section::Forward)), "{kind} on a new table");
        assert_eq!(undo(kind, &parameters, &new_table()), Undo::Nothing, "{kind}");
        let mut asked = parameters.clone();
        asked.as_object_mut().unwrap().extend(blocking.as_object().unwrap().clone());
        let forward = sql(kind, &asked, &scope(&[]), Section::Forward);
        assert!(plain(&forward), "{kind}: {forward:?}");
    }
}

#[test]
fn what_is_dropped_is_kept_unless_that_is_declined() {
    let old = scope(&[]);
    let table = json!({"table": "app.Odd"});
    assert_eq!(
        sql("dropTable", &table, &old, Section::Forward),
        ["SELECT dagmar.keep_table('app.\"Odd\"'::regclass, 'it''s');"]
    );
    // the table is not there: its name can be no regclass
    assert_eq!(
        sql("dropTable", &table, &old, Section::Rollback),
        ["SELECT dagmar.restore_table('app.\"Odd\"', 'it''s');"]
    );
    let column = json!({"table": "app.t", "column": "a"});
    assert_eq!(undo("dropColumn", &column, &old), Undo::Derived);
    for (kind, gone) in [
        ("dropTable", json!({"table": "app.t", "keep": false})),
        ("dropColumn", json!({"table": "app.t", "column": "a", "keep": false})),
    ] {
        assert!(matches!(undo(kind, &gone, &old), Undo::Missing(why) if why.contains("`keep: false`")), "{kind}");
        assert!(sql(kind, &gone, &old, Section::Forward)[0].contains("DROP "), "{kind}");
    }
    for (kind, rows, kept) in [
        ("dropTable", json!({"table": "app.t", "keep": "rows"}), "dagmar.keep_rows('app.t'::regclass, 'it''s')"),
        (
            "dropColumn",
            json!({"table": "app.t", "column": "a", "keep": "rows"}),
            "dagmar.keep_column_values('app.t'::regclass, 'a', 'it''s')",
        ),
    ] {
        assert!(matches!(undo(kind, &rows, &old), Undo::Missing(why) if why.contains("`keep: rows`")), "{kind}");
        let sql = sql(kind, &rows, &old, Section::Forward);
        let sql = sql.join("\n");
        assert!(sql.contains(kept) && sql.contains("DROP "), "{kind}: {sql}");
    }
}

#[test]
fn a_column_of_the_same_changeset_needs_no_memory() {
    let added = scope(&[("addColumn", json!({"table": "app.t", "columns": [{"name": "a", "type": "int"}]}))]);
    for (kind, parameters) in [
        ("setDefault", json!({"table": "app.t", "column": "a", "default": 1})),
        ("dropDefault", json!({"table": "app.t", "column": "a"})),
        ("setNotNull", json!({"table": "app.t", "column": "a"})),
        ("dropNotNull", json!({"table": "app.t", "column": "a"})),
        ("changeColumnType", json!({"table": "app.t", "column": "a", "type": "bigint"})),
    ] {
        assert_eq!(undo(kind, &parameters, &added), Undo::Nothing, "{kind}");
        assert!(!sql(kind, &parameters, &added, Section::Forward)[0].contains("remember"), "{kind}");
        assert!(sql(kind, &parameters, &scope(&[]), Section::Forward)[0].contains("remember"), "{kind}");
    }
    // the table has rows all the same
    assert_eq!(sql("setNotNull", &json!({"table": "app.t", "column": "a"}), &added, Section::Forward).len(), 3);
}

#[test]
fn a_renamed_table_is_as_old_as_before() {
    let index = json!({"name": "i", "table": "app.u", "columns": ["a"]});
    let rename = ("renameTable", json!({"table": "app.t", "to": "u"}));
    let create = ("createTable", json!({"table": "app.t", "columns": []}));
    let forward = |before: &[(&str, Value)]| sql("createIndex", &index, &scope(before), Section::Forward).concat();
    assert!(forward(std::slice::from_ref(&rename)).contains("CONCURRENTLY"));
    assert!(forward(&[rename.clone(), create.clone()]).contains("CONCURRENTLY"));
    assert!(!forward(&[create, rename]).contains("CONCURRENTLY"));
}

#[test]
fn a_dropped_index_can_be_described() {
    let was = json!({"name": "i", "table": "app.t", "columns": ["a"], "unique": true});
    assert_eq!(
        sql("dropIndex", &json!({"index": "app.i", "was": was}), &scope(&[]), Section::Rollback),
        ["DROP INDEX CONCURRENTLY IF EXISTS app.i;\nCREATE UNIQUE INDEX CONCURRENTLY i\n    ON app.t (a);"]
    );
    let other = parse("dropIndex", &json!({"index": "app.j", "table": "app.u", "was": was})).unwrap_err();
    assert_eq!(other, ["`was` describes the index `app.i`, not `app.j`", "`was` describes an index of `app.t`"]);
}

#[test]
fn a_type_change_goes_back_to_what_is_given_or_remembered() {
    let mut change = json!({"table": "app.t", "column": "a", "type": "bigint", "default": 0});
    assert_eq!(
        sql("changeColumnType", &change, &scope(&[]), Section::Forward),
        ["SELECT dagmar.remember_type('app.t'::regclass, 'a', 'it''s');\n\
          ALTER TABLE app.t\n    ALTER COLUMN a DROP DEFAULT,\n    ALTER COLUMN a TYPE bigint,\n    \
          ALTER COLUMN a SET DEFAULT 0;"]
    );
    change["rollbackUsing"] = "a::int".into();
    assert_eq!(
        parse("changeColumnType", &change).unwrap_err(),
        ["`rollbackUsing` says how to go back, but not to which type"]
    );
    change["previousType"] = "int".into();
    let back = sql("changeColumnType", &change, &scope(&[]), Section::Rollback).concat();
    assert!(back.contains("TYPE int USING a::int;\nSELECT dagmar.recall_default"), "{back}");
}

#[test]
fn contradictions_are_found() {
    for (kind, parameters, message) in [
        (
            "addForeignKey",
            json!({"table": "app.t", "name": "k", "columns": ["a", "b"], "references": {"table": "app.u", "columns": ["a"]}}),
            "2 columns cannot reference 1",
        ),
        (
            "addCheck",
            json!({"table": "app.t", "name": "k", "expression": "a", "validate": false, "blocking": true}),
            "`blocking` and `validate: false` contradict each other",
        ),
        (
            "addUnique",
            json!({"table": "app.t", "name": "k", "columns": ["a"], "initiallyDeferred": true}),
            "`initiallyDeferred` requires `deferrable`",
        ),
        ("addUnique", json!({"table": "app.t", "name": "k", "columns": []}), "constraint `k` has no columns"),
        ("addPrimaryKey", json!({"table": "app.t", "columns": ["a", "a"]}), "column `a` occurs twice"),
        (
            "setDefault",
            json!({"table": "app.t", "column": "a", "default": "now()"}),
            "`now()` would be stored as a text, not called",
        ),
        (
            "createTable",
            json!({"table": "app.t", "columns": [{"name": "id", "type": "int"}], "primaryKey": {"columns": ["ids"]}}),
            "table `app.t` has no column `ids`",
        ),
        (
            "createIndex",
            json!({"name": "i", "table": "app.t", "columns": ["a"], "nullsNotDistinct": true}),
            "`nullsNotDistinct` says nothing about an index that is not unique",
        ),
    ] {
        assert_eq!(parse(kind, &parameters).unwrap_err(), [message], "{kind}");
    }
}

#[test]
fn every_function_that_a_template_calls_is_in_the_ledger_and_explained() {
    let ledger: String = std::fs::read_dir("schema/ledger/functions")
        .expect("runs in the crate's folder")
        .map(|file| std::fs::read_to_string(file.expect("readable").path()).expect("text"))
        .collect();
    let made: Vec<&str> = ledger
        .split("CREATE OR REPLACE FUNCTION @ledger@.")
        .skip(1)
        .map(|rest| rest.split('(').next().expect("split gives a first part"))
        .collect();
    for name in &made {
        assert!(ledger.contains(&format!("COMMENT ON FUNCTION @ledger@.{name}(")), "{name} has no comment");
    }
    for kind in crate::change::KINDS {
        for call in kind.template.split("ledgerSchema}}.").skip(1) {
            let name = call.split('(').next().expect("split gives a first part");
            assert!(made.contains(&name), "{} calls {name}", kind.name);
        }
    }
}

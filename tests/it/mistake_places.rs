//! Where in a file, or in a text of another one, a mistake is.

use crate::support::mistakes::MANIFEST;
use crate::support::one_mistake;

/// In the SQL of a text of YAML the place is that of the file, however the text is written.
#[test]
fn places_inside_of_yaml_texts() {
    for (forward, place) in [
        ("|\n            SELECT 1;\n\n            -- é\n            SELECT '${v}', (2;\n", "9:28"),
        (">-\n            SELECT 1;\n\n            SELECT\n            '${v}', (2;\n", "9:21"),
        ("\"SELECT 1; \\\n            SELECT \\\"x\\\", '${v}', (2\"\n", "6:35"),
        ("'SELECT ''${v}'', (2'\n", "5:38"),
        ("SELECT '${v}',\n            (2\n", "6:13"),
        ("SELECT '${v}${v}', (2\n", "5:39"),
    ] {
        let text = format!(
            "changesets:\n  - id: a\n    changes:\n      - sql:\n          forward: {forward}          rollback: SELECT 1\n"
        );
        let files = [("dagmar.yaml", "variables: { v: a long value }"), ("plans/a.yaml", text.as_str())];
        let words = ["this parenthesis does not end", "in `forward` of this `sql`"];
        one_mistake(&files, "DG0310", &format!("plans/a.yaml:{place}"), &words);
    }
    // in a piece of SQL that a typed change holds
    let text = "changesets:\n  - id: a\n    changes:\n      - createView:\n          name: app.v\n          query: |\n            SELECT '${v}'\n            FROM f(1\n";
    let files = [("dagmar.yaml", "variables: { v: x }"), ("plans/a.yaml", text)];
    one_mistake(&files, "DG0320", "plans/a.yaml:8:19", &["has a bracket that is not closed"]);
}

#[test]
fn places_inside_of_sql_files() {
    let plan =
        "changesets:\n  - id: a\n    changes:\n      - sqlFile: { path: sql/up.sql, rollbackPath: sql/down.sql }\n";
    let good = "SELECT 1;\n";
    for (up, down, code, place, words) in [
        (
            "SELECT 'é';\n\nSELECT 'x\n",
            good,
            "DG0310",
            "sql/up.sql:3:8",
            ["does not end", "read as `path` of this change"],
        ),
        (
            good,
            "DO $$ BEGIN\nEND $;\n",
            "DG0310",
            "sql/down.sql:1:4",
            ["does not end", "read as `rollbackPath` of this"],
        ),
        (
            "-- é\nSELECT 1;\n  COMMIT;\n",
            good,
            "DG0311",
            "sql/up.sql:3:3",
            ["`COMMIT`", "read as `path` of this change"],
        ),
        (
            "SELECT '${schema}', '${shema}'",
            good,
            "DG0111",
            "sql/up.sql:1:22",
            ["the variable `shema` has no value", "did you mean `${schema}`?"],
        ),
        (" -- nothing\n", good, "DG0306", "plans/a.yaml:4:26", ["would change nothing", "remove this change"]),
        (good, "\n", "DG0306", "plans/a.yaml:4:52", ["the SQL of the rollback is empty", "write `rollback: []`"]),
    ] {
        let files = [
            ("dagmar.yaml", "variables: { schema: app }"),
            ("plans/a.yaml", plan),
            ("sql/up.sql", up),
            ("sql/down.sql", down),
        ];
        one_mistake(&files, code, place, &words);
    }
}

#[test]
fn places_inside_of_templates() {
    let plan = |more: &str| format!("changesets:\n  - id: a\n    changes:\n      - keep: {{ table: app.t{more} }}\n");
    let template =
        "{{! why }}\n-- forward\nSELECT 1;\nSELECT {{literal table}}\n  FROM f((1);\n-- rollback\nSELECT 1;\n";
    let template_path = "templates/keep/template.sql.hbs";
    let files = [
        ("plans/a.yaml", plan("")),
        ("templates/keep/manifest.yaml", MANIFEST.to_owned()),
        (template_path, template.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let words = ["this parenthesis does not end", "plans/a.yaml:4:9", "used by this `keep`"];
    one_mistake(&files, "DG0310", "templates/keep/template.sql.hbs:5:9", &words);
    // what a parameter has to be, and not what the change type does
    let good = template.replace("((1)", "(1)");
    for (more, code, place, words) in [
        (
            ", days: 0",
            "DG0106",
            "plans/a.yaml:4:37",
            ["0 is less than the minimum", "`days` is a whole number from 1: For how many days rows are kept"],
        ),
        (", days: x", "DG0106", "plans/a.yaml:4:37", ["is not of type", "`days` is a whole number from 1"]),
    ] {
        let text = plan(more);
        let files =
            [("plans/a.yaml", text.as_str()), ("templates/keep/manifest.yaml", MANIFEST), (template_path, &good)];
        one_mistake(&files, code, place, &words);
    }
    let missing = plan("").replace("table: app.t", "days: 3");
    let files =
        [("plans/a.yaml", missing.as_str()), ("templates/keep/manifest.yaml", MANIFEST), (template_path, &good)];
    one_mistake(
        &files,
        "DG0105",
        "plans/a.yaml:4:9",
        &["the key `table` is missing in `keep`", "= help: add `table:`"],
    );
}

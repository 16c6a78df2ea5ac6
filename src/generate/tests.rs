use super::*;
use crate::inspect::{Address, Object, ObjectKind as Kind};
use serde_json::{Value, json};

/// An object: its kind, name, properties and what it depends on.
type Described<'a> = (Kind, &'a str, Value, &'a [(Kind, &'a str)]);

/// A catalog with `kind name {properties}`, and what each depends on.
fn catalog(objects: &[Described<'_>]) -> Snapshot {
    let mut snapshot = Snapshot::new(15);
    for (number, (kind, name, properties, depends)) in objects.iter().enumerate() {
        let mut properties = properties.as_object().cloned().unwrap_or_default();
        let mut parent = None;
        if let Some(Value::String(table)) = properties.remove("in") {
            parent = Some(ObjectKey::new(Kind::Table, table));
        }
        let number = u32::try_from(number).unwrap();
        let object = Object {
            properties: properties.into_iter().collect(),
            position: (*kind == Kind::Column).then_some(number),
            parent,
            address: Address { class: 1, oid: number, sub: 0 },
            unit: Address { class: 1, oid: number, sub: 0 },
            depends: depends.iter().map(|(kind, name)| ObjectKey::new(*kind, *name)).collect(),
        };
        snapshot.insert(ObjectKey::new(*kind, *name), object);
    }
    snapshot
}

fn between(from: &Snapshot, to: &Snapshot) -> Generated {
    generate(&Request { from, to, role: "app", known: &BTreeSet::new(), uses: BTreeSet::new(), blocking: false })
}

fn ids(generated: &Generated) -> Vec<(&str, Vec<&str>)> {
    generated
        .changesets
        .iter()
        .map(|changeset| (changeset.id.as_str(), changeset.depends_on.iter().map(String::as_str).collect()))
        .collect()
}

#[test]
fn tables_that_refer_to_each_other_get_their_keys_later() {
    let key = |table: &str, other: &str| json!({ "in": table, "definition": format!("FOREIGN KEY (b) REFERENCES {other}(a)") });
    let to = catalog(&[
        (Kind::Schema, "s", json!({}), &[]),
        (Kind::Table, "s.x", json!({}), &[(Kind::Schema, "s")]),
        (Kind::Column, "s.x.a", json!({ "in": "s.x", "type": "integer" }), &[]),
        (Kind::Constraint, "s.x.to_y", key("s.x", "s.y"), &[(Kind::Column, "s.y.a"), (Kind::Column, "s.x.a")]),
        (Kind::Table, "s.y", json!({}), &[(Kind::Schema, "s")]),
        (Kind::Column, "s.y.a", json!({ "in": "s.y", "type": "integer" }), &[]),
        (Kind::Constraint, "s.y.to_x", key("s.y", "s.x"), &[(Kind::Column, "s.x.a"), (Kind::Column, "s.y.a")]),
    ]);
    let found = between(&Snapshot::new(15), &to);
    assert_eq!(
        ids(&found),
        [
            ("create-schema-s", vec![]),
            ("create-table-s.x", vec!["create-schema-s"]),
            ("create-table-s.y", vec!["create-schema-s"]),
            ("alter-table-s.x", vec!["create-table-s.x", "create-table-s.y"]),
            ("alter-table-s.y", vec!["create-table-s.x", "create-table-s.y"]),
        ]
    );
    assert!(found.left_out.is_empty(), "{:?}", found.left_out);
}

#[test]
fn a_default_waits_for_the_function_that_takes_the_row() {
    let function =
        json!({ "definition": "CREATE FUNCTION s.f(s.x) RETURNS integer\n LANGUAGE sql\nAS $$ SELECT 1 $$" });
    let to = catalog(&[
        (Kind::Function, "s.f(s.x)", function, &[(Kind::Table, "s.x")]),
        (Kind::Table, "s.x", json!({}), &[]),
        (
            Kind::Column,
            "s.x.a",
            json!({ "in": "s.x", "type": "integer", "default": "s.f(NULL)" }),
            &[(Kind::Function, "s.f(s.x)")],
        ),
    ]);
    let found = between(&Snapshot::new(15), &to);
    let steps: Vec<&str> = found.changesets.iter().map(|changeset| changeset.id.as_str()).collect();
    assert_eq!(steps, ["create-table-s.x", "create-function-s.f", "alter-table-s.x"]);
}

#[test]
fn a_view_is_made_again_around_a_column_that_changes_its_type() {
    let with = |kind: &str| {
        catalog(&[
            (Kind::Table, "s.x", json!({}), &[]),
            (Kind::Column, "s.x.a", json!({ "in": "s.x", "type": kind }), &[]),
            (Kind::View, "s.v", json!({ "definition": "SELECT a FROM s.x" }), &[(Kind::Column, "s.x.a")]),
        ])
    };
    let found = between(&with("integer"), &with("bigint"));
    let steps: Vec<&str> = found.changesets.iter().map(|changeset| changeset.id.as_str()).collect();
    assert_eq!(steps, ["drop-view-s.v", "alter-table-s.x", "create-view-s.v"]);
}

#[test]
fn dropped_tables_and_columns_go_to_the_attic() {
    let from = catalog(&[
        (Kind::Table, "s.x", json!({}), &[]),
        (Kind::Column, "s.x.a", json!({ "in": "s.x", "type": "integer" }), &[]),
        (Kind::Column, "s.x.b", json!({ "in": "s.x", "type": "integer" }), &[]),
        (Kind::Table, "s.y", json!({}), &[]),
    ]);
    let to = catalog(&[
        (Kind::Table, "s.x", json!({}), &[]),
        (Kind::Column, "s.x.a", json!({ "in": "s.x", "type": "integer" }), &[]),
    ]);
    let found = generate(&Request {
        from: &from,
        to: &to,
        role: "app",
        known: &["drop-table-s.y".to_owned()].into(),
        uses: BTreeSet::new(),
        blocking: false,
    });
    let changes: Vec<&Value> = found.changesets.iter().flat_map(|changeset| &changeset.changes).collect();
    assert_eq!(
        changes,
        [&json!({ "dropColumn": { "table": "s.x", "column": "b" } }), &json!({ "dropTable": { "table": "s.y" } })]
    );
    assert_eq!(found.changesets[1].id, "drop-table-s.y-2");
}

#[test]
fn what_looks_like_a_variable_is_none() {
    let changeset = GeneratedChangeset {
        id: "a".to_owned(),
        description: "costs ${x}".to_owned(),
        environments: Vec::new(),
        phase: None,
        lint: Vec::new(),
        depends_on: Vec::new(),
        changes: vec![json!({ "sql": { "forward": "SELECT '${HOME}';\nSELECT 2;" } })],
        rollback: None,
        object: ObjectKey::new(Kind::Table, "s.x"),
    };
    assert_eq!(
        yaml([&changeset]),
        "changesets:\n- id: a\n  description: costs $${x}\n  changes:\n  - sql:\n      forward: |-\n        SELECT '$${HOME}';\n        SELECT 2;\n"
    );
}

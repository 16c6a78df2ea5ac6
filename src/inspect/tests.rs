use super::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A table with these columns, and where they are.
fn table(name: &str, columns: &[(&str, u32)]) -> Vec<(ObjectKey, Object)> {
    let key = ObjectKey::new(ObjectKind::Table, name);
    let mut all = vec![(key.clone(), Object::default())];
    for (column, position) in columns {
        let object =
            Object { parent: Some(key.clone()), position: Some(*position), ..with(&[("type", json!("text"))]) };
        all.push((ObjectKey::new(ObjectKind::Column, format!("{name}.{column}")), object));
    }
    all
}

fn with(properties: &[(&str, Value)]) -> Object {
    let properties: BTreeMap<_, _> =
        properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Object { properties, ..Object::default() }
}

fn said(differences: &[Difference]) -> Vec<String> {
    differences.iter().map(words).collect()
}

#[test]
fn parts_of_what_is_missing_are_not_listed() {
    let base: Snapshot = table("a", &[("x", 1)]).into_iter().collect();
    let more: Snapshot = table("a", &[("x", 1)]).into_iter().chain(table("b", &[("y", 1)])).collect();
    assert_eq!(said(&compare(&more, &base)), ["table b is missing"]);
    assert_eq!(said(&compare(&base, &more)), ["table b is not expected"]);
    let parts: Vec<String> = more.children(&ObjectKey::new(ObjectKind::Table, "b")).map(ToString::to_string).collect();
    assert_eq!(parts, ["column b.y"]);
    assert_ne!(base.fingerprint(), more.fingerprint());
}

#[test]
fn a_moved_column_is_no_other_schema() {
    let expected: Snapshot = table("a", &[("x", 1), ("y", 2), ("z", 3)]).into_iter().collect();
    // the first one came back at the end
    let found: Snapshot = table("a", &[("x", 4), ("y", 2), ("z", 3)]).into_iter().collect();
    let differences = compare(&expected, &found);
    assert_eq!(said(&differences), ["column a.x is at position 3 instead of 1"]);
    assert!(differences.iter().all(Difference::is_move));
    assert_eq!(expected.fingerprint(), found.fingerprint());
    // one that is gone moves no others, and neither do gaps in the numbers
    let fewer: Snapshot = table("a", &[("y", 7), ("z", 8)]).into_iter().collect();
    assert_eq!(said(&compare(&expected, &fewer)), ["column a.x is missing"]);
}

#[test]
fn values_are_compared_property_by_property() {
    let key = ObjectKey::new(ObjectKind::View, "v");
    let one = |object: Object| -> Snapshot { [(key.clone(), object)].into_iter().collect() };
    let a = one(with(&[
        ("definition", json!("SELECT 1\nFROM a;\n")),
        ("owner", json!("x")),
        ("options", json!({"a": 1, "b": 2})),
    ]));
    let b = one(with(&[
        ("definition", json!("SELECT 1\nFROM b;\n")),
        ("comment", json!("c")),
        ("options", json!({"b": 2, "a": 1})),
    ]));
    assert_eq!(
        said(&compare(&a, &b)),
        [
            "view v: comment is `c` instead of unset",
            "view v: definition differs\n--- expected\n+++ found\n@@ -1,2 +1,2 @@\n SELECT 1\n-FROM a;\n+FROM b;",
            "view v: owner is unset instead of `x`",
        ]
    );
    assert_eq!(a.fingerprint(), one(a.get(&key).unwrap().clone()).fingerprint());
    let ordered = |options: Value| one(with(&[("options", options)])).fingerprint();
    assert_eq!(ordered(json!({"a": 1, "b": 2})), ordered(json!({"b": 2, "a": 1})));
    assert_ne!(ordered(json!({"a": "1"})), ordered(json!({"a": 1})));
    assert_ne!(ordered(json!("a ")), ordered(json!("a")));
}

#[test]
fn deltas_are_compared_without_the_rest() {
    let base: Snapshot = table("a", &[("x", 1), ("y", 2)]).into_iter().chain(table("b", &[("x", 1)])).collect();
    let column = |name: &str| ObjectKey::new(ObjectKind::Column, name);
    let (mut one, mut two) = (Delta::default(), Delta::default());
    one.changed.insert(column("a.x"), None);
    let moved = Object { position: Some(3), ..base.get(&column("a.x")).unwrap().clone() };
    two.changed.insert(column("a.x"), Some(moved));
    assert_eq!(said(&one.differences(&base)), ["column a.x is missing"]);
    assert_eq!(said(&two.differences(&base)), ["column a.x is at position 2 instead of 1"]);
    assert_eq!(said(&compare_deltas(&base, &one, &two)), ["column a.x is not expected"]);
    assert_eq!(compare_deltas(&base, &two, &two), []);
    let mut after = base.clone();
    after.apply(one.clone());
    assert_eq!(said(&compare(&base, &after)), said(&one.differences(&base)));
    assert_eq!(after.children(&ObjectKey::new(ObjectKind::Table, "a")).count(), 1);
}

#[test]
fn snapshots_are_written_and_read() {
    let mut snapshot: Snapshot = table("a", &[("x", 1)]).into_iter().collect();
    snapshot.major = 15;
    snapshot.not_compared.push(NotCompared { what: "1 large object".to_owned(), why: "it is data".to_owned() });
    let text = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot);
}

#[test]
fn privileges_have_words() {
    for (item, words) in [
        ("=r/postgres", "PUBLIC: SELECT (by postgres)"),
        ("app=r*a/postgres", "app: INSERT, SELECT WITH GRANT OPTION (by postgres)"),
        ("\"Odd \"\"=/\"=X/Upper", "\"Odd \"\"=/\": EXECUTE (by \"Upper\")"),
    ] {
        let grant = Grant::of_item(item).unwrap();
        assert_eq!(grant.to_string(), words);
        assert_eq!(privileges_of(&json!([words])), [grant]);
    }
}

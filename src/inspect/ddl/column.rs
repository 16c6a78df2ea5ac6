//! Columns.

use super::common::{comment, foreign_options, local, options, privileges};
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::snapshot::Snapshot;
use serde_json::Value;

/// A column as `CREATE TABLE` and `ADD COLUMN` have it, perhaps without its default. `None`: it does not follow.
pub(super) fn definition(
    catalog: &Snapshot,
    key: &ObjectKey,
    column: &Object,
    without_default: bool,
) -> Option<String> {
    let mut sql = format!("{} {}", local(key, column), column.text("type")?);
    sql += &foreign_options(column);
    if let Some(collation) = column.text("collation") {
        sql += &format!(" COLLATE {collation}");
    }
    if let Some(default) = column.text("default").filter(|_| !without_default) {
        sql += &format!(" DEFAULT {default}");
    }
    if let Some(expression) = column.text("generated") {
        let kind = column.text("generatedKind")?.to_uppercase();
        sql += &format!(" GENERATED ALWAYS AS ({expression}) {kind}");
    }
    if column.text("identity").is_some() {
        sql += &format!(" {}", identity(catalog, key, column)?);
    }
    if column.is("notNull") {
        sql += " NOT NULL";
    }
    Some(sql)
}

/// `GENERATED … AS IDENTITY (…)`.
fn identity(catalog: &Snapshot, key: &ObjectKey, column: &Object) -> Option<String> {
    let (name, sequence) = catalog
        .children(key)
        .filter(|part| part.kind == Kind::Sequence)
        .find_map(|part| Some((part, catalog.get(part)?)))?;
    let options = sequence_options(sequence)?;
    let unlogged = if sequence.text("persistence").is_some() { " UNLOGGED" } else { "" };
    let when = column.text("identity")?.to_uppercase();
    Some(format!("GENERATED {when} AS IDENTITY (SEQUENCE NAME {}{unlogged} {options})", name.name))
}

/// The settings of a sequence.
pub(super) fn sequence_options(sequence: &Object) -> Option<String> {
    let number = |name: &str| sequence.property(name).as_i64();
    let cycle = if sequence.is("cycle") { "CYCLE" } else { "NO CYCLE" };
    Some(format!(
        "START {} INCREMENT {} MINVALUE {} MAXVALUE {} CACHE {} {cycle}",
        number("start")?,
        number("increment")?,
        number("minimum")?,
        number("maximum")?,
        number("cache")?
    ))
}

/// What a new column still needs. `None`: some of it does not follow.
pub(super) fn finish(key: &ObjectKey, column: &Object) -> Option<Vec<String>> {
    let mut sql = Vec::new();
    for property in ["storage", "compression", "statistics", "options"] {
        if column.properties.contains_key(property) {
            sql.extend(change(None, key, column, &Object::default(), property)?);
        }
    }
    if column.properties.contains_key("privileges") {
        sql.extend(privileges(key, column, &Value::Null)?);
    }
    if column.text("comment").is_some() {
        sql.push(comment(key, column)?);
    }
    // constraints NOT NULL with names, and inheritance
    (!["notNullConstraint", "notNullComment", "inheritance"].iter().any(|name| column.properties.contains_key(*name)))
        .then_some(sql)
}

/// Brings one property from `found` to that of the column.
pub(super) fn change(
    catalog: Option<&Snapshot>,
    key: &ObjectKey,
    column: &Object,
    found: &Object,
    property: &str,
) -> Option<Vec<String>> {
    let table = column.parent.as_ref()?;
    let (relation, name) = (super::common::keyword(table.kind), local(key, column));
    let alter = |what: String| Some(vec![format!("ALTER {relation} {} ALTER COLUMN {name} {what}", table.name)]);
    let expected = column.property(property);
    match property {
        "type" | "collation" if column.properties.contains_key("generated") => None,
        "type" | "collation" => {
            let kind = column.text("type")?;
            let collate =
                column.text("collation").map_or_else(String::new, |collation| format!(" COLLATE {collation}"));
            alter(format!("TYPE {kind}{collate} USING {name}::{kind}"))
        }
        "notNull" => alter(if column.is("notNull") { "SET NOT NULL" } else { "DROP NOT NULL" }.to_owned()),
        "default" => alter(
            column
                .text("default")
                .map_or_else(|| "DROP DEFAULT".to_owned(), |default| format!("SET DEFAULT {default}")),
        ),
        "generated" | "generatedKind" => {
            // a default takes its place by a difference of its own
            let gone = expected.is_null() && found.text("generatedKind") == Some("stored");
            (gone && property == "generated").then(|| alter("DROP EXPRESSION".to_owned()))?.or(Some(Vec::new()))
        }
        "identity" => match (column.text("identity"), found.text("identity")) {
            (None, Some(_)) => alter("DROP IDENTITY".to_owned()),
            (Some(when), Some(_)) => alter(format!("SET GENERATED {}", when.to_uppercase())),
            (Some(_), None) => alter(format!("ADD {}", identity(catalog?, key, column)?)),
            (None, None) => None,
        },
        "storage" => {
            // that of the type is known by name since 16 alone
            let storage = column.text("storage")?.to_uppercase();
            alter(format!("SET STORAGE {storage}"))
        }
        "compression" => alter(format!("SET COMPRESSION {}", column.text("compression").unwrap_or("DEFAULT"))),
        "statistics" => alter(format!("SET STATISTICS {}", expected.as_i64().unwrap_or(-1))),
        "options" => {
            let all = options(expected, found.property("options"), "");
            Some(all.into_iter().filter_map(alter).flatten().collect())
        }
        "foreignOptions" => alter(super::common::change_foreign_options(expected, found.property(property))?),
        _ => None,
    }
}

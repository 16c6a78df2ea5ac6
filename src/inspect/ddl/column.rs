//! Columns.

use super::common::{comment, foreign_options, labels, local, options, privileges};
use super::inherit::{Inherited, only};
use super::not_null::NotNull;
use crate::base::QualifiedName;
use crate::base::name::quote_ident;
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::snapshot::Snapshot;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A column without its default, if it gets that later.
pub(super) fn now<'a>(key: &ObjectKey, column: &'a Object, later: &BTreeSet<ObjectKey>) -> Cow<'a, Object> {
    if !later.contains(key) {
        return Cow::Borrowed(column);
    }
    let mut column = column.clone();
    column.properties.remove("default");
    Cow::Owned(column)
}

/// A column as `CREATE TABLE` and `ADD COLUMN` have it. `None`: it does not follow.
pub(super) fn definition(
    catalog: &Snapshot,
    key: &ObjectKey,
    column: &Object,
    inherited: &Inherited<'_>,
) -> Option<String> {
    let mut sql = format!("{} {}", local(key, column), column.text("type")?);
    sql += &foreign_options(column, "foreignOptions");
    if let Some(collation) = column.text("collation") {
        sql += &format!(" COLLATE {collation}");
    }
    Some(sql + &clauses(catalog, key, column, inherited)?)
}

/// What follows the type of a column, with a space before it. Nothing that the column has from elsewhere.
pub(super) fn clauses(
    catalog: &Snapshot,
    key: &ObjectKey,
    column: &Object,
    inherited: &Inherited<'_>,
) -> Option<String> {
    let mut sql = String::new();
    if let Some(default) = column.text("default").filter(|own| inherited.default != Some(own)) {
        sql += &format!(" DEFAULT {default}");
    }
    if let Some(expression) = column.text("generated").filter(|own| inherited.generated != Some(own)) {
        let kind = column.text("generatedKind")?.to_uppercase();
        sql += &format!(" GENERATED ALWAYS AS ({expression}) {kind}");
    }
    if column.text("identity").is_some() {
        sql += &identity(catalog, key, column)?;
    }
    if let Some(constraint) = NotNull::of(column)
        && !inherited.not_null
    {
        sql += &constraint.of_column(catalog, key, column);
    }
    Some(sql)
}

/// `GENERATED … AS IDENTITY (…)`, with a space before it. Empty for a partition, which has the sequence of its parent.
fn identity(catalog: &Snapshot, key: &ObjectKey, column: &Object) -> Option<String> {
    let sequence = catalog.children(key).find(|part| part.kind == Kind::Sequence);
    let Some((name, sequence)) = sequence.and_then(|part| Some((part, catalog.get(part)?))) else {
        return Some(String::new());
    };
    let is_unlogged = sequence.text("persistence").is_some();
    let mut options: Vec<String> = Vec::new();
    if is_unlogged || usual_name(key, column).is_none_or(|usual| usual != name.name) {
        options.push(format!("SEQUENCE NAME {}", name.name));
    }
    options.extend(is_unlogged.then(|| "UNLOGGED".to_owned()));
    options.extend(other_options(sequence)?);
    let when = column.text("identity")?.to_uppercase();
    let options = if options.is_empty() { String::new() } else { format!(" ({})", options.join(" ")) };
    Some(format!(" GENERATED {when} AS IDENTITY{options}"))
}

/// The name that PostgreSQL gives to the sequence of an identity column; `None`: it shortens it.
fn usual_name(key: &ObjectKey, column: &Object) -> Option<String> {
    let table: QualifiedName = column.parent.as_ref()?.name.parse().ok()?;
    let own: QualifiedName = local(key, column).parse().ok()?;
    let name = format!("{}_{}_seq", table.name.as_str(), own.name.as_str());
    let schema = table.schema.as_ref()?.as_str();
    (name.len() <= 63).then(|| format!("{}.{}", quote_ident(schema), quote_ident(&name)))
}

/// The settings of a sequence that a new one of its type would not have (manual, CREATE SEQUENCE). `None`: it has no such
/// settings.
pub(super) fn other_options(sequence: &Object) -> Option<Vec<String>> {
    let number = |name: &str| sequence.property(name).as_i64();
    let (increment, minimum, maximum) = (number("increment")?, number("minimum")?, number("maximum")?);
    let largest = match sequence.text("type")? {
        "smallint" => i64::from(i16::MAX),
        "integer" => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    let is_up = increment > 0;
    let usual = if is_up { (1, largest) } else { (-largest - 1, -1) };
    let start = if is_up { minimum } else { maximum };
    let mut options = Vec::new();
    let mut add = |word: &str, value: i64, usual: i64| {
        if value != usual {
            options.push(format!("{word} {value}"));
        }
    };
    add("START", number("start")?, start);
    add("INCREMENT", increment, 1);
    add("MINVALUE", minimum, usual.0);
    add("MAXVALUE", maximum, usual.1);
    add("CACHE", number("cache")?, 1);
    options.extend(sequence.is("cycle").then(|| "CYCLE".to_owned()));
    Some(options)
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
pub(super) fn finish(
    catalog: &Snapshot,
    key: &ObjectKey,
    column: &Object,
    inherited: &Inherited<'_>,
) -> Option<Vec<String>> {
    let mut sql = Vec::new();
    let none = Object::default();
    for (property, from) in [("storage", true), ("compression", true), ("statistics", false), ("options", false)] {
        let before = inherited.storage.filter(|_| from).unwrap_or(&none);
        if column.property(property) != before.property(property) {
            sql.extend(change(Some(catalog), key, column, before, property)?);
        }
    }
    sql.extend(super::not_null::finish(key, column, inherited.not_null)?);
    if column.properties.contains_key("privileges") {
        sql.extend(privileges(key, column, &Value::Null)?);
    }
    if column.text("comment").is_some() {
        sql.push(comment(key, column)?);
    }
    sql.extend(labels(key, column, &Value::Null));
    Some(sql)
}

/// Whether an explicit cast to a type cuts values that are too long for it (manual, chapters 8.3 and 8.10).
#[must_use]
pub fn cuts(kind: &str) -> bool {
    ["character varying(", "character(", "bit(", "bit varying("].iter().any(|bounded| kind.starts_with(bounded))
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
            // an explicit cast cuts what is too long; an assignment refuses it (manual, chapter 4.2.9)
            let using = if cuts(kind) { String::new() } else { format!(" USING {name}::{kind}") };
            alter(format!("TYPE {kind}{collate}{using}"))
        }
        "notNull" | "notNullConstraint" | "notNullComment" => super::not_null::change(key, column, found, property),
        "default" => {
            let only = catalog.map_or("", |catalog| only(catalog, table));
            let default =
                column.text("default").map_or_else(|| "DROP DEFAULT".to_owned(), |text| format!("SET DEFAULT {text}"));
            Some(vec![format!("ALTER {relation} {only}{} ALTER COLUMN {name} {default}", table.name)])
        }
        "generated" | "generatedKind" => {
            // a default takes its place by a difference of its own
            let gone = expected.is_null() && found.text("generatedKind") == Some("stored");
            (gone && property == "generated").then(|| alter("DROP EXPRESSION".to_owned()))?.or(Some(Vec::new()))
        }
        "identity" => match (column.text("identity"), found.text("identity")) {
            (None, Some(_)) => alter("DROP IDENTITY".to_owned()),
            (Some(when), Some(_)) => alter(format!("SET GENERATED {}", when.to_uppercase())),
            (Some(_), None) => alter(format!("ADD{}", identity(catalog?, key, column)?)),
            (None, None) => None,
        },
        "storage" => {
            // that of the type has a name since 16
            let usual = || catalog.filter(|catalog| catalog.major >= 16).map(|_| "DEFAULT".to_owned());
            alter(format!("SET STORAGE {}", column.text("storage").map(str::to_uppercase).or_else(usual)?))
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

//! Objects that are missing.

use super::column::{self, sequence_options};
use super::common::{finish, keyword, local};
use super::set::{enabled, index, sequence};
use super::table;
use crate::base::name::quote_literal;
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;

/// The statements that make an object with all its parts; `None`: they do not follow.
pub(super) fn create(catalog: &Snapshot, key: &ObjectKey) -> Option<Vec<String>> {
    let mut sql = alone(catalog, key, &BTreeSet::new())?;
    if key.kind == Kind::Sequence {
        sql.extend(super::own_sequence(catalog, key)?);
    }
    // a column is complete
    if key.kind != Kind::Column {
        sql.extend(parts(catalog, key)?);
    }
    Some(sql)
}

/// The statements that make an object without its parts; columns in `later` without their default.
pub(super) fn alone(catalog: &Snapshot, key: &ObjectKey, later: &BTreeSet<ObjectKey>) -> Option<Vec<String>> {
    let object = catalog.get(key)?;
    let mut sql = itself(catalog, key, object, later)?;
    // a column is complete, and the sequence of an identity column comes with it
    if key.kind != Kind::Column && (key.kind != Kind::Sequence || object.parent.is_none()) {
        sql.extend(finish(key, object, catalog.major)?);
    }
    Some(sql)
}

/// Parts that have statements of their own: first constraints, which others may need.
fn parts(catalog: &Snapshot, key: &ObjectKey) -> Option<Vec<String>> {
    let mut sql = Vec::new();
    for part in catalog.children(key).filter(|part| !matches!(part.kind, Kind::Column | Kind::Attribute)) {
        sql.extend(create(catalog, part)?);
    }
    Some(sql)
}

/// An object alone.
fn itself(catalog: &Snapshot, key: &ObjectKey, object: &Object, later: &BTreeSet<ObjectKey>) -> Option<Vec<String>> {
    let parent = object.parent.as_ref();
    let name = &key.name;
    let definition = || object.text("definition").map(|text| text.trim_end().trim_end_matches(';').to_owned());
    Some(match key.kind {
        Kind::Schema => vec![format!("CREATE SCHEMA {name}")],
        Kind::Extension => {
            let (schema, version) = (object.text("schema")?, object.text("version")?);
            vec![format!("CREATE EXTENSION {name} SCHEMA {schema} VERSION {}", quote_literal(version))]
        }
        Kind::Table | Kind::ForeignTable => table::create(catalog, key, object, later)?,
        Kind::View | Kind::MaterializedView => table::create_view(catalog, key, object, false)?,
        Kind::Column => {
            let table = parent.filter(|table| matches!(table.kind, Kind::Table | Kind::ForeignTable))?;
            let column = column::definition(catalog, key, object, later.contains(key))?;
            let mut sql = vec![format!("ALTER {} {} ADD COLUMN {column}", keyword(table.kind), table.name)];
            sql.extend(column::finish(key, object)?);
            sql
        }
        Kind::Attribute => {
            let collate =
                object.text("collation").map_or_else(String::new, |collation| format!(" COLLATE {collation}"));
            let of = &parent?.name;
            vec![format!("ALTER TYPE {of} ADD ATTRIBUTE {} {}{collate}", local(key, object), object.text("type")?)]
        }
        Kind::Constraint if object.text("inheritance").is_some() => return None,
        Kind::Constraint => {
            let of = parent?;
            let (word, name) = (keyword(of.kind), local(key, object));
            vec![format!("ALTER {word} {} ADD CONSTRAINT {name} {}", of.name, definition()?)]
        }
        Kind::Index => {
            let mut sql = Vec::new();
            // that of a constraint is made with it
            if parent.is_some_and(|of| of.kind != Kind::Constraint) {
                sql.push(definition()?);
            } else if definition()?.contains(" WITH (") {
                let plain = [("definition".to_owned(), Value::from(""))];
                let plain = Object { properties: plain.into_iter().collect(), ..Object::default() };
                sql.extend(index(catalog, key, object, &plain, "definition")?);
            }
            for property in ["clustered", "replicaIdentity", "tablespace", "statistics"] {
                if object.properties.contains_key(property) {
                    sql.extend(index(catalog, key, object, &Object::default(), property)?);
                }
            }
            let unknown = ["invalid", "partitionOf"].iter().any(|name| object.properties.contains_key(*name));
            (!unknown).then_some(sql)?
        }
        Kind::Trigger | Kind::Rule => {
            if object.text("inheritance").is_some() {
                return None;
            }
            let mut sql = vec![definition()?];
            if object.properties.contains_key("enabled") {
                sql.extend(enabled(key, object)?);
            }
            sql
        }
        Kind::Policy => vec![policy(key, object)?],
        Kind::Statistics => {
            let mut sql = vec![definition()?];
            sql.extend(
                object.property("statistics").as_i64().map(|n| format!("ALTER STATISTICS {name} SET STATISTICS {n}")),
            );
            sql
        }
        Kind::Function | Kind::Procedure => vec![object.text("definition")?.trim_end().to_owned()],
        // that of an identity column is made with it
        Kind::Sequence if parent.is_some() => Vec::new(),
        Kind::Sequence => {
            let unlogged = if object.text("persistence").is_some() { "UNLOGGED " } else { "" };
            let mut sql = vec![format!(
                "CREATE {unlogged}SEQUENCE {name} AS {} {}",
                object.text("type")?,
                sequence_options(object)?
            )];
            if object.properties.contains_key("lastValue") {
                sql.extend(sequence(key, object, "lastValue")?);
            }
            sql
        }
        Kind::Type => match object.text("typeKind")? {
            "enum" => {
                let labels: Vec<String> = labels(object).into_iter().map(quote_literal).collect();
                vec![format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "))]
            }
            "composite" => table::create_composite(catalog, key),
            "range" => vec![range(key, object)?],
            _ => return None,
        },
        Kind::Domain => {
            let mut sql = format!("CREATE DOMAIN {name} AS {}", object.text("baseType")?);
            for (word, property) in [("COLLATE", "collation"), ("DEFAULT", "default")] {
                sql += &object.text(property).map_or_else(String::new, |text| format!(" {word} {text}"));
            }
            sql += if object.is("notNull") && catalog.major < 17 { " NOT NULL" } else { "" };
            vec![sql]
        }
        Kind::DefaultPrivileges => super::common::default_acl(key, object, catalog.major, false)?,
        Kind::EventTrigger => {
            let tags: Vec<String> = texts(object, "tags").into_iter().map(quote_literal).collect();
            let tags = if tags.is_empty() { String::new() } else { format!(" WHEN TAG IN ({})", tags.join(", ")) };
            let (event, function) = (object.text("event")?, object.text("function")?);
            let mut sql = vec![format!("CREATE EVENT TRIGGER {name} ON {event}{tags} EXECUTE FUNCTION {function}")];
            if object.properties.contains_key("enabled") {
                sql.extend(enabled(key, object)?);
            }
            sql
        }
        Kind::Publication => vec![publication(key, object)?],
        Kind::Cast => {
            let how = match (object.text("method")?, object.text("function")) {
                ("function", Some(function)) => format!("WITH FUNCTION {function}"),
                ("inout", _) => "WITH INOUT".to_owned(),
                _ => "WITHOUT FUNCTION".to_owned(),
            };
            let context = match object.text("context")? {
                "explicit" => String::new(),
                context => format!(" AS {}", context.to_uppercase()),
            };
            vec![format!("CREATE CAST {name} {how}{context}")]
        }
        _ => return None,
    })
}

/// The texts of a list.
fn texts<'a>(object: &'a Object, property: &str) -> Vec<&'a str> {
    object.property(property).as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn publication(key: &ObjectKey, object: &Object) -> Option<String> {
    let tables = texts(object, "tables").into_iter().map(|table| format!("TABLE {table}"));
    let schemas = texts(object, "schemas").into_iter().map(|schema| format!("TABLES IN SCHEMA {schema}"));
    let parts: Vec<String> = tables.chain(schemas).collect();
    let what = match (object.is("allTables"), parts.is_empty()) {
        (true, _) => " FOR ALL TABLES".to_owned(),
        (false, true) => String::new(),
        (false, false) => format!(" FOR {}", parts.join(", ")),
    };
    let mut options = vec![format!("publish = {}", quote_literal(object.text("publish").unwrap_or_default()))];
    options.extend(object.is("viaRoot").then(|| "publish_via_partition_root = true".to_owned()));
    options.extend(object.text("generatedColumns").map(|kind| format!("publish_generated_columns = {kind}")));
    Some(format!("CREATE PUBLICATION {}{what} WITH ({})", key.name, options.join(", ")))
}

/// The labels of an enum.
pub(super) fn labels(object: &Object) -> Vec<&str> {
    texts(object, "labels")
}

fn range(key: &ObjectKey, object: &Object) -> Option<String> {
    let options = [
        ("SUBTYPE", "subtype"),
        ("SUBTYPE_OPCLASS", "subtypeOperatorClass"),
        ("COLLATION", "subtypeCollation"),
        ("MULTIRANGE_TYPE_NAME", "multirange"),
    ];
    let mut all: Vec<String> =
        options.iter().filter_map(|(word, property)| Some(format!("{word} = {}", object.text(property)?))).collect();
    for (word, property) in [("SUBTYPE_DIFF", "differenceFunction"), ("CANONICAL", "canonicalFunction")] {
        // only the name, without arguments
        all.extend(object.text(property).and_then(|text| Some(format!("{word} = {}", text.split('(').next()?))));
    }
    Some(format!("CREATE TYPE {} AS RANGE ({})", key.name, all.join(", ")))
}

fn policy(key: &ObjectKey, object: &Object) -> Option<String> {
    let table = object.parent.as_ref()?;
    let kind = if object.is("restrictive") { "RESTRICTIVE" } else { "PERMISSIVE" };
    let mut sql = format!(
        "CREATE POLICY {} ON {} AS {kind} FOR {} TO {}",
        local(key, object),
        table.name,
        object.text("command")?,
        roles(object)
    );
    for (word, property) in [("USING", "using"), ("WITH CHECK", "check")] {
        sql += &object.text(property).map_or_else(String::new, |text| format!(" {word} ({text})"));
    }
    Some(sql)
}

/// The roles of a policy.
pub(super) fn roles(object: &Object) -> String {
    texts(object, "roles").join(", ")
}

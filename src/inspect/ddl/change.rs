//! Properties that are not as expected.

use super::common::{self, change_foreign_options, comment, local, owner, privileges, target};
use super::create::{create, labels, roles};
use super::remove::drop;
use super::set::{enabled, index, sequence};
use super::{column, constraint, foreign, inherit, operator, search, setting, table};
use crate::base::name::{quote_ident, quote_literal};
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::snapshot::Snapshot;

/// Brings one property of an object from `found` to `object`, which is that of `catalog`; `None`: it does not follow.
pub(super) fn change(
    catalog: &Snapshot,
    key: &ObjectKey,
    object: &Object,
    found: &Object,
    property: &str,
) -> Option<Vec<String>> {
    match property {
        _ if key.kind == Kind::Database => return database(object, property),
        "owner" => return owner(key, object).map(|sql| vec![sql]),
        "comment" => return comment(key, object).map(|sql| vec![sql]),
        "privileges" => return privileges(key, object, found.property("privileges")),
        "dependsOnExtensions" => return Some(common::extensions(key, object, found)),
        "securityLabels" => return Some(common::labels(key, object, found.property(property))),
        _ => {}
    }
    let name = &key.name;
    let alter = |what: String| Some(vec![format!("ALTER {} {what}", target(key, object))]);
    match key.kind {
        Kind::Column => column::change(Some(catalog), key, object, found, property),
        Kind::Table | Kind::ForeignTable => table::change(catalog, key, object, found, property),
        Kind::View | Kind::MaterializedView => match property {
            "definition" => again(catalog, key, object),
            "notPopulated" => {
                let data = if object.is("notPopulated") { " WITH NO DATA" } else { "" };
                Some(vec![format!("REFRESH MATERIALIZED VIEW {name}{data}")])
            }
            _ => table::change(catalog, key, object, found, property),
        },
        Kind::Constraint => {
            let (new, old) = (object.text("definition")?, found.text("definition")?);
            let of = object.parent.as_ref()?;
            if property == "definition" && format!("{new} NOT VALID") == old {
                let word = super::common::keyword(of.kind);
                return Some(vec![format!("ALTER {word} {} VALIDATE CONSTRAINT {}", of.name, local(key, object))]);
            }
            (property == "definition").then(|| again(catalog, key, object))?
        }
        Kind::Index
            if property == "definition" && object.parent.as_ref().is_some_and(|of| of.kind != Kind::Constraint) =>
        {
            again(catalog, key, object)
        }
        Kind::Index => index(catalog, key, object, found, property),
        Kind::Trigger | Kind::Rule => match property {
            "definition" => again(catalog, key, object),
            "enabled" => enabled(key, object),
            _ => None,
        },
        Kind::Policy => match (property, object.text(property)) {
            ("roles", _) => alter(format!("TO {}", roles(object))),
            ("using", Some(text)) => alter(format!("USING ({text})")),
            ("check", Some(text)) => alter(format!("WITH CHECK ({text})")),
            _ => again(catalog, key, object),
        },
        Kind::Statistics if property == "statistics" => {
            alter(format!("SET STATISTICS {}", object.property("statistics").as_i64().unwrap_or(-1)))
        }
        Kind::Statistics => again(catalog, key, object),
        Kind::Function | Kind::Procedure => {
            let (new, old) = (object.text("definition")?, found.text("definition")?);
            // names of parameters and the type of the result cannot be replaced
            let head = |text: &str| text.lines().take_while(|line| !line.starts_with(" LANGUAGE")).collect::<String>();
            if head(new) == head(old) { Some(vec![new.trim_end().to_owned()]) } else { again(catalog, key, object) }
        }
        Kind::Sequence => sequence(key, object, property),
        Kind::Type if property == "labels" => new_labels(key, object, found),
        Kind::Domain => match property {
            "default" => alter(
                object.text("default").map_or_else(|| "DROP DEFAULT".to_owned(), |text| format!("SET DEFAULT {text}")),
            ),
            "notNull" => alter(if object.is("notNull") { "SET NOT NULL" } else { "DROP NOT NULL" }.to_owned()),
            _ => None,
        },
        Kind::Attribute if matches!(property, "type" | "collation") => {
            let collate =
                object.text("collation").map_or_else(String::new, |collation| format!(" COLLATE {collation}"));
            let of = &object.parent.as_ref()?.name;
            Some(vec![format!(
                "ALTER TYPE {of} ALTER ATTRIBUTE {} SET DATA TYPE {}{collate}",
                local(key, object),
                object.text("type")?
            )])
        }
        Kind::Extension => match property {
            "version" => alter(format!("UPDATE TO {}", quote_literal(object.text("version")?))),
            "schema" => alter(format!("SET SCHEMA {}", object.text("schema")?)),
            _ => None,
        },
        Kind::Server | Kind::ForeignDataWrapper if property == "options" => {
            alter(change_foreign_options(object.property(property), found.property(property))?)
        }
        Kind::Server if property == "version" => alter(format!("VERSION {}", quote_literal(object.text("version")?))),
        Kind::ForeignDataWrapper if matches!(property, "handler" | "validator") => {
            Some(vec![foreign::change_function(key, object, property)])
        }
        Kind::EventTrigger if property == "enabled" => enabled(key, object),
        Kind::Aggregate if !matches!(property, "returns" | "arguments" | "aggregateKind" | "directArguments") => {
            Some(vec![operator::aggregate(key, object, true)?])
        }
        Kind::Operator if matches!(property, "restrict" | "join") => {
            Some(vec![operator::change_operator(key, object, property)])
        }
        Kind::OperatorFamily => Some(operator::change_family(key, &only(object, property), &only(found, property))),
        Kind::TextSearchConfiguration if property == "mappings" => Some(search::change_mappings(key, object, found)),
        Kind::TextSearchDictionary if property == "options" => Some(vec![search::change_options(key, object, found)]),
        Kind::Setting => Some(setting::change(key, &only(object, property), &only(found, property))),
        // they have no rows, and no statement changes them
        Kind::Publication
        | Kind::Cast
        | Kind::Server
        | Kind::EventTrigger
        | Kind::Aggregate
        | Kind::Operator
        | Kind::OperatorClass
        | Kind::Collation
        | Kind::Conversion
        | Kind::Language
        | Kind::Transform
        | Kind::AccessMethod
        | Kind::TextSearchParser
        | Kind::TextSearchTemplate
        | Kind::TextSearchDictionary
        | Kind::TextSearchConfiguration => again(catalog, key, object),
        _ => None,
    }
}

/// An object with one of its properties alone.
fn only(object: &Object, property: &str) -> Object {
    let value = object.properties.get_key_value(property);
    let properties = value.map(|(name, value)| (name.clone(), value.clone())).into_iter().collect();
    Object { properties, ..Object::default() }
}

/// Brings a property of the database to its own.
fn database(object: &Object, property: &str) -> Option<Vec<String>> {
    let (before, after) = match property {
        "owner" => ("ALTER DATABASE ", format!(" OWNER TO {}", quote_ident(object.text(property)?))),
        "connectionLimit" => {
            let limit = object.property(property).as_i64().unwrap_or(-1);
            ("ALTER DATABASE ", format!(" CONNECTION LIMIT {limit}"))
        }
        "comment" => {
            let text = object.text(property).map_or_else(|| "NULL".to_owned(), quote_literal);
            ("COMMENT ON DATABASE ", format!(" IS {text}"))
        }
        _ => return None,
    };
    Some(vec![setting::on_database(before, &after)])
}

/// Whether the table of a part, which is in `catalog`, comes under other tables.
fn moves(catalog: &Snapshot, other: &Snapshot, key: &ObjectKey) -> Option<bool> {
    let mut table = key;
    while let Some(parent) = catalog.get(table)?.parent.as_ref() {
        table = parent;
    }
    Some(catalog.get(table)?.property("parents") != other.get(table)?.property("parents"))
}

/// Brings what a part of a partition or child has from above to its own. It follows its table, where that moves.
pub(super) fn inheritance(expected: &Snapshot, found: &Snapshot, key: &ObjectKey) -> Option<Vec<String>> {
    if moves(expected, found, key)? {
        return Some(Vec::new());
    }
    let object = expected.get(key)?;
    let index = key.kind == Kind::Index && found.get(key)?.text("partitionOf").is_none();
    index.then(|| Some(vec![constraint::attach(key, object.text("partitionOf")?)]))?
}

/// Takes away what is not expected. What a table has from others is its own when it has left them.
pub(super) fn extra(expected: &Snapshot, found: &Snapshot, key: &ObjectKey) -> Option<Vec<String>> {
    let mut object = found.get(key)?.clone();
    if inherit::comes_with_parents(found, expected, key, &object) {
        return Some(Vec::new());
    }
    if moves(found, expected, key) == Some(true) {
        object.properties.retain(|name, _| !matches!(name.as_str(), "inheritance" | "partitionOf"));
    } else if key.kind == Kind::Trigger
        && let Some((_, parent)) = inherit::above(found, key, &object).first()
    {
        // it is there as its parent's is
        let parent = Object { parent: object.parent.clone(), ..(*parent).clone() };
        return enabled(key, &parent);
    }
    drop(key, &object).map(|sql| vec![sql])
}

/// Whether the index of a partition changes with its parent's, which is dropped and made again with all of them.
pub(super) fn changes_with_parent(expected: &Snapshot, found: &Snapshot, key: &ObjectKey) -> bool {
    let parent = |catalog: &Snapshot| {
        let name = catalog.get(key)?.text("partitionOf")?;
        Some(catalog.get(&ObjectKey::new(Kind::Index, name))?.property("definition").clone())
    };
    parent(expected).is_some_and(|definition| parent(found).is_some_and(|other| other != definition))
}

/// Drops it and makes it again, with all its parts.
pub(super) fn again(catalog: &Snapshot, key: &ObjectKey, object: &Object) -> Option<Vec<String>> {
    let mut sql = vec![drop(key, object)?];
    sql.extend(create(catalog, key)?);
    Some(sql)
}

/// Adds the labels that an enum lacks; none can be taken away.
fn new_labels(key: &ObjectKey, object: &Object, found: &Object) -> Option<Vec<String>> {
    let (expected, found) = (labels(object), labels(found));
    let other: Vec<(&&str, &&str)> = expected.iter().zip(&found).filter(|(new, old)| new != old).collect();
    if let ([(new, old)], true) = (other.as_slice(), expected.len() == found.len()) {
        let (new, old) = (quote_literal(new), quote_literal(old));
        return Some(vec![format!("ALTER TYPE {} RENAME VALUE {old} TO {new}", key.name)]);
    }
    let kept: Vec<&str> = expected.iter().copied().filter(|label| found.contains(label)).collect();
    if kept != found {
        return None;
    }
    let mut sql = Vec::new();
    for (at, label) in expected.iter().enumerate().filter(|(_, label)| !found.contains(label)) {
        let place = match at.checked_sub(1).and_then(|before| expected.get(before)) {
            Some(before) => format!("AFTER {}", quote_literal(before)),
            None => found.first().map_or_else(String::new, |first| format!("BEFORE {}", quote_literal(first))),
        };
        sql.push(format!("ALTER TYPE {} ADD VALUE {} {place}", key.name, quote_literal(label)).trim_end().to_owned());
    }
    Some(sql)
}

//! Properties that are not as expected.

use super::column;
use super::common::{change_foreign_options, comment, local, owner, privileges, target};
use super::create::{create, labels, roles};
use super::remove::drop;
use super::set::{enabled, index, sequence};
use super::table;
use crate::base::name::quote_literal;
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
        "owner" => return owner(key, object).map(|sql| vec![sql]),
        "comment" => return comment(key, object).map(|sql| vec![sql]),
        "privileges" => return privileges(key, object, found.property("privileges")),
        "dependsOnExtensions" | "securityLabels" => return None,
        _ => {}
    }
    let name = &key.name;
    let alter = |what: String| Some(vec![format!("ALTER {} {what}", target(key, object))]);
    match key.kind {
        Kind::Column => column::change(Some(catalog), key, object, found, property),
        Kind::Table | Kind::ForeignTable => table::change(key, object, found, property),
        Kind::View | Kind::MaterializedView => match property {
            "definition" => again(catalog, key, object),
            "notPopulated" => {
                let data = if object.is("notPopulated") { " WITH NO DATA" } else { "" };
                Some(vec![format!("REFRESH MATERIALIZED VIEW {name}{data}")])
            }
            _ => table::change(key, object, found, property),
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
        Kind::Publication | Kind::Cast => again(catalog, key, object),
        Kind::Server | Kind::ForeignDataWrapper if property == "options" => {
            alter(change_foreign_options(object.property(property), found.property(property))?)
        }
        Kind::Server if property == "version" => alter(format!("VERSION {}", quote_literal(object.text("version")?))),
        Kind::EventTrigger if property == "enabled" => enabled(key, object),
        _ => None,
    }
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

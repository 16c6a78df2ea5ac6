//! Properties that are not as expected.

use super::column::{self, sequence_options};
use super::common::{comment, local, owner, privileges, target};
use super::create::{create, labels, roles};
use super::{drop, table};
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
        "privileges" if object.text("owner") == found.text("owner") => {
            return privileges(key, object, found.property("privileges"));
        }
        // those of the former owner become the new one's
        "privileges" => return if only_owners(object, found) { Some(Vec::new()) } else { None },
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
        Kind::Index => index(catalog, key, object, found, property),
        Kind::Trigger | Kind::Rule => match property {
            "definition" => again(catalog, key, object),
            "enabled" => {
                let enable = match object.text("enabled") {
                    None => "ENABLE",
                    Some("disabled") => "DISABLE",
                    Some("replica") => "ENABLE REPLICA",
                    Some(_) => "ENABLE ALWAYS",
                };
                let (of, word) = (object.parent.as_ref()?, super::common::keyword(key.kind));
                Some(vec![format!("ALTER TABLE {} {enable} {word} {}", of.name, local(key, object))])
            }
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
        Kind::EventTrigger if property == "enabled" => alter(
            match object.text("enabled") {
                None => "ENABLE",
                Some("disabled") => "DISABLE",
                Some("replica") => "ENABLE REPLICA",
                Some(_) => "ENABLE ALWAYS",
            }
            .to_owned(),
        ),
        _ => None,
    }
}

/// Drops it and makes it again, with all its parts.
pub(super) fn again(catalog: &Snapshot, key: &ObjectKey, object: &Object) -> Option<Vec<String>> {
    let mut sql = vec![drop(key, object)?];
    sql.extend(create(catalog, key, object)?);
    Some(sql)
}

/// Whether nobody but the owners has privileges.
fn only_owners(object: &Object, found: &Object) -> bool {
    let renamed = |object: &Object| {
        let owner = crate::base::name::quote_ident(object.text("owner").unwrap_or_default()).into_owned();
        object
            .property("privileges")
            .to_string()
            .replace(&format!("\"{owner}: "), "\"owner: ")
            .replace(&format!("(by {owner})"), "(by owner)")
    };
    renamed(object) == renamed(found)
}

fn index(catalog: &Snapshot, key: &ObjectKey, object: &Object, found: &Object, property: &str) -> Option<Vec<String>> {
    let name = &key.name;
    let own = name.rsplit_once('.').map(|(_, own)| own)?;
    let of = object.parent.as_ref()?;
    let table = if of.kind == Kind::Constraint { catalog.get(of)?.parent.as_ref()? } else { of };
    let alter = |what: String| Some(vec![format!("ALTER TABLE {} {what}", table.name)]);
    match property {
        "definition" if of.kind == Kind::Constraint => {
            // options are all that can differ under the same constraint
            let (new, old) = (object.text("definition")?, found.text("definition")?);
            let options = |text: &str| -> Option<serde_json::Value> {
                let Some((_, rest)) = text.split_once(" WITH (") else { return Some(serde_json::Value::Null) };
                let options = rest.split(')').next()?.split(", ");
                let options = options.filter_map(|option| option.split_once('='));
                let value = |text: &str| serde_json::Value::from(text.trim_matches('\''));
                Some(options.map(|(name, text)| (name.to_owned(), value(text))).collect())
            };
            let sql = super::common::options(&options(new)?, &options(old)?, "");
            Some(sql.into_iter().map(|what| format!("ALTER INDEX {name} {what}")).collect())
        }
        "definition" => again(catalog, key, object),
        "invalid" if !object.is("invalid") => Some(vec![format!("REINDEX INDEX {name}")]),
        "clustered" if object.is("clustered") => alter(format!("CLUSTER ON {own}")),
        "clustered" => alter("SET WITHOUT CLUSTER".to_owned()),
        "replicaIdentity" if object.is("replicaIdentity") => alter(format!("REPLICA IDENTITY USING INDEX {own}")),
        // the table says what it is instead
        "replicaIdentity" => Some(Vec::new()),
        "tablespace" => Some(vec![format!(
            "ALTER INDEX {name} SET TABLESPACE {}",
            crate::base::name::quote_ident(object.text("tablespace").unwrap_or("pg_default"))
        )]),
        "statistics" => {
            let targets = object.property("statistics").as_object().cloned().unwrap_or_default();
            let old = found.property("statistics").as_object().cloned().unwrap_or_default();
            let reset = old.keys().filter(|column| !targets.contains_key(*column)).map(|column| (column, -1));
            let set = targets.iter().map(|(column, target)| (column, target.as_i64().unwrap_or(-1)));
            Some(
                set.chain(reset)
                    .map(|(column, n)| format!("ALTER INDEX {name} ALTER COLUMN {column} SET STATISTICS {n}"))
                    .collect(),
            )
        }
        _ => None,
    }
}

fn sequence(key: &ObjectKey, object: &Object, property: &str) -> Option<Vec<String>> {
    let name = &key.name;
    match property {
        "type" | "start" | "increment" | "minimum" | "maximum" | "cache" | "cycle" => {
            Some(vec![format!("ALTER SEQUENCE {name} AS {} {}", object.text("type")?, sequence_options(object)?)])
        }
        "ownedBy" => Some(vec![format!("ALTER SEQUENCE {name} OWNED BY {}", object.text("ownedBy").unwrap_or("NONE"))]),
        "lastValue" | "isCalled" => Some(vec![format!(
            "SELECT pg_catalog.setval({}, {}, {})",
            quote_literal(name),
            object.property("lastValue").as_i64()?,
            object.is("isCalled")
        )]),
        _ => None,
    }
}

/// Adds the labels that an enum lacks; none can be taken away.
fn new_labels(key: &ObjectKey, object: &Object, found: &Object) -> Option<Vec<String>> {
    let (expected, found) = (labels(object), labels(found));
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

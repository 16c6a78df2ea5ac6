//! Properties that are set by statements of their own, also those of a new object.

use super::column::sequence_options;
use super::common::{keyword, local, target};
use crate::base::name::{quote_ident, quote_literal};
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::snapshot::Snapshot;

/// How a statement says when a trigger or rule fires.
pub(super) fn firing(enabled: Option<&str>) -> &'static str {
    match enabled {
        None => "ENABLE",
        Some("disabled") => "DISABLE",
        Some("replica") => "ENABLE REPLICA",
        Some(_) => "ENABLE ALWAYS",
    }
}

/// Whether a trigger, rule or event trigger fires.
pub(super) fn enabled(key: &ObjectKey, object: &Object) -> Option<Vec<String>> {
    let enable = firing(object.text("enabled"));
    Some(vec![match &object.parent {
        Some(of) => format!("ALTER TABLE {} {enable} {} {}", of.name, keyword(key.kind), local(key, object)),
        None => format!("ALTER {} {enable}", target(key, object)),
    }])
}

/// Brings one property of an index, or of one that a constraint has, to that of the object.
pub(super) fn index(
    catalog: &Snapshot,
    key: &ObjectKey,
    object: &Object,
    found: &Object,
    property: &str,
) -> Option<Vec<String>> {
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
        "invalid" if !object.is("invalid") => Some(vec![format!("REINDEX INDEX {name}")]),
        "clustered" if object.is("clustered") => alter(format!("CLUSTER ON {own}")),
        "clustered" => alter("SET WITHOUT CLUSTER".to_owned()),
        "replicaIdentity" if object.is("replicaIdentity") => alter(format!("REPLICA IDENTITY USING INDEX {own}")),
        // the table says what it is instead
        "replicaIdentity" => Some(Vec::new()),
        "tablespace" => Some(vec![format!(
            "ALTER INDEX {name} SET TABLESPACE {}",
            quote_ident(object.text("tablespace").unwrap_or("pg_default"))
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

/// Gives a sequence to the column that owns it, unless it is there by that.
pub(super) fn own(key: &ObjectKey, sequence: &Object) -> Option<Vec<String>> {
    let own = sequence.parent.is_none() && sequence.properties.contains_key("ownedBy");
    if own { self::sequence(key, sequence, "ownedBy") } else { Some(Vec::new()) }
}

/// Brings one property of a sequence to that of the object.
pub(super) fn sequence(key: &ObjectKey, object: &Object, property: &str) -> Option<Vec<String>> {
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

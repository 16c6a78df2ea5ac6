//! The safe form of a change, with its own names: YAML that can be pasted below `changes`.

use crate::base::{Ident, QualifiedName};
use crate::sql::review::{Keeps, NewConstraint, NewIndex};
use serde_json::{Value, json};

/// A change of this type.
pub(super) fn change(kind: &str, parameters: Value) -> String {
    serde_yaml::to_string(&json!([{ kind: parameters }])).unwrap_or_default()
}

/// An index, built concurrently.
pub(super) fn index(index: &NewIndex) -> String {
    let first = || index.columns.first().map(String::as_str).unwrap_or_default();
    let word: String = first().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let made = format!("{}_{}_idx", index.table.name.as_str(), word.trim_matches('_'));
    let name = index.name.as_ref().map_or(made.as_str(), Ident::as_str);
    let mut parameters = json!({ "name": name, "table": index.table.to_string(), "columns": index.columns });
    if index.unique {
        parameters["unique"] = json!(true);
    }
    if let Some(using) = &index.using {
        parameters["using"] = json!(using);
    }
    if !index.include.is_empty() {
        parameters["include"] = json!(index.include);
    }
    if let Some(condition) = &index.condition {
        parameters["where"] = json!(condition);
    }
    change("createIndex", parameters)
}

/// A constraint, added without blocking the table for long.
pub(super) fn constraint(table: &QualifiedName, constraint: &NewConstraint) -> String {
    let columns: Vec<&str> = constraint.columns.iter().map(Ident::as_str).collect();
    let (kind, suffix) = match constraint.kind {
        Keeps::Check => ("addCheck", "check"),
        Keeps::ForeignKey => ("addForeignKey", "fkey"),
        Keeps::Unique | Keeps::Exclusion => ("addUnique", "key"),
        Keeps::PrimaryKey => ("addPrimaryKey", "pkey"),
    };
    let mut parts = vec![table.name.as_str()];
    if constraint.kind != Keeps::PrimaryKey {
        parts.extend(&columns);
    }
    parts.push(suffix);
    let made = parts.join("_");
    let name = constraint.name.as_ref().map_or(made.as_str(), Ident::as_str);
    let mut parameters = json!({ "name": name, "table": table.to_string() });
    match (&constraint.expression, &constraint.references) {
        (Some(expression), _) => parameters["expression"] = json!(expression),
        (None, Some((referenced, theirs))) => {
            parameters["columns"] = json!(columns);
            parameters["references"] = json!({ "table": referenced.to_string() });
            if !theirs.is_empty() {
                parameters["references"]["columns"] = json!(theirs.iter().map(Ident::as_str).collect::<Vec<_>>());
            }
        }
        (None, None) => parameters["columns"] = json!(columns),
    }
    change(kind, parameters)
}

/// What a backfill says in place of a key that is not known.
const KEY: &str = "the table's key";

/// A backfill of a change; the key comes later.
pub(super) fn backfill(table: &QualifiedName, mut parameters: Value) -> String {
    let mut all = json!({ "table": table.to_string(), "key": [KEY] });
    if let (Some(all), Some(own)) = (all.as_object_mut(), parameters.as_object_mut()) {
        all.append(own);
    }
    change("backfill", all)
}

/// The same with its key.
pub(super) fn with_key(safe: &str, key: &[String]) -> String {
    let text = safe.replace(&format!("- {KEY}\n"), &format!("- {}\n", key.join("\n    - ")));
    let on: Vec<String> = key.iter().map(|column| format!("t.{column} = b.{column}")).collect();
    text.replace(&of_batch(), &on.join(" AND "))
}

/// The condition that joins a batch to its table; the key comes later.
pub(super) fn of_batch() -> String {
    format!("t.{KEY} = b.{KEY}")
}

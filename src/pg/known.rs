//! Which objects a database has.

use super::connect::Connection;
use crate::base::name::quote_literal;
use crate::base::{Failure, Ident, QualifiedName};
use crate::sql::Object;
use std::collections::BTreeSet;

/// Those of these objects that the database has; one query.
///
/// # Errors
/// If the server does not answer.
pub async fn of(connection: &Connection, objects: &BTreeSet<Object>) -> Result<BTreeSet<Object>, Failure> {
    let asked: Vec<(&Object, String)> =
        objects.iter().filter_map(|object| Some((object, condition(object, connection.author_path())?))).collect();
    if asked.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows: Vec<String> = asked.iter().enumerate().map(|(n, (_, sql))| format!("({n}, {sql})")).collect();
    let query = format!("SELECT asked.n FROM (VALUES {}) asked (n, there) WHERE asked.there", rows.join(", "));
    let found = connection.query("cannot look for objects", &query).await?;
    let mut there = BTreeSet::new();
    for row in found {
        let n: i32 = row.get(0)?;
        there.extend(usize::try_from(n).ok().and_then(|n| asked.get(n)).map(|(object, _)| (*object).clone()));
    }
    Ok(there)
}

/// A condition that holds if the object is there; `None`: it is not looked for.
fn condition(object: &Object, path: &str) -> Option<String> {
    let text = |name: &Ident| quote_literal(name.as_str());
    let schema = |name: &QualifiedName| match &name.schema {
        Some(schema) => format!("n.nspname = {}", text(schema)),
        None => format!(
            "n.nspname = ANY (pg_catalog.string_to_array(pg_catalog.replace({}, ' ', ''), ',') || 'public'::text)",
            quote_literal(&path.replace('"', ""))
        ),
    };
    let in_catalog = |table: &str, prefix: &str, name: &QualifiedName| {
        format!(
            "EXISTS (SELECT FROM pg_catalog.{table} o JOIN pg_catalog.pg_namespace n ON n.oid = o.{prefix}namespace \
             WHERE o.{prefix}name = {} AND {})",
            text(&name.name),
            schema(name)
        )
    };
    Some(match object {
        Object::Schema(name) => {
            format!("EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {})", text(name))
        }
        Object::Relation(name) => in_catalog("pg_class", "rel", name),
        Object::Type(name) => in_catalog("pg_type", "typ", name),
        Object::Function(name, _) => in_catalog("pg_proc", "pro", name),
        Object::Column(table, column) => format!(
            "EXISTS (SELECT FROM pg_catalog.pg_class o JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = o.oid AND NOT a.attisdropped \
             WHERE o.relname = {} AND a.attname = {} AND {})",
            text(&table.name),
            text(column),
            schema(table)
        ),
        _ => return None,
    })
}

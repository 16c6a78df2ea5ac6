//! Tables and views.

use super::column;
use super::common::{foreign_options, options, with_options};
use crate::base::name::quote_ident;
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::snapshot::Snapshot;
use std::collections::BTreeSet;

/// `CREATE TABLE` and what does not fit into it, without the parts that have statements of their own. `None`: it does
/// not follow.
pub(super) fn create(
    catalog: &Snapshot,
    key: &ObjectKey,
    table: &Object,
    later: &BTreeSet<ObjectKey>,
) -> Option<Vec<String>> {
    // inheritance is more than this table
    if table.properties.contains_key("parents") || table.text("ofType").is_some() {
        return None;
    }
    let columns = columns(catalog, key);
    let definitions: Option<Vec<String>> = columns
        .iter()
        .map(|(name, column)| {
            Some(format!("    {}", column::definition(catalog, name, column, later.contains(*name))?))
        })
        .collect();
    let unlogged = if table.text("persistence").is_some() { "UNLOGGED " } else { "" };
    let word = if key.kind == Kind::ForeignTable { "FOREIGN TABLE" } else { "TABLE" };
    let mut sql = format!("CREATE {unlogged}{word} {} (\n{}\n)", key.name, definitions?.join(",\n"));
    if let Some(partition_key) = table.text("partitionKey") {
        sql += &format!(" PARTITION BY {partition_key}");
    }
    if let Some(server) = table.text("server") {
        sql += &format!(" SERVER {}{}", quote_ident(server), foreign_options(table));
    }
    if let Some(method) = table.text("accessMethod") {
        sql += &format!(" USING {}", quote_ident(method));
    }
    sql += &with_options(table);
    if let Some(tablespace) = table.text("tablespace") {
        sql += &format!(" TABLESPACE {}", quote_ident(tablespace));
    }
    let mut all = vec![sql];
    for property in ["toastOptions", "rowSecurity", "forceRowSecurity", "replicaIdentity"] {
        let by_index = property == "replicaIdentity" && table.text(property) == Some("index");
        if table.properties.contains_key(property) && !by_index {
            all.extend(change(key, table, &Object::default(), property)?);
        }
    }
    for (name, column) in columns {
        all.extend(column::finish(name, column)?);
    }
    (!table.properties.contains_key("constraintTriggers")).then_some(all)
}

/// The columns in their order.
pub(super) fn columns<'a>(catalog: &'a Snapshot, key: &ObjectKey) -> Vec<(&'a ObjectKey, &'a Object)> {
    let parts = catalog.children(key).filter(|part| matches!(part.kind, Kind::Column | Kind::Attribute));
    let mut columns: Vec<_> = parts.filter_map(|part| Some((part, catalog.get(part)?))).collect();
    columns.sort_by_key(|(_, column)| column.position);
    columns
}

/// `CREATE VIEW`, as it was made. `None`: it does not follow.
pub(super) fn create_view(catalog: &Snapshot, key: &ObjectKey, view: &Object, replace: bool) -> Option<Vec<String>> {
    let columns = columns(catalog, key);
    let names: Vec<&str> = columns.iter().map(|(name, column)| super::common::local(name, column)).collect();
    let query = view.text("definition")?.trim().trim_end_matches(';');
    let (replace, word) = (if replace { "OR REPLACE " } else { "" }, super::common::keyword(key.kind));
    let populated = match key.kind {
        Kind::MaterializedView if view.is("notPopulated") => " WITH NO DATA",
        _ => "",
    };
    let method = view.text("accessMethod").map_or_else(String::new, |m| format!(" USING {}", quote_ident(m)));
    let mut sql = vec![format!(
        "CREATE {replace}{word} {} ({}){method}{} AS\n{query}{populated}",
        key.name,
        names.join(", "),
        with_options(view)
    )];
    // what is replaced keeps the rest
    for (name, column) in columns.into_iter().filter(|_| replace.is_empty()) {
        if column.properties.contains_key("default") {
            sql.extend(column::change(None, name, column, &Object::default(), "default")?);
        }
        sql.extend(column::finish(name, column)?);
    }
    Some(sql)
}

/// `CREATE TYPE … AS (…)`.
pub(super) fn create_composite(catalog: &Snapshot, key: &ObjectKey) -> Vec<String> {
    let attributes = columns(catalog, key);
    let each = |(name, attribute): &(&ObjectKey, &Object)| {
        let collate = attribute.text("collation").map_or_else(String::new, |collation| format!(" COLLATE {collation}"));
        format!("{} {}{collate}", super::common::local(name, attribute), attribute.text("type").unwrap_or_default())
    };
    let mut sql =
        vec![format!("CREATE TYPE {} AS ({})", key.name, attributes.iter().map(each).collect::<Vec<_>>().join(", "))];
    let comments = attributes.into_iter().filter(|(_, attribute)| attribute.text("comment").is_some());
    sql.extend(comments.filter_map(|(name, attribute)| super::common::comment(name, attribute)));
    sql
}

/// Brings one property from `found` to that of the table or view.
pub(super) fn change(key: &ObjectKey, table: &Object, found: &Object, property: &str) -> Option<Vec<String>> {
    let alter = |what: &str| format!("ALTER {} {} {what}", super::common::keyword(key.kind), key.name);
    let expected = table.property(property);
    Some(match property {
        "persistence" => vec![alter(if expected.is_null() { "SET LOGGED" } else { "SET UNLOGGED" })],
        "rowSecurity" => {
            vec![alter(if expected.is_null() { "DISABLE ROW LEVEL SECURITY" } else { "ENABLE ROW LEVEL SECURITY" })]
        }
        "forceRowSecurity" => {
            vec![alter(if expected.is_null() { "NO FORCE ROW LEVEL SECURITY" } else { "FORCE ROW LEVEL SECURITY" })]
        }
        // the index says it itself
        "replicaIdentity" if expected == "index" => Vec::new(),
        "replicaIdentity" => {
            vec![alter(&format!("REPLICA IDENTITY {}", expected.as_str().unwrap_or("default").to_uppercase()))]
        }
        "options" => options(expected, found.property(property), "").iter().map(|what| alter(what)).collect(),
        "toastOptions" => {
            options(expected, found.property(property), "toast.").iter().map(|what| alter(what)).collect()
        }
        "foreignOptions" => {
            vec![alter(&super::common::change_foreign_options(expected, found.property(property))?)]
        }
        "tablespace" => {
            vec![alter(&format!("SET TABLESPACE {}", quote_ident(expected.as_str().unwrap_or("pg_default"))))]
        }
        _ => return None,
    })
}

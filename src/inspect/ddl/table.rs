//! Tables and views.

use super::column;
use super::common::{foreign_options, keyword, local, options, with_options};
use super::constraint;
use super::inherit::{self, Inherited};
use super::not_null::NotNull;
use crate::base::name::quote_ident;
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::snapshot::Snapshot;
use std::collections::BTreeSet;

/// How a table comes under the tables above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `PARTITION OF`: all that is not said is as in the parent.
    PartitionOf,
    /// `INHERITS`, with its own columns.
    Inherits,
    /// It is made with all columns and attached: `ATTACH PARTITION`, `INHERIT`.
    Attached,
    /// There is none above, or it is not attached yet.
    Alone,
}

/// The form of a table whose children and other parts are made after it.
pub(super) fn form(catalog: &Snapshot, key: &ObjectKey, table: &Object) -> Form {
    let parents: Vec<ObjectKey> = inherit::parents(catalog, table).collect();
    match parents.as_slice() {
        [] if inherit::parent_names(table).next().is_none() => Form::Alone,
        [parent] if inherit::is_partition(table) && is_as_parent(catalog, key, parent) => Form::PartitionOf,
        _ if inherit::is_partition(table) || is_mixed(catalog, key, &parents) => Form::Attached,
        _ => Form::Inherits,
    }
}

/// Whether `PARTITION OF` gives a partition the columns that it should have.
fn is_as_parent(catalog: &Snapshot, key: &ObjectKey, parent: &ObjectKey) -> bool {
    let (own, above) = (columns(catalog, key), columns(catalog, parent));
    let same = |((name, own), (above_name, above)): (&(&ObjectKey, &Object), &(&ObjectKey, &Object))| {
        let properties = ["type", "collation", "storage", "compression", "generated", "generatedKind"];
        let constraint = match (NotNull::of(own), NotNull::of(above)) {
            (Some(one), Some(other)) => {
                catalog.major < 18
                    || other.no_inherit
                    || one.also_own
                    || one.name(name, own) == other.name(above_name, above)
            }
            _ => true,
        };
        local(name, own) == local(above_name, above)
            && properties.iter().all(|property| own.property(property) == above.property(property))
            && !own.properties.contains_key("foreignOptions")
            && constraint
    };
    own.len() == above.len() && own.iter().zip(&above).all(same)
}

/// Whether `INHERITS` would put the columns in another order. Only then, and if all are also its own.
fn is_mixed(catalog: &Snapshot, key: &ObjectKey, parents: &[ObjectKey]) -> bool {
    let own = columns(catalog, key);
    let mut order: Vec<&str> = Vec::new();
    for (name, column) in parents.iter().flat_map(|parent| columns(catalog, parent)) {
        if !order.contains(&local(name, column)) {
            order.push(local(name, column));
        }
    }
    let names = own.iter().map(|(name, column)| local(name, column));
    order.extend(names.clone().filter(|name| !order.contains(name)).collect::<Vec<_>>());
    !names.eq(order) && own.iter().all(|(_, column)| column.text("inheritance") != Some("inherited"))
}

/// `CREATE TABLE` and what does not fit into it, without the parts that have statements of their own. `None`: it does
/// not follow.
pub(super) fn create(
    catalog: &Snapshot,
    key: &ObjectKey,
    table: &Object,
    later: &BTreeSet<ObjectKey>,
    form: Form,
) -> Option<Vec<String>> {
    let columns = columns(catalog, key);
    let inherited = |name: &ObjectKey, column: &Object| match form {
        Form::PartitionOf | Form::Inherits => Inherited::of(catalog, name, column, later),
        Form::Attached | Form::Alone => Inherited::default(),
    };
    let (mut definitions, mut after) = (Vec::new(), Vec::new());
    for (name, column) in &columns {
        let (mut above, without_default) = (inherited(name, column), later.contains(*name));
        let also_own = NotNull::of(column).is_some_and(|one| one.also_own);
        let only_inherited = column.text("inheritance") == Some("inherited");
        let local = local(name, column);
        above.not_null &= !also_own || (only_inherited && form == Form::Inherits);
        // attached, it would be no more than inherited
        if also_own && form == Form::Attached && inherit::is_partition(table) {
            let plain = Object { parent: column.parent.clone(), ..set_not_null() };
            after.extend(column::change(Some(catalog), name, &plain, &Object::default(), "notNull")?);
        }
        if form == Form::Inherits && only_inherited {
            definitions.extend(NotNull::of(column).filter(|_| also_own).map(|one| one.of_table(local)));
            after.extend(as_own(catalog, name, column, &above, without_default)?);
        } else if form == Form::PartitionOf || table.properties.contains_key("ofType") {
            let clauses = column::clauses(catalog, name, column, without_default, &above)?;
            definitions.extend((!clauses.is_empty()).then(|| format!("{local}{clauses}")));
        } else {
            definitions.push(column::definition(catalog, name, column, without_default, &above)?);
        }
        after.extend(column::finish(catalog, name, column, &above)?);
    }
    let mut all = vec![head(catalog, key, table, &definitions, form)];
    if form == Form::Attached {
        all.extend(attach(key, table));
    }
    for property in ["toastOptions", "rowSecurity", "forceRowSecurity", "replicaIdentity"] {
        let by_index = property == "replicaIdentity" && table.text(property) == Some("index");
        if table.properties.contains_key(property) && !by_index {
            all.extend(change(catalog, key, table, &Object::default(), property)?);
        }
    }
    all.extend(after);
    Some(all)
}

/// A column that is not null, and no more.
fn set_not_null() -> Object {
    Object { properties: [("notNull".to_owned(), true.into())].into_iter().collect(), ..Object::default() }
}

/// What brings an inherited column from what it has from above to what it should be.
fn as_own(
    catalog: &Snapshot,
    key: &ObjectKey,
    column: &Object,
    above: &Inherited<'_>,
    without_default: bool,
) -> Option<Vec<String>> {
    let mut sql = Vec::new();
    if column.text("default").filter(|_| !without_default) != above.default {
        let without = Object { parent: column.parent.clone(), ..Object::default() };
        let to = if without_default { &without } else { column };
        sql.extend(column::change(Some(catalog), key, to, &Object::default(), "default")?);
    }
    let own = NotNull::of(column);
    if own.is_some() != above.not_null && !own.is_some_and(|one| one.also_own) {
        sql.extend(column::change(Some(catalog), key, column, &Object::default(), "notNull")?);
    }
    Some(sql)
}

/// `CREATE TABLE` itself.
fn head(catalog: &Snapshot, key: &ObjectKey, table: &Object, definitions: &[String], form: Form) -> String {
    let unlogged = if table.text("persistence").is_some() { "UNLOGGED " } else { "" };
    let word = if key.kind == Kind::ForeignTable { "FOREIGN TABLE" } else { "TABLE" };
    let mut sql = format!("CREATE {unlogged}{word} {}", key.name);
    let above = inherit::parent_names(table).collect::<Vec<_>>().join(", ");
    let of = match table.text("ofType") {
        Some(of) => format!(" OF {of}"),
        None if form == Form::PartitionOf => format!(" PARTITION OF {above}"),
        None => String::new(),
    };
    sql += &of;
    if !definitions.is_empty() {
        sql += &format!(" (\n    {}\n)", definitions.join(",\n    "));
    } else if of.is_empty() {
        sql += " ()";
    }
    match form {
        Form::PartitionOf => sql += &format!(" {}", table.text("partitionBound").unwrap_or("DEFAULT")),
        Form::Inherits => sql += &format!(" INHERITS ({above})"),
        Form::Attached | Form::Alone => {}
    }
    if let Some(partition_key) = table.text("partitionKey") {
        sql += &format!(" PARTITION BY {partition_key}");
    }
    if let Some(server) = table.text("server") {
        sql += &format!(" SERVER {}{}", quote_ident(server), foreign_options(table, "foreignOptions"));
    }
    // a partition has from its parent what it does not say
    let parent = (form == Form::PartitionOf).then(|| inherit::parents(catalog, table).next()).flatten();
    let above = |property: &str| parent.as_ref().and_then(|of| catalog.get(of)?.text(property));
    let own = |property: &str, usual: &'static str| table.text(property).or(above(property).map(|_| usual));
    if let Some(method) = own("accessMethod", "heap") {
        sql += &format!(" USING {}", quote_ident(method));
    }
    sql += &with_options(table);
    if let Some(tablespace) = own("tablespace", "pg_default") {
        sql += &format!(" TABLESPACE {}", quote_ident(tablespace));
    }
    sql
}

/// Brings a table that was made alone under the tables above it.
pub(super) fn attach(key: &ObjectKey, table: &Object) -> Vec<String> {
    let one = |parent: &str| match table.text("partitionBound") {
        Some(bound) => format!("ALTER TABLE {parent} ATTACH PARTITION {} {bound}", key.name),
        None => format!("ALTER {} {} INHERIT {parent}", keyword(key.kind), key.name),
    };
    inherit::parent_names(table).map(one).collect()
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
    let names: Vec<&str> = columns.iter().map(|(name, column)| local(name, column)).collect();
    let query = view.text("definition")?.trim().trim_end_matches(';');
    let (replace, word) = (if replace { "OR REPLACE " } else { "" }, keyword(key.kind));
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
        sql.extend(column::finish(catalog, name, column, &Inherited::default())?);
    }
    Some(sql)
}

/// `CREATE TYPE … AS (…)`.
pub(super) fn create_composite(catalog: &Snapshot, key: &ObjectKey) -> Vec<String> {
    let attributes = columns(catalog, key);
    let each = |(name, attribute): &(&ObjectKey, &Object)| {
        let collate = attribute.text("collation").map_or_else(String::new, |collation| format!(" COLLATE {collation}"));
        format!("{} {}{collate}", local(name, attribute), attribute.text("type").unwrap_or_default())
    };
    let mut sql =
        vec![format!("CREATE TYPE {} AS ({})", key.name, attributes.iter().map(each).collect::<Vec<_>>().join(", "))];
    let comments = attributes.into_iter().filter(|(_, attribute)| attribute.text("comment").is_some());
    sql.extend(comments.filter_map(|(name, attribute)| super::common::comment(name, attribute)));
    sql
}

/// Brings one property from `found` to that of the table or view.
pub(super) fn change(
    catalog: &Snapshot,
    key: &ObjectKey,
    table: &Object,
    found: &Object,
    property: &str,
) -> Option<Vec<String>> {
    let alter = |what: &str| format!("ALTER {} {} {what}", keyword(key.kind), key.name);
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
        "parents" | "partitionBound" => above(key, table, found, property),
        "ofType" => vec![match table.text("ofType") {
            Some(of) => alter(&format!("OF {of}")),
            None => alter("NOT OF"),
        }],
        "constraintTriggers" => constraint::change_triggers(catalog, key, table, found)?,
        _ => return None,
    })
}

/// Brings a table under the tables above it, from those where it is.
fn above(key: &ObjectKey, table: &Object, found: &Object, property: &str) -> Vec<String> {
    // the parents tell it all, unless they are the same
    if property == "partitionBound" && table.property("parents") != found.property("parents") {
        return Vec::new();
    }
    let leave = |parent: &str| match found.text("partitionBound") {
        Some(_) => format!("ALTER TABLE {parent} DETACH PARTITION {}", key.name),
        None => format!("ALTER {} {} NO INHERIT {parent}", keyword(key.kind), key.name),
    };
    let mut sql: Vec<String> = inherit::parent_names(found).map(leave).collect();
    sql.extend(attach(key, table));
    sql
}

//! Which parts of the catalog the open transaction changed.
//!
//! A row that it wrote has its number, or that of one of its savepoints, as `xmin`: none of them is older than it. What
//! it deleted is locked until its end, as is what it gave another comment. The server counts the rows that it wrote in
//! each catalog, so that the others are not looked at.

use super::classes::{By, CLASSES};
use super::message::{Prepared, answers};
use super::scope::Scope;
use crate::base::{Failure, FailureKind, fill};
use crate::inspect::{Address, NotCompared, Snapshot};
use crate::pg::connect::Connection;
use crate::pg::connect::query::Texts;
use std::collections::BTreeSet;

const CONTEXT: &str = "cannot look for what the transaction changed";

/// What has to be read again.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Relations, types, functions and schemas.
    pub units: BTreeSet<Address>,
    /// Classes that are read as a whole, by the catalog of their units.
    pub whole: BTreeSet<u32>,
    /// The catalogs that were written.
    pub written: BTreeSet<String>,
    /// Whether any object may have changed: the name of a role is in all of them.
    pub everything: bool,
    /// What changed and is not compared.
    pub not_compared: Vec<NotCompared>,
}

impl Changed {
    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty() && self.whole.is_empty()
    }

    /// Adds that which an address is a part of.
    fn add(&mut self, base: &Snapshot, address: Address) {
        let known = |at| base.at(at).and_then(|key| base.get(key)).map(|object| object.unit);
        let unit = known(address).or_else(|| known(Address { sub: 0, ..address })).unwrap_or(address);
        if is_unit(unit.class) {
            self.units.insert(Address { sub: 0, ..unit });
        } else if is_whole(unit.class) {
            self.whole.insert(unit.class);
        }
    }

    /// Adds the classes that read this catalog.
    fn add_catalog(&mut self, name: &str) {
        self.whole.extend(CLASSES.iter().filter_map(|class| match class.by {
            By::Whole(units, catalogs) if catalogs.contains(&name) => Some(units),
            _ => None,
        }));
    }
}

fn is_unit(catalog: u32) -> bool {
    CLASSES.iter().any(|class| class.by == By::Unit(catalog))
}

fn is_whole(catalog: u32) -> bool {
    CLASSES.iter().any(|class| matches!(class.by, By::Whole(units, _) if units == catalog))
}

/// Catalogs whose rows are parts of a relation, and the column with its oid.
const OF_RELATIONS: [(&str, &str); 13] = [
    ("pg_class", "oid"),
    ("pg_attribute", "attrelid"),
    ("pg_attrdef", "adrelid"),
    ("pg_constraint", "conrelid"),
    ("pg_index", "indrelid"),
    ("pg_trigger", "tgrelid"),
    ("pg_rewrite", "ev_class"),
    ("pg_policy", "polrelid"),
    ("pg_statistic_ext", "stxrelid"),
    ("pg_inherits", "inhrelid"),
    ("pg_sequence", "seqrelid"),
    ("pg_partitioned_table", "partrelid"),
    ("pg_foreign_table", "ftrelid"),
];

/// The same of a type.
const OF_TYPES: [(&str, &str); 4] =
    [("pg_type", "oid"), ("pg_enum", "enumtypid"), ("pg_range", "rngtypid"), ("pg_constraint", "contypid")];

/// The same of what has no parts in other catalogs.
const OF_OTHERS: [(&str, &str, &str); 3] =
    [("pg_proc", "oid", "pg_proc"), ("pg_aggregate", "aggfnoid", "pg_proc"), ("pg_namespace", "oid", "pg_namespace")];

/// Catalogs of which something is not compared, what, and why.
const NOT_COMPARED: [(&str, &str, &str); 8] = [
    ("pg_authid", "roles", OF_THE_SERVER),
    ("pg_auth_members", "memberships of roles", OF_THE_SERVER),
    ("pg_tablespace", "tablespaces", OF_THE_SERVER),
    ("pg_parameter_acl", "privileges on settings", OF_THE_SERVER),
    ("pg_largeobject", "large objects", "they are data"),
    ("pg_largeobject_metadata", "large objects", "they are data"),
    ("pg_user_mapping", "option values of user mappings", "they may be secrets"),
    ("pg_subscription", "connection strings of subscriptions", "they may have passwords"),
];

const OF_THE_SERVER: &str = "they belong to the server and to no database";

/// Catalogs that say nothing that others do not say as well, or that are found by the locks of objects.
const BESIDES: [&str; 10] = [
    "pg_depend",
    "pg_shdepend",
    "pg_description",
    "pg_shdescription",
    "pg_seclabel",
    "pg_shseclabel",
    "pg_statistic",
    "pg_statistic_ext_data",
    "pg_replication_origin",
    "pg_subscription_rel",
];

/// What is not compared of a catalog.
fn not_compared(catalog: &str) -> Option<NotCompared> {
    let new = |what: String, why: &str| NotCompared { what, why: why.to_owned() };
    if let Some((_, what, why)) = NOT_COMPARED.iter().find(|(name, ..)| *name == catalog) {
        return Some(new((*what).to_owned(), why));
    }
    let is_read = OF_RELATIONS.iter().chain(&OF_TYPES).any(|(name, _)| *name == catalog)
        || OF_OTHERS.iter().any(|(name, ..)| *name == catalog)
        || CLASSES.iter().any(|class| matches!(class.by, By::Whole(_, catalogs) if catalogs.contains(&catalog)))
        || BESIDES.contains(&catalog);
    (!is_read).then(|| new(format!("rows of {catalog}"), "this catalog is not known"))
}

/// Asks the server what the open transaction changed, and which queries are prepared.
pub(super) async fn find(
    connection: &Connection,
    scope: &Scope,
    base: &Snapshot,
) -> Result<(Changed, Prepared), Failure> {
    let locks = fill(include_str!("sql/locks.sql"), &[("values", &scope.sequence_values.to_string())]);
    let queries = [include_str!("sql/counters.sql").to_owned(), locks, Prepared::LIST.to_owned()];
    let found = answers(connection, CONTEXT, &queries).await?;
    let [counters, locks, prepared] = found.as_slice() else { return Err(unreadable()) };
    let mut changed = Changed::default();
    let mut written: Vec<&str> = Vec::new();
    for row in &counters.rows {
        let (catalog, only_inserted) = (text(row, 0)?, text(row, 1)? == "t");
        changed.written.insert(catalog.to_owned());
        changed.add_catalog(catalog);
        changed.not_compared.extend(not_compared(catalog));
        changed.everything |= matches!(catalog, "pg_authid" | "pg_tablespace") && !only_inserted;
        // a new column has a new relation, or one with another number of columns
        if catalog != "pg_attribute" || !only_inserted {
            written.push(catalog);
        }
    }
    changed.not_compared.sort();
    changed.not_compared.dedup();
    for row in &locks.rows {
        let address = address(row)?;
        if text(row, 2)? == "t" || base.at(address).is_some() {
            changed.add(base, address);
        }
    }
    let rows = |catalogs: &[(&str, &str)]| {
        let catalogs = catalogs.iter().filter(|(name, _)| written.contains(name));
        let rows: Vec<String> = catalogs
            .map(|(name, column)| {
                format!("SELECT x.{column} FROM pg_catalog.{name} x WHERE pg_catalog.age(x.xmin) <= 0")
            })
            .collect();
        (!rows.is_empty()).then(|| rows.join(" UNION ALL "))
    };
    let mut queries: Vec<String> = Vec::new();
    queries.extend(rows(&OF_RELATIONS).map(|rows| {
        format!(
            "{UNIT_OF_RELATION} WHERE c.relnamespace <> 'pg_toast'::pg_catalog.regnamespace \
                 AND c.oid IN ({rows})"
        )
    }));
    queries.extend(rows(&OF_TYPES).map(|rows| format!("{} AND t.oid IN ({rows})", UNIT_OF_TYPE)));
    queries.extend(OF_OTHERS.iter().filter(|(name, ..)| written.contains(name)).map(|(name, column, catalog)| {
        format!(
            "SELECT 'pg_catalog.{catalog}'::pg_catalog.regclass::oid, x.{column}::oid \
             FROM pg_catalog.{name} x WHERE pg_catalog.age(x.xmin) <= 0"
        )
    }));
    for row in answers(connection, CONTEXT, &queries).await?.iter().flat_map(|answer| &answer.rows) {
        changed.add(base, address(row)?);
    }
    Ok((changed, Prepared::of(prepared)))
}

/// The catalog and oid of that with which relations `c` are inspected.
const UNIT_OF_RELATION: &str = "SELECT CASE c.relkind WHEN 'c' THEN 'pg_catalog.pg_type'::pg_catalog.regclass ELSE 'pg_catalog.pg_class'::pg_catalog.regclass END::oid, \
     CASE WHEN c.relkind = 'c' THEN c.reltype WHEN c.relkind IN ('i', 'I') THEN i.indrelid ELSE c.oid END \
     FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid";

/// The same of types `t`: those of tables come with them, and arrays with their elements.
const UNIT_OF_TYPE: &str = "SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::oid, t.oid \
     FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid \
     WHERE (t.typrelid = 0 OR c.relkind = 'c') AND t.typtype <> 'm' \
     AND NOT (t.typelem <> 0 AND t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc)";

/// What depends on these, and may contain their names.
pub(super) async fn dependents(
    connection: &Connection,
    base: &Snapshot,
    sources: &BTreeSet<Address>,
) -> Result<Changed, Failure> {
    let sources: Vec<String> = sources.iter().map(|at| format!("({}::oid, {}::oid)", at.class, at.oid)).collect();
    let query = include_str!("sql/dependents.sql").replace("@sources@", &sources.join(", "));
    let mut changed = Changed::default();
    for row in answers(connection, CONTEXT, &[query]).await?.iter().flat_map(|answer| &answer.rows) {
        let address = address(row)?;
        changed.add(base, address);
        if !is_unit(address.class) {
            changed.add_catalog(text(row, 2)?);
        }
    }
    Ok(changed)
}

fn address(row: &Texts) -> Result<Address, Failure> {
    let number = |at: usize| text(row, at)?.parse().map_err(|_| unreadable());
    Ok(Address { class: number(0)?, oid: number(1)?, sub: 0 })
}

fn text(row: &Texts, at: usize) -> Result<&str, Failure> {
    row.get(at).and_then(Option::as_deref).ok_or_else(unreadable)
}

fn unreadable() -> Failure {
    Failure::new(FailureKind::Database, "the server's answer about the transaction cannot be read")
        .help("check that this is a PostgreSQL server")
}

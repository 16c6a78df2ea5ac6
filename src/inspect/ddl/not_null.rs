//! Constraints `NOT NULL`, which have names since version 18.

use super::common::local;
use super::text::unquoted;
use crate::base::name::{quote_ident, quote_literal};
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::snapshot::Snapshot;

/// The constraint of a column.
#[derive(Debug)]
pub(super) struct NotNull<'a> {
    /// Its name as SQL, if it is not the usual one.
    name: Option<&'a str>,
    /// Whether children have it too.
    pub no_inherit: bool,
    /// Whether rows may violate it.
    pub not_valid: bool,
    /// Whether an inherited one is also the table's own.
    pub also_own: bool,
}

impl<'a> NotNull<'a> {
    /// That of a column; `None`: it has none.
    pub(super) fn of(column: &'a Object) -> Option<Self> {
        if !column.is("notNull") {
            return None;
        }
        let mut name = column.text("notNullConstraint").unwrap_or_default();
        let mut ends = |end: &str| {
            let rest = name.strip_suffix(end);
            name = rest.unwrap_or(name).trim_end();
            rest.is_some()
        };
        let (also_own, not_valid, no_inherit) = (ends("inherited and own"), ends("NOT VALID"), ends("NO INHERIT"));
        Some(Self { name: Some(name).filter(|name| !name.is_empty()), no_inherit, not_valid, also_own })
    }

    /// Its name as SQL.
    pub(super) fn name(&self, key: &ObjectKey, column: &Object) -> String {
        let usual = || {
            let table = column.parent.as_ref().map(|table| unquoted(&table.name)).unwrap_or_default();
            quote_ident(&format!("{table}_{}_not_null", unquoted(local(key, column)))).into_owned()
        };
        self.name.map_or_else(usual, str::to_owned)
    }

    /// As `CREATE TABLE` has it after a column, with a space before it. Empty for one that is not valid.
    pub(super) fn of_column(&self, catalog: &Snapshot, key: &ObjectKey, column: &Object) -> String {
        // a table that was a partition has constraints with this name, which the server would not choose again
        let table = column.parent.as_ref().and_then(|table| catalog.get(table));
        let partitioned =
            catalog.major >= 18 && table.is_some_and(|table| table.properties.contains_key("partitionKey"));
        let name = self.name.map(str::to_owned).or_else(|| partitioned.then(|| self.name(key, column)));
        let name = name.map_or_else(String::new, |name| format!(" CONSTRAINT {name}"));
        let no_inherit = if self.no_inherit { " NO INHERIT" } else { "" };
        if self.not_valid { String::new() } else { format!("{name} NOT NULL{no_inherit}") }
    }

    /// As `CREATE TABLE` and `ADD` have it as a constraint of the table.
    pub(super) fn of_table(&self, column: &str) -> String {
        let name = self.name.map_or_else(String::new, |name| format!("CONSTRAINT {name} "));
        let no_inherit = if self.no_inherit { " NO INHERIT" } else { "" };
        let not_valid = if self.not_valid { " NOT VALID" } else { "" };
        format!("{name}NOT NULL {column}{no_inherit}{not_valid}")
    }
}

/// What a new column still needs of it.
pub(super) fn finish(key: &ObjectKey, column: &Object) -> Option<Vec<String>> {
    let mut sql = Vec::new();
    if let Some(constraint) = NotNull::of(column) {
        if constraint.not_valid {
            sql.push(alter(column, &format!("ADD {}", constraint.of_table(local(key, column))))?);
        }
        if column.properties.contains_key("notNullComment") {
            sql.extend(change(key, column, &Object::default(), "notNullComment")?);
        }
    }
    Some(sql)
}

/// Brings the constraint of a column from that of `found` to its own.
pub(super) fn change(key: &ObjectKey, column: &Object, found: &Object, property: &str) -> Option<Vec<String>> {
    let (new, old) = (NotNull::of(column), NotNull::of(found));
    let name = local(key, column);
    match (property, new, old) {
        ("notNull", Some(new), _) if new.name.is_some() || new.no_inherit || new.not_valid => {
            Some(vec![alter(column, &format!("ADD {}", new.of_table(name)))?])
        }
        ("notNull", new, _) => {
            let word = if new.is_some() { "SET NOT NULL" } else { "DROP NOT NULL" };
            Some(vec![alter(column, &format!("ALTER COLUMN {name} {word}"))?])
        }
        ("notNullComment", Some(new), _) => {
            let text = column.text("notNullComment").map_or_else(|| "NULL".to_owned(), quote_literal);
            let table = &column.parent.as_ref()?.name;
            Some(vec![format!("COMMENT ON CONSTRAINT {} ON {table} IS {text}", new.name(key, column))])
        }
        ("notNullConstraint", Some(new), Some(old)) if new.also_own == old.also_own => {
            let mut sql = Vec::new();
            let (old_name, new_name) = (old.name(key, column), new.name(key, column));
            if new.not_valid && !old.not_valid {
                return Some(vec![
                    alter(column, &format!("DROP CONSTRAINT {old_name}"))?,
                    alter(column, &format!("ADD {}", new.of_table(name)))?,
                ]);
            }
            if old_name != new_name {
                sql.push(alter(column, &format!("RENAME CONSTRAINT {old_name} TO {new_name}"))?);
            }
            if old.not_valid && !new.not_valid {
                sql.push(alter(column, &format!("VALIDATE CONSTRAINT {new_name}"))?);
            }
            if new.no_inherit != old.no_inherit {
                let word = if new.no_inherit { "NO INHERIT" } else { "INHERIT" };
                sql.push(alter(column, &format!("ALTER CONSTRAINT {new_name} {word}"))?);
            }
            Some(sql)
        }
        // it comes and goes with NOT NULL
        ("notNullConstraint" | "notNullComment", new, old) => (new.is_none() || old.is_none()).then(Vec::new),
        _ => None,
    }
}

fn alter(column: &Object, what: &str) -> Option<String> {
    let table = column.parent.as_ref()?;
    Some(format!("ALTER {} {} {what}", super::common::keyword(table.kind), table.name))
}

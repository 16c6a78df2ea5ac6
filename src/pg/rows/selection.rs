//! Which tables are meant.

use crate::base::name::{quote_ident, quote_literal};
use crate::base::{Failure, Ident, QualifiedName};
use crate::pg::connect::Connection;
use crate::pg::connect::query::Row;
use std::collections::BTreeSet;

/// Tables of a database. Never selected: system tables, temporary and foreign tables, tables of extensions. A partition
/// stands for its partitioned table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// These tables, as far as they exist; absent: all. A name without a schema is looked up along the path of authors.
    pub only: Option<BTreeSet<QualifiedName>>,
    /// No tables of these schemas: those of the ledger.
    pub without: BTreeSet<Ident>,
}

/// The condition for a table of the user: `c` is its row of `pg_class`, `n` that of its schema.
pub(super) fn is_of_user(without: &BTreeSet<Ident>) -> String {
    let schemas: String = without.iter().map(|schema| format!(", {}", quote_literal(schema.as_str()))).collect();
    format!(
        "c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' \
         AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast'{schemas}) \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass \
         AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e')"
    )
}

impl Selection {
    /// All tables but those of these schemas.
    #[must_use]
    pub fn all(without: impl IntoIterator<Item = Ident>) -> Self {
        Self { only: None, without: without.into_iter().collect() }
    }

    /// The same schemas, and only these tables.
    #[must_use]
    pub fn only(&self, tables: impl IntoIterator<Item = QualifiedName>) -> Self {
        Self { only: Some(tables.into_iter().collect()), ..self.clone() }
    }

    /// Whether nothing can be selected.
    pub(super) fn is_empty(&self) -> bool {
        self.only.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// The condition for a selected table, as in [`is_of_user`].
    pub(super) fn condition(&self, author_path: &str) -> String {
        let of_user = is_of_user(&self.without);
        let Some(only) = &self.only else { return of_user };
        let oids: Vec<String> = only
            .iter()
            .map(|name| {
                let found = found(name, author_path);
                format!("COALESCE(pg_catalog.pg_partition_root({found}), {found})")
            })
            .collect();
        format!("c.oid = ANY (ARRAY[{}]::oid[]) AND {of_user}", oids.join(", "))
    }
}

/// A relation as an SQL expression of type `regclass`, NULL where it is not there.
pub(super) fn found(name: &QualifiedName, author_path: &str) -> String {
    let in_schema = |schema: &str| {
        format!("pg_catalog.to_regclass({})", quote_literal(&format!("{schema}.{}", quote_ident(name.name.as_str()))))
    };
    if let Some(schema) = &name.schema {
        return in_schema(&schema.sql());
    }
    let places: Vec<String> = author_path
        .split(',')
        .map(str::trim)
        .filter(|schema| !schema.is_empty())
        .map(|schema| match schema {
            "\"$user\"" | "$user" => format!(
                "pg_catalog.to_regclass(pg_catalog.quote_ident(current_user) || {})",
                quote_literal(&format!(".{}", quote_ident(name.name.as_str())))
            ),
            schema => in_schema(schema),
        })
        .collect();
    if places.is_empty() { "NULL::regclass".to_owned() } else { format!("COALESCE({})", places.join(", ")) }
}

/// The name in two columns of an answer, schema first.
pub(super) fn name_at(row: &Row, at: usize) -> Result<QualifiedName, Failure> {
    named(row.get(at)?, row.get(at + 1)?)
}

/// A name of the catalog.
pub(super) fn named(schema: &str, name: &str) -> Result<QualifiedName, Failure> {
    let ident = |name: &str| Ident::new(name).map_err(|why| Failure::new(crate::base::FailureKind::Database, why));
    Ok(QualifiedName { schema: Some(ident(schema)?), name: ident(name)? })
}

/// The path of authors, which is known once the server has answered one question.
pub(super) async fn author_path(connection: &Connection) -> Result<&str, Failure> {
    if connection.author_path().is_empty() {
        connection.query("cannot query the search_path", "SELECT").await?;
    }
    Ok(connection.author_path())
}

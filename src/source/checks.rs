//! Preconditions and verify checks: questions to the database that answer yes or no.

use crate::base::name::quote_literal;
use crate::base::{Ident, QualifiedName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A condition that must hold before the first statement of a changeset.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Precondition {
    /// A schema exists.
    SchemaExists(Ident),
    /// A table exists.
    TableExists(QualifiedName),
    /// A view or materialized view exists.
    ViewExists(QualifiedName),
    /// A column of a table exists.
    ColumnExists(ColumnOf),
    /// An index exists.
    IndexExists(QualifiedName),
    /// A function or procedure with this name exists, with any arguments.
    FunctionExists(QualifiedName),
    /// A type exists.
    TypeExists(QualifiedName),
    /// An extension is installed.
    ExtensionExists(Ident),
    /// A role exists.
    RoleExists(Ident),
    /// The server has at least this major version.
    ServerVersion(u32),
    /// The opposite of a precondition.
    Not(Box<Precondition>),
    /// A query that returns one boolean.
    Sql(Verify),
}

/// A column, by its table.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnOf {
    /// The table.
    pub table: QualifiedName,
    /// The column.
    pub column: Ident,
}

/// A query that must return true.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verify {
    /// The condition, in words.
    pub name: String,
    /// A SELECT that returns one row with one boolean.
    pub sql: String,
    /// When dagmar runs the query: after `apply` (the default) or after `rollback`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<Occasion>,
}

/// The time of a verify check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Occasion {
    /// After the changeset is applied.
    Apply,
    /// After the changeset is rolled back.
    Rollback,
}

impl Precondition {
    /// The condition, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Precondition::SchemaExists(name) => format!("schema {name} exists"),
            Precondition::TableExists(name) => format!("table {name} exists"),
            Precondition::ViewExists(name) => format!("view {name} exists"),
            Precondition::ColumnExists(c) => format!("column {}.{} exists", c.table, c.column),
            Precondition::IndexExists(name) => format!("index {name} exists"),
            Precondition::FunctionExists(name) => format!("function {name} exists"),
            Precondition::TypeExists(name) => format!("type {name} exists"),
            Precondition::ExtensionExists(name) => format!("extension {name} is installed"),
            Precondition::RoleExists(name) => format!("role {name} exists"),
            Precondition::ServerVersion(major) => format!("the server is PostgreSQL {major} or later"),
            Precondition::Not(inner) => format!("not: {}", inner.words()),
            Precondition::Sql(check) => check.name.clone(),
        }
    }

    /// The query that checks it.
    #[must_use]
    pub fn sql(&self) -> String {
        let relation = |name: &QualifiedName, kinds: &str| {
            format!(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass({}) AND relkind IN ({kinds}))",
                quote_literal(&name.sql())
            )
        };
        let named = |catalog: &str, column: &str, name: &Ident| {
            format!(
                "SELECT EXISTS (SELECT FROM pg_catalog.{catalog} WHERE {column} = {})",
                quote_literal(name.as_str())
            )
        };
        match self {
            Precondition::SchemaExists(name) => named("pg_namespace", "nspname", name),
            Precondition::TableExists(name) => relation(name, "'r', 'p', 'f'"),
            Precondition::ViewExists(name) => relation(name, "'v', 'm'"),
            Precondition::IndexExists(name) => relation(name, "'i', 'I'"),
            Precondition::ColumnExists(c) => format!(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({}) \
                 AND attname = {} AND attnum > 0 AND NOT attisdropped)",
                quote_literal(&c.table.sql()),
                quote_literal(c.column.as_str())
            ),
            Precondition::FunctionExists(name) => match &name.schema {
                Some(schema) => format!(
                    "SELECT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE proname = {} AND pronamespace = pg_catalog.to_regnamespace({}))",
                    quote_literal(name.name.as_str()),
                    quote_literal(&schema.sql())
                ),
                None => named("pg_proc", "proname", &name.name),
            },
            Precondition::TypeExists(name) => {
                format!("SELECT pg_catalog.to_regtype({}) IS NOT NULL", quote_literal(&name.sql()))
            }
            Precondition::ExtensionExists(name) => named("pg_extension", "extname", name),
            Precondition::RoleExists(name) => named("pg_roles", "rolname", name),
            Precondition::ServerVersion(major) => {
                format!(
                    "SELECT pg_catalog.current_setting('server_version_num')::int >= {}",
                    u64::from(*major) * 10_000
                )
            }
            Precondition::Not(inner) => format!("SELECT NOT ({})", inner.sql()),
            Precondition::Sql(check) => check.sql.trim().trim_end_matches(';').to_owned(),
        }
    }
}

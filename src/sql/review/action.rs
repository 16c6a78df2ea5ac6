//! What statements do, as values.

use crate::base::{Ident, QualifiedName};
use std::ops::Range;

/// One thing that a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its bytes in the statement.
    pub at: Range<usize>,
    /// What it does.
    pub does: Does,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // each field is the part of the statement that its name says
pub enum Does {
    /// `CREATE INDEX`.
    CreateIndex(NewIndex),
    /// `DROP INDEX`.
    DropIndex { indexes: Vec<QualifiedName>, concurrently: bool },
    /// `CREATE TABLE`; `derives`: its columns also come from elsewhere (`LIKE`, `INHERITS`, `PARTITION OF`, `AS`).
    CreateTable { table: QualifiedName, columns: Vec<NewColumn>, constraints: Vec<NewConstraint>, derives: bool },
    /// `ALTER TABLE … ADD COLUMN`.
    AddColumn { table: QualifiedName, column: NewColumn },
    /// `ALTER TABLE … ADD CONSTRAINT`.
    AddConstraint { table: QualifiedName, constraint: NewConstraint },
    /// `ALTER TABLE … VALIDATE CONSTRAINT`.
    Validate { table: QualifiedName, constraint: Ident },
    /// `ALTER COLUMN … SET NOT NULL`.
    SetNotNull { table: QualifiedName, column: Ident },
    /// `ALTER COLUMN … TYPE`.
    SetType { table: QualifiedName, column: Ident, to: String, using: Option<String> },
    /// `DROP COLUMN`.
    DropColumn { table: QualifiedName, column: Ident },
    /// `DROP CONSTRAINT`.
    DropConstraint { table: QualifiedName, constraint: Ident },
    /// `DROP TABLE`.
    DropTable { tables: Vec<QualifiedName> },
    /// `DROP SCHEMA`.
    DropSchema { schemas: Vec<QualifiedName> },
    /// `DROP` of another object that clients may use, by its kind.
    DropObject { kind: &'static str, names: Vec<QualifiedName> },
    /// `CREATE` of such an object.
    CreateObject { name: QualifiedName },
    /// `CASCADE` of a drop.
    Cascade,
    /// `TRUNCATE`.
    Truncate { tables: Vec<QualifiedName> },
    /// `RENAME` of a table, column, schema, view or enum value that clients name.
    Rename { kind: &'static str, of: QualifiedName, from: String, to: String },
    /// `ATTACH PARTITION`.
    AttachPartition { table: QualifiedName, partition: QualifiedName },
    /// `INSERT`.
    Insert(Insert),
    /// `UPDATE` or `DELETE`.
    Change(Change),
    /// `CREATE FUNCTION` or `PROCEDURE` with `SECURITY DEFINER`.
    Definer { function: QualifiedName, search_path: Option<Vec<String>> },
    /// `REVOKE … ON FUNCTION … FROM PUBLIC`.
    RevokePublic { functions: Vec<QualifiedName> },
    /// `ALTER TYPE … ADD VALUE`.
    AddValue { of: QualifiedName, value: String },
    /// `CREATE TYPE`.
    CreateType { name: QualifiedName },
    /// `CREATE FUNCTION` without `OR REPLACE`: nobody has the privilege to call it but by default.
    NewFunction { name: QualifiedName },
}

/// A new index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIndex {
    /// Its name; absent: the server makes one.
    pub name: Option<Ident>,
    /// The table.
    pub table: QualifiedName,
    /// The columns or expressions, as they are written.
    pub columns: Vec<String>,
    /// The method, if it is not btree.
    pub using: Option<String>,
    /// The columns of `INCLUDE`.
    pub include: Vec<String>,
    /// The condition of a partial index.
    pub condition: Option<String>,
    /// `UNIQUE`.
    pub unique: bool,
    /// `CONCURRENTLY`.
    pub concurrently: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
}

/// A new column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewColumn {
    /// The bytes of its definition.
    pub at: Range<usize>,
    /// The name.
    pub name: Ident,
    /// The type as written, in lower case.
    pub type_: String,
    /// `NOT NULL`.
    pub not_null: bool,
    /// The default.
    pub default: Option<String>,
    /// `GENERATED … AS IDENTITY`.
    pub identity: bool,
    /// `GENERATED ALWAYS AS (…) STORED`.
    pub stored: bool,
    /// The constraints beside these.
    pub constraints: Vec<NewConstraint>,
}

/// A new constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConstraint {
    /// Its bytes.
    pub at: Range<usize>,
    /// The name; absent: the server makes one.
    pub name: Option<Ident>,
    /// The kind.
    pub kind: Keeps,
    /// The columns.
    pub columns: Vec<Ident>,
    /// The referenced table and columns of a foreign key.
    pub references: Option<(QualifiedName, Vec<Ident>)>,
    /// The expression of a check.
    pub expression: Option<String>,
    /// `NOT VALID`.
    pub not_valid: bool,
    /// `USING INDEX`.
    pub using_index: Option<Ident>,
}

/// What a constraint keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// `CHECK`.
    Check,
    /// `FOREIGN KEY`, `REFERENCES`.
    ForeignKey,
    /// `UNIQUE`.
    Unique,
    /// `PRIMARY KEY`.
    PrimaryKey,
    /// `EXCLUDE`.
    Exclusion,
}

/// Rows that are inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insert {
    /// The table.
    pub table: QualifiedName,
    /// The columns that are given; empty: all.
    pub columns: Vec<Ident>,
    /// The tables of the query that the rows come from; empty: they are constants.
    pub from: Vec<QualifiedName>,
    /// Whether the query leaves out rows that are there (`NOT EXISTS`, `NOT IN`, `EXCEPT`, `IS NULL`).
    pub guarded: bool,
    /// `ON CONFLICT`, with the columns of its target.
    pub on_conflict: Option<Vec<Ident>>,
}

/// Rows that are updated or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table.
    pub table: QualifiedName,
    /// Whether it is `DELETE`.
    pub deletes: bool,
    /// The assignments of `UPDATE`: column and expression.
    pub set: Vec<(Ident, String)>,
    /// The condition.
    pub condition: Option<String>,
    /// The rows that the condition chooses.
    pub rows: Rows,
    /// The other tables that it reads.
    pub from: Vec<QualifiedName>,
}

/// The rows that a condition chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// There is no condition.
    All,
    /// A condition without a comparison with a constant.
    Many,
    /// A column equals a constant, or is in a list of them.
    Chosen,
}

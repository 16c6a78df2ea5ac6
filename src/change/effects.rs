//! What a change does to which objects: the base of waves, of the scope and of edges.

use crate::base::QualifiedName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The class of a database object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Object {
    /// A schema; its name has one part.
    Schema,
    /// A table, partitioned or not.
    Table,
    /// A view or materialized view.
    View,
    /// An index.
    Index,
    /// A sequence.
    Sequence,
    /// A function or procedure; arguments are left out.
    Function,
    /// A type: enum, domain, composite.
    Type,
    /// An extension; its name has one part.
    Extension,
    /// A role.
    Role,
}

impl Object {
    /// Whether it is locked and scheduled like a table.
    #[must_use]
    pub fn is_relation(self) -> bool {
        matches!(self, Object::Table | Object::View | Object::Sequence)
    }
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum How {
    /// It is made.
    Create,
    /// Its definition changes.
    Alter,
    /// It goes away (or to the attic).
    Drop,
    /// Its rows change.
    Write,
    /// Its rows are read.
    Read,
    /// A foreign key points at it: its rows are locked for a moment.
    Reference,
}

/// One object and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Touch {
    /// Its class.
    pub object: Object,
    /// Its name.
    pub name: QualifiedName,
    /// What happens to it.
    pub how: How,
}

/// What one or several changes do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// The objects.
    pub touches: Vec<Touch>,
    /// Columns that are added to tables.
    pub columns: Vec<(QualifiedName, String)>,
    /// Tables that get another name: before and after.
    pub renames: Vec<(QualifiedName, QualifiedName)>,
    /// SQL whose objects have to be read from its text (`sql`, `sqlFile`, own change types).
    pub opaque: bool,
}

impl Effects {
    /// Notes that `how` happens to `name`.
    pub fn touch(&mut self, object: Object, name: &QualifiedName, how: How) {
        self.touches.push(Touch { object, name: name.clone(), how });
    }

    /// Notes a change of a table's definition.
    pub fn alters(&mut self, table: &QualifiedName) {
        self.touch(Object::Table, table, How::Alter);
    }

    /// Notes a new column.
    pub fn adds_column(&mut self, table: &QualifiedName, column: &str) {
        self.columns.push((table.clone(), column.to_owned()));
    }

    /// Notes that a table gets another name.
    pub fn renames(&mut self, from: &QualifiedName, to: &QualifiedName) {
        self.touch(Object::Table, from, How::Drop);
        self.touch(Object::Table, to, How::Create);
        self.renames.push((from.clone(), to.clone()));
    }

    /// Takes over what `other` does.
    pub fn append(&mut self, other: Effects) {
        self.touches.extend(other.touches);
        self.columns.extend(other.columns);
        self.renames.extend(other.renames);
        self.opaque |= other.opaque;
    }
}

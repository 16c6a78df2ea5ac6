//! An object of the catalog.

use super::kind::ObjectKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What names an object: the same in every database that has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ObjectKey {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name with its schema, quoted as SQL: `app.users`, `app.users.email`, `app.f(integer, text)`.
    pub name: String,
}

impl ObjectKey {
    /// The object of this kind and name.
    #[must_use]
    pub fn new(kind: ObjectKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

/// `column app.users.email`.
impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // the database is one, whatever its name
        let space = if self.name.is_empty() { "" } else { " " };
        write!(f, "{}{space}{}", self.kind, self.name)
    }
}

/// Where a server has an object: as in `pg_depend`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The oid of the catalog.
    pub class: u32,
    /// The oid of the object, or of that which it is a part of.
    pub oid: u32,
    /// The number of the column, or 0.
    pub sub: i32,
}

/// An object with its properties.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// What is compared. A property that is absent is NULL, empty or off.
    pub properties: BTreeMap<String, Value>,
    /// What it is a part of: the table of a column, the constraint of its index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ObjectKey>,
    /// The number of a column. It has gaps; only the order is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// Where the server has it. Not compared.
    pub address: Address,
    /// What it is inspected with: the relation of a column. Not compared.
    pub unit: Address,
    /// The objects that it depends on. Not compared; empty unless the scope asks for them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends: BTreeSet<ObjectKey>,
}

impl Object {
    /// A property; `Null` when it is absent.
    #[must_use]
    pub fn property(&self, name: &str) -> &Value {
        self.properties.get(name).unwrap_or(&Value::Null)
    }

    /// A property that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.property(name).as_str()
    }

    /// Whether a property is there and true.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.property(name) == &Value::Bool(true)
    }
}

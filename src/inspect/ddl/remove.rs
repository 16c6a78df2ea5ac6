//! Objects that are not expected.

use super::common::{keyword, local, target};
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};

/// The statement that drops an object.
pub(super) fn drop(key: &ObjectKey, object: &Object) -> Option<String> {
    let parent = object.parent.as_ref();
    // what a table has from its parents goes with theirs
    if object.properties.contains_key("inheritance") || object.properties.contains_key("partitionOf") {
        return None;
    }
    Some(match (key.kind, parent) {
        (Kind::Column, Some(table)) => {
            let alter = if table.kind == Kind::ForeignTable { "FOREIGN TABLE" } else { "TABLE" };
            matches!(table.kind, Kind::Table | Kind::ForeignTable)
                .then(|| format!("ALTER {alter} {} DROP COLUMN {}", table.name, local(key, object)))?
        }
        (Kind::Constraint, Some(of)) => {
            let alter = keyword(of.kind);
            format!("ALTER {alter} {} DROP CONSTRAINT {}", of.name, local(key, object))
        }
        (Kind::Attribute, Some(of)) => format!("ALTER TYPE {} DROP ATTRIBUTE {}", of.name, local(key, object)),
        // they come and go with what they are a part of
        (Kind::Index, Some(of)) if of.kind == Kind::Constraint => return None,
        (Kind::Sequence, Some(_)) => return None,
        (Kind::Setting, _) => super::setting::drop(key),
        (Kind::Database | Kind::DefaultPrivileges | Kind::Privileges, _) => return None,
        _ => format!("DROP {}", target(key, object)),
    })
}

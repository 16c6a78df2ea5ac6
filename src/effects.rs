//! The effects of a change on database objects, from which waves, scope and conflicts are computed. It imports only
//! `base`.

use crate::base::QualifiedName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The class of a database object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ObjectClass {
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
    /// A function or procedure, without its arguments.
    Function,
    /// A type: enum, domain or composite type.
    Type,
    /// An extension; its name has one part.
    Extension,
    /// A role.
    Role,
}

impl ObjectClass {
    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ObjectClass::Schema => "schema",
            ObjectClass::Table => "table",
            ObjectClass::View => "view",
            ObjectClass::Index => "index",
            ObjectClass::Sequence => "sequence",
            ObjectClass::Function => "function",
            ObjectClass::Type => "type",
            ObjectClass::Extension => "extension",
            ObjectClass::Role => "role",
        }
    }

    /// Whether it is locked and scheduled like a table.
    #[must_use]
    pub fn is_relation(self) -> bool {
        matches!(self, ObjectClass::Table | ObjectClass::View | ObjectClass::Sequence)
    }
}

/// The effect on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Access {
    /// The object is created.
    Create,
    /// The definition of the object changes.
    Alter,
    /// The object is dropped (or moved to the attic).
    Drop,
    /// Its rows change.
    Write,
    /// Its rows are read.
    Read,
    /// A foreign key references the object: its rows are locked for a short time.
    Reference,
}

/// An object and the effect on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Touch {
    /// The class of the object.
    pub object: ObjectClass,
    /// The name of the object.
    pub name: QualifiedName,
    /// The effect.
    pub how: Access,
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
    /// Relations that are made and not dropped later, under the names they have in the end.
    pub made: Vec<QualifiedName>,
    /// SQL whose objects have to be read from its text (`sql`, `sqlFile`, own change types).
    pub opaque: bool,
}

impl Effects {
    /// Notes that `how` happens to `name`.
    pub fn touch(&mut self, object: ObjectClass, name: &QualifiedName, how: Access) {
        self.touches.push(Touch { object, name: name.clone(), how });
        if how == Access::Create && object.is_relation() {
            self.made.push(name.clone());
        } else if how == Access::Drop {
            self.made.retain(|made| made != name);
        }
    }

    /// Notes a change of a table's definition.
    pub fn alters(&mut self, table: &QualifiedName) {
        self.touch(ObjectClass::Table, table, Access::Alter);
    }

    /// Notes a new column.
    pub fn adds_column(&mut self, table: &QualifiedName, column: &str) {
        self.columns.push((table.clone(), column.to_owned()));
    }

    /// Notes that a table gets another name.
    pub fn renames(&mut self, from: &QualifiedName, to: &QualifiedName) {
        self.touch(ObjectClass::Table, from, Access::Drop);
        // the new name is new, the table is not
        self.touches.push(Touch { object: ObjectClass::Table, name: to.clone(), how: Access::Create });
        self.renames.push((from.clone(), to.clone()));
    }

    /// Takes over what `other` does, after what is done already.
    pub fn append(&mut self, other: Effects) {
        for (from, to) in &other.renames {
            for made in self.made.iter_mut().filter(|made| *made == from) {
                *made = to.clone();
            }
        }
        for dropped in other.touches.iter().filter(|t| t.how == Access::Drop) {
            self.made.retain(|made| *made != dropped.name);
        }
        self.made.extend(other.made);
        self.touches.extend(other.touches);
        self.columns.extend(other.columns);
        self.renames.extend(other.renames);
        self.opaque |= other.opaque;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> QualifiedName {
        text.parse().unwrap()
    }

    fn all(changes: &[&dyn Fn(&mut Effects)]) -> Vec<String> {
        let mut effects = Effects::default();
        for change in changes {
            let mut one = Effects::default();
            change(&mut one);
            effects.append(one);
        }
        effects.made.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_new_name_does_not_make_a_new_table() {
        let create = |e: &mut Effects| e.touch(ObjectClass::Table, &name("app.a"), Access::Create);
        let rename = |e: &mut Effects| e.renames(&name("app.a"), &name("app.b"));
        let drop = |e: &mut Effects| e.touch(ObjectClass::Table, &name("app.b"), Access::Drop);
        assert_eq!(all(&[&create, &rename]), ["app.b"]);
        assert_eq!(all(&[&rename, &create]), ["app.a"]);
        assert_eq!(all(&[&rename]), [""; 0]);
        assert_eq!(all(&[&create, &rename, &drop]), [""; 0]);
    }
}

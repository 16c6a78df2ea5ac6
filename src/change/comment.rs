use super::piece::{routine, routine_sql};
use super::{ChangeType, Scope, Undo};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Sets the comment of an object. The rollback restores the previous comment (manual, COMMENT).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Comment {
    /// The kind of object.
    on: On,
    /// The name of the object: `schema.name`; for a function with its argument types, `platform.f(uuid, text)`;
    /// for a column, constraint, trigger or policy without its table.
    name: String,
    /// The table of a column, constraint, trigger or policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<QualifiedName>,
    /// The comment; an empty text removes it.
    text: String,
}

/// The kind of the commented object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum On {
    /// A table.
    Table,
    /// A column of `table`.
    Column,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// An index.
    Index,
    /// A sequence.
    Sequence,
    /// A schema.
    Schema,
    /// A function, with its argument types.
    Function,
    /// A procedure, with its argument types.
    Procedure,
    /// A type.
    Type,
    /// A domain.
    Domain,
    /// A constraint of `table`.
    Constraint,
    /// A trigger of `table`.
    Trigger,
    /// A policy of `table`.
    Policy,
    /// An extension.
    Extension,
}

/// An object as `pg_get_object_address` takes it (manual, chapter 9.26.5).
struct Address {
    kind: &'static str,
    names: Vec<String>,
    arguments: Vec<String>,
    /// Its name in the COMMENT statement.
    sql: String,
}

impl On {
    fn is_part_of_table(self) -> bool {
        matches!(self, On::Column | On::Constraint | On::Trigger | On::Policy)
    }

    fn kind(self) -> &'static str {
        match self {
            On::Table => "table",
            On::Column => "table column",
            On::View => "view",
            On::MaterializedView => "materialized view",
            On::Index => "index",
            On::Sequence => "sequence",
            On::Schema => "schema",
            On::Function => "function",
            On::Procedure => "procedure",
            On::Type | On::Domain => "type",
            On::Constraint => "table constraint",
            On::Trigger => "trigger",
            On::Policy => "policy",
            On::Extension => "extension",
        }
    }
}

fn parts(name: &QualifiedName) -> Vec<String> {
    name.schema.iter().chain([&name.name]).map(|part| part.as_str().to_owned()).collect()
}

impl Comment {
    fn address(&self) -> Result<Address, String> {
        let kind = self.on.kind();
        let plain = |names, sql| Address { kind, names, arguments: Vec::new(), sql };
        if self.on.is_part_of_table() {
            let name = Ident::new(&self.name)?;
            let table = self.table.as_ref().ok_or("the `table` is missing")?;
            let names = parts(table).into_iter().chain([self.name.clone()]).collect();
            let sql = match self.on {
                On::Column => format!("{}.{}", table.sql(), name.sql()),
                _ => format!("{} ON {}", name.sql(), table.sql()),
            };
            return Ok(plain(names, sql));
        }
        Ok(match self.on {
            On::Schema | On::Extension => plain(vec![self.name.clone()], Ident::new(&self.name)?.sql().into_owned()),
            On::Function | On::Procedure => {
                let (name, arguments) = routine(&self.name)?;
                let sql = routine_sql(&name, &arguments);
                Address { kind, names: parts(&name), arguments, sql }
            }
            On::Type | On::Domain => {
                let sql = self.name.parse::<QualifiedName>()?.sql();
                plain(vec![sql.clone()], sql)
            }
            _ => {
                let name: QualifiedName = self.name.parse()?;
                plain(parts(&name), name.sql())
            }
        })
    }
}

impl ChangeType for Comment {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        if let Err(why) = self.address() {
            let help = if self.on.is_part_of_table() {
                "write `table: schema.table` and `name` without the table"
            } else {
                "write `name: schema.name`"
            };
            out.push(Diagnostic::error(Code::BadObjectName, why).at(place.child("name")).help(help));
        }
        if self.table.is_some() && !self.on.is_part_of_table() {
            out.push(
                Diagnostic::error(Code::NotOfThisObject, "`table` is for columns, constraints, triggers and policies")
                    .at(place.child("table").as_key()),
            );
        }
    }

    fn effects(&self, effects: &mut Effects) {
        let object = match self.on {
            On::Table => ObjectClass::Table,
            On::View | On::MaterializedView => ObjectClass::View,
            On::Index => ObjectClass::Index,
            On::Sequence => ObjectClass::Sequence,
            On::Schema => ObjectClass::Schema,
            On::Function | On::Procedure => ObjectClass::Function,
            On::Type | On::Domain => ObjectClass::Type,
            On::Extension => ObjectClass::Extension,
            On::Column | On::Constraint | On::Trigger | On::Policy => {
                if let Some(table) = &self.table {
                    effects.alters(table);
                }
                return;
            }
        };
        let name = match object {
            ObjectClass::Function => routine(&self.name).ok().map(|(name, _)| name),
            ObjectClass::Schema | ObjectClass::Extension => {
                Ident::new(&self.name).ok().map(|name| QualifiedName { schema: None, name })
            }
            _ => self.name.parse().ok(),
        };
        if let Some(name) = name {
            effects.touch(object, &name, Access::Alter);
        }
    }

    fn undo(&self, scope: &Scope) -> Undo {
        let mut own = Effects::default();
        self.effects(&mut own);
        // a comment goes with its object
        let made_here = |t: &crate::effects::Touch| {
            scope.before.touches.iter().any(|b| b.how == Access::Create && b.object == t.object && b.name == t.name)
        };
        if own.touches.iter().any(made_here) { Undo::Nothing } else { Undo::Derived }
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        context.insert("remember".to_owned(), (self.undo(scope) == Undo::Derived).into());
        let Ok(address) = self.address() else { return };
        context.insert("objectKind".to_owned(), address.kind.into());
        context.insert("names".to_owned(), address.names.into());
        context.insert("arguments".to_owned(), address.arguments.into());
        context.insert("object".to_owned(), address.sql.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::{last, problems};
    use serde_json::json;

    #[test]
    fn names_fit_the_kind_of_object() {
        for (value, words) in [
            (json!({"on": "column", "name": "a", "text": ""}), "`table` is missing"),
            (json!({"on": "table", "name": "app.t", "table": "app.t", "text": ""}), "`table` is for"),
            (json!({"on": "function", "name": "app.f", "text": ""}), "argument types"),
            (json!({"on": "table", "name": "a.b.c", "text": ""}), "two parts"),
        ] {
            let found = problems("comment", &value);
            assert!(found.len() == 1 && found[0].contains(words), "{value}: {found:?}");
        }
    }

    #[test]
    fn it_goes_with_its_object() {
        let table = ("createTable", json!({"table": "app.t", "columns": [{"name": "a", "type": "int"}]}));
        let comment = ("comment", json!({"on": "table", "name": "app.t", "text": "x"}));
        let (undo, forward, _) = last(&[table, comment.clone()]);
        assert_eq!((undo, forward.as_str()), (Undo::Nothing, "COMMENT ON TABLE app.t IS 'x';\n"));
        assert!(last(&[comment]).1.contains("remember_comment"));
    }
}

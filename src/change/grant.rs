use super::many::Many;
use super::piece::{routine, routine_sql};
use super::{ChangeType, Scope, Undo};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Grants privileges on objects to roles. The rollback revokes them, including privileges that a role had
/// before (manual, GRANT).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// The privileges.
    privileges: Vec<Privilege>,
    /// The columns that the privileges are limited to, for tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    columns: Vec<Ident>,
    /// The objects, all of one kind.
    on: Target,
    /// The roles, including `public` and `current_user`.
    to: Many<Ident>,
    /// `true` allows the roles to grant the privileges to others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    with_grant_option: bool,
}

/// A privilege.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Privilege {
    /// All privileges of this kind of object.
    All,
    /// SELECT; on a sequence, reading its state.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE; on a sequence, changing its state.
    Update,
    /// DELETE.
    Delete,
    /// TRUNCATE.
    Truncate,
    /// Foreign keys that reference the table.
    References,
    /// Triggers on the table.
    Trigger,
    /// VACUUM, ANALYZE, REINDEX and similar commands (PostgreSQL 17 and later).
    Maintain,
    /// Use of a schema, sequence or type.
    Usage,
    /// New objects in a schema, or new schemas in a database.
    Create,
    /// Connections to a database.
    Connect,
    /// Temporary tables in a database.
    Temporary,
    /// Calls of a function or procedure.
    Execute,
}

/// Objects of one kind.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// Tables or views.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<Many<QualifiedName>>,
    /// Sequences.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<Many<QualifiedName>>,
    /// Types.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    type_: Option<Many<QualifiedName>>,
    /// Domains.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Many<QualifiedName>>,
    /// Functions with their argument types: `platform.f(uuid, text)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<Many<String>>,
    /// Procedures with their argument types.
    #[serde(skip_serializing_if = "Option::is_none")]
    procedure: Option<Many<String>>,
    /// Schemas.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Many<Ident>>,
    /// Databases.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<Many<Ident>>,
    /// All tables and views that are in these schemas now.
    #[serde(skip_serializing_if = "Option::is_none")]
    all_tables_in_schema: Option<Many<Ident>>,
    /// All sequences that are in these schemas now.
    #[serde(skip_serializing_if = "Option::is_none")]
    all_sequences_in_schema: Option<Many<Ident>>,
    /// All functions that are in these schemas now.
    #[serde(skip_serializing_if = "Option::is_none")]
    all_functions_in_schema: Option<Many<Ident>>,
}

use Privilege::{
    All, Connect, Create, Delete, Execute, Insert, Maintain, References, Select, Temporary, Trigger, Truncate, Update,
    Usage,
};
const TABLE: &[Privilege] = &[All, Select, Insert, Update, Delete, Truncate, References, Trigger, Maintain];
const SEQUENCE: &[Privilege] = &[All, Usage, Select, Update];
const ROUTINE: &[Privilege] = &[All, Execute];
const TYPE: &[Privilege] = &[All, Usage];
const SCHEMA: &[Privilege] = &[All, Usage, Create];
const DATABASE: &[Privilege] = &[All, Connect, Create, Temporary];

/// One kind of objects: its key, the objects as SQL, the privileges it knows.
struct Objects {
    key: &'static str,
    sql: Result<Vec<String>, String>,
    knows: &'static [Privilege],
}

impl Target {
    /// The kinds that are given.
    fn given(&self) -> Vec<Objects> {
        let names = |list: &Many<QualifiedName>| Ok(list.0.iter().map(QualifiedName::sql).collect());
        let idents = |list: &Many<Ident>| Ok(list.0.iter().map(|name| name.sql().into_owned()).collect());
        let routines = |list: &Many<String>| {
            list.0.iter().map(|text| routine(text).map(|(name, types)| routine_sql(&name, &types))).collect()
        };
        [
            ("table", self.table.as_ref().map(names), TABLE),
            ("sequence", self.sequence.as_ref().map(names), SEQUENCE),
            ("type", self.type_.as_ref().map(names), TYPE),
            ("domain", self.domain.as_ref().map(names), TYPE),
            ("function", self.function.as_ref().map(routines), ROUTINE),
            ("procedure", self.procedure.as_ref().map(routines), ROUTINE),
            ("schema", self.schema.as_ref().map(idents), SCHEMA),
            ("database", self.database.as_ref().map(idents), DATABASE),
            ("allTablesInSchema", self.all_tables_in_schema.as_ref().map(idents), TABLE),
            ("allSequencesInSchema", self.all_sequences_in_schema.as_ref().map(idents), SEQUENCE),
            ("allFunctionsInSchema", self.all_functions_in_schema.as_ref().map(idents), ROUTINE),
        ]
        .into_iter()
        .filter_map(|(key, sql, knows)| sql.map(|sql| Objects { key, sql, knows }))
        .collect()
    }
}

impl ChangeType for Grant {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        let given = self.on.given();
        if given.len() != 1 {
            let message = if given.is_empty() { "names no objects" } else { "names objects of several kinds" };
            out.push(
                Diagnostic::error(Code::Contradiction, format!("the grant {message}"))
                    .at(place.child("on"))
                    .help("write one kind, such as `on: { table: [platform.users, platform.projects] }`"),
            );
        }
        if self.privileges.is_empty() {
            out.push(Diagnostic::error(Code::Empty, "the grant has no privileges").at(place.child("privileges")));
        }
        for objects in &given {
            if let Err(why) = &objects.sql {
                out.push(Diagnostic::error(Code::BadObjectName, why.clone()).at(place.child("on").child(objects.key)));
            }
            for (i, privilege) in self.privileges.iter().enumerate().filter(|(_, p)| !objects.knows.contains(p)) {
                let known = objects.knows.iter().map(word).collect::<Vec<_>>().join(", ");
                out.push(
                    Diagnostic::error(
                        Code::NotOfThisObject,
                        format!("`{}` does not support `{}`", objects.key, word(privilege)),
                    )
                    .at(place.child("privileges").at(i))
                    .help(format!("it supports {known}")),
                );
            }
        }
        if !self.columns.is_empty() && self.on.table.is_none() {
            out.push(
                Diagnostic::error(Code::NotOfThisObject, "only tables have `columns`")
                    .at(place.child("columns").as_key()),
            );
        }
    }

    fn effects(&self, effects: &mut Effects) {
        let named = [
            (ObjectClass::Table, &self.on.table),
            (ObjectClass::Sequence, &self.on.sequence),
            (ObjectClass::Type, &self.on.type_),
            (ObjectClass::Type, &self.on.domain),
        ];
        for (object, list) in named {
            for name in list.iter().flat_map(|list| &list.0) {
                effects.touch(object, name, Access::Alter);
            }
        }
        for text in [&self.on.function, &self.on.procedure].into_iter().flatten().flat_map(|list| &list.0) {
            if let Ok((name, _)) = routine(text) {
                effects.touch(ObjectClass::Function, &name, Access::Alter);
            }
        }
        let whole = [&self.on.all_tables_in_schema, &self.on.all_sequences_in_schema, &self.on.all_functions_in_schema];
        for name in whole.into_iter().chain([&self.on.schema]).flatten().flat_map(|list| &list.0) {
            effects.touch(ObjectClass::Schema, &QualifiedName { schema: None, name: name.clone() }, Access::Alter);
        }
        for role in &self.to.0 {
            effects.touch(ObjectClass::Role, &QualifiedName { schema: None, name: role.clone() }, Access::Read);
        }
    }

    fn undo(&self, scope: &Scope) -> Undo {
        match &self.on.table {
            Some(tables) if tables.0.iter().all(|table| scope.creates(table)) => Undo::Nothing,
            _ => Undo::Derived,
        }
    }

    fn extra(&self, _: &Scope, context: &mut Map<String, Value>) {
        let Some(Objects { key, sql: Ok(objects), .. }) = self.on.given().into_iter().next() else { return };
        context.insert("kind".to_owned(), key.into());
        context.insert("objects".to_owned(), objects.into());
    }
}

/// The word of a privilege in YAML.
fn word(privilege: &Privilege) -> String {
    format!("{privilege:?}").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::{last, problems};
    use serde_json::json;

    #[test]
    fn privileges_fit_the_objects() {
        let grant =
            |privilege: &str, on: Value| problems("grant", &json!({"privileges": [privilege], "on": on, "to": "app"}));
        assert!(grant("select", json!({"table": "app.t"})).is_empty());
        assert!(grant("execute", json!({"table": "app.t"}))[0].contains("does not support `execute`"));
        assert!(grant("select", json!({}))[0].contains("no objects"));
        assert!(grant("usage", json!({"schema": "app", "type": "app.e"}))[0].contains("several kinds"));
        assert!(grant("execute", json!({"function": "app.f"}))[0].contains("argument types"));
    }

    #[test]
    fn exactly_what_is_granted_is_revoked() {
        let value = json!({"privileges": ["select", "update"], "columns": ["a"], "on": {"table": ["app.t", "app.u"]}, "to": ["public", "Me"], "withGrantOption": true});
        let (_, forward, rollback) = last(&[("grant", value)]);
        assert_eq!(
            forward,
            "GRANT SELECT (a), UPDATE (a) ON TABLE app.t, app.u TO PUBLIC, \"Me\" WITH GRANT OPTION;\n"
        );
        assert_eq!(rollback, "REVOKE SELECT (a), UPDATE (a) ON TABLE app.t, app.u FROM PUBLIC, \"Me\";\n");
    }
}

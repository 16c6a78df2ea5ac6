use super::piece::{check_piece, tidy_all};
use super::{ChangeType, Scope};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Creates a row-level security policy; in a repeatable changeset replaces it in one transaction. The rollback
/// drops it (manual, CREATE POLICY).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePolicy {
    /// The policy's name, without a schema: it belongs to its table.
    name: Ident,
    /// The table, with its schema.
    table: QualifiedName,
    /// Permissive policies are combined with OR, restrictive ones with AND; default: permissive.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    as_: Option<Stance>,
    /// The commands that the policy applies to.
    #[serde(default)]
    command: Command,
    /// The roles that the policy applies to, including `public` and `current_user`; default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    to: Vec<Ident>,
    /// The condition for existing rows: only matching rows are visible and can be changed or deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    using: Option<String>,
    /// The condition for new and changed rows; default: the condition of `using`.
    #[serde(skip_serializing_if = "Option::is_none")]
    with_check: Option<String>,
    /// A comment, stored in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// How a policy combines with others.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Stance {
    /// One of the permissive policies must allow a row.
    Permissive,
    /// All of the restrictive policies must allow it too.
    Restrictive,
}

/// The commands that a policy applies to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Command {
    /// All commands.
    #[default]
    All,
    /// SELECT.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
}

// no home: although it goes with its table, a function that it calls may have to go before
impl ChangeType for CreatePolicy {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        let mut wrong = |key: &str, why: &str, help: &str| {
            let message = format!("policy `{}` {why}", self.name);
            out.push(Diagnostic::error(Code::Contradiction, message).at(place.child(key).as_key()).help(help));
        };
        if self.using.is_none() && self.with_check.is_none() {
            wrong("name", "has neither `using` nor `withCheck`: it allows nothing", "write the condition");
        }
        if self.command == Command::Insert && self.using.is_some() {
            wrong("using", "is for `insert`, which does not read existing rows", "write `withCheck`");
        }
        if matches!(self.command, Command::Select | Command::Delete) && self.with_check.is_some() {
            wrong("withCheck", "is for a command that writes no rows", "write `using`");
        }
        for (key, piece) in [("using", &self.using), ("withCheck", &self.with_check)] {
            if let Some(piece) = piece {
                check_piece(piece, &place.child(key), out);
            }
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
        for role in &self.to {
            effects.touch(ObjectClass::Role, &QualifiedName { schema: None, name: role.clone() }, Access::Read);
        }
        effects.opaque = true;
    }

    fn extra(&self, _: &Scope, context: &mut Map<String, Value>) {
        tidy_all(context, &["using", "withCheck"]);
        // `as` is a key word of templates
        if let Some(stance) = context.remove("as") {
            context.insert("stance".to_owned(), stance);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::problems;
    use serde_json::json;

    #[test]
    fn conditions_fit_the_command() {
        let policy = |extra: Value| {
            let mut p = json!({"name": "p", "table": "app.t"});
            p.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            problems("createPolicy", &p)
        };
        assert!(policy(json!({"using": "true"})).is_empty());
        for (extra, words) in [
            (json!({}), "neither"),
            (json!({"command": "insert", "using": "true", "withCheck": "true"}), "does not read existing rows"),
            (json!({"command": "select", "using": "true", "withCheck": "true"}), "writes no rows"),
            (json!({"using": "true); DROP TABLE app.t; --"}), "semicolon"),
        ] {
            let found = policy(extra.clone());
            assert!(found.len() == 1 && found[0].contains(words), "{extra}: {found:?}");
        }
    }
}

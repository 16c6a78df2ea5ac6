use super::{ChangeType, Scope, Undo};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Adds a value to an enum type. PostgreSQL cannot remove it again, and cannot use it before the transaction
/// that adds it is committed: later changes of the same changeset run in a separate transaction (manual, ALTER
/// TYPE, notes).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddEnumValue {
    /// The enum type, with its schema.
    name: QualifiedName,
    /// The new value.
    value: Ident,
    /// The existing value that the new one precedes.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Ident>,
    /// The existing value that the new one follows; without `before` and `after` the new value is the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Ident>,
    /// `true` accepts that the type already has the value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    if_not_exists: bool,
}

impl ChangeType for AddEnumValue {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        if self.before.is_some() && self.after.is_some() {
            let message = format!("value `{}` stands `before` one and `after` another", self.value);
            out.push(
                Diagnostic::error(Code::Contradiction, message)
                    .at(place.child("after").as_key())
                    .help("keep one of them"),
            );
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::Type, &self.name, Access::Alter);
    }

    fn undo(&self, scope: &Scope) -> Undo {
        let made_here =
            |t: &crate::effects::Touch| t.object == ObjectClass::Type && t.how == Access::Create && t.name == self.name;
        if scope.before.touches.iter().any(made_here) {
            return Undo::Nothing;
        }
        Undo::Missing(format!(
            "PostgreSQL cannot drop the value `{}` of `{}`; write `rollback: {{ irreversible: reason }}`, or a rollback that moves the rows to another value and recreates the type",
            self.value, self.name
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::last;
    use serde_json::json;

    #[test]
    fn only_its_own_type_takes_it_along() {
        let value = ("addEnumValue", json!({"name": "app.e", "value": "b"}));
        let (undo, forward, _) = last(std::slice::from_ref(&value));
        assert!(matches!(undo, Undo::Missing(why) if why.contains("irreversible")));
        assert!(forward.ends_with("-- segment\n"), "what follows may use the value: {forward}");
        let (undo, ..) = last(&[("createEnum", json!({"name": "app.e", "values": ["a"]})), value]);
        assert_eq!(undo, Undo::Nothing);
    }
}

use super::ChangeType;
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Creates an enum type. The rollback drops it; PostgreSQL refuses that while a column uses it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateEnum {
    /// The name, with its schema.
    name: QualifiedName,
    /// The values, in order; at most 63 bytes each.
    values: Vec<Ident>,
    /// A comment, stored in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl ChangeType for CreateEnum {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        let here = place.child("values");
        for (i, value) in self.values.iter().enumerate() {
            if let Some(first) = self.values[..i].iter().position(|v| v == value) {
                out.push(
                    Diagnostic::error(Code::ElementTwice, format!("value `{value}` occurs twice"))
                        .at(here.at(i))
                        .related(here.at(first), "first here"),
                );
            }
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::Type, &self.name, Access::Create);
    }
}

use super::piece::{check_piece, tidy_all};
use super::{ChangeType, Scope};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Creates a view or a materialized view. The rollback drops it.
///
/// In a repeatable changeset dagmar replaces a view, which keeps dependent objects and grants, and can only add
/// columns at the end (manual, CREATE VIEW); it drops and recreates a materialized view.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateView {
    /// The name, with its schema.
    name: QualifiedName,
    /// Names for the columns; default: those of the query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    columns: Vec<Ident>,
    /// The query.
    query: String,
    /// `true` creates a materialized view, which stores the result until it is refreshed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    materialized: bool,
    /// `true` leaves a materialized view empty until it is refreshed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    with_no_data: bool,
    /// `true` prevents functions of the caller from seeing rows that the view hides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    security_barrier: bool,
    /// `true` checks the privileges and policies of the caller instead of those of the owner (PostgreSQL 15 and
    /// later).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    security_invoker: bool,
    /// Refuses to write rows through the view that it would not show.
    #[serde(skip_serializing_if = "Option::is_none")]
    check_option: Option<CheckOption>,
    /// A comment, stored in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// Whose conditions a row written through a view must meet.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CheckOption {
    /// Those of this view.
    Local,
    /// Those of this view and of the views below it.
    Cascaded,
}

impl ChangeType for CreateView {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        check_piece(&self.query, &place.child("query"), out);
        let only_plain = [
            ("securityBarrier", self.security_barrier),
            ("securityInvoker", self.security_invoker),
            ("checkOption", self.check_option.is_some()),
        ];
        for (key, given) in only_plain {
            if self.materialized && given {
                let message = format!("materialized view `{}` cannot have `{key}`", self.name);
                out.push(Diagnostic::error(Code::NotOfThisObject, message).at(place.child(key).as_key()));
            }
        }
        if self.with_no_data && !self.materialized {
            out.push(
                Diagnostic::error(Code::NeedsAnother, format!("view `{}` stores no data", self.name))
                    .at(place.child("withNoData").as_key())
                    .help("`withNoData` goes with `materialized: true`"),
            );
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::View, &self.name, Access::Create);
        effects.opaque = true;
    }

    fn extra(&self, _: &Scope, context: &mut Map<String, Value>) {
        tidy_all(context, &["query"]);
        let options: Vec<Value> =
            [("security_barrier", self.security_barrier), ("security_invoker", self.security_invoker)]
                .into_iter()
                .filter(|(_, given)| *given)
                .map(|(name, _)| json!({ "name": name }))
                .collect();
        context.insert("options".to_owned(), options.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::{last, problems};

    #[test]
    fn options_fit_the_kind_of_view() {
        let view = |extra: Value| {
            let mut v = json!({"name": "app.v", "query": "SELECT 1; -- one"});
            v.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            v
        };
        assert!(
            problems("createView", &view(json!({"materialized": true, "checkOption": "local"})))[0]
                .contains("checkOption")
        );
        assert!(problems("createView", &view(json!({"withNoData": true})))[0].contains("no data"));
        assert!(problems("createView", &view(json!({"query": "SELECT 1; SELECT 2"})))[0].contains("semicolon"));
        let (_, forward, _) = last(&[("createView", view(json!({"checkOption": "local"})))]);
        assert_eq!(forward, "CREATE VIEW app.v AS\nSELECT 1\nWITH LOCAL CHECK OPTION;\n");
    }
}

use super::piece::{check_piece, signature, tidy, tidy_all};
use super::{ChangeType, Scope};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// Creates a function; in a repeatable changeset creates it or replaces its body. The rollback drops it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateFunction {
    /// The name, with its schema and without arguments.
    name: QualifiedName,
    /// The arguments in SQL syntax: `p_user uuid, p_limit int DEFAULT 10`.
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<String>,
    /// The return type: `boolean`, `trigger`, `SETOF uuid`, `table(id uuid, name text)`.
    returns: String,
    /// The language of the body.
    #[serde(default = "plpgsql")]
    language: Ident,
    /// The body, without quotes around it.
    body: String,
    /// The volatility, which tells the planner whether the result depends only on the arguments; default:
    /// volatile.
    #[serde(skip_serializing_if = "Option::is_none")]
    volatility: Option<Volatility>,
    /// `true`: the function runs with the privileges of its owner, and requires `searchPath`; otherwise a
    /// caller decides which tables it reads (manual, CREATE FUNCTION, "Writing SECURITY DEFINER Functions
    /// Safely").
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    security_definer: bool,
    /// The `search_path` of the body; dagmar appends `pg_temp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    search_path: Vec<Ident>,
    /// `true`: returns NULL without a call if an argument is NULL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
    /// Whether parallel workers can call it; default: unsafe.
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel: Option<Parallel>,
    /// The cost estimate of a call for the planner, in units of `cpu_operator_cost`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Number>,
    /// The estimated number of returned rows, for the planner.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Number>,
    /// `true` revokes EXECUTE from PUBLIC; grant it to selected roles with `grant`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    revoke_public: bool,
    /// A comment, stored in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// The volatility of a function.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Volatility {
    /// Immutable: the result depends only on the arguments.
    Immutable,
    /// Stable: the result depends on the arguments and on the snapshot of the statement.
    Stable,
    /// Volatile: the result can depend on anything, and the function can write.
    Volatile,
}

/// The parallel safety of a function.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Parallel {
    /// Unsafe: the function prevents a parallel plan.
    Unsafe,
    /// Restricted: only the leader of a parallel plan calls the function.
    Restricted,
    /// Safe: parallel workers can call the function.
    Safe,
}

fn plpgsql() -> Ident {
    Ident::new("plpgsql").expect("is a name")
}

impl ChangeType for CreateFunction {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        if let Some(arguments) = self.arguments.as_ref().filter(|a| !a.trim().is_empty()) {
            check_piece(arguments, &place.child("arguments"), out);
        }
        check_piece(&self.returns, &place.child("returns"), out);
        if self.body.trim().is_empty() {
            out.push(
                Diagnostic::error(Code::Empty, format!("function `{}` has no body", self.name)).at(place.child("body")),
            );
        }
        let trigger = self.returns.trim().eq_ignore_ascii_case("trigger");
        if trigger && self.arguments.as_ref().is_some_and(|a| !a.trim().is_empty()) {
            out.push(
                Diagnostic::error(Code::Contradiction, format!("trigger function `{}` declares arguments", self.name))
                    .at(place.child("arguments"))
                    .help("a trigger function finds its arguments in `TG_ARGV`"),
            );
        }
        if self.security_definer && self.search_path.is_empty() {
            let schema = self.name.schema.as_ref().map_or("public", Ident::as_str);
            out.push(
                Diagnostic::error(
                    Code::SearchPath,
                    format!(
                        "function `{}` runs with its owner's rights but finds names through its caller's search_path",
                        self.name
                    ),
                )
                .at(place.child("securityDefiner").as_key())
                .help(format!("pin it: `searchPath: [{schema}]`")),
            );
        }
        let last = self.search_path.len().saturating_sub(1);
        if self.search_path.iter().position(|s| s.as_str() == "pg_temp").is_some_and(|at| at < last || last == 0) {
            out.push(
                Diagnostic::error(
                    Code::SearchPath,
                    "`pg_temp` stands before other schemas: temporary tables would hide theirs",
                )
                .at(place.child("searchPath"))
                .help("remove `pg_temp`: it is put at the end"),
            );
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::Function, &self.name, Access::Create);
        // the server reads the body of an SQL function when it is created, others when called
        effects.opaque |= self.language.as_str() == "sql";
    }

    fn extra(&self, _: &Scope, context: &mut Map<String, Value>) {
        let arguments = self.arguments.as_deref().unwrap_or_default();
        context.insert("arguments".to_owned(), arguments.into());
        tidy_all(context, &["arguments", "returns"]);
        context.insert("signature".to_owned(), signature(tidy(arguments)).into());
        context.insert("body".to_owned(), format!("\n{}\n", self.body.trim_matches('\n').trim_end()).into());
        if !self.search_path.is_empty() {
            let mut path: Vec<&str> = self.search_path.iter().map(Ident::as_str).collect();
            path.retain(|schema| *schema != "pg_temp");
            path.push("pg_temp");
            context.insert("searchPath".to_owned(), path.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Undo;
    use crate::change::testing::{last, problems};
    use serde_json::json;

    #[test]
    fn definer_rights_need_a_pinned_search_path() {
        let with = |extra: Value| {
            let mut f = json!({"name": "app.f", "returns": "int", "body": "x", "securityDefiner": true});
            f.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            f
        };
        assert!(problems("createFunction", &with(json!({})))[0].starts_with(Code::SearchPath.word()));
        assert!(problems("createFunction", &with(json!({"searchPath": ["pg_temp", "app"]})))[0].contains("pg_temp"));
        assert!(problems("createFunction", &with(json!({"searchPath": ["app"]}))).is_empty());
        let (_, forward, _) = last(&[("createFunction", with(json!({"searchPath": ["app", "pg_temp"]})))]);
        assert!(forward.contains("SET search_path = app, pg_temp\n"), "{forward}");
    }

    #[test]
    fn it_is_dropped_by_its_argument_types() {
        let f = json!({"name": "app.f", "arguments": "a int = 1, b text", "returns": "int", "body": "x"});
        let (undo, _, rollback) = last(&[("createFunction", f)]);
        assert_eq!(undo, Undo::Derived);
        assert_eq!(rollback, "DROP FUNCTION app.f(a int, b text);\n");
    }
}

//! A function that runs with its owner's rights.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::SecurityDefinerSearchPath,
    reason: "The function finds tables, functions and operators through the search_path of whoever calls it: a caller puts a schema of its own before the real one, and its code runs with the rights of the owner (manual, CREATE FUNCTION, Writing SECURITY DEFINER Functions Safely).",
    example: r#"changes:
  - sql:
      forward: |
        CREATE FUNCTION app.total() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM app.orders';
        REVOKE ALL ON FUNCTION app.total() FROM PUBLIC;
      rollback: DROP FUNCTION app.total()
"#,
    fixed: r#"changes:
  - createFunction:
      name: app.total
      returns: bigint
      language: sql
      securityDefiner: true
      searchPath: [app]
      revokePublic: true
      body: SELECT count(*) FROM app.orders
"#,
    check: Check::Statement(check),
};

fn check(_: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::Definer { function, search_path } = &action.does else { return None };
    let problem = match search_path.as_deref() {
        None => "finds names through the search_path of its caller",
        Some([]) => "keeps whatever search_path the migration has",
        Some([only]) if only.is_empty() => return None,
        Some([.., last]) if last == "pg_temp" => return None,
        Some(_) => "looks into the temporary tables of its caller first, because pg_temp is not last",
    };
    let message = format!("`{function}` runs with its owner's rights and {problem}");
    let draft = Draft::new(Rule::SecurityDefinerSearchPath, unit, &action.at, message);
    let schema = function.schema.as_ref().map_or_else(|| "app".to_owned(), |schema| schema.sql().into_owned());
    let remedy = "pin the path, with pg_temp at its end; or use `createFunction` with `searchPath`";
    Some(draft.remedy(remedy).safe(format!("SECURITY DEFINER SET search_path = {schema}, pg_temp")))
}

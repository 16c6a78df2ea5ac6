//! A conversion that depends on the TimeZone of the session.

use crate::base::Rule;
use crate::lint::definition::{Check, Definition};
use crate::lint::subject::{Draft, Subject, Unit};
use crate::sql::review::{Action, Does};

pub(super) const RULE: Definition = Definition {
    rule: Rule::TimeZoneConversion,
    reason: "Between timestamp and timestamptz the server converts by the TimeZone setting of the session that runs the change: another setting gives other data.",
    example: r#"changes:
  - sql:
      forward: ALTER TABLE app.events ALTER COLUMN seen_at TYPE timestamptz
      rollback: ALTER TABLE app.events ALTER COLUMN seen_at TYPE timestamp USING seen_at AT TIME ZONE 'UTC'
lint:
  - { ignore: column-type-rewrite, reason: the table is small }
"#,
    fixed: r#"changes:
  - sql:
      forward: ALTER TABLE app.events ALTER COLUMN seen_at TYPE timestamptz USING seen_at AT TIME ZONE 'UTC'
      rollback: ALTER TABLE app.events ALTER COLUMN seen_at TYPE timestamp USING seen_at AT TIME ZONE 'UTC'
lint:
  - { ignore: column-type-rewrite, reason: the table is small }
"#,
    check: Check::Statement(check),
};

fn check(subject: &Subject<'_>, unit: &Unit<'_>, action: &Action) -> Option<Draft> {
    let Does::SetType { table, column, to, using } = &action.does else { return None };
    let is_time = to.starts_with("timestamp");
    let says = using.as_ref().is_some_and(|using| {
        let lower = using.to_lowercase();
        // an expression of another kind converts from another type
        lower.contains("at time zone") || lower.trim() != column.as_str()
    });
    if !is_time || says || !subject.is_in_use(unit, table) {
        return None;
    }
    let message = format!("the values of `{column}` are converted by the TimeZone of the session");
    let using = format!("USING {} AT TIME ZONE 'UTC'", column.sql());
    let line = format!("ALTER TABLE {} ALTER COLUMN {} TYPE {to} {using}", table.sql(), column.sql());
    let draft = Draft::new(Rule::TimeZoneConversion, unit, &action.at, message).about(table, column.as_str());
    Some(draft.remedy("name the time zone of the stored values").safe(line))
}

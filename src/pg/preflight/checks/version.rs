//! Statements that the server's release does not know.

use crate::pg::preflight::report::Report;
use crate::pg::preflight::requirements::statements;
use crate::pg::preflight::view::View;
use crate::sql;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    let major = u32::try_from(view.server.major()).unwrap_or(0);
    for step in &view.plan.steps {
        let needed = statements(step).filter_map(|(_, s)| sql::since(&s.sql)).max_by_key(|(release, _)| *release);
        if let Some((release, words)) = needed.filter(|(release, _)| *release > major) {
            report.error(
                format!(
                    "`{}` needs PostgreSQL {release} (`{}`); the server is {major}",
                    step.changeset,
                    words.to_uppercase()
                ),
                "upgrade the server, or use other SQL",
            );
        }
    }
}

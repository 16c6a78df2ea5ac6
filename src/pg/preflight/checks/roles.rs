//! Roles that are named and not there.

use crate::pg::preflight::report::Report;
use crate::pg::preflight::view::View;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    for role in &view.facts.missing_roles {
        report.missing(
            view,
            format!("the role `{role}` does not exist"),
            format!("CREATE ROLE {role} on this server: roles belong to the server, not to the database"),
        );
    }
}

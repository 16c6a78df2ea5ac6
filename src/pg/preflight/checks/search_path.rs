//! Schemas of the path under which changesets run, into which others may put something: a function,
//! operator or table there that fits better than the one that is meant is used in its place, with
//! the rights of this role (manual, chapter 5.9.6).

use crate::base::name::quote_ident;
use crate::pg::preflight::report::{Report, some};
use crate::pg::preflight::view::View;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    for shared in &view.facts.path {
        let (name, schema) = (&shared.schema, quote_ident(&shared.schema));
        if shared.public {
            report.warning(
                format!(
                    "every role may create functions and tables in `{name}`, which the `search_path` of changesets has: \
                     their code can run as `{}`",
                    view.server.user
                ),
                format!("REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"),
            );
        }
        if !shared.roles.is_empty() {
            let roles: Vec<String> = shared.roles.iter().map(|role| quote_ident(role).into_owned()).collect();
            report.note(
                format!(
                    "{} may create functions and tables in `{name}`, which the `search_path` of changesets has: their code \
                     can run as `{}`",
                    some(&shared.roles),
                    view.server.user
                ),
                format!("REVOKE CREATE ON SCHEMA {schema} FROM {}, unless these roles are trusted", roles.join(", ")),
            );
        }
    }
}

//! `dagmar check`: what can be wrong without a database.

use crate::base::count;
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::task::Outcome;
use crate::cli::shell::wording::worded;
use crate::ops::address::password_warning;
use crate::ops::check::Checked;
use crate::report;
use crate::source::password::has_password;

/// Checks the project's files without a database: YAML, keys, names, edges, templates.
///
/// Reports every error of every file at once. Compiles for one environment, with its variables. In SQL it
/// checks where statements, quotes, comments and parentheses end, and finds statements that must not
/// stand in a changeset. Only a server can check the grammar and whether objects exist: use
/// `dagmar plan --dry-run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar check
  dagmar check --env production
  dagmar check --format json | jq '.diagnostics[] | .file, .line'")]
pub struct Args {}

pub fn run(_: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let target = open::target(global)?;
    let view = target.view()?;
    let (compiled, warnings) = view.check()?;
    for (name, environment) in &target.workspace().loaded.config.environment_list {
        if environment.url.as_deref().is_some_and(has_password) {
            out.warn(&password_warning(name));
        }
    }
    let checked = Checked::of(&target, &view, &compiled, &warnings, worded);
    match form {
        Form::Json => out.json(&checked),
        Form::Text => {
            out.warnings(&warnings);
            let Checked { environment, changesets, irreversible, not_one_transaction: outside, .. } = checked;
            out.data(format!("{} in order; environment {environment}", count(changesets, "changeset")));
            if !compiled.excluded.is_empty() {
                out.data(format!("  not for this environment: {}", compiled.excluded.join(", ")));
            }
            if outside > 0 {
                out.data(format!("  more than one transaction: {}", count(outside, "changeset")));
            }
            if !warnings.is_empty() {
                out.data(format!("  {}", report::diag::summary(&warnings)));
            }
            if irreversible > 0 {
                out.data(format!("  cannot be rolled back: {}", count(irreversible, "changeset")));
            }
        }
    }
    // the process ends now: giving back each piece of a large project would take its time
    std::mem::forget(view);
    std::mem::forget(target);
    Ok(())
}

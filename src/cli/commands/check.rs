//! `dagmar check`: what can be wrong without a database.

use crate::base::{Failure, count};
use crate::cli::shell::file::{self, Replacement};
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::wording::worded;
use crate::ops::address::password_warning;
use crate::ops::check::{self, Added, Checked, Unchecked};
use crate::report;
use crate::source::password::has_password;

/// Checks the project's files without a database: YAML, keys, names, SQL, dependencies, templates.
///
/// Reports every error of every file at once. Compiles for one environment, with its variables. Compares
/// the declared dependencies with the SQL: a changeset that uses what another one makes has to come after
/// it, and two that define the same object have to be ordered. Only a server can check whether a statement
/// succeeds: use `dagmar plan --dry-run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar check
  dagmar check --fix
  dagmar check --env production --against
  dagmar check --format json | jq '.diagnostics[] | .file, .line'")]
pub struct Args {
    /// Adds missing dependencies to the files; layout and comments stay
    #[arg(long)]
    fix: bool,
    /// Looks in the environment's database for objects that no changeset makes
    #[arg(long)]
    against: bool,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let added = if args.fix { fix(global, form, out)? } else { Vec::new() };
    let target = open::target(global)?;
    let view = target.view()?;
    let found = view.check()?;
    view.fixtures()?;
    let there = if args.against && !found.comparison.unmade().is_empty() {
        Some(block_on(check::there(&target, &found.comparison, out))?)
    } else {
        None
    };
    let (checked, problems) = check::whole(&target, &view, &found, there.as_ref(), added, worded)?;
    for (name, environment) in &target.workspace().loaded.config.environment_list {
        if environment.url.as_deref().is_some_and(has_password) {
            out.warn(&password_warning(name));
        }
    }
    match form {
        Form::Json => out.json(&checked),
        Form::Text => {
            out.warnings(&problems);
            let Checked { environment, changesets, irreversible, not_one_transaction: outside, .. } = &checked;
            out.data(format!("{} in order; environment {environment}", count(*changesets, "changeset")));
            if !found.compiled.excluded.is_empty() {
                out.data(format!("  not for this environment: {}", found.compiled.excluded.join(", ")));
            }
            if *outside > 0 {
                out.data(format!("  more than one transaction: {}", count(*outside, "changeset")));
            }
            if !problems.is_empty() {
                out.data(format!("  {}", report::diag::summary(&problems)));
            }
            if *irreversible > 0 {
                out.data(format!("  cannot be rolled back: {}", count(*irreversible, "changeset")));
            }
            let redundant = checked.redundant_dependencies.len();
            if redundant > 0 {
                let verb = if redundant == 1 { "follows" } else { "follow" };
                let hint = format!("  hint: {} {verb} from others", count(redundant, "dependency"));
                out.data(hint + ": `dagmar graph --edges` lists them");
            }
            unchecked(&checked.unchecked, out);
        }
    }
    // the process ends now: giving back each piece of a large project would take its time
    std::mem::forget((found, problems));
    std::mem::forget(view);
    std::mem::forget(target);
    Ok(())
}

/// Names that are listed in one line.
const MOST_NAMED: usize = 5;

fn unchecked(changesets: &[Unchecked], out: &mut Output) {
    let Some(first) = changesets.first() else { return };
    let names: Vec<&str> = changesets.iter().take(MOST_NAMED).map(|c| c.changeset.as_str()).collect();
    let more = if changesets.len() > MOST_NAMED { ", …" } else { "" };
    out.data(format!(
        "  dependencies not compared with all SQL of {}: {}{more} ({})",
        count(changesets.len(), "changeset"),
        names.join(", "),
        first.reason
    ));
}

/// Adds what is missing to the files, and says so.
fn fix(global: &Global, form: Form, out: &mut Output) -> Result<Vec<Added>, Failure> {
    let target = open::target(global)?;
    let view = target.view()?;
    let found = view.check()?;
    let fixes = check::fixes(&view, &found.comparison)?;
    let replaced = fixes.iter().map(|fix| Replacement { path: &fix.path, before: &fix.before, text: &fix.text });
    file::replace_texts(&replaced.collect::<Vec<_>>())?;
    let added: Vec<Added> = fixes.into_iter().flat_map(|fix| fix.added).collect();
    if form == Form::Text {
        for Added { changeset, dependency, file } in &added {
            out.data(format!("{file}: `{changeset}` depends on `{dependency}` now"));
        }
    }
    Ok(added)
}

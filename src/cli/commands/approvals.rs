//! `dagmar approvals`: what was said of sealed plans.

use crate::base::time;
use crate::cli::shell::chosen;
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::task::{Outcome, block_on};
use crate::ops::keys::open_plan;
use crate::report::{Cell, Table};
use std::path::PathBuf;

/// Lists approvals and rejections of sealed plans.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar approvals list
  dagmar approvals list release.plan --env production --format json")]
pub struct Args {
    #[command(subcommand)]
    what: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Lists who approved or rejected which plan in this environment, when and why
    List {
        /// Only decisions about this sealed plan
        #[arg(value_name = "FILE")]
        plan: Option<PathBuf>,
    },
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    match &args.what {
        Action::List { plan } => list(plan.as_ref(), global, out),
    }
}

fn list(plan: Option<&PathBuf>, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let plan = plan.map(|file| open_plan(file, None)).transpose()?;
    let global = &chosen::environment(global, plan.as_ref())?;
    let target = open::target(global)?;
    let digest = plan.as_ref().map(|p| p.digest.as_str());
    let answer = block_on(crate::ops::history::approvals(&target, digest, out))?;
    match form {
        Form::Json => out.json(&answer),
        Form::Text if answer.approvals.is_empty() => out.data("no plan has been approved or rejected here yet"),
        Form::Text => {
            let short = |at: i64| time::rfc3339(at).trim_end_matches('Z').replace('T', " ");
            let mut table =
                Table::new(&["AT (UTC)", "VERDICT", "ROLE", "BY", "UNTIL", "PLAN", "REASON"]).dispensable(&[4, 3, 5]);
            for a in &answer.approvals {
                table.row([
                    Cell::from(short(a.at).as_str()),
                    Cell::from(a.verdict.word()),
                    Cell::from(a.by.as_str()),
                    Cell::from(a.os_user.as_str()),
                    Cell::from(a.expires_at.map(short).unwrap_or_default().as_str()),
                    Cell::from(a.digest.get(..15).unwrap_or_default()),
                    Cell::from(a.reason.as_str()),
                ]);
            }
            out.data(table.text(out.limit()));
        }
    }
    Ok(())
}

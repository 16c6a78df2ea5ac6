//! `dagmar plan`: what would run.

use crate::base::{Diagnostics, Failure, FailureKind, HumanDuration};
use crate::cli::shell::chosen::hint;
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, choose};
use crate::cli::shell::rehearsal::{self, DryRunArgs};
use crate::cli::shell::running::{Running, plan_formats};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::wording::worded;
use crate::cli::shell::{complete, left, open, sealing};
use crate::history::History;
use crate::ops::address::EMBEDDED;
use crate::ops::gates::Overrides;
use crate::ops::preview::{Asked, preview};
use crate::ops::refusal::{Attempt, recorded};
use crate::ops::{Planned, RunSource, Target, about, lint, preflight};
use crate::plan;
use crate::report::{Detail, PlanFormat, PlanOptions, Preview};
use crate::sql::Catalog;
use std::path::PathBuf;

/// Shows what `apply` would run: order, waves, SQL both ways, locks, hazards.
///
/// Only reads the environment's database; `--dry-run` runs the plan there, with its locks, and rolls it
/// back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar plan
  dagmar plan --sql --env staging
  dagmar plan --against production
  dagmar plan --select +008-active-organization --format markdown
  dagmar plan --dry-run --url postgres://localhost/shop
  dagmar plan --dry-run --shadow --env production
  dagmar plan --for staging,production --out release.plan --sign release.key
  dagmar plan --verify release.plan --key release.key.pub --sql
  dagmar plan --offline --format html > plan.html")]
pub struct Args {
    /// Only these changesets: id, +id (with dependencies), id+ (with dependents), label:x
    #[arg(long, short, value_name = "SELECTOR", add = complete::selectors())]
    select: Vec<String>,
    /// Shows the SQL of both directions
    #[arg(long)]
    sql: bool,
    #[command(flatten)]
    dry: DryRunArgs,
    /// Also asks this database and its policies: who waits for whom now, what is not allowed, the gates, the preflight
    /// of `apply`; exit code 5 if the preflight has errors
    #[arg(long, value_name = "ENV|URL", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["offline", "dry_run"], add = complete::environments())]
    against: Option<String>,
    /// Without a connection: as if the database were empty
    #[arg(long)]
    offline: bool,
    /// Seals the plan into this file: `dagmar apply FILE` runs it and nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["offline", "dry_run", "against", "sql"])]
    out: Option<PathBuf>,
    /// With --out: overwrites a file even if it is not a sealed plan; never a private key
    #[arg(long, requires = "out")]
    force: bool,
    /// Seals it for these environments, in the order of promotion: staging,production
    #[arg(long = "for", value_name = "ENV", value_delimiter = ',', requires = "out", add = complete::environments())]
    environments: Vec<String>,
    /// Signs it with this private key, see `dagmar key`
    #[arg(long, value_name = "KEYFILE", requires = "out")]
    sign: Option<PathBuf>,
    /// Puts the proofs of its changesets into the signed plan, for the gate `proven`: the output of `dagmar prove --format json`
    #[arg(long, value_name = "FILE", requires = "sign")]
    proof: Vec<PathBuf>,
    /// How long the sealed plan is valid
    #[arg(long, value_name = "TIME", default_value = "7d", requires = "out")]
    expires: HumanDuration,
    /// Verifies digest, signature and expiry of a sealed plan and shows it, without a server
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "offline", "dry_run", "against", "select"])]
    verify: Option<PathBuf>,
    /// With --verify: the plan must be signed with this key; KEYFILE is its public half
    #[arg(long, value_name = "KEYFILE", requires = "verify")]
    key: Option<PathBuf>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    if let Some(file) = &args.verify {
        return sealing::verify(file, args.key.as_deref(), args.sql, global, out);
    }
    if let Some(file) = &args.out {
        let Args { environments, sign, expires, select, force, proof, .. } = args;
        let order = sealing::SealArgs {
            out: file,
            environments,
            sign: sign.as_deref(),
            expires: *expires,
            select,
            force: *force,
            proofs: proof,
        };
        return sealing::seal(&order, global, out);
    }
    let format = choose(global, &plan_formats())?;
    let form = if format == PlanFormat::Json { Form::Json } else { Form::Text };
    let global = &against(global, args.against.as_deref().unwrap_or_default())?;
    let target = open::target(global)?;
    let source = RunSource::files(&target, &args.select)?;
    hint(&source, out);
    let detail = if args.sql { Detail::Sql } else { Detail::Statements };
    let options = PlanOptions { limit: out.limit(), detail };
    if args.offline {
        return offline(args, &target, &source, (format, options, form), global, out);
    }
    if args.dry.dry_run() {
        return block_on(dry_run(args, &target, &source, form, global, out));
    }
    let (none, reviews) = (Overrides::default(), format == PlanFormat::Html);
    block_on(async {
        let asked = Asked { overrides: &none, from: None, looks: args.against.is_some(), reviews };
        let previewed = preview(&target, &source, asked, out).await?;
        tell(previewed.elsewhere.as_deref(), &previewed.exposed, &previewed.missing, out);
        out.report(format.render(&[previewed.shown(worded)], options));
        if args.against.is_none() {
            return Ok(());
        }
        previewed.bound.map_or(Ok(()), Err)?;
        preflight::refusal(previewed.now.as_ref().map_or(&[], |now| &now.findings))
    })
}

/// What is worth knowing before a plan is shown.
fn tell(elsewhere: Option<&str>, exposed: &Diagnostics, missing: &[String], out: &mut Output) {
    if let Some(other) = elsewhere {
        out.warn(&format!("the ledger of this database belongs to `{other}`; see `dagmar adopt`"));
    }
    out.warnings(exposed);
    left::warn_of(missing, out);
}

/// Runs the plan and rolls it back.
async fn dry_run(
    args: &Args,
    target: &Target,
    source: &RunSource<'_>,
    form: Form,
    global: &Global,
    out: &mut Output,
) -> Outcome {
    let (none, running) = (Overrides::default(), Running::default());
    let result = async {
        let planned = Planned::new(target, source, &none, None, out).await?;
        let elsewhere = target.bound_elsewhere(&planned.history);
        tell(elsewhere, &planned.exposed_passwords(), &planned.missing(), out);
        rehearsal::dry_run(&planned, DRY_RUN, &args.dry, &running, form, global, out).await?;
        planned.close().await
    };
    let result = result.await;
    match args.dry.shadow {
        false => recorded(result, Attempt { operation: DRY_RUN, plan: None }, target, out).await,
        true => result,
    }
}

/// What the ledger keeps of a dry run.
const DRY_RUN: &str = "plan --dry-run";

/// The plan for an empty database.
fn offline(
    args: &Args,
    target: &Target,
    source: &RunSource<'_>,
    (format, options, form): (PlanFormat, PlanOptions, Form),
    global: &Global,
    out: &mut Output,
) -> Outcome {
    let Some(view) = source.view() else { return Ok(()) };
    let mut plan =
        view.plan_of(&History::default(), source.selected())?.unwrap_or_else(|_| unreachable!("nothing is applied"));
    plan::resolve(&mut plan, Catalog::default());
    out.warnings(&view.exposed_passwords(&plan));
    if args.dry.shadow {
        return block_on(rehearsal::on_shadow(target, None, &plan, &Running::default(), form, global, out));
    }
    if args.dry.dry_run() {
        return Err(Failure::new(FailureKind::Usage, "a dry run needs a server, but `--offline` connects to none")
            .help("`--shadow` uses a temporary private server"));
    }
    let review = if format == PlanFormat::Html { lint::answer(target, source, &plan)? } else { None };
    let about = about::offline(target);
    let preview = Preview { review: review.as_ref(), ..Preview::new(&plan, &about, worded) };
    out.report(format.render(&[preview], options));
    Ok(())
}

/// The options with what `--against` names: an environment, or a connection.
fn against(global: &Global, target: &str) -> Result<Global, Failure> {
    let mut global = global.clone();
    if target.is_empty() {
        return Ok(global);
    }
    let url = target == EMBEDDED || target.contains("://") || target.contains('=');
    if global.url.is_some() || !url && global.env.as_deref().is_some_and(|env| env != target) {
        return Err(Failure::new(
            FailureKind::Usage,
            format!("`--against {target}` and `--url` or `--env` name two databases"),
        )
        .help("pass only one of them"));
    }
    let place = if url { &mut global.url } else { &mut global.env };
    *place = Some(target.to_owned());
    Ok(global)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args, FromArgMatches};

    fn global(args: &[&str]) -> Global {
        let command = Global::augment_args(clap::Command::new("x").no_binary_name(true));
        Global::from_arg_matches(&command.try_get_matches_from(args).unwrap()).unwrap()
    }

    #[test]
    fn a_target_is_an_environment_or_a_connection() {
        let of = |args: &[&str], target: &str| against(&global(args), target).map(|g| (g.env, g.url));
        let text = |t: &str| Some(t.to_owned());
        assert_eq!(of(&[], "production").unwrap(), (text("production"), None));
        assert_eq!(of(&["--env", "a"], "postgres://b/c").unwrap(), (text("a"), text("postgres://b/c")));
        assert_eq!(of(&[], "host=b dbname=c").unwrap().1, text("host=b dbname=c"));
        assert_eq!(of(&["--env", "a"], "").unwrap(), (text("a"), None));
        for args in [["--env", "a"], ["--url", "postgres://b"]] {
            assert_eq!(of(&args, "production").unwrap_err().kind, FailureKind::Usage);
        }
    }
}

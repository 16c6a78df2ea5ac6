//! `dagmar promote`: brings what one environment has to the next.

use super::apply::{Request, Show, carry_out};
use crate::base::{Failure, FailureKind};
use crate::cli::shell::chosen::{self, Chosen};
use crate::cli::shell::gates::GateArgs;
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, choose};
use crate::cli::shell::rehearsal::DryRunArgs;
use crate::cli::shell::running::{Running, plan_formats};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::{complete, open};
use crate::ops::{Options, promotion};
use crate::report::PlanFormat;

/// Applies in an environment exactly what the previous environment has, when every gate is met.
///
/// Selects changesets that are applied there and pending here, with the same checksums, and their
/// dependencies. The gates are evaluated from the ledgers of both databases and the clocks of their
/// servers. If a gate is not met, nothing runs and the exit code is 5.
///
/// A sealed plan is promoted unchanged: the rest of it runs when the source has all of it and every gate
/// is met, including its approvals.
///
/// Gates: required-policy, promote-only, source-settled, same-checksum-on-source, dependencies-present,
/// verify-passed-on-source, applied-cleanly-on-source, soak, destructive-allowed, lint, proven, drift, window,
/// freeze, rate, signed-by, approvals.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar promote --to production --check
  dagmar promote --to production --check --format markdown > ticket.md
  dagmar promote --to production --dry-run --shadow
  dagmar promote --from staging --to production --yes
  dagmar promote --to production --select +008-active-organization
  dagmar promote release.plan --to production --key release.key.pub
  dagmar promote --to production --override window --reason 'INC-4711: orders are lost'")]
pub struct Args {
    #[command(flatten)]
    chosen: Chosen,
    /// The source environment [default: promoteFrom of the target environment]
    #[arg(long, value_name = "ENV", add = complete::environments())]
    from: Option<String>,
    /// The target environment [default: --env]
    #[arg(long, value_name = "ENV", add = complete::environments())]
    to: Option<String>,
    /// Runs nothing: shows whether the gates are met; exit code 5 if one is not
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    #[command(flatten)]
    dry: DryRunArgs,
    /// Runs even if the preflight reports errors
    #[arg(long)]
    no_preflight: bool,
    #[command(flatten)]
    overrides: GateArgs,
    #[command(flatten)]
    running: Running,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let format = if args.check { choose(global, &plan_formats())? } else { choose(global, &plan_formats()[..2])? };
    let form = if format == PlanFormat::Json { Form::Json } else { Form::Text };
    let document = matches!(format, PlanFormat::Markdown | PlanFormat::Html).then_some(format);
    let to = args.to.clone().or_else(|| global.env.clone());
    if to.is_none() && args.chosen.plan.is_none() {
        return Err(Failure::new(FailureKind::Usage, "no target environment given").help("name it: `--to production`"));
    }
    let there = Global { env: to, ..global.clone() };
    let plan = args.chosen.open("promote", &there, out)?;
    let there = chosen::environment(&there, plan.as_ref())?;
    let target = open::target(&there)?;
    let source = args.chosen.source(&target, plan, out)?;
    let from = promotion::source(&target, args.from.as_deref())?;
    let options = Options {
        overrides: args.overrides.overrides(),
        run: args.running.options()?,
        skip_preflight: args.no_preflight,
    };
    let show = Show { check: args.check, document, dry: &args.dry, running: &args.running, form };
    let operation = if args.dry.dry_run() { "promote --dry-run" } else { "promote" };
    let request = Request { target: &target, source: &source, options: &options, operation };
    block_on(carry_out(&show, &request, Some(from), &there, out))
}

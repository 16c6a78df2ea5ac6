//! `dagmar promote`: brings what one environment has to the next.

use super::apply::{Order, carry_out};
use super::audit::{Tried, audited};
use super::complete;
use super::gating::{From, Gating, Words};
use super::global::Global;
use super::output::{Form, Output, choose};
use super::plan::formats;
use super::rehearsal;
use super::running::Running;
use super::sealed::{self, Chosen, Run};
use super::session::Session;
use super::{Outcome, block_on};
use crate::base::{Failure, Kind};
use crate::ledger::RunKind;
use crate::pg::ledger::evidence;
use crate::report::PlanFormat;
use crate::source::ProjectConfig;

/// Brings to an environment exactly what the one before it has, when every gate is met.
///
/// Takes what is applied there and pending here, with the same checksums, and what that
/// depends on. The gates are asked on evidence: the ledgers of both databases, by the clocks of
/// their servers. When one is not met, nothing is run and the exit code is 5.
///
/// A sealed plan is promoted as it is: what is left of it runs when the source has all of it
/// and every gate is met, approvals of it included.
///
/// Gates: required-policy, promote-only, source-settled, same-checksum-on-source, dependencies-present,
/// verify-passed-on-source, applied-cleanly-on-source, soak, destructive-allowed, window,
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
    /// Where it comes from [default: promoteFrom of the environment it goes to]
    #[arg(long, value_name = "ENV", add = complete::environments())]
    from: Option<String>,
    /// Where it goes [default: --env]
    #[arg(long, value_name = "ENV", add = complete::environments())]
    to: Option<String>,
    /// Runs nothing: says whether the gates are met; exit code 5 when one is not
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    #[command(flatten)]
    dry: rehearsal::Options,
    /// Runs also what the preflight has errors against
    #[arg(long)]
    no_preflight: bool,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    running: Running,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let format = if args.check { choose(global, &formats())? } else { choose(global, &formats()[..2])? };
    let form = if format == PlanFormat::Json { Form::Json } else { Form::Text };
    let document = matches!(format, PlanFormat::Markdown | PlanFormat::Html).then_some(format);
    let to = args.to.clone().or_else(|| global.env.clone());
    if to.is_none() && args.chosen.plan.is_none() {
        return Err(Failure::new(Kind::Usage, "where to is not said").help("name the environment: `--to production`"));
    }
    let there = Global { env: to, ..global.clone() };
    let plan = args.chosen.open("promote", &there, out)?;
    let there = sealed::environment(&there, plan.as_ref())?;
    let session = Session::open(&there)?;
    let run = Run::of(&session, plan.as_ref(), &args.chosen, out)?;
    let from = source(args, &session.workspace.loaded.config, &session.environment)?;
    let only = run.only(&args.chosen)?;
    let here = Global { env: Some(from.clone()), url: None, ..global.clone() };
    let origin = Session::open(&here)?;
    let result = block_on(async {
        let of = |failure: Failure| Failure { message: format!("`{from}`: {}", failure.message), ..failure };
        let theirs = origin.connect(&here, out).await.map_err(of).map_err(|f| f.note("nothing was run"))?;
        let remote = session.connect(&there, out).await?;
        if evidence::identity(&theirs.connection).await? == evidence::identity(&remote.connection).await? {
            return Err(Failure::new(
                Kind::Usage,
                format!("`{from}` and `{}` are the same database: {}", session.environment, remote.describe()),
            )
            .help("look at the URLs in dagmar.yaml, and at the variables in them"));
        }
        let gating =
            Gating::new(&session, run.what(), &args.words, only, Some(From { session: origin, remote: theirs }))?;
        let order = Order {
            kind: RunKind::Promote,
            check: args.check,
            document,
            dry: &args.dry,
            no_preflight: args.no_preflight,
            running: &args.running,
        };
        carry_out(&order, &session, remote, gating, form, &there, out).await
    });
    let command = if args.dry.on_server.dry_run { "promote --dry-run" } else { "promote" };
    match args.check || args.dry.shadow {
        true => result,
        false => audited(result, Tried { command, plan: run.digest() }, &session, &there, out),
    }
}

/// Where it comes from: no environment may be left out on the way.
fn source(args: &Args, config: &ProjectConfig, to: &str) -> Result<String, Failure> {
    let wrong = |message: String, help: String| Failure::new(Kind::Usage, message).help(help);
    let before = config.environment(to).and_then(|e| e.promote_from.clone());
    let from = match (&args.from, &before) {
        (Some(from), Some(before)) if from != before => {
            let message = format!("`{to}` is promoted from `{before}`, not from `{from}`");
            return Err(wrong(message, format!("promote to `{before}` first: `dagmar promote --to {before}`")));
        }
        (Some(from), _) => from.clone(),
        (None, Some(before)) => before.clone(),
        (None, None) => {
            let message = format!("`{to}` has no `promoteFrom` in dagmar.yaml");
            return Err(wrong(message, "name the source: `--from staging`, or write it there".to_owned()));
        }
    };
    let place = |name: &str| config.environment_list.iter().position(|(n, _)| n == name);
    let Some(first) = place(&from) else {
        let names: Vec<&str> = config.environment_list.iter().map(|(n, _)| n.as_str()).collect();
        return Err(wrong(
            format!("there is no environment `{from}`"),
            format!("dagmar.yaml has: {}", names.join(", ")),
        ));
    };
    if place(to).is_none_or(|last| first >= last) {
        let message = format!("`{from}` does not come before `{to}`");
        return Err(wrong(message, "dagmar.yaml has the environments in the order of promotion".to_owned()));
    }
    if config.environment(&from).is_none_or(|e| e.url.is_none() && e.url_command.is_none() && e.url_file.is_none()) {
        let message = format!("the environment `{from}` has no `url`, `urlCommand` or `urlFile`");
        return Err(wrong(message, "a promotion needs both databases: write it in dagmar.yaml".to_owned()));
    }
    Ok(from)
}

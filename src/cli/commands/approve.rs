//! `dagmar approve`: says yes to a sealed plan.

use crate::base::HumanDuration;
use crate::cli::shell::chosen::{self, open_for};
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::running::confirm;
use crate::cli::shell::task::{Outcome, block_on};
use crate::history::ApprovalVerdict;
use crate::ops::approval::{self, Decision};
use crate::ops::refusal::{Attempt, recorded};
use crate::ops::run::check_reason;
use std::path::PathBuf;

/// Approves a sealed plan for one environment, in the ledger of its database.
///
/// An approval is valid for this plan only: any change to what would run changes the digest. The server
/// supplies database user, time and address. A later decision of the same user replaces an earlier one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar approve release.plan --reason 'read and rehearsed'
  dagmar approve release.plan --env production --reason 'CHG-1042' --expires 2d --yes
  dagmar approve release.plan --key release.key.pub --reason 'signed by CI, read by me'")]
pub struct Args {
    #[command(flatten)]
    pub args: ApprovalArgs,
    /// How long the approval is valid [default: as long as the plan]
    #[arg(long, value_name = "TIME")]
    expires: Option<HumanDuration>,
}

/// What approve and reject have in common.
#[derive(Debug, clap::Args)]
pub struct ApprovalArgs {
    /// The sealed plan
    #[arg(value_name = "FILE")]
    pub plan: PathBuf,
    /// The reason; the history keeps it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The plan must be signed with this key; KEYFILE is its public half
    #[arg(long, value_name = "KEYFILE")]
    pub key: Option<PathBuf>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    record(&args.args, ApprovalVerdict::Approve, args.expires, global, out)
}

/// Records a decision on a plan.
pub fn record(
    args: &ApprovalArgs,
    verdict: ApprovalVerdict,
    expires: Option<HumanDuration>,
    global: &Global,
    out: &mut Output,
) -> Outcome {
    let form = form(global)?;
    let reason = args.reason.trim();
    check_reason(reason)?;
    let (command, done) = match verdict {
        ApprovalVerdict::Approve => ("approve", "approved"),
        ApprovalVerdict::Reject => ("reject", "rejected"),
    };
    let plan = open_for(command, &args.plan, args.key.as_deref(), global, out)?;
    let global = &chosen::environment(global, Some(&plan))?;
    let target = open::target(global)?;
    let digest = plan.digest.as_str();
    let decision = Decision { plan: &plan, verdict, reason, expires };
    let decided = block_on(async {
        let result = async {
            let prepared = approval::prepare(&target, &decision, out).await?;
            confirm(global, &format!("{command} {digest} for {}?", target.environment))?;
            prepared.record().await
        };
        let result = result.await;
        recorded(result, Attempt { operation: command, plan: Some(digest) }, &target, out).await
    })?;
    match form {
        Form::Json => out.json(&decided),
        Form::Text => {
            out.data(format!("{done} for {}: {digest}", target.environment));
            if verdict == ApprovalVerdict::Approve {
                out.say("note: it does not count for a run by the approving role: another role has to apply the plan");
            }
        }
    }
    Ok(())
}

//! `dagmar reject`: says no to a sealed plan.

use super::approve::{ApprovalArgs, record};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::Output;
use crate::cli::shell::task::Outcome;
use crate::history::ApprovalVerdict;

/// Rejects a sealed plan for one environment: nobody can run it there.
///
/// Only the user who rejected it can revoke that, by approving it. Any change to the plan makes it another
/// plan.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar reject release.plan --reason 'locks orders at noon'
  dagmar reject release.plan --env production --reason 'wrong branch' --yes")]
pub struct Args {
    #[command(flatten)]
    args: ApprovalArgs,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    record(&args.args, ApprovalVerdict::Reject, None, global, out)
}

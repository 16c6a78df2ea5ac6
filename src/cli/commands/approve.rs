//! `dagmar approve`: says yes to a sealed plan.

use super::pause::up_to_date;
use crate::base::Span;
use crate::cli::shell::audit::{Tried, audited};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::running::{confirm, given};
use crate::cli::shell::session::{Session, holder};
use crate::cli::shell::{seal, sealed};
use crate::cli::{Outcome, block_on};
use crate::ledger::Verdict;
use crate::pg::ledger::approvals::{self, Word};
use serde_json::json;
use std::path::PathBuf;

/// Approves a sealed plan for one environment, in the ledger of its database.
///
/// It holds for this very plan: any change to what would run gives it another digest. Database
/// user, time and address are the server's word. A later word of the same user replaces it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar approve release.plan --reason 'read and rehearsed'
  dagmar approve release.plan --env production --reason 'CHG-1042' --expires 2d --yes
  dagmar approve release.plan --key release.key.pub --reason 'signed by CI, read by me'")]
pub struct Args {
    #[command(flatten)]
    pub said: Said,
    /// How long it counts; left out: as long as the plan
    #[arg(long, value_name = "TIME")]
    expires: Option<Span>,
}

/// What approve and reject have in common.
#[derive(Debug, clap::Args)]
pub struct Said {
    /// The sealed plan
    #[arg(value_name = "FILE")]
    pub plan: PathBuf,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The plan must be signed with the private half of this key
    #[arg(long, value_name = "KEYFILE")]
    pub key: Option<PathBuf>,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    say(&args.said, Verdict::Approve, args.expires, global, out)
}

/// Records a word on a plan.
pub fn say(said: &Said, verdict: Verdict, expires: Option<Span>, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let reason = said.reason.trim();
    given(reason)?;
    let (command, done) = match verdict {
        Verdict::Approve => ("approve", "approved"),
        Verdict::Reject => ("reject", "rejected"),
    };
    let plan = seal::open_for(command, &said.plan, said.key.as_deref(), global, out)?;
    let global = &sealed::environment(global, Some(&plan))?;
    let session = Session::open(global)?;
    let digest = plan.digest.as_str();
    let result = block_on(async {
        let mut remote = session.connect(global, out).await?;
        remote.server.check_writable(session.ledger())?;
        let history = remote.history(session.ledger()).await?;
        // a plan that could not run is nothing to approve; to reject it needs less
        match verdict {
            Verdict::Approve => drop(sealed::may_be_approved(&plan, &session, &remote, &history).await?),
            Verdict::Reject => _ = plan.part(&session.environment)?,
        }
        confirm(global, &format!("{command} {digest} for {}?", session.environment))?;
        up_to_date(&session, &mut remote, &history).await?;
        let word = Word { digest, verdict, reason, expires };
        approvals::write(&remote.connection, session.ledger(), &holder(), &word).await?;
        remote.close().await
    });
    audited(result, Tried { command, plan: Some(digest) }, &session, global, out)?;
    match form {
        Form::Json => out.json(&json!({
            "verdict": verdict, "plan": digest, "environment": session.environment, "reason": reason,
        })),
        Form::Text => {
            out.data(format!("{done} for {}: {digest}", session.environment));
            if verdict == Verdict::Approve {
                out.say(
                    "note: it does not count for a run of whoever approved it: somebody else has to apply the plan",
                );
            }
        }
    }
    Ok(())
}
